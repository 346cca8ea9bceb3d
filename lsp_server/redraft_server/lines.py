"""Lines as the language server protocol counts them, and which of them two texts share.

A line ends at "\\n", "\\r\\n" or a lone "\\r", nowhere else: `str.splitlines` also splits at form feeds and a
dozen other characters that Python source may contain. Knows nothing of files, nor of edits inside a line.
"""

import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from rapidfuzz.distance import LCSseq

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


@dataclass(frozen=True)
class Hunk:
    """Lines `before_start:before_end` of one text became lines `after_start:after_end` of the other."""

    before_start: int
    before_end: int
    after_start: int
    after_end: int


def split_lines(text: str) -> list[str]:
    """The lines of `text` with their ends; joined they give `text` back. The last one may have no end."""
    return _LINE.findall(text)


def ending(line: str) -> str:
    r"""The line end that closes `line`: "\n", "\r\n", "\r", or "" for an unfinished last line."""
    if line.endswith("\r\n"):
        return "\r\n"
    return line[-1] if line.endswith(("\n", "\r")) else ""


def hunks(before: Sequence[Hashable], after: Sequence[Hashable]) -> list[Hunk]:
    """The runs of lines that differ, in order, between those of a longest common subsequence."""
    n_common = min(len(before), len(after))
    start = 0
    while start < n_common and before[start] == after[start]:
        start += 1
    n_tail = 0
    while n_tail < n_common - start and before[-1 - n_tail] == after[-1 - n_tail]:
        n_tail += 1

    # Small numbers stand for lines, because rapidfuzz compares hashes and two lines might share one.
    numbers: dict[Hashable, int] = {}
    old, new = (
        [numbers.setdefault(line, len(numbers)) for line in lines[start : len(lines) - n_tail]]
        for lines in (before, after)
    )
    found: list[Hunk] = []
    for code in LCSseq.opcodes(old, new):
        if code.tag == "equal":
            continue
        hunk = Hunk(*(start + n for n in (code.src_start, code.src_end, code.dest_start, code.dest_end)))
        if found and (found[-1].before_end, found[-1].after_end) == (hunk.before_start, hunk.after_start):
            hunk = Hunk(found[-1].before_start, hunk.before_end, found[-1].after_start, hunk.after_end)
            found.pop()
        found.append(hunk)
    return found
