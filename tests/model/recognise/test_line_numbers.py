"""Line numbers: they go when all lines have them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redraft_model.recognise.line_numbers import numbered
from redraft_model.recognise.recogniser import recognised

CODE = "def mean(values):\n    # of numbers\n    total = sum(values)\n\n    return total / len(values)\n\n\nprint(mean([1, 2]))\n"
STYLES = (
    "{n} {line}",
    "{n}: {line}",
    "{n}:{line}",
    "{n:>5}\t{line}",
    "{n:<4}{line}",
    "{n:>3} | {line}",
    "  {n}. {line}",
)


@given(st.sampled_from(STYLES), st.integers(0, 900), st.booleans())
def test_numbered_code_comes_back(style: str, first: int, has_empty_numbers: bool) -> None:
    lines = CODE.rstrip("\n").split("\n")
    shown = [
        style.format(n=n, line=line).rstrip() if line or has_empty_numbers else ""
        for n, line in enumerate(lines, first)
    ]
    found = numbered("\n".join(shown) + "\n")
    assert found is not None
    assert (found.text, found.n_lines) == (CODE, len(lines))


def test_empty_lines_need_not_be_counted() -> None:
    found = numbered("1 x = 1\n\n2 y = 2\n\n\n3 z = 3")
    assert found is not None
    assert found.text == "x = 1\n\ny = 2\n\n\nz = 3"


def test_code_that_is_broken_besides_is_left_to_the_search() -> None:
    found = numbered("1: import os\n2: x = 1\n3: print(os.getcwd(\n4: y = 2\n")
    assert found is not None
    assert found.text == "import os\nx = 1\nprint(os.getcwd(\ny = 2\n"


@pytest.mark.parametrize(
    "source",
    [
        "1 x = 1\n3 y = 2\n",
        "1 x = 1\ny = 2\n",
        "1 x = 1\n",
        "1. First, think.\n2. Then, write.\n3. Then, read.\n4. Rest.\n",
        "x = [\n1 2,\n2 3,\n]\n",
        "1x = 1\n2y = 2\n",
    ],
    ids=["a gap", "one without", "one line", "a list of prose", "data", "no separator"],
)
def test_other_numbers_stay(source: str) -> None:
    assert recognised(source) is None
