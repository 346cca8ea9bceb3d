"""Safety: what a rewrite must never do."""

import pytest
from redraft_model.passage import Reading, Span
from redraft_server import safety


def check(before: str, after: str, expected: str | None, span: Span | None = None) -> None:
    """The refusal's reason contains `expected`; None means that the rewrite is fine."""
    refusal = safety.check(before, after, span)
    if expected is None:
        assert refusal is None
    else:
        assert refusal is not None
        assert expected in refusal.reason


def test_an_unchanged_text_is_fine_even_if_it_is_broken() -> None:
    check("f(", "f(", None)


def test_a_repair_is_fine() -> None:
    check("f(1\n", "f(1)\n", None)


def test_a_partial_repair_is_fine() -> None:
    check("f(1\ng(\n", "f(1)\ng(\n", None)


def test_a_text_that_parses_must_go_on_parsing() -> None:
    check("f(1)\n", "f(1\n", "parses and the rewrite would not")
    check("f(1)\n", "f(2)\n", None)


def test_a_text_that_compiles_must_go_on_compiling() -> None:
    check("f(1)\n", "return 1\n", "The text compiles and the rewrite would not.")
    check("def f(a, b):\n    pass\n", "def f(a, a):\n    pass\n", "compiles and the rewrite would not")
    check("def f(a, a):\n    pass\n", "def f(a, b):\n    pass\n", None)
    check("return 1\n", "return 2\n", None)
    check("return 1\n", "return (1\n", "parses and the rewrite would not")
    check("f(1\n", "return 1\n", None)


def test_awaiting_at_the_outermost_level_is_for_notebooks_to_decide() -> None:
    assert safety.compiles("await f()\nasync with g():\n    pass\n")
    assert not safety.compiles("def f():\n    await g()\n")


def test_nothing_outside_the_span_may_change() -> None:
    before = "a = 1\nb = 2\nc = 3\n"
    middle = Span(6, 12)
    check(before, "a = 1\nb = 4\nc = 3\n", None, middle)
    check(before, "a = 1\nb = 4\nb = 5\nc = 3\n", None, middle)
    check(before, "a = 0\nb = 2\nc = 3\n", "outside the selection", middle)
    check(before, "a = 1\nb = 2\nc = 0\n", "outside the selection", middle)


def test_text_before_and_after_the_span_may_not_share_characters() -> None:
    # "aba" begins with "ab" and ends with "ba", but not with both.
    check("ab ba", "aba", "outside the selection", Span(2, 3))


def test_something_must_be_left_of_the_text() -> None:
    check("f(\n", "\n", "leave nothing")
    check("a = 1\nb = (\n", "a = 1\n\n", "leave nothing", Span(6, 12))
    check("\n", "", None)


def test_comments_must_stay() -> None:
    check("f(1  # why\n", "f(1)\n", "drop the comment '# why'")
    check("f(1  # why\n", "f(1)  # why\n", None)
    check("# a\nf(1  # a\n", "# a\nf(1)\n", "drop the comment '# a'")


def test_a_comment_may_move_and_lose_trailing_blanks() -> None:
    check("f(1  # why   \n", "# why\nf(1)\n", None)


def test_a_long_comment_is_quoted_in_part() -> None:
    check(f"f(  # {'x' * 100}\n", "f()\n", "x…'")


def test_a_number_sign_in_a_string_is_no_comment() -> None:
    check("f('# a'\n", "f('b')\n", None)
    check('f("""\n# a\n"""\n', 'f("""\n""")\n', None)
    check("f('it\\'s # a'\n", "f('b')\n", None)


def test_a_comment_after_a_string_is_a_comment() -> None:
    check("f('# a')  # b\ng(\n", "f('# a')\ng()\n", "'# b'")
    check("x = ''  # b\ng(\n", "x = ''\ng()\n", "'# b'")
    check("'''a''' # b\ng(\n", "'''a'''\ng()\n", "'# b'")


def test_a_comment_below_an_unclosed_quote_is_seen() -> None:
    check("x = 'a\ny = 1  # b\n", "x = 'a'\ny = 1\n", "'# b'")


def test_what_looks_like_a_comment_until_its_quote_is_repaired_is_not_missed() -> None:
    check('x = a # b"\n', 'x = "a # b"\n', None)


@pytest.mark.parametrize("text", ["a\0b", "x = '\ud800'\n", "(" * 100_000])
def test_texts_the_parser_chokes_on_neither_parse_nor_compile(text: str) -> None:
    assert not safety.parses(text)
    assert not safety.compiles(text)


def test_warnings_of_the_parser_and_the_compiler_are_not_shown(recwarn: pytest.WarningsRecorder) -> None:
    assert safety.compiles("x = '\\d'\nx is 1\n")
    assert not recwarn.list


def test_what_looks_like_a_comment_in_pasted_text_may_go_but_no_comment_of_its_code() -> None:
    pasted = "# Heading\n\n```python\nf(1  # one\n```\n"
    reading = Reading("Python in a Markdown fence", "f(1  # one\n")
    assert safety.check(pasted, "f(1)  # one\n", reading=reading) is None
    refusal = safety.check(pasted, "f(1)\n", reading=reading)
    assert refusal is not None
    assert "drop the comment '# one'" in refusal.reason
    assert safety.check(pasted, "f(1)  # one\n") is not None
