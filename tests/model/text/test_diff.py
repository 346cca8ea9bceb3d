"""Where two texts differ: in characters, in whole lines, in whole words."""

import pytest
from redraft_model.text.diff import changed_lines, common_ends, whole_words


@pytest.mark.parametrize(
    ("before", "after", "old", "new"),
    [
        ("x = pritn(a)", "x = print(a)", "pritn", "print"),
        ("x = total", "x = totals", "total", "totals"),
        ("a + b", "a - b", "+", "-"),
        ("return a", "return not a", "", "not "),
        ("return not a", "return a", "not ", ""),
        ("a.b", "a.bc.b", "b", "bc.b"),
        ("f(x)", "f(y)", "x", "y"),
        ("name", "game", "name", "game"),
        ("", "a", "", "a"),
        ("a", "a", "", ""),
    ],
)
def test_a_change_is_one_of_whole_words(before: str, after: str, old: str, new: str) -> None:
    head, tail = whole_words(before, after, *common_ends(before, after))
    assert (before[head : len(before) - tail], after[head : len(after) - tail]) == (old, new)
    assert before[:head] == after[:head]
    assert before[len(before) - tail :] == after[len(after) - tail :]


@pytest.mark.parametrize(
    ("before", "after"),
    [("a\nb\nc\n", "a\nbb\nc\n"), ("a\nc", "a\nb\nc"), ("a", "a"), ("", "a\n"), ("a\nb", "a\n")],
)
def test_changed_lines_put_together_are_the_texts(before: str, after: str) -> None:
    head, old, new, tail = changed_lines(before, after)
    assert (head + old + tail, head + new + tail) == (before, after)
    assert not tail or tail.startswith("\n")
