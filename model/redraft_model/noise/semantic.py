"""Semantic noise: code that still parses but means something else, by slips that reviewers overlook."""

import ast
import builtins
import itertools
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import ClassVar, NamedTuple, TypeVar

from redraft_model.noise.registry import register
from redraft_model.passage import Span

Item = TypeVar("Item")


@register
@dataclass(frozen=True)
class SemanticNoise:
    """One mutation, or two with probability `second`: BugLab's (arXiv 2105.12787), and similar attributes.

    The text is edited in place, so formatting and comments stay. The output parses and its syntax tree
    differs from the input's; where that cannot be had (the input does not parse, nothing applies) the code
    is returned unchanged.
    """

    name: ClassVar[str] = "semantic"
    second: float = 0.2

    def worsen(self, code: str, rng: Random) -> str:
        """`code` with a wrong name, operator, literal, argument order, test or attribute."""
        tree = _parsed(code)
        if tree is None or "\r" in code:
            return code
        try:
            return self._mutated_once_or_twice(code, tree, rng)
        except RecursionError:
            # A chain of hundreds of operators nests as deeply as it is long.
            return code

    def _mutated_once_or_twice(self, code: str, tree: ast.Module, rng: Random) -> str:
        mutant = _mutated(code, tree, rng)
        if mutant is None:
            return code
        text, mutant_tree = mutant
        if rng.random() < self.second:
            twice = _mutated(text, mutant_tree, rng)
            if twice is not None and not _is_same(twice[1], tree):
                return twice[0]
        return text


class Change(NamedTuple):
    """Characters to replace, and by what."""

    span: Span
    text: str


@dataclass
class Scope:
    """The names of a function, of a comprehension or lambda in it, or of the fragment's top level."""

    outer: "Scope | None" = None
    bound: dict[str, int] = field(default_factory=dict)
    used: dict[str, int] = field(default_factory=dict)

    def names(self) -> dict[str, int]:
        """Variables that can be meant here, with the offset where each appears first."""
        inherited = self.outer.names() if self.outer else {}
        return {**self.used, **inherited, **self.bound}

    def binds(self, name: str) -> bool:
        """Whether `name` is assigned or a parameter here."""
        return name in self.bound or (self.outer is not None and self.outer.binds(name))


