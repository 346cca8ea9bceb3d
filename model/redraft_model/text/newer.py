"""Syntax of Python 3.12 to 3.14: where it stands in a text, what it needs, and what every supported Python takes instead of it.

tree-sitter's grammar is newer than the interpreter and says what is what, also in text with other errors.
"""

import ast
import builtins
import itertools
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import tree_sitter

from redraft_model.passage import Span, Version
from redraft_model.text.parser import LANGUAGE, PARSER

_FOUND = tree_sitter.Query(
    LANGUAGE,
    """
    (type_alias_statement) @alias
    (type_parameter) @parameters
    (except_clause) @except
    ((string . (string_start) @start) @string (#match? @start "[fFtT]"))
    """,
)
_BOUND = tree_sitter.Query(
    LANGUAGE,
    """
    (import_statement) @import
    (import_from_statement) @import
    (class_definition name: (identifier) @class)
    (module (expression_statement (assignment left: (identifier) @assigned)))
    """,
)
_DEFINED = re.compile(r"\b(?:def|class)\s+\w+\s*\Z")
_PARAMETER = re.compile(r"[\[,*]\s*([^\W\d]\w*)")
_DEFAULT = re.compile(r"(?<![=!<>])=(?!=)")
_STRING_START = re.compile(r"(\w*)(\"\"\"|'''|\"|')\Z")
_EXCEPTIONS = frozenset(
    name
    for name, value in vars(builtins).items()
    if isinstance(value, type) and issubclass(value, BaseException)
)


@dataclass(frozen=True)
class Newer:
    """A stretch of a text that only `version` and later Pythons take.

    `stand_in` has the length and the line ends of the stretch, and every supported Python takes it. `equivalent` means the same to
    older Pythons; None where nothing that is written there does. `names` are those that only the stretch binds.
    """

    span: Span
    version: Version
    stand_in: str
    equivalent: str | None = None
    names: tuple[str, ...] = ()


def newer_syntax(source: str) -> tuple[Newer, ...]:
    """All newer syntax of `source`, in order, none inside another."""
    # Half a character has no bytes; a question mark takes its place.
    encoded = source.encode("utf-8", "replace")
    root = PARSER.parse(encoded).root_node
    read = _Reader(source, encoded, root)
    found = [
        newer
        for kind, nodes in tree_sitter.QueryCursor(_FOUND).captures(root).items()
        if kind in _READERS
        for node in nodes
        if (newer := _READERS[kind](read, node)) is not None
    ]
    return tuple(_outermost(found))


def _outermost(found: list[Newer]) -> Iterator[Newer]:
    end = 0
    for newer in sorted(found, key=lambda newer: (newer.span.start, -newer.span.end)):
        if newer.span.start >= end:
            end = newer.span.end
            yield newer


class _Reader:
    """A text beside its tree."""

    def __init__(self, source: str, encoded: bytes, root: tree_sitter.Node) -> None:
        self.source = source
        self.root = root
        self._n_before: list[int] | None = None
        if not source.isascii():
            self._n_before = [0, *itertools.accumulate((byte & 0xC0) != 0x80 for byte in encoded)]

    def offset(self, byte: int) -> int:
        """The character that begins at a byte."""
        return byte if self._n_before is None else self._n_before[byte]

    def span(self, node: tree_sitter.Node) -> Span:
        """The characters of a node."""
        return Span(self.offset(node.start_byte), self.offset(node.end_byte))

    def text(self, node: tree_sitter.Node) -> str:
        """The text of a node."""
        return self.span(node).of(self.source)


def _alias(read: _Reader, node: tree_sitter.Node) -> Newer | None:
    """`type Pair[T] = ...` -> `Pair         = ...`."""
    left = node.child_by_field_name("left")
    if left is None:
        return None
    span = Span(read.offset(node.start_byte), read.offset(left.end_byte))
    name = re.match(r"\w+", read.text(left))
    blank = _blanked(span.of(read.source))
    if name is None or blank is None or blank[: name.end()].strip():
        return None
    return Newer(
        span,
        _version_of(read.text(left)),
        name[0] + blank[name.end() :],
        names=tuple(_PARAMETER.findall(read.text(left))),
    )


def _parameters(read: _Reader, node: tree_sitter.Node) -> Newer | None:
    """`def first[T](...)` -> `def first   (...)`."""
    span = read.span(node)
    line_start = read.source.rfind("\n", 0, span.start) + 1
    if _DEFINED.search(read.source[line_start : span.start]) is None:
        return None
    text = span.of(read.source)
    blank = _blanked(text)
    if blank is None:
        return None
    return Newer(span, _version_of(text), blank, names=tuple(_PARAMETER.findall(text)))


def _version_of(parameters: str) -> Version:
    """Type parameters came with 3.12, their defaults with 3.13."""
    return (3, 13) if _DEFAULT.search(parameters) else (3, 12)


def _except(read: _Reader, node: tree_sitter.Node) -> Newer | None:
    """`except A, B:` -> `except A| B:`, unless B is the name that Python 2 gives the exception."""
    values = node.children_by_field_name("value")
    commas = [child for child in node.children if child.type == ","]
    if len(values) < 2 or not commas or (len(values) == 2 and _is_target(read, node, values[1])):
        return None
    span = Span(read.offset(values[0].start_byte), read.offset(values[-1].end_byte))
    text = span.of(read.source)
    stand_in = list(text)
    for comma in commas:
        at = read.offset(comma.start_byte) - span.start
        if at >= len(text):
            return None
        stand_in[at] = "|"
    return Newer(span, (3, 14), "".join(stand_in), f"({text})")


