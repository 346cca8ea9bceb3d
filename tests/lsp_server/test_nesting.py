"""Open brackets and strings, also in text that does not parse."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redraft_server.nesting import Nesting, nesting


def check(
    text: str,
    *opened: str,
    closed: tuple[str, ...] = (),
    around: tuple[str, ...] = (),
    stray: int | None = None,
) -> None:
    n_around = len(around) - len(closed)
    assert nesting(text, around) == Nesting(opened, closed, n_around, stray)


def test_brackets_and_quotes_nest() -> None:
    check("")
    check("f([", "(", "[")
    check("f([])")
    check("f('a", "(", "'")
    check("f('(')")
    check('x = """a\n(', '"""')
    check('x = """a\n("""')
    check("'''\"'''(", "(")


def test_comments_and_escapes_count_for_nothing() -> None:
    check("f(  # ((('\n", "(")
    check(r"'\'(", "'")
    check("'a\\'b'(", "(")
    check("'''a\\'''", "'''")


def test_a_quote_that_is_not_closed_ends_with_its_line() -> None:
    check("x = 'a\nf(", "(")
    check("x = 'a\\\nb'(", "(")
    check("x = 'a", "'")


def test_what_was_open_before_is_closed_innermost_first() -> None:
    check("x'), y", "[", closed=("'", "("), around=("[", "(", "'"))
    check("()", "(", around=("(",))
    check(")(", "(", closed=("(",), around=("(",))
    assert nesting("a\nb", ("'",)) == Nesting((), (), 0)


def test_a_bracket_that_closes_nothing_is_stray() -> None:
    check("a)b)", stray=1)
    check("(]", "(", stray=1)
    check("x))", closed=("(",), around=("(",), stray=2)


@given(st.text(alphabet="a()[]'\"\\\n#"), st.text(alphabet='a()[]"\\\n#'))
def test_a_text_may_be_read_in_two_pieces_at_a_line_end(one: str, two: str) -> None:
    one += "\n"
    if one.endswith("\\\n"):
        one = one[:-2] + "\n"
    assert nesting(one + two).open == nesting(two, nesting(one).open).open


@pytest.mark.parametrize(
    "text",
    ["'" * 1_000_001, "(" * 1_000_000, '"""' + "\\" * 1_000_000, "'\\" * 1_000_000],
    ids=["quotes", "brackets", "escapes in a text", "escapes in a string"],
)
@pytest.mark.usefixtures("hang_guard")
def test_nothing_is_looked_at_again_and_again(text: str) -> None:
    # In quadratic time each would take many minutes.
    assert nesting(text).stray is None