class Survey:
    """What a tree offers to mutations: its nodes by kind, and where they stand in the text."""

    def __init__(self, code: str, tree: ast.Module) -> None:
        self.code = code
        self.names: list[tuple[ast.Name, Scope]] = []
        self.calls: list[ast.Call] = []
        self.comparisons: list[ast.Compare] = []
        self.arithmetic: list[ast.BinOp] = []
        self.augmented: list[ast.AugAssign] = []
        self.boolean: list[ast.BoolOp] = []
        self.literals: list[ast.Constant] = []
        self.conditions: list[ast.expr] = []
        self.attributes: list[tuple[ast.Attribute, bool]] = []
        # ast counts lines as the tokenizer does, so form feeds and the like do not end one.
        self._lines = code.split("\n")
        self._starts = list(itertools.accumulate((len(line) + 1 for line in self._lines), initial=0))
        self._visit_all(tree.body, Scope())

    def offset(self, line: int, column: int) -> int:
        """Character offset of ast's 1-based line and UTF-8 column."""
        text = self._lines[line - 1]
        if not text.isascii():
            column = len(text.encode()[:column].decode(errors="ignore"))
        return self._starts[line - 1] + column

    def start(self, node: ast.expr | ast.stmt) -> int:
        """Offset of the node's first character."""
        return self.offset(node.lineno, node.col_offset)

    def end(self, node: ast.expr | ast.stmt) -> int:
        """Offset behind the node's last character."""
        return self.offset(node.end_lineno or node.lineno, node.end_col_offset or 0)

    def text(self, node: ast.expr | ast.stmt) -> str:
        """The node's source text."""
        return self.code[self.start(node) : self.end(node)]

    def between(self, left: ast.expr | ast.stmt, right: ast.expr, pattern: str) -> Span | None:
        """Where `pattern` stands between two nodes; None when a comment, which might hold it, does too."""
        start, end = self.end(left), self.start(right)
        gap = self.code[start:end]
        match = None if "#" in gap else re.search(pattern, gap)
        return Span(start + match.start(), start + match.end()) if match else None

    def _visit_all(self, nodes: Sequence[ast.AST | None], scope: Scope) -> None:
        for node in nodes:
            if node is not None:
                self._visit(node, scope)

    def _visit(self, node: ast.AST, scope: Scope) -> None:
        visit = _VISITS.get(type(node))
        if visit is not None:
            visit(self, node, scope)
        else:
            self._visit_all(list(ast.iter_child_nodes(node)), scope)

    def _children(self, node: ast.AST, scope: Scope) -> None:
        self._visit_all(list(ast.iter_child_nodes(node)), scope)

    def _name(self, node: ast.Name, scope: Scope) -> None:
        if isinstance(node.ctx, ast.Load):
            self.names.append((node, scope))
            if node.id not in _BUILTINS:
                scope.used.setdefault(node.id, self.start(node))
        else:
            scope.bound.setdefault(node.id, self.start(node))

    def _assign(self, node: ast.Assign, scope: Scope) -> None:
        self._visit(node.value, scope)
        for target in node.targets:
            # In its own statement a new variable cannot be meant yet.
            self._bind(target, scope, self.end(node))

    def _for(self, node: ast.For | ast.AsyncFor, scope: Scope) -> None:
        self._visit(node.iter, scope)
        self._bind(node.target, scope, self.end(node.iter))
        self._visit_all([*node.body, *node.orelse], scope)

    def _bind(self, target: ast.expr, scope: Scope, offset: int) -> None:
        for part in ast.walk(target):
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                scope.bound.setdefault(part.id, offset)
        self._visit(target, scope)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, scope: Scope) -> None:
        arguments = node.args
        self._visit_all([*arguments.defaults, *arguments.kw_defaults], scope)
        inner = Scope(outer=scope if isinstance(node, ast.Lambda) else None)
        for argument in _parameters(arguments):
            inner.bound[argument.arg] = self.offset(argument.lineno, argument.col_offset)
        if isinstance(node, ast.Lambda):
            self._visit(node.body, inner)
        else:
            self._visit_all(node.decorator_list, scope)
            self._visit_all(node.body, inner)

    def _comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp, scope: Scope
    ) -> None:
        for generator in node.generators:
            self._visit(generator.iter, scope)
            scope = Scope(outer=scope)
            # The element stands before the clause that binds its variable.
            self._bind(generator.target, scope, 0)
            self._visit_all(list(generator.ifs), scope)
            self.conditions.extend(generator.ifs)
        self._visit_all([node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt], scope)

    def _call(self, node: ast.Call, scope: Scope) -> None:
        self.calls.append(node)
        if isinstance(node.func, ast.Attribute):
            self.attributes.append((node.func, True))
            self._base(node.func.value, scope)
        elif not isinstance(node.func, ast.Name):
            # What is called by name is a function, and hardly taken for one of the variables.
            self._visit(node.func, scope)
        self._visit_all([*node.args, *(keyword.value for keyword in node.keywords)], scope)

    def _attribute(self, node: ast.Attribute, scope: Scope) -> None:
        self.attributes.append((node, False))
        self._base(node.value, scope)

    def _base(self, node: ast.expr, scope: Scope) -> None:
        """What stands before a dot: a variable only if it is bound here, else more likely a module."""
        if isinstance(node, ast.Name):
            self.names.append((node, scope))
        else:
            self._visit(node, scope)

    def _compare(self, node: ast.Compare, scope: Scope) -> None:
        self.comparisons.append(node)
        self._children(node, scope)

    def _binary(self, node: ast.BinOp, scope: Scope) -> None:
        self.arithmetic.append(node)
        self._children(node, scope)

    def _augment(self, node: ast.AugAssign, scope: Scope) -> None:
        self.augmented.append(node)
        self._children(node, scope)

    def _bool(self, node: ast.BoolOp, scope: Scope) -> None:
        self.boolean.append(node)
        self._children(node, scope)

    def _constant(self, node: ast.Constant, scope: Scope) -> None:  # noqa: ARG002  (all visits look alike)
        self.literals.append(node)

    def _test(self, node: ast.If | ast.While | ast.IfExp | ast.Assert, scope: Scope) -> None:
        self.conditions.append(node.test)
        self._children(node, scope)

    def _annotated(self, node: ast.AnnAssign, scope: Scope) -> None:
        self._visit_all([node.target, node.value], scope)

    def _expression(self, node: ast.Expr, scope: Scope) -> None:
        # A bare string is a docstring: nothing in it is a value.
        if not isinstance(node.value, ast.Constant):
            self._visit(node.value, scope)


