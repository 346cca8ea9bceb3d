"""Where two texts differ."""

import re
from collections import Counter

LONGEST_CHANGE = 20_000  # characters; aligning texts takes time in their square

_WORD = re.compile(r"\w+")
_SIGN = re.compile(r"[^\w\s]")
_INSIDE = re.compile(r"\w\w")
_LONGEST_LINE = 2_000  # characters; of a longer one only so many on either side of a change belong to it


def common_prefix(a: str, b: str) -> int:
    """Length of the longest common beginning."""
    return common_suffix(a[::-1], b[::-1])


def common_suffix(a: str, b: str) -> int:
    """Length of the longest common ending; by halves, because comparing slices is fast and loops are not."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[len(a) - middle :] == b[len(b) - middle :]:
            low = middle
        else:
            high = middle - 1
    return low


def common_ends(before: str, after: str) -> tuple[int, int]:
    """Lengths of the longest common beginning, and of the longest common ending behind it."""
    n_head = common_prefix(before, after)
    return n_head, min(common_suffix(before, after), min(len(before), len(after)) - n_head)


def changed_lines(before: str, after: str) -> tuple[str, str, str, str]:
    """(head, old, new, tail) with before = head + old + tail and after = head + new + tail, cut at line breaks.

    Lines that are very long are cut between words, since what is done with the changed text may take time in its square.
    """
    n_head, n_tail = common_ends(before, after)
    line_start = max(0, before.rfind("\n", 0, n_head))
    line_end = before.find("\n", len(before) - n_tail)
    line_end = len(before) if line_end < 0 else line_end
    near = max(0, n_head - _LONGEST_LINE), max(0, n_tail - _LONGEST_LINE)
    near = whole_words(before, after, *near)
    n_head, n_tail = max(line_start, near[0]), max(len(before) - line_end, near[1])
    return (
        before[:n_head],
        before[n_head : len(before) - n_tail],
        after[n_head : len(after) - n_tail],
        before[len(before) - n_tail :],
    )


def whole_words(before: str, after: str, n_head: int, n_tail: int) -> tuple[int, int]:
    """How much of `n_head` and `n_tail` characters that two texts share is left when no word is cut in either of them."""
    head, tail = n_head, n_tail
    while head and any(is_inside_word(text, head) for text in (before, after)):
        head -= 1
    while tail and any(is_inside_word(text, len(text) - tail) for text in (before, after)):
        tail -= 1
    return head, tail


def is_inside_word(text: str, at: int) -> bool:
    """Whether a letter, digit or underscore stands on both sides of offset `at`."""
    return at > 0 and _INSIDE.match(text, at - 1, at + 1) is not None


def n_lost(before: str, after: str) -> tuple[int, int]:
    """How many words and how many signs of `before` are not in `after`."""
    words = Counter(_WORD.findall(before)) - Counter(_WORD.findall(after))
    signs = Counter(_SIGN.findall(before)) - Counter(_SIGN.findall(after))
    return words.total(), signs.total()
