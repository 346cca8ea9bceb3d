"""`redraft fix` with Python of other versions, from the command to the bytes, with the checkpoint that comes with it."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from redraft_server.cli import main

NEW = 'def first[T](items: list[T]) -> T:\n    print(f"{items["a"]}")\n    return items[0]\n'
QUOTES = 'row = {"name": 1}\nprint(f"{row["name"]}")\n'
OLDER_QUOTES = 'row = {"name": 1}\nprint(f"{row[\'name\']}")\n'

older = pytest.mark.skipif(sys.version_info >= (3, 12), reason="this Python takes what is newer to others")


@pytest.fixture
def fix(folder: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> Any:
    """Runs `redraft fix --json` on one file: the exit code, what became of it, and its text afterwards."""

    def fix(text: str, *options: str) -> tuple[int, dict[str, Any], str]:
        path = folder / "code.py"
        path.write_text(text)
        code = main(["fix", "--model", "tiny", "--device", "cpu", "--json", *options, "code.py"])
        (result,) = json.loads(capsysbinary.readouterr().out)["files"]
        return code, result, path.read_text()

    return fix


@older
def test_newer_syntax_is_clean_and_named(fix) -> None:
    code, result, text = fix(NEW, "--write")
    assert (code, result["status"], result["reason"], text) == (0, "clean", "needs Python 3.12", NEW)


@older
def test_an_error_beside_newer_syntax_is_repaired(fix) -> None:
    code, result, text = fix(NEW.replace('"]}")', '"]}"'), "--write")
    assert (code, result["status"], text) == (0, "fixed", NEW)


@older
def test_an_older_target_gets_other_quotes(fix) -> None:
    code, result, text = fix(QUOTES, "--write", "--target-version", "3.11")
    assert (code, result["status"], result["n_edits"], text) == (0, "fixed", 1, OLDER_QUOTES)
    assert fix(QUOTES, "--write", "--target-version", "3.12")[2] == QUOTES


@older
def test_an_older_target_is_told_what_cannot_be_written(fix) -> None:
    code, result, text = fix(NEW, "--write", "--target-version", "3.11")
    assert (code, result["status"], text) == (1, "unfixable", NEW)
    assert result["reason"] == "line 1 needs Python 3.12, the project says 3.11"


@older
def test_the_project_says_which_python_it_is_for(fix, folder) -> None:
    (folder / "pyproject.toml").write_text('[project]\nrequires-python = ">=3.10"\n')
    assert fix(NEW)[1]["reason"] == "line 1 needs Python 3.12, the project says 3.10"
    assert fix(QUOTES, "--write")[2] == OLDER_QUOTES
    assert fix(NEW, "--target-version", "3.12")[1]["status"] == "clean"


def test_a_version_that_is_none_is_refused(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["fix", "--target-version", "new", "."]) == 2
    assert b"--target-version is a version such as 3.11" in capsysbinary.readouterr().err


OLD = 'import sys\n\ndef warn(name):\n    print >>sys.stderr, "no", name,\n    print\n    raise OSError, `name`\n'
TODAY = (
    "import sys\n\ndef warn(name):\n"
    '    print("no", name, end=" ", file=sys.stderr)\n    print()\n    raise OSError(repr(name))\n'
)


def test_python_2_is_written_in_all_places(fix) -> None:
    code, result, text = fix(OLD, "--write")
    assert (code, result["status"], result["n_edits"], result["n_forward"], text) == (0, "fixed", 3, 0, TODAY)


def test_an_error_beside_python_2_is_repaired_too(fix) -> None:
    assert fix(OLD + "\n\nwarn(len(sys.argv)\n", "--write")[2] == TODAY + "\n\nwarn(len(sys.argv))\n"