_VISITS: dict[type[ast.AST], Callable[..., None]] = {
    ast.Name: Survey._name,
    ast.Assign: Survey._assign,
    ast.For: Survey._for,
    ast.AsyncFor: Survey._for,
    ast.FunctionDef: Survey._function,
    ast.AsyncFunctionDef: Survey._function,
    ast.Lambda: Survey._function,
    ast.ListComp: Survey._comprehension,
    ast.SetComp: Survey._comprehension,
    ast.GeneratorExp: Survey._comprehension,
    ast.DictComp: Survey._comprehension,
    ast.Call: Survey._call,
    ast.Attribute: Survey._attribute,
    ast.Compare: Survey._compare,
    ast.BinOp: Survey._binary,
    ast.AugAssign: Survey._augment,
    ast.BoolOp: Survey._bool,
    ast.Constant: Survey._constant,
    ast.If: Survey._test,
    ast.While: Survey._test,
    ast.IfExp: Survey._test,
    ast.Assert: Survey._test,
    ast.AnnAssign: Survey._annotated,
    ast.Expr: Survey._expression,
}
_BUILTINS = frozenset(dir(builtins))

_COMPARISON = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}
# Off by one and the wrong direction are the mistakes people make; the others are rare.
_WRONG_COMPARISON = {
    "<": ("<=", "<=", "<=", ">", ">", ">=", "==", "!="),
    "<=": ("<", "<", "<", ">=", ">=", ">", "==", "!="),
    ">": (">=", ">=", ">=", "<", "<", "<=", "==", "!="),
    ">=": (">", ">", ">", "<=", "<=", "<", "==", "!="),
    "==": ("!=", "!=", "!=", ">=", "<=", "<", ">"),
    "!=": ("==", "==", "==", ">", "<", ">=", "<="),
}
_MEMBERSHIP = {
    ast.In: (r"\bin\b", "not in"),
    ast.NotIn: (r"\bnot\s+in\b", "in"),
    ast.Is: (r"\bis\b", "is not"),
    ast.IsNot: (r"\bis\s+not\b", "is"),
}
_ARITHMETIC = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**",
    ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^", ast.LShift: "<<", ast.RShift: ">>", ast.MatMult: "@",
}  # fmt: skip
_WRONG_ARITHMETIC = {
    "+": ("-", "-", "-", "*", "*", "/", "%"),
    "-": ("+", "+", "+", "*", "/", "%"),
    "*": ("+", "+", "/", "/", "**", "-", "//"),
    "/": ("//", "//", "//", "*", "*", "%", "-"),
    "//": ("/", "/", "/", "%", "%", "*"),
    "%": ("//", "//", "/", "/", "*", "+"),
    "**": ("*", "*", "*", "+", "//"),
    "&": ("|", "|", "^"),
    "|": ("&", "&", "^", "+"),
    "^": ("|", "&", "**"),
    "<<": (">>", ">>", "*"),
    ">>": ("<<", "<<", "//"),
    "@": ("*", "+"),
}
# One family a line.
_NEIGHBOURS = """
    append extend insert add
    add update append remove
    keys values items
    lower upper title capitalize casefold
    startswith endswith
    strip lstrip rstrip
    find index rfind rindex count
    split rsplit splitlines partition
    join split
    pop popleft remove popitem
    appendleft append
    get pop setdefault
    remove discard add pop
    union intersection difference update
    issubset issuperset
    sort reverse
    isdigit isalpha isalnum isnumeric isspace
    isupper islower
    ljust rjust center zfill
    read readline readlines
    write writelines
    min max sum
    encode decode
    removeprefix removesuffix
    load loads
    dump dumps load
    match search fullmatch
    floor ceil
    sin cos tan
    acquire release
    first last
    start end stop
    left right
    width height
    next prev
    x y
    exists is_file is_dir
    isfile isdir exists
    dirname basename
    head tail
    stdout stderr
    set clear
    push pop
    argmin argmax
    group groups
    rows columns
    row column
    parent child children
    key value
    any all
"""
_NEIGHBOURS_OF: dict[str, list[str]] = {}
for _family in map(str.split, _NEIGHBOURS.strip().splitlines()):
    for _member in _family:
        _NEIGHBOURS_OF.setdefault(_member, []).extend(other for other in _family if other != _member)


