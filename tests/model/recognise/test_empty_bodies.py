"""A body that holds only a comment."""

import pytest
from redraft_model.recognise.empty_bodies import empty_bodies

SOURCE = """def later(
    when,
):
    # some day
    # or never


class Here:
    def go(self):
        # TODO

# This is about x.
x = 1
"""


def test_pass_stands_behind_the_comment() -> None:
    found = empty_bodies(SOURCE)
    assert found is not None
    assert found.n_lines == 2
    filled = SOURCE.replace("or never\n", "or never\n    pass\n").replace("TODO\n", "TODO\n        pass\n")
    assert found.text == filled


def test_a_text_may_end_with_it() -> None:
    found = empty_bodies("if x:\n    # nothing")
    assert found is not None
    assert found.text == "if x:\n    # nothing\n    pass"


@pytest.mark.parametrize(
    "source",
    [
        "def f():\n# why\nreturn 1\n",
        "def f():\n    # one\nx = 1\n    y = 2\n",
        "if x:\ny = 1\n",
        "def f(:\n    # one\n",
    ],
    ids=["comment outside", "body below", "no comment", "another error"],
)
def test_other_bodies_are_for_the_search(source: str) -> None:
    assert empty_bodies(source) is None
