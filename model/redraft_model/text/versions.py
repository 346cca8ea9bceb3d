"""What compiles on some Python, though perhaps not on this one: newer syntax in a disguise that every supported Python takes.

The disguise has the length of the text and its line ends, so that every offset means the same place in both. What is hidden
cannot change, and comes back afterwards.
"""

import itertools
import re
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from rapidfuzz.distance import Levenshtein

from redraft_model.passage import Span, Version, Watch
from redraft_model.text import parser
from redraft_model.text.diff import common_ends
from redraft_model.text.newer import Newer, newer_syntax
from redraft_model.text.parser import Problem, line_starts
from redraft_model.text.shifted_print import shifted_prints

_NEWEST: Version = (3, 14)  # of all that `newer_syntax` finds
_LONGEST_ALIGNMENT = 20_000  # characters that are aligned one by one


@dataclass(frozen=True)
class Disguise:
    """A text, and the same text with its newer syntax hidden."""

    source: str
    text: str
    hidden: tuple[Newer, ...]

    @property
    def needs(self) -> Version:
        """The oldest Python that takes all that is hidden."""
        return max(newer.version for newer in self.hidden)

    def revealed(self, after: str) -> str | None:
        """`after`, which was made from the disguised text, with the hidden syntax again; None if some of it was changed."""
        if any(_n_words(self.text, name) > _n_words(after, name) for name in self._names):
            return None
        kept = _kept(self.text, after)
        revealed: list[str] = []
        end = 0
        for newer in self.hidden:
            shift = _shift(kept, newer.span)
            if shift is None:
                return None
            revealed += after[end : newer.span.start + shift], newer.span.of(self.source)
            end = newer.span.end + shift
        return "".join([*revealed, after[end:]])

    def shown(self, after: str) -> str:
        """`after` with as much of the hidden syntax as can be put back: a picture of a text in the making."""
        revealed = self.revealed(after)
        return after if revealed is None else revealed

    def hides(self, span: Span) -> bool:
        """Whether a stretch of the text, or the place that an empty one is, is a part of what is hidden."""
        return any(
            newer.span.start < span.end and span.start < newer.span.end
            if span.start < span.end
            else newer.span.start < span.start < newer.span.end
            for newer in self.hidden
        )

    @property
    def _names(self) -> set[str]:
        return {name for newer in self.hidden for name in newer.names}


def watched(watch: Watch, disguise: Disguise | None) -> Watch:
    """A watch over work on a disguised text, which shows `watch` the text itself."""
    if disguise is None:
        return watch
    return replace(watch, on_step=lambda step: watch.on_step(replace(step, text=disguise.shown(step.text))))


@lru_cache(maxsize=8)
def disguised(source: str) -> Disguise | None:
    """The disguise of a text that this Python does not take; None where newer syntax is not the reason, or there is none.

    With it the text compiles, or what is wrong stands elsewhere.
    """
    was = _raw_problem(source)
    if was is None:
        return None
    hidden = newer_syntax(source)
    if not hidden:
        return None
    disguise = Disguise(source, _with_stand_ins(source, hidden), hidden)
    now = _raw_problem(disguise.text)
    if now is None:
        return disguise
    if now.span.start < was.span.start:
        return None
    # Behind an error a quote may begin what it should end: what has several lines there may be none of it.
    hidden = tuple(
        newer
        for newer in hidden
        if newer.span.end <= now.span.start or newer.names or "\n" not in newer.span.of(source)
    )
    if not hidden or any(newer.span.start <= now.span.start < newer.span.end for newer in hidden):
        return None
    return Disguise(source, _with_stand_ins(source, hidden), hidden)


def problem(source: str) -> Problem | None:
    """What `parser.problem` says of a text that may need a newer Python."""
    found = parser.problem(source)
    if found is None or (disguise := disguised(source)) is None:
        return found
    return parser.problem(disguise.text)


def compile_problem(source: str) -> Problem | None:
    """What `parser.compile_problem` says of a text that may need a newer Python."""
    found = parser.compile_problem(source)
    if found is None or (disguise := disguised(source)) is None:
        return found
    return parser.compile_problem(disguise.text)


def code_problem(source: str, target: Version | None = None) -> Problem | None:
    """The first complaint about `source`: of the parser, else of the compiler, else what the `target` Python does not take yet.

    `print >>file`, which compiles and always fails, counts as something the compiler complains about.
    """
    # What this Python takes is asked about again and again, and compiled once.
    found = None if _raw_problem(source) is None else problem(source) or compile_problem(source)
    found = found or _shifted_print(source)
    if found is not None:
        return found
    too_new = _too_new(source, target)
    return _version_problem(source, too_new[0], target) if too_new and target else None


def parses(source: str) -> bool:
    """Whether the parser of some Python accepts `source`."""
    return problem(source) is None


def compiles(source: str, target: Version | None = None) -> bool:
    """Whether some Python, from `target` on, accepts `source`."""
    return code_problem(source, target) is None


