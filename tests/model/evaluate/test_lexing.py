"""Tokens for scoring: robust on broken code, local to a line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redraft_model.evaluate.lexing import DEDENT, INDENT, NEWLINE, is_same_code, token_distance, tokens


def check_line(line: str, expected: list[str]) -> None:
    assert tokens(line) == [*expected, NEWLINE]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("x = 1", ["x", "=", "1"]),
        ("print('a b', c)", ["print", "(", "'a b'", ",", "c", ")"]),
        ("print('a b, c)", ["print", "(", "'", "a", "b", ",", "c", ")"]),
        ("x = f\"{a}\" + rb'\\''", ["x", "=", 'f"{a}"', "+", "rb'\\''"]),
        ('"""doc"""', ['"""doc"""']),
        ('"""a word', ['"""', "a", "word"]),
        ('""', ['""']),
        ("x = 1.5e-3 + 0xFF + .5 + 1_000j", ["x", "=", "1.5e-3", "+", "0xFF", "+", ".5", "+", "1_000j"]),
        ("a**=b//c", ["a", "**=", "b", "//", "c"]),
        ("if a!=b:=c", ["if", "a", "!=", "b", ":=", "c"]),
        ("def f() -> ...:", ["def", "f", "(", ")", "->", "...", ":"]),
        ("x = 1  # not 'closed", ["x", "=", "1"]),
        ("x = '#'  # comment", ["x", "=", "'#'"]),
        ("naïve = “x” ? $", ["naïve", "=", "“", "x", "”", "?", "$"]),
        ("a \\", ["a", "\\"]),
    ],
)
def test_a_line_has_these_tokens(line: str, expected: list[str]) -> None:
    check_line(line, expected)


def test_blank_and_comment_lines_have_no_tokens() -> None:
    assert tokens("\n   \n# x\n\t# y\n") == []


def test_indentation_opens_and_closes() -> None:
    text = "if a:\n    b\n    if c:\n\td\ne"
    expected = ["if", "a", ":", NEWLINE, INDENT, "b", NEWLINE, "if", "c", ":", NEWLINE]
    assert tokens(text) == [*expected, INDENT, "d", NEWLINE, DEDENT, DEDENT, "e", NEWLINE]


def test_a_line_between_two_indentations_closes_one_and_opens_one() -> None:
    text = "a\n    b\n  c"
    assert tokens(text) == ["a", NEWLINE, INDENT, "b", NEWLINE, DEDENT, INDENT, "c", NEWLINE, DEDENT]


@given(st.text(alphabet=st.sampled_from("ab1.'\"\\#()[]:=*/ \t\n\r\x00é“"), max_size=60))
def test_no_visible_character_is_lost_outside_comments(text: str) -> None:
    text = text.replace("#", "")
    layout = {NEWLINE, INDENT, DEDENT}
    kept = "".join(token for token in tokens(text) if token not in layout)
    assert "".join(kept.split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("before", "after", "distance"),
    [
        ("print(x", "print(x)", 1),
        ("if x\n    y", "if x:\n    y", 1),
        ("print 'a', b", "print('a', b)", 2),
        ("print('a b c)", "print('a b c')", 4),
        ("def f():\nreturn 1\n", "def f():\n    return 1\n", 2),
        ("x = 1", "x  =  1  # same", 0),
        ("a = b\nc = d\n", "a = b\n", 4),
        ("f(\n", "f()\n", 1),
        ('"""doc\ntext\nx = "a"\n', '"""doc\ntext"""\nx = "a"\n', 1),
    ],
)
def test_distance_counts_token_edits(before: str, after: str, distance: int) -> None:
    assert token_distance(before, after) == distance
    assert token_distance(after, before) == distance


def test_an_error_costs_no_tokens_on_other_lines() -> None:
    rest = 'def f():\n    """Say \'it\'."""\n    return "x"\n' * 20
    assert token_distance("x = (1\n" + rest, "x = (1)\n" + rest) == 1
    assert token_distance("x = '1\n" + rest, "x = '1'\n" + rest) == 2


@pytest.mark.parametrize(
    ("text", "other", "is_same"),
    [
        ("x=1\n", "\n# y\nx = 1  # z", True),
        ("if x:\n  y\n", "if x:\n\n        y\n", True),
        ("f(a,\n  b)\n", "f(a, b)\n", True),
        ("if x:\n  y\nz\n", "if x:\n  y\n  z\n", False),
        ("x = 1\n", "x = 2\n", False),
        ("x = 'a'\n", 'x = "a"\n', False),
        ('x = """\n# a\n"""\n', 'x = """\n# b\n"""\n', False),
        ("f(1", "f( 1  # x", True),
        ("f(1", "f(1)", False),
        ("  x = (\n", "  x = (\n", True),
    ],
)
def test_same_code_ignores_comments_blank_lines_and_indentation_width(
    text: str, other: str, is_same: bool
) -> None:
    assert is_same_code(text, other) is is_same
    assert is_same_code(other, text) is is_same
