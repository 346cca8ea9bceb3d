"""Code with a line number in front of every line, as editors, web pages and `cat -n` show it."""

import re
from collections.abc import Iterator, Sequence

from redraft_model.recognise.lines import dedented
from redraft_model.recognise.recognition import Recognised
from redraft_model.text.parser import parses, problem

# Measured, with how many texts: docs/log.md.
CONFIDENCE = 0.996
WHAT = "code with line numbers"

_MIN_LINES = 2
# Code that does not parse for another reason as well needs more lines that rise by one.
_MIN_BROKEN_LINES = 4
_NUMBER = re.compile(r"[ \t]*(\d+)")
_MARKS = (":", "|", "│", ".", ")")


def numbered(source: str) -> Recognised | None:
    """The code behind line numbers that rise by one from line to line; an empty line may go without, counted or not."""
    lines = source.rstrip("\n").split("\n")
    rest = _rest(lines)
    if rest is None:
        return None
    readings = list(_readings(lines, rest))
    texts = [text for text in readings if parses(text)]
    if not texts and len(lines) >= _MIN_BROKEN_LINES:
        texts = [max(readings, key=_n_good_lines)]
    if not texts or _n_good_lines(texts[0]) == 0:
        return None
    end = source[len(source.rstrip("\n")) :]
    return Recognised(texts[0] + end, len(lines), CONFIDENCE, WHAT)


def _n_good_lines(text: str) -> int:
    """How many lines stand above the one where the parser stopped."""
    trouble = problem(text)
    return text.count("\n") + 1 if trouble is None else trouble.line


def _rest(lines: Sequence[str]) -> list[str] | None:
    """What stands behind the numbers; None where a line has none, or one that does not follow."""
    rest: list[str] = []
    last: int | None = None
    n_numbers = n_empty = 0
    for line in lines:
        match = _NUMBER.match(line)
        if match is None and not line.strip():
            n_empty += 1
            rest.append("")
            continue
        if match is None:
            return None
        number = int(match.group(1))
        if last is not None and number - last not in (1, 1 + n_empty):
            return None
        last, n_empty = number, 0
        n_numbers += 1
        rest.append(line[match.end() :])
    if n_numbers < _MIN_LINES:
        return None
    return _without_mark(rest)


def _without_mark(rest: Sequence[str]) -> list[str] | None:
    """The lines without the sign that stands behind every number; where there is none, white space has to."""
    written = [line for line in rest if line.strip()]
    for mark in _MARKS:
        if all(line.lstrip().startswith(mark) for line in written):
            return [line.replace(mark, "", 1) if line.strip() else line for line in rest]
    return list(rest) if all(line[0].isspace() for line in written) else None


def _readings(lines: Sequence[str], rest: Sequence[str]) -> Iterator[str]:
    """The code, if the same white space stands behind all numbers, and if the code begins in the same column everywhere."""
    yield dedented(rest)
    columns = [" " * (len(line) - len(other)) + other for line, other in zip(lines, rest, strict=True)]
    yield dedented(columns)
