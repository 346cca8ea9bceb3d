"""White space: indentation that comes from nowhere, and gaps behind brackets that were written."""

import pytest
from redraft_model.layout import indents_coined, n_lines, tidied, unglued

SOURCE = """def f(items):
    for item in items:
    if item:
        g(item)
    return (items,
            1)
"""


@pytest.mark.parametrize(
    ("after", "n"),
    [
        ("    if item:", 0),
        ("        if item:", 0),
        ("      if item:", 1),
        ("     if item:\n      g()\n  \n", 2),
        ("                if item:", 0),  # whole steps, though no line stands there yet
        ("            if item:", 0),
        ("\tif item:", 1),
    ],
)
def test_indentation_that_no_line_has_and_no_step_explains_is_counted(after: str, n: int) -> None:
    assert indents_coined(SOURCE, "    if item:", after) == n


def test_a_step_is_what_most_blocks_are_indented_by() -> None:
    two = "if a:\n  if b:\n    c()\nelse:\n      d()\n"
    assert indents_coined(two, "", "          x") == 0
    assert indents_coined(two, "", "         x") == 1
    tabs = "if a:\n\tb()\n"
    assert indents_coined(tabs, "", "\t\t\tx") == 0


def test_lines_that_stood_there_before_do_not_count() -> None:
    assert indents_coined("x\n", "   y\nz", "   y\n    z") == 0


@pytest.mark.parametrize(
    ("before", "after", "tidy"),
    [
        ("print x\n", "print( x\n", "print(x\n"),
        ("a = 1\nprint x, y\nb\n", "a = 1\nprint( x, y)\nb\n", "a = 1\nprint(x, y)\nb\n"),
        ("f a[ 0\n", "f( a[ 0])\n", "f(a[ 0])\n"),
        ("x = 1, 2\n", "x = [ 1, 2]\n", "x = [1, 2]\n"),
        ("f a, g b\n", "f( a), g( b)\n", "f(a), g(b)\n"),
        ("f\n    x\n", "f(\n    x\n", "f(\n    x\n"),
        ("f x\n", "f(  \nx\n", "f(  \nx\n"),
        ("f( x\n", "f( x)\n", "f( x)\n"),
        ("f(x) y", "f(x)", "f(x)"),
        ("f(x)\n}\ny\n", "f(x)\n\ny\n", "f(x)\ny\n"),
        ("f(x)\n    }\n\ny\n", "f(x)\n    \n\ny\n", "f(x)\n\ny\n"),
        ("f(x)\n\ny}\n", "f(x)\n\ny\n", "f(x)\n\ny\n"),
        ("f(x)\n}", "f(x)\n", "f(x)"),
        ("}\nx", "\nx", "x"),
        ("", "(", "("),
        ("", "", ""),
    ],
)
def test_gaps_behind_new_brackets_go_and_lines_of_which_nothing_is_left(
    before: str, after: str, tidy: str
) -> None:
    assert tidied(before, after) == tidy


@pytest.mark.parametrize(
    ("before", "after", "apart"),
    [
        ("return !a\n", "return nota\n", "return not a\n"),
        ("a &&b", "a andb", "a and b"),
        ("a&&b", "aandb", "a and b"),
        ("retrn x", "return x", None),
        ("x = a b", "x = ab", None),
        ("x y", "x", None),
        ("forx in y", "for in y", None),
        ("fox in y", "forx in y", None),
        ("(a", "nota", "not a"),
        ("a(", "aif", "a if"),
        ("", "", None),
        ("", "ab", None),
        ("é+é", "éoré", "é or é"),
    ],
)
def test_words_that_a_change_made_one_are_put_apart(before: str, after: str, apart: str | None) -> None:
    assert unglued(before, after) == apart


@pytest.mark.parametrize(("text", "n"), [("", 0), ("\n  \n", 0), ("a", 1), ("\na\n\n b\n\t", 2)])
def test_blank_lines_do_not_count(text: str, n: int) -> None:
    assert n_lines(text) == n
