"""What parses and what does not: Python's own parser has the last word, tree-sitter says where else to look."""

import ast
import itertools
import re
import warnings
from dataclasses import dataclass, replace
from functools import lru_cache

import tree_sitter
import tree_sitter_python

from redraft_model.passage import Span

_PARSER = tree_sitter.Parser(tree_sitter.Language(tree_sitter_python.language()))
_LINE_ENDING = re.compile(r"\r\n|\r|\n")
# A line that begins a statement at the outermost level, and does not go on with the one above.
_STATEMENT = re.compile(r"^(?!(?:elif|else|except|finally)\b)[^\W\d]", re.MULTILINE)


@dataclass(frozen=True)
class Problem:
    """Where the parser stopped: a character span (never empty unless at the end), its lines from 0, and the message."""

    span: Span
    line: int
    last_line: int
    message: str


def parses(source: str) -> bool:
    """Whether the interpreter's parser accepts `source`."""
    return problem(source) is None


def problem(source: str) -> Problem | None:
    """The interpreter's first complaint about `source`, None when it parses."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(source)
    except SyntaxError as error:
        return _located(source, error)
    except (ValueError, RecursionError, MemoryError) as error:
        # Nesting too deep for the parser, or half a character: there is no place to point at.
        return Problem(Span(0, len(source)), 0, 0, str(error) or "the code is nested too deeply")
    return None


@dataclass(frozen=True)
class Frame:
    """The whole statements at both ends of a text that many texts have in common; they parse, and need not be parsed again."""

    head: str = ""
    first: str = ""  # the first line behind the head: it begins a statement
    tail: str = ""

    @classmethod
    def around(cls, source: str, span: Span) -> "Frame":
        """The widest frame of `source` that leaves out `span`, as far as its statements can be told apart."""
        head, first = _head(source, span.start)
        return cls(head, first, _tail(source, span.end))

    def problem(self, source: str) -> Problem | None:
        """What `problem` says, parsing only what is not in the frame if that decides it."""
        if len(source) < len(self.head) + len(self.first) + len(self.tail):
            return problem(source)
        tail = self.tail if source.endswith(self.tail) else ""
        head = self.head if source.startswith(self.head + self.first) else ""
        if not head and not tail:
            return problem(source)
        # Line ends in place of the head, so that lines keep their numbers.
        lines = "\n" * (len(line_starts(head)) - 1)
        middle = lines + source[len(head) : len(source) - len(tail)]
        found = problem(middle)
        if found is not None and tail and not _is_certain(found, middle):
            found = problem(middle + tail)
        if found is None:
            return None
        moved = len(head) - len(lines)
        return replace(found, span=Span(found.span.start + moved, found.span.end + moved))


def _is_certain(found: Problem, text: str) -> bool:
    """Whether a problem stays what it is when more statements follow."""
    is_open = "never closed" in found.message or "unterminated triple" in found.message
    return not is_open and "\n" in text[found.span.end : -1]


def _head(source: str, end: int) -> tuple[str, str]:
    """The statements that end before the one that holds the character before `end`, and the line behind them."""
    starts = [match.start() for match in _STATEMENT.finditer(source, 1, end)]
    # The last one may be a decorator's function, or the inside of a string; further up there is less to win.
    for start in reversed(starts[-4:]):
        line_end = source.find("\n", start) + 1
        if line_end == 0 or line_end > end or "__future__" in source[:start]:
            continue
        if _is_whole(source[:start]):
            return source[:start], source[start:line_end]
    return "", ""


def _tail(source: str, start: int) -> str:
    """The statements that begin behind `start`."""
    for match in itertools.islice(_STATEMENT.finditer(source, start), 4):
        if match.start() > start and _is_whole(source[match.start() :]):
            return source[match.start() :]
    return ""


@lru_cache(maxsize=32)
def _is_whole(text: str) -> bool:
    return parses(text)


def error_spans(source: str) -> list[Span]:
    """Character spans of tree-sitter's ERROR and MISSING nodes, in order; a missing token has an empty span."""
    encoded = source.encode()
    spans: list[Span] = []
    cursor = _PARSER.parse(encoded).walk()
    while True:
        node = cursor.node
        assert node is not None
        if node.is_error or node.is_missing:
            start = len(encoded[: node.start_byte].decode("utf-8", "replace"))
            spans.append(
                Span(start, start + len(encoded[node.start_byte : node.end_byte].decode("utf-8", "replace")))
            )
        if node.has_error and not node.is_error and cursor.goto_first_child():
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return spans


def line_starts(source: str) -> list[int]:
    """Character offset of every line's start; a line ends where Python ends it, at a line feed or a carriage return."""
    if "\r" not in source:
        return [0, *itertools.accumulate(len(line) + 1 for line in source.split("\n")[:-1])]
    return [0, *(ending.end() for ending in _LINE_ENDING.finditer(source))]


def _located(source: str, error: SyntaxError) -> Problem:
    if error.lineno is None:
        # A NUL character is refused before the first line is read.
        at = max(0, source.find("\0"))
        line = len(line_starts(source[:at])) - 1
        return Problem(Span(at, min(at + 1, len(source))), line, line, error.msg or "invalid syntax")
    starts = line_starts(source)
    line = min(max((error.lineno or 1) - 1, 0), len(starts) - 1)
    end_of_line = starts[line + 1] - 1 if line + 1 < len(starts) else len(source)
    start = min(starts[line] + max((error.offset or 1) - 1, 0), end_of_line)
    end = start + 1
    if error.end_lineno and error.end_offset and error.end_lineno - 1 < len(starts):
        end = max(end, starts[error.end_lineno - 1] + error.end_offset - 1)
    last_line = max(line, min((error.end_lineno or 1) - 1, len(starts) - 1))
    return Problem(
        Span(start, max(start, min(end, len(source)))), line, last_line, error.msg or "invalid syntax"
    )