def misuse_variable(survey: Survey, rng: Random) -> list[Change]:
    """Another variable of the same function in a variable's place; never self or cls."""
    for node, scope in _shuffled(survey.names, rng):
        if node.id in _OWN_NAMES:
            continue
        names = scope.names()
        start = survey.start(node)
        if node.id not in names or survey.text(node) != node.id:
            continue
        others = [name for name in names if name != node.id and name not in _OWN_NAMES]
        # What is bound further down would be an error at once, and is seldom meant.
        earlier = [name for name in others if names[name] <= start]
        bound = [name for name in earlier if scope.binds(name)]
        if candidates := bound or earlier or others:
            return [Change(Span(start, start + len(node.id)), rng.choice(candidates))]
    return []


def swap_arguments(survey: Survey, rng: Random) -> list[Change]:
    """Two positional arguments of a call change places, mostly neighbours."""
    for call in _shuffled(survey.calls, rng):
        plain = [argument for argument in call.args if not isinstance(argument, ast.Starred)]
        if len(plain) < 2:
            continue
        at = rng.randrange(len(plain) - 1)
        other = at + 1 if rng.random() < 0.8 else rng.randrange(at + 1, len(plain))
        left, right = plain[at], plain[other]
        left_text, right_text = survey.text(left), survey.text(right)
        if left_text != right_text:
            return [
                Change(Span(survey.start(left), survey.end(left)), right_text),
                Change(Span(survey.start(right), survey.end(right)), left_text),
            ]
    return []


def wrong_comparison(survey: Survey, rng: Random) -> list[Change]:
    """Another of < <= > >= == !=."""
    for node in _shuffled(survey.comparisons, rng):
        for left, operator, right in _shuffled(_steps(node), rng):
            text = _COMPARISON.get(type(operator))
            span = text and survey.between(left, right, re.escape(text) + r"(?!=)")
            if text and span:
                return [Change(span, rng.choice(_WRONG_COMPARISON[text]))]
    return []


def negate_membership(survey: Survey, rng: Random) -> list[Change]:
    """in <-> not in, is <-> is not."""
    for node in _shuffled(survey.comparisons, rng):
        for left, operator, right in _shuffled(_steps(node), rng):
            pattern, text = _MEMBERSHIP.get(type(operator), ("", ""))
            span = survey.between(left, right, pattern) if pattern else None
            if span:
                return [Change(span, text)]
    return []


def wrong_arithmetic(survey: Survey, rng: Random) -> list[Change]:
    """Another arithmetic operator."""
    for node in _shuffled(survey.arithmetic, rng):
        if isinstance(node.left, ast.Constant | ast.JoinedStr) and survey.text(node.left)[-1:] in {"'", '"'}:
            continue
        text = _ARITHMETIC[type(node.op)]
        if span := survey.between(node.left, node.right, re.escape(text)):
            return [Change(span, rng.choice(_WRONG_ARITHMETIC[text]))]
    return []


def wrong_augmented(survey: Survey, rng: Random) -> list[Change]:
    """Another augmented assignment, or a plain one."""
    for node in _shuffled(survey.augmented, rng):
        text = _ARITHMETIC[type(node.op)]
        if span := survey.between(node.target, node.value, re.escape(text) + "="):
            wrong = "" if rng.random() < 0.2 else rng.choice(_WRONG_ARITHMETIC[text])
            return [Change(span, wrong + "=")]
    return []


def swap_boolean(survey: Survey, rng: Random) -> list[Change]:
    """and <-> or, at one place."""
    for node in _shuffled(survey.boolean, rng):
        text, wrong = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        at = rng.randrange(len(node.values) - 1)
        if span := survey.between(node.values[at], node.values[at + 1], rf"\b{text}\b"):
            return [Change(span, wrong)]
    return []