def needed(source: str) -> Version | None:
    """The Python that a text needs which this one does not take; None if there is no such Python, or this one will do."""
    disguise = disguised(source)
    return disguise.needs if disguise and _raw_problem(disguise.text) is None else None


def too_new(source: str, target: Version | None) -> str | None:
    """What in `source` the `target` Python cannot say otherwise, in one sentence; None if there is nothing."""
    for newer in _too_new(source, target):
        if newer.equivalent is None and target is not None:
            found = _version_problem(source, newer, target)
            return f"line {found.line + 1} {found.message}"
    return None


def with_older_syntax(source: str, target: Version | None) -> tuple[str, int]:
    """`source` with equivalents that the `target` Python takes in place of newer syntax, and in how many places."""
    replaced = [newer for newer in _too_new(source, target) if newer.equivalent is not None]
    for newer in reversed(replaced):
        source = source[: newer.span.start] + str(newer.equivalent) + source[newer.span.end :]
    return source, len(replaced)


def version_name(version: Version) -> str:
    """`3.12`."""
    return "{}.{}".format(*version)


def _too_new(source: str, target: Version | None) -> list[Newer]:
    """The newer syntax that the `target` does not take; what this Python takes and the target, too, is not looked at."""
    if target is None or target >= _NEWEST:
        return []
    if sys.version_info[:2] < (3, 12) and _raw_problem(source) is None:
        return []
    return [newer for newer in newer_syntax(source) if newer.version > target]


def _version_problem(source: str, newer: Newer, target: Version) -> Problem:
    message = f"needs Python {version_name(newer.version)}, the project says {version_name(target)}"
    return _problem_at(source, newer.span, message)


@lru_cache(maxsize=8)
def _shifted_print(source: str) -> Problem | None:
    spans = shifted_prints(source)
    return _problem_at(source, spans[0], "'print >>' is Python 2 and fails in Python 3") if spans else None


def _problem_at(source: str, span: Span, message: str) -> Problem:
    starts = line_starts(source)
    line = sum(start <= span.start for start in starts) - 1
    last = sum(start < span.end for start in starts) - 1
    return Problem(span, line, max(line, last), message)


@lru_cache(maxsize=8)
def _raw_problem(source: str) -> Problem | None:
    return parser.problem(source) or parser.compile_problem(source)


def _with_stand_ins(source: str, hidden: tuple[Newer, ...]) -> str:
    for newer in reversed(hidden):
        source = source[: newer.span.start] + newer.stand_in + source[newer.span.end :]
    return source


def _n_words(text: str, word: str) -> int:
    return len(re.findall(rf"\b{re.escape(word)}\b", text))


Kept = list[tuple[int, int, int]]
"""Runs of characters that two texts share: start and end in the first, and by how much they are further on in the second."""


def _kept(before: str, after: str) -> Kept:
    """What is left of `before` in `after`: whole lines, and parts of lines that changed."""
    n_head, n_tail = common_ends(before, after)
    n_head = before.rfind("\n", 0, n_head) + 1
    line_end = before.find("\n", len(before) - n_tail)
    n_tail = 0 if line_end < 0 else len(before) - line_end
    old, new = before[n_head : len(before) - n_tail], after[n_head : len(after) - n_tail]
    kept = [(0, n_head, 0)]
    for a, b, c, d in _stretches(old, new):
        kept += _matching(old, new, (a, b, c, d), n_head)
    return [*kept, (len(before) - n_tail, len(before), len(after) - len(before))]


def _stretches(old: str, new: str) -> list[tuple[int, int, int, int]]:
    """Stretches of lines of two texts that belong together, as character offsets; equal ones are their own stretch."""
    old_lines, new_lines = old.splitlines(keepends=True), new.splitlines(keepends=True)
    i, j = _starts(old_lines), _starts(new_lines)
    return [(i[a], i[b], j[c], j[d]) for _, a, b, c, d in _opcodes(old_lines, new_lines)]


def _starts(lines: list[str]) -> list[int]:
    return list(itertools.accumulate(map(len, lines), initial=0))


def _opcodes(old: Sequence[str], new: Sequence[str]) -> list[tuple[str, int, int, int, int]]:
    return [
        (each.tag, each.src_start, each.src_end, each.dest_start, each.dest_end)
        for each in Levenshtein.opcodes(old, new)
    ]


def _matching(old: str, new: str, at: tuple[int, int, int, int], base: int) -> Kept:
    a, b, c, d = at
    if old[a:b] == new[c:d]:
        return [(base + a, base + b, c - a)]
    if max(b - a, d - c) > _LONGEST_ALIGNMENT:
        return []
    return [
        (base + a + e, base + a + f, (c + g) - (a + e))
        for tag, e, f, g, _ in _opcodes(old[a:b], new[c:d])
        if tag == "equal"
    ]


def _shift(kept: Kept, span: Span) -> int | None:
    """By how much a span is further on; None if it was changed."""
    shifts: Counter[int] = Counter()
    for start, end, shift in kept:
        shifts[shift] += max(0, min(end, span.end) - max(start, span.start))
    shift, n = shifts.most_common(1)[0] if shifts else (0, 0)
    return shift if n == span.end - span.start else None
