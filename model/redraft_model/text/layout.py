"""White space of code that need not parse: gaps in new brackets, lines of which nothing is left, words that became one."""

import re

from rapidfuzz.distance import Indel

from redraft_model.text.diff import LONGEST_CHANGE, changed_lines, common_ends, is_inside_word

_GAP = re.compile(r" +(?=\S)")


def normalise_whitespace(before: str, after: str) -> str:
    """`after` without blanks that stand beside nothing any more, and without lines of which nothing is left.

    Of `print x` only brackets are missing; the blank between its words is none that anybody wants in `print( x)`. The blank in
    front of a word stays in front of the quote that the word lacked: it is not in the string. Nor does anybody want an empty line
    where a lone `}` was, or the blank in front of what is gone at the end of a line.
    """
    head, old, new, tail = changed_lines(before, after)
    new = _without_gaps(old, new)
    rows, now = old.split("\n"), new.split("\n")
    if len(rows) == len(now):
        pairs = zip(rows, now, strict=True)
        left = [_without_blanks(row, line) for row, line in pairs if line.strip() or not row.strip()]
        new = "\n".join(left)
        if not left:
            tail = tail.removeprefix("\n")  # the first line has no line break of its own
    return head + new + tail


def indented_as_before(before: str, after: str) -> str:
    """`after` without the blank behind the first words of a line, where these are gone.

    Only for a text that is not edited further: another word may still go in front of the blank.
    """
    head, old, new, tail = changed_lines(before, after)
    rows, now = old.split("\n"), new.split("\n")
    if len(rows) != len(now):
        return after
    return head + "\n".join(_indented_as(row, line) for row, line in zip(rows, now, strict=True)) + tail


def _indented_as(row: str, line: str) -> str:
    code = line.lstrip(" ")
    indent = row[: len(row) - len(row.lstrip())]
    is_shortened = row.endswith(f" {code}") and row[len(indent) :] != code
    return indent + code if is_shortened and line == f"{indent} {code}" else line


def _without_blanks(row: str, line: str) -> str:
    """A line that was `row`, without the blank that stood before its end, which is gone."""
    bare = line.rstrip(" ")
    return bare if bare != line and row.startswith(line) and row[-1:].strip() else line


def _without_gaps(old: str, new: str) -> str:
    if len(new) > LONGEST_CHANGE:
        return new
    pieces: list[str] = []
    end = 0
    for change in Indel.opcodes(old, new):
        for i in range(change.dest_start, change.dest_end) if change.tag == "insert" else ():
            gap = _GAP.match(new, i + 1)
            if gap and new[i] in "([{":
                pieces.append(new[end : gap.start()])
                end = gap.end()
            elif gap and new[i] in "\"'" and _opens(new, i):
                blank = "" if new[i - 1 : i] in (" ", "", "(", "[", "{") else gap.group()
                pieces += (new[end:i], blank, new[i])
                end = gap.end()
    return "".join(pieces) + new[end:]


def _opens(text: str, quote: int) -> bool:
    """Whether a quote is the first, third, ... of its kind in its line."""
    return text.count(text[quote], text.rfind("\n", 0, quote) + 1, quote) % 2 == 0


def split_merged_words(before: str, after: str) -> str | None:
    """`after` with a blank wherever the change made one word of two; None if it did not.

    In `!x` one token is wrong. `not` in its place makes `notx`, where `not x` may be meant.
    """
    start, n_tail = common_ends(before, after)
    end, old_end = len(after) - n_tail, len(before) - n_tail
    if start == end:
        return None
    is_left = is_inside_word(after, start) and not is_inside_word(before, start)
    is_right = is_inside_word(after, end) and not is_inside_word(before, old_end)
    if not (is_left or is_right):
        return None
    return after[:start] + " " * is_left + after[start:end] + " " * is_right + after[end:]
