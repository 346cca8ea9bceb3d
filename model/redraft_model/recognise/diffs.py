"""A diff: the new side stays. With headers as git writes them, or with bare signs in front of the lines."""

import re
from collections.abc import Iterator, Sequence

from rapidfuzz.distance import Indel

from redraft_model.recognise.lines import dedented, lines_of
from redraft_model.recognise.recognition import Recognised
from redraft_model.text.parser import compiles

# Measured, with how many texts: docs/log.md.
CONFIDENCE = 0.997
BARE_CONFIDENCE = 0.994
WHAT = "the new side of a diff"

_HUNK = re.compile(r"@@ -\d+(?:,\d+)? \+\d+(?:,\d+)? @@")
# What stands above the hunks of a file.
_HEADER = re.compile(
    r"diff |index [0-9a-f]|--- |\+\+\+ |(?:new|deleted|old) (?:file )?mode |similarity |rename |copy |={5}"
    r"|Index: |commit |Author: |Date: "
)
_NO_NEWLINE = "\\ No newline"
_SIGNS = "+-"
_ALIKE = 0.5


def patched(source: str) -> Recognised | None:
    """The new side of a diff of one file; None for a text that is none."""
    lines = source.rstrip("\n").split("\n")
    if any(_HUNK.match(line) for line in lines):
        new = _hunks(lines)
        if not new:
            return None
        return Recognised(dedented(new) + "\n", len(lines) - len(new), CONFIDENCE, WHAT)
    for text in _bare(source):
        if compiles(text):
            n_signs = sum(line[:1] in _SIGNS for line in lines if line)
            return Recognised(text, n_signs, BARE_CONFIDENCE, WHAT)
    return None


def _hunks(lines: Sequence[str]) -> list[str] | None:
    """The lines of the new side; None where a line belongs neither to a header nor to a hunk, or to a second file."""
    new: list[str] = []
    is_in_hunk = False
    n_files = 0
    for line in lines:
        if _HUNK.match(line):
            is_in_hunk = True
            n_files = max(1, n_files)
        elif line.startswith("+++ ") and not is_in_hunk:
            n_files += 1
        elif line.startswith("diff ") or (line.startswith("--- ") and _begins_file(lines, line)):
            is_in_hunk = False
            if new:
                return None
        elif not is_in_hunk:
            if line.strip() and not (_HEADER.match(line) or line.startswith("    ")):
                return None
        elif line[:1] in ("+", " ", ""):
            new.append(line[1:])
        elif line[0] != "-" and not line.startswith(_NO_NEWLINE):
            return None
    return new


def _begins_file(lines: Sequence[str], line: str) -> bool:
    """Whether `--- name` is a header: a line that was deleted can look the same."""
    at = lines.index(line)
    return at + 1 < len(lines) and lines[at + 1].startswith("+++ ")


def _bare(source: str) -> Iterator[str]:
    """What the new side may be, if signs stand in the first column and there is no header."""
    lines = source.split("\n")
    written = [line for line in lines if line]
    signs = "".join(line[0] if line[0] in _SIGNS else " " for line in written)
    # One sign alone is a slip of the keyboard.
    if "-+" not in signs and ("-" in signs or sum(line[0] == "+" and len(line) > 1 for line in written) < 2):
        return
    if all(line[0] in "+- " for line in written):
        yield dedented([line[1:] for line in lines if line[:1] != "-"])
    # The sign stands before the line, before a blank and the line, or in the place of the first blank.
    for old, new in (("+", ""), ("+ ", ""), ("+", " ")):
        replaced = _replaced(lines, old, new)
        yield "\n".join(_new_side("\n".join(replaced), old, new))


def _replaced(lines: Sequence[str], old: str, new: str) -> list[str]:
    """The lines with the new ones in place of deleted ones that are like them, wherever they stand."""
    found: list[str] = []
    at = 0
    while at < len(lines):
        middle = _end(lines, at, "-")
        end = _end(lines, middle, "+")
        added = lines[middle:end]
        if middle - at == end - middle > 0 and all(map(_is_alike, lines[at:middle], added)):
            found += [line.replace(old, new, 1) for line in added]
            at = end
        else:
            found.append(lines[at])
            at += 1
    return found


def _end(lines: Sequence[str], start: int, sign: str) -> int:
    """Where the lines from `start` on that begin with `sign` end."""
    end = start
    while end < len(lines) and lines[end].startswith(sign):
        end += 1
    return end


def _is_alike(old: str, new: str) -> bool:
    return Indel.normalized_similarity(old[1:], new[1:]) >= _ALIKE


def _new_side(source: str, old: str, new: str) -> Iterator[str]:
    for line in lines_of(source):
        # A list in a docstring has the same signs.
        if line.is_in_string or not line.text.startswith(("+", "-")):
            yield line.text
        elif line.text.startswith("+"):
            yield line.text.replace(old, new, 1)
