"""Marks of a merge conflict that are left standing."""

import pytest
from redraft_model.recognise.merge_marks import merge_marks, merged
from redraft_model.recognise.recogniser import recognised

CODE = 'def half(n):\n    """Half.\n\n=======\n    """\n    n = n / 2\n    return n\n'
MARKS = ("<<<<<<< HEAD", "||||||| 3f2a1bc", "=======", ">>>>>>> feature/half", ">>>>>>> 3f2a1bc (Halve it)")


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize("at", [0, 5, 7])
def test_a_mark_that_is_left_goes(mark: str, at: int) -> None:
    lines = CODE.split("\n")
    found = recognised("\n".join([*lines[:at], mark, *lines[at:]]))
    assert found is not None
    assert (found.text, found.n_lines) == (CODE, 1)


@pytest.mark.parametrize("source", [CODE, "x = 1 <<<<<<< 2\n", "  =======\n", "========\n", "<<<<<<\n"])
def test_other_lines_stay(source: str) -> None:
    assert merge_marks(source) == {}
    assert merged(source) is None


def test_a_title_keeps_its_line() -> None:
    assert merged("Redraft\n=======\n\nIt repairs code.\n") is None


def test_where_both_sides_may_be_left_nobody_chooses() -> None:
    source = "x = 1\n<<<<<<< HEAD\ny = 2\n=======\ny = 3\nprint(x\n"
    assert merge_marks(source) == {1: "<", 3: "="}
    assert merged(source) is None
