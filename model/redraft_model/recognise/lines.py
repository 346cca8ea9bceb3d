"""Lines of code that need not parse, and inside of what each of them begins."""

import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from redraft_model.text.comments import STRING_OR_COMMENT

_PIECE = re.compile(STRING_OR_COMMENT + r"| (?P<bracket>[()\[\]{}]) | (?P<end>\\?\n)", re.VERBOSE)


@dataclass(frozen=True)
class Line:
    """A line without its line end, and whether it begins in a string, or in brackets or behind a backslash."""

    text: str
    is_in_string: bool
    is_continued: bool

    @property
    def begins_statement(self) -> bool:
        """Whether a statement begins here, as far as can be told."""
        return not (self.is_in_string or self.is_continued)


def lines_of(source: str) -> list[Line]:
    """The lines of `source`, in order."""
    states = list(_states(source))
    texts = source.split("\n")
    return [Line(text, *state) for text, state in zip(texts, states, strict=True)]


def dedented(lines: Sequence[str]) -> str:
    """The lines as one text without the indentation that all of them share; blanks at their ends stay where there is none."""
    text = "\n".join(lines)
    return text if any(line[:1].strip() for line in lines) else textwrap.dedent(text)


def _states(source: str) -> Iterator[tuple[bool, bool]]:
    """(in a string, continued) at the beginning of each line."""
    yield False, False
    depth = 0
    for match in _PIECE.finditer(source):
        if match["string"] is not None:
            yield from [(True, depth > 0)] * match.group().count("\n")
        elif match["bracket"] is not None:
            depth = depth + 1 if match.group() in "([{" else max(0, depth - 1)
        elif match["end"] is not None:
            yield False, depth > 0 or match.group() != "\n"