def _is_target(read: _Reader, clause: tree_sitter.Node, value: tree_sitter.Node) -> bool:
    """Whether what stands behind the comma is the name that the exception gets, as in Python 2."""
    if value.type == "attribute":
        return False
    if value.type != "identifier":
        return True
    name = read.text(value)
    bound = tree_sitter.QueryCursor(_BOUND).captures(read.root)
    word = re.compile(rf"\b{name}\b")
    imported = {name for node in bound.get("import", []) for name in _imported(read.text(node))}
    classes = {read.text(node) for node in bound.get("class", [])}
    if name in _EXCEPTIONS | classes | imported:
        return False
    handler = read.source[read.offset(value.end_byte) : read.offset(clause.end_byte)]
    if word.search(handler):
        return True
    assigned = {read.text(node) for node in bound.get("assigned", [])}
    return name not in assigned | imported and "*" not in imported


def _imported(statement: str) -> set[str]:
    """The names that an import binds: of `import a.b` it is `a`."""
    try:
        (tree,) = ast.parse(statement).body
    except (SyntaxError, ValueError):
        return set()
    names = tree.names if isinstance(tree, ast.Import | ast.ImportFrom) else []
    return {alias.asname or alias.name.partition(".")[0] for alias in names}


def _string(read: _Reader, node: tree_sitter.Node) -> Newer | None:
    """An f-string with quotes, backslashes, line ends or comments in its fields, or a t-string."""
    if node.has_error:
        return None
    span = read.span(node)
    text = span.of(read.source)
    start = _STRING_START.match(read.text(node.children[0]))
    if start is None or not text.endswith(start[2]):
        return None
    is_template = "t" in start[1].lower()
    is_free = any(_is_free(read, child, start[2]) for child in node.children if child.type == "interpolation")
    if not is_template and not is_free:
        return None
    if is_template:
        text = text[: start.end(1)].translate(_AS_F_STRING) + text[start.end(1) :]
    older = _swapped(read, node, text) if is_free else text
    if older is None:
        stand_in = _opaque(text)
        equivalent = None if is_template else _tripled(text, start[1], start[2])
    else:
        stand_in, equivalent = older, None if is_template else older
    if stand_in is None:
        return None
    return Newer(span, (3, 14) if is_template else (3, 12), stand_in, equivalent)


_AS_F_STRING = str.maketrans("tT", "fF")


def _is_free(read: _Reader, field: tree_sitter.Node, quote: str) -> bool:
    """Whether a replacement field has what only 3.12 allows in one."""
    text = read.text(field)
    if quote in text or (len(quote) == 1 and "\n" in text):
        return True
    code = text
    for child in field.children:
        if child.type == "format_specifier":
            # Escapes in the words of a specification are those of the string; only its own fields are code.
            code = code[: read.offset(child.start_byte) - read.offset(field.start_byte)]
            code += "".join(read.text(inner) for inner in child.children if inner.type == "format_expression")
    return "\\" in code or any(inner.type == "comment" for inner in _inside(field))


def _inside(node: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    for child in node.children:
        yield child
        yield from _inside(child)


def _swapped(read: _Reader, node: tree_sitter.Node, text: str) -> str | None:
    """`text`, that of an f-string, with the other kind of quotes in its fields; None if older Pythons do not take that either."""
    quote = text[-1]
    if _STRING_START.match(read.text(node.children[0]))[2] != quote:  # type: ignore[index]
        return None
    signs = list(text)
    begin = read.offset(node.start_byte)
    for inner in _inside(node):
        if inner.type in ("string_start", "string_end") and inner.parent != node:
            for at in range(read.offset(inner.start_byte), read.offset(inner.end_byte)):
                if signs[at - begin] == quote:
                    signs[at - begin] = "'" if quote == '"' else '"'
    swapped = "".join(signs)
    return swapped if _is_old(swapped) else None


def _tripled(text: str, prefix: str, quote: str) -> str | None:
    """The same string between triple quotes; None if older Pythons do not take that either."""
    if len(quote) == 3:
        return None
    inside = text[len(prefix) + 1 : -1]
    longer = (prefix + 3 * each + inside + 3 * each for each in (quote, "'" if quote == '"' else '"'))
    return next((text for text in longer if _is_old(text)), None)


def _is_old(text: str) -> bool:
    """Whether a string is one for Pythons before 3.12."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(f"({text})", mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return not newer_syntax(text)


def _opaque(text: str) -> str | None:
    """A string without fields that is as long as `text`, and has its line ends where they are."""
    if "\n" not in text:
        return '"' + " " * (len(text) - 2) + '"'
    if "\n" not in text[:3] + text[-3:]:
        inside = "".join("\n" if sign == "\n" else " " for sign in text[3:-3])
        return f'"""{inside}"""'
    blank = _blanked(text)
    return None if blank is None or (blank[:2] + blank[-2:]).strip(" ") else f'""{blank[2:-2]}""'


def _blanked(text: str) -> str | None:
    """Blanks as long as `text`; before a line end stands a backslash. None where a line is empty and has no room for one."""
    if text.startswith("\n") or "\n\n" in text:
        return None
    return "".join(
        "\n" if sign == "\n" else "\\" if behind == "\n" else " "
        for sign, behind in itertools.zip_longest(text, text[1:])
    )


_READERS: dict[str, Callable[[_Reader, tree_sitter.Node], Newer | None]] = {
    "alias": _alias,
    "parameters": _parameters,
    "except": _except,
    "string": _string,
}
