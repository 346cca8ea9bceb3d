"""What many texts have in common around the place where they differ, so that it is parsed once. Knows nothing of the model."""

import itertools
import re
from dataclasses import dataclass, replace
from functools import lru_cache

from redraft_model.passage import Span
from redraft_model.text.parser import Problem, compile_problem, line_starts, parses, problem

# A line that begins a statement at the outermost level, and does not go on with the one above.
_STATEMENT = re.compile(r"^(?!(?:elif|else|except|finally)\b)[^\W\d]", re.MULTILINE)


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
        middle, tail, moved = self._parts(source)
        found = problem(middle)
        if found is not None and tail and not _is_certain(found, middle):
            found = problem(middle + tail)
        return None if found is None else _moved(found, moved)

    def compile_problem(self, source: str) -> Problem | None:
        """What `compile_problem` says of what is not in the frame, whose statements are whole."""
        middle, tail, moved = self._parts(source)
        found = compile_problem(middle)
        # A decorator at the end of the middle belongs to the tail.
        if found is not None and tail and problem(middle) is not None:
            found = compile_problem(middle + tail)
        return None if found is None else _moved(found, moved)

    def middle(self, source: str) -> str:
        """`source` without what it has of the frame, its lines where they were."""
        return self._parts(source)[0]

    def _parts(self, source: str) -> tuple[str, str, int]:
        """The middle with line ends for a head, so that lines keep their numbers; the tail; how far the middle was further down."""
        if len(source) < len(self.head) + len(self.first) + len(self.tail):
            return source, "", 0
        tail = self.tail if source.endswith(self.tail) else ""
        head = self.head if source.startswith(self.head + self.first) else ""
        lines = "\n" * (len(line_starts(head)) - 1)
        middle = lines + source[len(head) : len(source) - len(tail)]
        return middle, tail, len(head) - len(lines)


def _moved(found: Problem, by: int) -> Problem:
    return replace(found, span=Span(found.span.start + by, found.span.end + by))


def _is_certain(found: Problem, text: str) -> bool:
    """Whether a problem stays what it is when more statements follow."""
    is_open = "never closed" in found.message or "unterminated triple" in found.message
    return not is_open and "\n" in text[found.span.end : -1]


def _head(source: str, end: int) -> tuple[str, str]:
    """The statements that end before the one that holds the character before `end`, and the line behind them."""
    # From 1: before the first statement there is no head.
    starts = [match.start() for match in _STATEMENT.finditer(source, 1, end)]
    # The last one may be a decorator's function, or the inside of a string; further up there is less to win.
    for start in reversed(starts[-4:]):
        line_end = source.find("\n", start) + 1
        # An import from the future can change the grammar of what follows.
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
