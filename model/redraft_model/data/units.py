"""Statements of a source text as byte ranges of whole lines. Knows nothing of tokens."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

# Columns of a unit.
START, STOP, DEPTH, PARENT = range(4)

Rows = npt.NDArray[np.int32]

_LINE_BREAK = re.compile(rb"\r\n|\r|\n")
_INDENT = re.compile(rb"[ \t\f]*")
# What may stand behind a statement that has its last line to itself.
_REST = re.compile(rb"[ \t\f]*;?[ \t\f]*(?:#[^\r\n]*)?(?:\r\n|\r|\n|\Z)")
_BLOCKS = ("body", "handlers", "cases", "orelse", "finalbody")


@dataclass(frozen=True)
class Units:
    """The statements of one text.

    `rows` is what `statements` returns, (n, 4); `next_siblings` what the function of that name returns, (n,).
    """

    rows: Rows
    next_siblings: Rows


def statements(source: str) -> Rows:
    """Every statement that owns its lines, in document order, int32 (n, 4); raises SyntaxError.

    Columns: byte offset of the start of its first line (decorators included), byte offset behind the line
    break of its last line, depth of its indentation in columns, row of the statement it stands in (-1 for
    the module). A statement that shares a line with another one, as in `a = 1; b = 2` or `if x: pass`, is
    left out.
    """
    return units(ast.parse(source), source.encode()).rows


def next_siblings(source: str) -> Rows:
    """For each row of `statements(source)` the row that follows it in the same block, or -1; int32 (n,)."""
    return units(ast.parse(source), source.encode()).next_siblings


def units(tree: ast.Module, source: bytes) -> Units:
    """`statements` and `next_siblings` of a text that is parsed already; `source` are its UTF-8 bytes."""
    lines = [0, *(match.end() for match in _LINE_BREAK.finditer(source))]
    if lines[-1] != len(source):
        lines.append(len(source))
    rows: list[tuple[int, int, int, int]] = []
    siblings: list[int] = []
    # (statements that are left of a block, row of their parent, row of the last one before them)
    open_blocks: list[tuple[Iterator[ast.stmt], int, int]] = [(iter(tree.body), -1, -1)]
    while open_blocks:
        block, parent, last = open_blocks.pop()
        statement = next(block, None)
        if statement is None:
            continue
        row = parent  # children of a statement that is left out belong to its parent
        owned = _owned_lines(statement, source, lines)
        if owned is None:
            last = -1
        else:
            row = len(rows)
            rows.append((*owned, parent))
            siblings.append(-1)
            if last >= 0:
                siblings[last] = row
            last = row
        open_blocks.append((block, parent, last))
        open_blocks.extend((iter(inner), row, -1) for inner in reversed(list(_blocks(statement))))
    return Units(np.array(rows, np.int32).reshape(-1, 4), np.array(siblings, np.int32))


def indent_end(source: bytes, line_start: int) -> int:
    """Byte offset of the first character of a line that is no blank."""
    match = _INDENT.match(source, line_start)
    assert match is not None  # the pattern matches the empty string
    return match.end()


def _blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    """The blocks of statements directly under a statement, in document order."""
    for name in _BLOCKS:
        inner = getattr(node, name, None)
        if not isinstance(inner, list) or not inner:
            continue
        if isinstance(inner[0], ast.stmt):
            yield inner
        else:  # except clauses and match cases hold blocks and are no statements themselves
            for clause in inner:
                yield from _blocks(clause)


def _owned_lines(statement: ast.stmt, source: bytes, lines: list[int]) -> tuple[int, int, int] | None:
    """Start and end byte of the statement's lines, depth of the first one; None when it shares a line."""
    first = _first_line(statement, source, lines)
    start = lines[first]
    content = indent_end(source, start)
    if first == statement.lineno - 1 and content != start + statement.col_offset:
        return None
    if _continues(source, lines, first):
        return None
    assert statement.end_lineno is not None  # the parser always sets both
    assert statement.end_col_offset is not None
    rest = _REST.match(source, lines[statement.end_lineno - 1] + statement.end_col_offset)
    if rest is None:
        return None
    # A form feed puts the column back to zero, as in Python's own tokenizer.
    indent = source[start:content].rpartition(b"\f")[2]
    return start, rest.end(), len(indent.expandtabs(8))


def _first_line(statement: ast.stmt, source: bytes, lines: list[int]) -> int:
    """Index of the line with the first decorator's `@`, or of the statement itself."""
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    if not decorators:
        return statement.lineno - 1
    first = decorators[0].lineno - 1
    # The tree forgets brackets: in "@(\n    cached\n)" the decorator seems to start on the second line.
    while first > 0 and source[indent_end(source, lines[first])] != ord("@"):
        first -= 1
    return first


def _continues(source: bytes, lines: list[int], line: int) -> bool:
    """Whether the line before this one ends with a backslash."""
    return source[max(0, lines[line] - 3) : lines[line]].rstrip(b"\r\n").endswith(b"\\")
