"""Python 2 in the syntax of Python 3, as fissix (the maintained lib2to3) translates it. Names of libraries stay as they are.

Importing this takes a fifth of a second: who may not need it imports it late.
"""

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache

from fissix.pgen2 import driver, pgen

# The library would keep its tables as pickles in the user's cache, and nothing here unpickles.
driver.load_grammar = lambda source, *_, **__: pgen.generate_grammar(source)

from fissix import pytree  # noqa: E402
from fissix.fixer_util import Name, String  # noqa: E402
from fissix.fixes.fix_except import FixExcept  # noqa: E402
from fissix.fixes.fix_exec import FixExec  # noqa: E402
from fissix.fixes.fix_ne import FixNe  # noqa: E402
from fissix.fixes.fix_numliterals import FixNumliterals  # noqa: E402
from fissix.fixes.fix_print import FixPrint  # noqa: E402
from fissix.fixes.fix_raise import FixRaise  # noqa: E402
from fissix.fixes.fix_repr import FixRepr  # noqa: E402
from fissix.fixes.fix_tuple_params import FixTupleParams  # noqa: E402
from fissix.pgen2 import token  # noqa: E402
from fissix.pgen2.parse import ParseError  # noqa: E402
from fissix.pgen2.tokenize import TokenError  # noqa: E402
from fissix.pygram import python_symbols as symbols  # noqa: E402
from fissix.refactor import RefactoringTool  # noqa: E402

_PRINT_FUNCTION = re.compile(r"^from __future__ import [^\n]*\bprint_function\b", re.MULTILINE)
_RAW_UNICODE = re.compile(r"[uU][rR](?=['\"])")
_FORMATTED = re.compile(r"(?i:rf|fr?)['\"]")
# What no Python 2 has.
_NEW_TOKENS = (token.ASYNC, token.AWAIT, token.RARROW, token.COLONEQUAL)
_NEW_NODES = (symbols.annassign, symbols.tname, symbols.yield_arg)


def translated(source: str) -> str | None:
    """`source`, if it is Python 2, in Python 3's syntax; None if it has what only Python 3 has, or is neither's.

    What both read stays as it is, `print("a", b)` for example.
    """
    text = source if source.endswith("\n") else source + "\n"
    is_function = _PRINT_FUNCTION.search(text) is not None
    tree = None if is_function else _parsed(_with_statement(), text)
    tool = _with_statement() if tree is not None else _with_function()
    tree = tree or _parsed(tool, text)
    if tree is None or _is_new(tree):
        return None
    _unprefix(tree)
    tool.refactor_tree(tree, "text")
    new = str(tree)
    return new if text is source else new.removesuffix("\n")


class _Print(FixPrint):  # type: ignore[misc]
    """Leaves alone what is a call to Python 3, and writes strings with the text's own quotes."""

    def start_tree(self, tree: pytree.Base, filename: str) -> None:
        super().start_tree(tree, filename)
        quotes = Counter(
            leaf.value.lstrip("rRuUbB")[:1] for leaf in _leaves(tree) if leaf.type == token.STRING
        )
        self.quote = "'" if quotes["'"] > quotes['"'] else '"'

    def transform(self, node: pytree.Base, results: dict[str, object]) -> pytree.Base | None:
        arguments = node.children[1:]
        if len(arguments) == 1 and _is_bracketed(arguments[0]) and not results.get("bare"):
            return None
        if len(arguments) == 2 and _is_bracketed(arguments[0]) and arguments[1].type == token.COMMA:
            arguments[0].replace(_unbracketed(arguments[0]))
        return super().transform(node, results)

    def add_kwarg(self, l_nodes: list[pytree.Base], s_kwd: str, n_expr: pytree.Base) -> None:
        own = String(self.quote + " " + self.quote) if s_kwd == "end" else n_expr
        super().add_kwarg(l_nodes, s_kwd, own)


class _Exec(FixExec):  # type: ignore[misc]
    """`exec (code) in scope` has no brackets within brackets."""

    def transform(self, node: pytree.Base, results: dict[str, pytree.Base]) -> pytree.Base:
        if _is_bracketed(results["a"]):
            results["a"] = _unbracketed(results["a"])
        return super().transform(node, results)


class _TupleParameters(FixTupleParams):  # type: ignore[misc]
    """Names a pair of parameters after nobody."""

    def new_name(self, template: str = "item") -> str:
        return super().new_name(template)  # type: ignore[no-any-return]


_FIXERS = (FixExcept, FixRaise, FixRepr, FixNe, FixNumliterals, _Exec, _TupleParameters)


class _Tool(RefactoringTool):  # type: ignore[misc]
    """The library's loop with our choice of its fixers: those of the syntax."""

    def __init__(self, *, has_print_statement: bool) -> None:
        self.chosen = (*_FIXERS, _Print) if has_print_statement else _FIXERS
        super().__init__([], {"print_function": not has_print_statement})

    def get_fixers(self) -> tuple[list[object], list[object]]:
        fixers = [fixer(self.options, self.fixer_log) for fixer in self.chosen]
        fixers.sort(key=lambda fixer: fixer.run_order)
        return (
            [fixer for fixer in fixers if fixer.order == "pre"],
            [fixer for fixer in fixers if fixer.order == "post"],
        )


@cache
def _with_statement() -> _Tool:
    return _Tool(has_print_statement=True)


@cache
def _with_function() -> _Tool:
    return _Tool(has_print_statement=False)


def _parsed(tool: _Tool, text: str) -> pytree.Node | None:
    try:
        tree = tool.driver.parse_string(text)
    except (ParseError, TokenError, SyntaxError, AssertionError, RecursionError):
        # The tokenizer asserts that its tokens follow each other.
        return None
    return tree if isinstance(tree, pytree.Node) else None


def _leaves(tree: pytree.Base) -> Iterator[pytree.Leaf]:
    return (node for node in tree.pre_order() if isinstance(node, pytree.Leaf))


def _is_new(tree: pytree.Node) -> bool:
    """Whether something in a text is of Python 3."""
    for node in tree.pre_order():
        if node.type in _NEW_NODES or node.type in _NEW_TOKENS:
            return True
        if node.type == token.STRING and _FORMATTED.match(node.value):
            return True
        if node.type == token.NAME and node.value == "nonlocal":
            return True
        if node.type == symbols.raise_stmt and any(child == Name("from") for child in node.children):
            return True
    return False


def _unprefix(tree: pytree.Node) -> None:
    """`ur"..."` -> `r"..."`, which is what it means to Python 3, unless there are escapes for characters."""
    for leaf in _leaves(tree):
        if leaf.type == token.STRING and _RAW_UNICODE.match(leaf.value) and "\\u" not in leaf.value:
            leaf.value = leaf.value[1:]
            leaf.changed()


def _is_bracketed(node: pytree.Base) -> bool:
    return bool(node.type == symbols.atom and node.children[0].type == token.LPAR)


def _unbracketed(node: pytree.Base) -> pytree.Base:
    """What stands in brackets, unless that is a tuple or goes over lines."""
    inner = node.children[1:-1]
    if len(inner) != 1 or inner[0].type in (symbols.testlist_gexp, symbols.yield_expr) or "\n" in str(node):
        return node.clone()
    found = inner[0].clone()
    found.prefix = node.prefix
    return found
