"""A mark at every line: it goes when all lines have it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redraft_model.recognise.marks import marked
from redraft_model.recognise.recogniser import recognised

CODE = 'def half(n):\n    # of a number\n    return n / 2\n\n\nprint(half(3), "> |")\n'
IN_FRONT = ("> ", ">", "> > ", "| ", "│ ", "• ", "* ", "- ", "    > ")
BEHIND = ("<br>", "<br />", "¶", "  ↵", " |")


@given(mark=st.sampled_from(IN_FRONT), has_empty=st.booleans())
def test_code_with_a_mark_in_front_of_every_line_comes_back(mark: str, has_empty: bool) -> None:
    lines = [f"{mark}{line}".rstrip() if line or has_empty else "" for line in CODE[:-1].split("\n")]
    found = marked("\n".join(lines) + "\n")
    assert found is not None
    assert found.text == CODE


@pytest.mark.parametrize("mark", BEHIND)
def test_code_with_a_mark_behind_every_line_comes_back(mark: str) -> None:
    found = marked(CODE.replace("\n", f"{mark}\n"))
    assert found is not None
    assert found.text == CODE


def test_a_box_goes_with_both_sides() -> None:
    found = marked("│ import os          │\n│ print(os.name)     │\n│                    │\n")
    assert found is not None
    assert found.text.rstrip() == "import os\nprint(os.name)"


def test_code_that_is_broken_besides_is_left_to_the_search() -> None:
    found = recognised("> import os\n> x = 1\n> print(os.getcwd(\n> y = 2\n")
    assert found is not None
    assert found.text == "import os\nx = 1\nprint(os.getcwd(\ny = 2\n"


@pytest.mark.parametrize(
    "source",
    [
        "> import os\nprint(os.name)\n",
        "> import os\n| print(os.name)\n",
        "> x = (\n",
        "* one thing\n* another thing\n",
        "f(\n> 1\n",
        "> Why not?\n> Because.\n",
    ],
    ids=["one without", "two marks", "one line", "a list of prose", "an operator", "prose"],
)
def test_other_signs_stay(source: str) -> None:
    assert recognised(source) is None
