"""What the bundled checkpoint gets right, and is not to forget: small files, each with its one right answer.

A case is a file in `cases/`: what the engine is given, a line `# output`, and what it has to answer.

    cases/repairs/      a file with syntax errors; the repaired file
    cases/completions/  a file with the cursor █; the rest of the cursor's line
    cases/misuse/       a file that uses a wrong name; the file with the right one

`cases/wanted/` has the same three folders, with what the checkpoint gets wrong. Nothing fails there: pytest lists those
cases as xfailed, and as xpassed once they are right and can move up.
"""

from dataclasses import dataclass
from pathlib import Path

import pytest
from redraft_model.engine import Engine
from redraft_model.passage import Passage

CASES = Path(__file__).with_name("cases")
CURSOR, SEPARATOR = "█", "\n# output\n"
KINDS = {"repairs": 30, "completions": 20, "misuse": 10}  # with the number of cases there are at least

wanted = pytest.mark.xfail(raises=AssertionError, strict=False, reason="the checkpoint gets it wrong")


@dataclass(frozen=True)
class Case:
    """What the engine is given, and what it has to answer."""

    given: str
    answer: str

    @classmethod
    def read(cls, path: Path) -> "Case":
        given, answer = path.read_text("utf-8").split(SEPARATOR)
        return cls(given + "\n", answer)


def cases(kind: str) -> list[object]:
    """The parameters of a test: all cases of one kind, first those that are right, then those that are wanted."""
    right, wrong = (sorted(CASES.glob(f"{folder}{kind}/*.py")) for folder in ("", "wanted/"))
    return [pytest.param(Case.read(path), id=path.stem) for path in right] + [
        pytest.param(Case.read(path), id=f"wanted-{path.stem}", marks=wanted) for path in wrong
    ]


@pytest.mark.parametrize("case", cases("repairs"))
def test_a_broken_file_is_repaired(engine: Engine, case: Case) -> None:
    assert engine.repair(case.given).text == case.answer


@pytest.mark.parametrize("case", cases("completions"))
def test_the_rest_of_a_line_is_completed(engine: Engine, case: Case) -> None:
    drafts = engine.complete(passage(case), single_line=True, n_drafts=3)
    assert [draft.text for draft in drafts][:1] == [case.answer.removesuffix("\n")]


@pytest.mark.parametrize("case", cases("misuse"))
def test_a_wrong_name_is_replaced(engine: Engine, case: Case) -> None:
    assert engine.repair(case.given, semantic=True).text == case.answer


@pytest.mark.parametrize("path", sorted(CASES.glob("misuse/*.py")), ids=lambda path: path.stem)
def test_right_names_are_left_alone(engine: Engine, path: Path) -> None:
    case = Case.read(path)
    assert engine.repair(case.answer, semantic=True).text == case.answer


@pytest.mark.parametrize("path", sorted(CASES.rglob("*.py")), ids=lambda path: path.stem)
def test_a_case_is_what_its_folder_says(path: Path) -> None:
    case = Case.read(path)
    if path.parent.name == "completions":
        assert case.answer.count("\n") == 1
        assert compiles(passage(case).replaced(case.answer.removesuffix("\n")))
        return
    assert case.given != case.answer
    assert compiles(case.answer)
    assert compiles(case.given) == (path.parent.name == "misuse")


def test_no_case_was_lost() -> None:
    assert {path.name for path in CASES.iterdir()} == {*KINDS, "wanted"}
    for kind, n_at_least in KINDS.items():
        assert len(list(CASES.glob(f"{kind}/*.py"))) >= n_at_least


def passage(case: Case) -> Passage:
    before, after = case.given.split(CURSOR)
    return Passage(before, "", after)


def compiles(source: str) -> bool:
    try:
        compile(source, "case.py", "exec")
    except SyntaxError:
        return False
    return True
