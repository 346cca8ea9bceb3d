"""Comments of other languages stay comments."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redraft_model.recognise.recogniser import recognised
from redraft_model.recognise.slash_comments import commented

WORDS = st.lists(
    st.sampled_from(["the", "number", "of", "rows", "don't", "count", "zero"]), min_size=2, max_size=6
).map(" ".join)


def check(before: str, after: str | None) -> None:
    found = recognised(before)
    assert (found.text if found else None) == after


@given(st.sampled_from(["n = 3  ", "return_(n)  ", "    ", "if n:  "]), WORDS)
def test_what_is_said_stays_said(code: str, words: str) -> None:
    head, tail = (
        ("if n:\n", "    pass\n") if code.isspace() else ("", "    pass\n" if code.startswith("if") else "")
    )
    check(f"{head}{code}// {words}\n{tail}", f"{head}{code}# {words}\n{tail}")


def test_a_line_of_slashes_is_a_comment() -> None:
    check("// x = 1\ny = 2\n", "# x = 1\ny = 2\n")


def test_a_comment_between_the_items_of_a_list() -> None:
    check(
        "x = [\n    // first\n    // of all\n    1,  // the one\n    // two\n    2,\n]\n",
        "x = [\n    # first\n    # of all\n    1,  # the one\n    # two\n    2,\n]\n",
    )


def test_blocks_become_lines() -> None:
    check(
        "/*\n * Two lines,\n * and a star.\n */\nif x:\n    /* one */\n    y = 1 /* two */\n",
        "# Two lines,\n# and a star.\nif x:\n    # one\n    y = 1 # two\n",
    )


def test_who_writes_one_writes_others() -> None:
    check("// the sizes\nx = 3  // mm\ny = x // 2\n", "# the sizes\nx = 3  # mm\ny = x // 2\n")


def test_a_division_by_a_name_from_elsewhere_stays() -> None:
    check("// the sheets\nhalf = pages // sides\n", "# the sheets\nhalf = pages // sides\n")
    check("n = 3; // 2 is too few for it\n", None)
    check("n = 3; // 2 too few\n", "n = 3; # 2 too few\n")


@pytest.mark.parametrize(
    "source",
    [
        "half = (pages // (2\n",
        "if pages // 2 == 0\n    pass\n",
        "x = (a\n     // b\n",
        'url = "http://x.y/z of it"\nx = (\n',
        "x = 1  # not // the end\ny = (\n",
        "mean = total // count if count else zero zero\n",
        "half = pages // 2 sheets\n",
    ],
    ids=["bracket", "colon", "next line", "string", "comment", "condition", "number"],
)
def test_divisions_stay(source: str) -> None:
    assert commented(source) is None
