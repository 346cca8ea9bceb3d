"""Strings of code that need not parse, and brackets in them that close nothing."""

import pytest
from redraft_model.text.comments import closers_quoted, n_unpaired


@pytest.mark.parametrize(
    ("before", "after", "n"),
    [
        ('f(sep=": )', 'f(sep=": )")', 1),
        ('f(sep=": )', 'f(sep=": ")', 0),
        ("f(g('a)))", "f(g('a))'))", 2),
        ('f("(a)', 'f("(a)")', 0),
        ('f("a])', 'f("a])")', 2),
        # What was in a string before, and what is in a comment or in code, does not count.
        ('f(")", "a', 'f(")", "a")', 0),
        ("f(1  # )", "f(1)  # )", 0),
        ("f(1", "f(1))", 0),
        ('f(""" )\n', 'f(""" )\n""")', 1),
        ("", "", 0),
    ],
)
def test_brackets_that_close_nothing_and_came_into_a_string_are_counted(
    before: str, after: str, n: int
) -> None:
    assert closers_quoted(before, after) == n


@pytest.mark.parametrize(
    ("text", "n"), [("", 0), ("f(a[0])", 0), ("f((a[0", 3), ("f(')')", 1), (")(", 0), ("{}}]", 2), ("# (", 1)]
)
def test_brackets_that_are_not_one_of_a_pair_are_counted_wherever_they_stand(text: str, n: int) -> None:
    assert n_unpaired(text) == n
