"""What is wrong in a file and where, for programs that show it: a place, a sentence, and what a repair would replace.

Lines and columns count from 1; columns count characters (Unicode code points), and an end is the first place behind.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate

from redraft_model.passage import Span

from redraft_server.edits import between
from redraft_server.lines import split_lines
from redraft_server.problems import Problem

JsonObject = dict[str, object]


@dataclass(frozen=True)
class Region:
    """A piece of a file."""

    line: int
    column: int
    end_line: int
    end_column: int

    def to_json(self) -> JsonObject:
        """The four numbers by their names."""
        return asdict(self)


@dataclass(frozen=True)
class Replacement:
    """A piece of a file, and the text that a repair puts in its place."""

    region: Region
    text: str


@dataclass(frozen=True)
class Finding:
    """The first thing that is wrong in a file. `is_error`: Python refuses it; otherwise the model finds it unlikely."""

    message: str
    region: Region
    is_error: bool = True

    def to_json(self) -> JsonObject:
        """The message, the place, and whether Python refuses the file."""
        return {"message": self.message, "is_error": self.is_error, **self.region.to_json()}


def refused(problem: Problem, text: str) -> Finding:
    """The finding of a `text` that Python refuses."""
    return Finding(problem.message, regions(text, [problem.span])[0])


def unlikely(replacements: Sequence[Replacement]) -> Finding:
    """The finding of a text that compiles, and in which a repair makes `replacements`."""
    first = replacements[0]
    return Finding(f"this is likely wrong; likelier is {first.text.strip()!r}", first.region, is_error=False)


def replacements(before: str, after: str) -> tuple[Replacement, ...]:
    """What turns `before` into `after`, in order."""
    edits = between(before, after)
    places = regions(before, [edit.span for edit in edits])
    return tuple(Replacement(place, edit.text) for place, edit in zip(places, edits, strict=True))


def regions(text: str, spans: Sequence[Span]) -> list[Region]:
    """Where `spans` of `text` are."""
    starts = [0, *accumulate(len(line) for line in split_lines(text))]
    if len(starts) > 1 and not text.endswith(("\n", "\r")):
        starts.pop()

    def place(offset: int) -> tuple[int, int]:
        line = bisect_right(starts, offset) - 1
        return line + 1, offset - starts[line] + 1

    return [Region(*place(span.start), *place(span.end)) for span in spans]
