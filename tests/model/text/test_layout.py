"""White space: gaps behind brackets that were written, lines of which nothing is left, words that became one."""

import pytest
from redraft_model.text.layout import indented_as_before, normalise_whitespace, split_merged_words


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
        ('x = a"\n', 'x =" a"\n', 'x = "a"\n'),
        ('x = a"\n', 'x = " a"\n', 'x = "a"\n'),
        ('f(1, a")\n', 'f(1," a")\n', 'f(1, "a")\n'),
        ('f( a")\n', 'f(" a")\n', 'f("a")\n'),
        ('f("a b)\n', 'f("a" b)\n', 'f("a" b)\n'),
        ("x =  a'\n", "x =  ' a'\n", "x =  'a'\n"),
        ("f(x) y", "f(x)", "f(x)"),
        ("f(x)\n}\ny\n", "f(x)\n\ny\n", "f(x)\ny\n"),
        ("f(x)\n    }\n\ny\n", "f(x)\n    \n\ny\n", "f(x)\n\ny\n"),
        ("f(x)\n\ny}\n", "f(x)\n\ny\n", "f(x)\n\ny\n"),
        ("f(x)\n}", "f(x)\n", "f(x)"),
        ("}\nx", "\nx", "x"),
        ("return 0 !\nx\n", "return 0 \nx\n", "return 0\nx\n"),
        ("return 0 ! \nx\n", "return 0 \nx\n", "return 0 \nx\n"),
        ("x = 'a \n", "x = 'a '\n", "x = 'a '\n"),
        ("", "(", "("),
        ("", "", ""),
    ],
)
def test_gaps_beside_nothing_go_and_lines_of_which_nothing_is_left(
    before: str, after: str, tidy: str
) -> None:
    assert normalise_whitespace(before, after) == tidy


@pytest.mark.parametrize(
    ("before", "after", "tidy"),
    [
        ("if x:\n    pas f()\n", "if x:\n     f()\n", "if x:\n    f()\n"),
        ("function f():\n    pass\n", " f():\n    pass\n", "f():\n    pass\n"),
        ("if x:\n     f()\n", "if x:\n    f()\n", "if x:\n    f()\n"),
        ("if x:\n    f()\n", "if x:\n     f()\n", "if x:\n     f()\n"),
        ("if x:\n    y f()\n", "if x:\n      f()\n", "if x:\n      f()\n"),
        ("", "", ""),
    ],
)
def test_a_line_whose_first_words_are_gone_stays_where_it_was(before: str, after: str, tidy: str) -> None:
    assert indented_as_before(before, after) == tidy


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
    assert split_merged_words(before, after) == apart
