r"""The smallest replacements that turn one text into another. Knows nothing of files, editors or models.

Edits never cut a "\r\n" in two, nor a character from its combining marks: an editor would show half a
character while it applies them, and some refuse positions inside one.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from redraft_model.passage import Span

from redraft_server.lines import hunks, split_lines


@dataclass(frozen=True)
class Edit:
    """Replace the characters of `span` by `text`."""

    span: Span
    text: str


def between(before: str, after: str) -> list[Edit]:
    """The edits that turn `before` into `after`, in order, none overlapping; [] for equal texts."""
    old_lines, new_lines = split_lines(before), split_lines(after)
    offsets = [0]
    for line in old_lines:
        offsets.append(offsets[-1] + len(line))
    edits: list[Edit] = []
    for hunk in hunks(old_lines, new_lines):
        old = old_lines[hunk.before_start : hunk.before_end]
        new = new_lines[hunk.after_start : hunk.after_end]
        start = offsets[hunk.before_start]
        if len(old) != len(new):
            edits.append(_trimmed(start, "".join(old), "".join(new)))
            continue
        # As many lines as before: each one changed in place, and most people want to see it that way.
        for index, (old_line, new_line) in enumerate(zip(old, new, strict=True), hunk.before_start):
            if old_line != new_line:
                edits.append(_trimmed(offsets[index], old_line, new_line))
    return edits


def apply(text: str, edits: Sequence[Edit]) -> str:
    """`text` with `edits` carried out, all spans being positions in it. Raises ValueError if two overlap."""
    pieces: list[str] = []
    done = 0
    for edit in sorted(edits, key=lambda edit: edit.span):
        if edit.span.start < done or edit.span.end > len(text):
            raise ValueError(f"edit {edit} overlaps another one or leaves the text")
        pieces += text[done : edit.span.start], edit.text
        done = edit.span.end
    return "".join([*pieces, text[done:]])


def _trimmed(offset: int, old: str, new: str) -> Edit:
    """The edit at `offset` from `old` to `new` without the characters they share at both ends."""
    n_common = min(len(old), len(new))
    n_head = 0
    while n_head < n_common and old[n_head] == new[n_head]:
        n_head += 1
    while not (_may_cut(old, n_head) and _may_cut(new, n_head)):
        n_head -= 1
    n_tail = 0
    while n_tail < n_common - n_head and old[-1 - n_tail] == new[-1 - n_tail]:
        n_tail += 1
    while not (_may_cut(old, len(old) - n_tail) and _may_cut(new, len(new) - n_tail)):
        n_tail -= 1
    return Edit(Span(offset + n_head, offset + len(old) - n_tail), new[n_head : len(new) - n_tail])


def _may_cut(text: str, index: int) -> bool:
    """Whether an edit may begin or end at `index`: not within what is shown as one character."""
    if index in (0, len(text)):
        return True
    left, right = text[index - 1], text[index]
    if left == "\r" and right == "\n":
        return False
    if left < "\u0300" and right < "\u0300":
        return True
    return not (
        left == "\u200d"
        or right == "\u200d"
        or unicodedata.category(right).startswith("M")
        or _is_skin_tone(right)
        or (_is_flag_half(left) and _is_flag_half(right))
        or "\udc00" <= right <= "\udfff"
    )


def _is_skin_tone(character: str) -> bool:
    return "\U0001f3fb" <= character <= "\U0001f3ff"


def _is_flag_half(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"