def wrong_literal(survey: Survey, rng: Random) -> list[Change]:
    """A whole number near by, or the other truth value."""
    for node in _shuffled(survey.literals, rng):
        start = survey.start(node)
        span = Span(start, start + len(str(node.value)))
        if isinstance(node.value, str | bytes) or span.of(survey.code) != str(node.value):
            continue
        if isinstance(node.value, bool):
            return [Change(span, str(not node.value))]
        if isinstance(node.value, int):
            return [Change(span, str(rng.choice(_near(node.value))))]
    return []


def negate_condition(survey: Survey, rng: Random) -> list[Change]:
    """if x: <-> if not x:"""
    for node in _shuffled(survey.conditions, rng):
        start = survey.start(node)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            if match := re.compile(r"not\b[ ]*").match(survey.code, start):
                return [Change(Span(start, match.end()), "")]
        elif isinstance(node, ast.Name | ast.Attribute | ast.Call | ast.Subscript | ast.BoolOp | ast.Compare):
            return [Change(Span(start, start), "not ")]
    return []


def wrong_attribute(survey: Survey, rng: Random) -> list[Change]:
    """A method or attribute that does something similar, or another one used on the same object."""
    for node, is_called in _shuffled(survey.attributes, rng):
        others = list(_NEIGHBOURS_OF.get(node.attr, ()))
        if isinstance(node.value, ast.Name):
            base = node.value.id
            others += [
                other.attr
                for other, other_is_called in survey.attributes
                if isinstance(other.value, ast.Name)
                and (other.value.id, other_is_called) == (base, is_called)
                and other.attr != node.attr
            ]
        end = survey.end(node)
        start = end - len(node.attr)
        if others and start >= 0 and survey.code[start:end] == node.attr:
            return [Change(Span(start, end), rng.choice(others))]
    return []


Mutation = Callable[[Survey, Random], list[Change]]

# Wrong names lead, as they do among the bugs found in public repositories.
MUTATIONS: dict[Mutation, float] = {
    misuse_variable: 0.45,
    swap_arguments: 0.07,
    wrong_comparison: 0.12,
    negate_membership: 0.05,
    wrong_arithmetic: 0.08,
    wrong_augmented: 0.03,
    swap_boolean: 0.05,
    wrong_literal: 0.07,
    negate_condition: 0.04,
    wrong_attribute: 0.06,
}
_OWN_NAMES = frozenset({"self", "cls", "_", "__class__"})


def _mutated(code: str, tree: ast.Module, rng: Random) -> tuple[str, ast.Module] | None:
    """`code` after one mutation, with its tree; None when none applies."""
    survey = Survey(code, tree)
    mutations = dict(MUTATIONS)
    while mutations:
        mutation = rng.choices(list(mutations), list(mutations.values()))[0]
        changes = mutation(survey, rng)
        text = _changed(code, changes)
        mutant = _parsed(text) if changes else None
        if mutant is not None and not _is_same(mutant, tree):
            return text, mutant
        del mutations[mutation]
    return None


def _changed(code: str, changes: list[Change]) -> str:
    for change in sorted(changes, key=lambda change: change.span, reverse=True):
        code = code[: change.span.start] + change.text + code[change.span.end :]
    return code


def _parsed(code: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _is_same(left: object, right: object) -> bool:
    """Whether two trees are equal, positions aside; stops at the first difference, as ast.dump cannot."""
    if type(left) is not type(right):
        return False
    if isinstance(left, ast.AST):
        return all(_is_same(getattr(left, name, None), getattr(right, name, None)) for name in left._fields)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_is_same, left, right))
    return left == right


def _parameters(arguments: ast.arguments) -> Iterator[ast.arg]:
    yield from (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    yield from (argument for argument in (arguments.vararg, arguments.kwarg) if argument)


def _steps(node: ast.Compare) -> list[tuple[ast.expr, ast.cmpop, ast.expr]]:
    return list(zip([node.left, *node.comparators], node.ops, node.comparators, strict=False))


def _near(value: int) -> list[int]:
    """Whole numbers a slip away: one more, one less, and for small ones the other small ones."""
    near = [value + 1, value + 1, value - 1, value - 1]
    if value <= 2:
        near += [0, 1, 2]
    return [number for number in near if number not in (value, -1)] or [value + 1]


def _shuffled(items: Sequence[Item], rng: Random) -> list[Item]:
    return rng.sample(items, len(items))
