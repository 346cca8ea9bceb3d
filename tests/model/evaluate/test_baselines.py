"""Floors: what tree-sitter's recovery and doing nothing make of a text."""

import pytest
from redraft_model.evaluate.baselines import BASELINES, LeaveAlone, TreeSitterRecovery
from redraft_model.passage import Passage


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("with (a, b:\n    pass\n", "with (a, b):\n    pass\n"),
        ("if : ...\n", "if _ : ...\n"),
        ("x not y\n", "x not in y\n"),
        ("z = 'é“😀'\nwith (a, b:\n    pass\n", "z = 'é“😀'\nwith (a, b):\n    pass\n"),
    ],
)
def test_recovery_inserts_what_is_missing(source: str, expected: str) -> None:
    draft = TreeSitterRecovery().repair(source)
    assert (draft.text, draft.n_edits, draft.parses) == (expected, 1, True)


@pytest.mark.parametrize("source", ["x = 1 2\ny = 2\n", "x = {1: }\n", "'é“😀'; f(a b)\n"])
def test_recovery_deletes_what_it_could_not_read(source: str) -> None:
    draft = TreeSitterRecovery().repair(source)
    assert draft.parses
    rest = iter(source)
    assert draft.text != source
    assert all(character in rest for character in draft.text), "only deletions"


def test_recovery_may_delete_a_whole_statement() -> None:
    draft = TreeSitterRecovery().repair("print((1, 2)\n")
    assert (draft.text, draft.parses) == ("\n", True)


@pytest.mark.parametrize("source", ["", "x = 1\n", "def f():\n    return 1", "# é\n"])
@pytest.mark.parametrize("baseline", BASELINES, ids=lambda baseline: baseline.about.name)
def test_what_parses_is_left_alone(baseline: LeaveAlone | TreeSitterRecovery, source: str) -> None:
    draft = baseline.repair(source, semantic=True)
    assert (draft.text, draft.n_edits, draft.parses) == (source, 0, True)


def test_leaving_alone_says_whether_the_text_parses() -> None:
    assert LeaveAlone().repair("f(").parses is False


@pytest.mark.parametrize("baseline", BASELINES, ids=lambda baseline: baseline.about.name)
def test_floors_complete_nothing(baseline: LeaveAlone | TreeSitterRecovery) -> None:
    assert baseline.complete(Passage("x = ", "", "\n")) == []


@pytest.mark.parametrize(
    "source", ["def f(:\n", "'''", "((((", "\x00", "if x\n y", "class", "f'{", "\ud800(", ")"]
)
def test_recovery_survives_any_text(source: str) -> None:
    assert isinstance(TreeSitterRecovery().repair(source).text, str)
