"""`--diagnostics` and `--linter`: what other tools have found becomes work, is proven, and is counted."""

import json
import re
import shlex
import sys
from pathlib import Path

import pytest
from redraft_model.passage import Cost, Draft

SOURCE = "def load(path):\n    records = path\n    return recrods\n"
WHOLE = SOURCE.replace("recrods", "records")


@pytest.fixture
def correcting(engine, monkeypatch):
    """The engine of the script, which puts `word` in the place of whatever is diagnosed and keeps what it was asked."""
    asked: list[list[tuple[str, str]]] = []

    def with_word(word: str, confidence: float = 0.95) -> list[list[tuple[str, str]]]:
        def correct(source, diagnoses, *, watch=None) -> Draft:
            asked.append([(each.span.of(source), str(each.kind)) for each in diagnoses])
            text = source
            undefined = [each for each in diagnoses if each.kind != "unused"]
            for each in reversed(undefined):
                text = text[: each.span.start] + word + text[each.span.end :]
            return Draft(
                text, 3.0, confidence, len(undefined), True, Cost(1, 20, 0.1), corrected=tuple(undefined)
            )

        monkeypatch.setattr(engine, "correct", correct, raising=False)
        return asked

    return with_word


@pytest.fixture
def app(folder: Path) -> Path:
    path = folder / "app.py"
    path.write_text(SOURCE)
    return path


def tool(folder: Path, script: str) -> str:
    """A command that runs a script, which has the names of the files in `files` and prints with `say(path, row, column, rule)`."""
    path = folder / "tool.txt"
    path.write_text(
        "import json, pathlib, sys, time\nfiles = sys.argv[1:]\nfound = []\n"
        "def say(path, row, column, rule, message='wrong'):\n"
        "    at = {'row': row, 'column': column}\n"
        "    end = {'row': row, 'column': column + 7}\n"
        "    found.append({'cell': None, 'code': rule, 'filename': str(pathlib.Path(path).absolute()),\n"
        "                  'location': at, 'end_location': end, 'message': message})\n"
        f"{script}\nprint(json.dumps(found))\n"
    )
    return shlex.join([sys.executable, str(path)])


def test_what_ruff_finds_is_put_right_and_proven(run, app, correcting) -> None:
    asked = correcting("records")
    outcome = run("fix", "--linter", "ruff", "--write", "app.py")
    assert (outcome.code, app.read_text()) == (0, WHOLE)
    assert asked == [[("records", "unused"), ("recrods", "undefined")]]
    said = outcome.err.splitlines()
    assert said[0].startswith("running ruff check ")
    assert said[0].endswith(" app.py")
    assert said[1] == "2 diagnostics: 2 about names, attributes and arguments, 0 not for this"
    assert said[2] == said[0]
    assert said[3] == "fixed: app.py (1 edit in 0.1 s)"


def test_a_repair_that_ruff_objects_to_is_not_written(run, app, correcting) -> None:
    correcting("rcords")
    # The tool is the judge here, so that our own look at the scopes is not in its way.
    app.write_text("from os import *\n" + SOURCE)
    before = app.read_bytes()
    script = "for path in files:\n    text = pathlib.Path(path).read_text()\n"
    script += "    say(path, 4, 12, 'F821', 'recrods' if 'recrods' in text else 'rcords')"
    outcome = run("fix", "--linter", tool(app.parent, script), "--write", "--json", "app.py")
    (file,) = json.loads(outcome.out)["files"]
    assert (outcome.code, file["status"], app.read_bytes()) == (1, "unsure", before)
    assert file["reason"].endswith("then says: rcords [F821] in line 4")


def test_a_diagnostic_that_stays_is_an_objection(run, app, correcting) -> None:
    correcting("records")
    command = tool(app.parent, "for path in files:\n    say(path, 3, 12, 'F821')")
    outcome = run("fix", "--linter", command, "--write", "app.py")
    assert (outcome.code, app.read_text()) == (1, SOURCE)
    assert "still says: wrong [F821] in line 3; not written)" in outcome.err


def test_a_linter_proves_what_semantic_changes_as_well(run, app, engine, correcting) -> None:
    correcting("records")
    engine.repairs = lambda source: source.replace("path", "paht", 1)
    outcome = run("fix", "--linter", "ruff", "--semantic", "--write", "app.py")
    assert (outcome.code, app.read_text()) == (1, SOURCE)


def test_a_report_is_worked_on_without_a_tool(run, app, correcting) -> None:
    asked = correcting("records")
    report = {
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "any"}},
                "results": [
                    result("F821", 3, 12, 19),
                    result("E501", 1, 1, 80),
                    {**result("F821", 1, 1, 4), "locations": [location("other.py", 1, 1, 4)]},
                ],
            }
        ],
    }
    (app.parent / "report.sarif").write_text(json.dumps(report))
    outcome = run("fix", "--diagnostics", "report.sarif", "--write", "app.py")
    assert (outcome.code, app.read_text(), asked) == (0, WHOLE, [[("recrods", "undefined")]])
    said = "3 diagnostics: 1 about names, attributes and arguments, 1 not for this, 1 of other files"
    assert outcome.err.splitlines()[0] == said


def location(name: str, line: int, start: int, end: int) -> dict[str, object]:
    region = {"startLine": line, "startColumn": start, "endColumn": end}
    return {"physicalLocation": {"artifactLocation": {"uri": name}, "region": region}}


def result(rule: str, line: int, start: int, end: int) -> dict[str, object]:
    return {"ruleId": rule, "message": {"text": "wrong"}, "locations": [location("app.py", line, start, end)]}


def test_a_word_without_a_value_is_refused_where_no_tool_looks(run, app, correcting) -> None:
    correcting("nowhere")
    (app.parent / "report.json").write_text(ruff_entry(app))
    outcome = run("fix", "--diagnostics", "report.json", "--write", "app.py")
    assert (outcome.code, app.read_text()) == (1, SOURCE)
    assert "would read nowhere, which has no value" in outcome.err


def ruff_entry(path: Path) -> str:
    at = {"location": {"row": 3, "column": 12}, "end_location": {"row": 3, "column": 19}}
    entry = {"cell": None, "code": "F821", "filename": str(path), "message": "Undefined name `recrods`", **at}
    return json.dumps([entry])


def test_what_nobody_knows_a_word_for_is_named(run, app, engine, monkeypatch) -> None:
    nothing = lambda source, diagnoses, *, watch: Draft(source, 0.0, 0.0, 0, True, Cost(1, 20, 0.1))  # noqa: E731
    monkeypatch.setattr(engine, "correct", nothing, raising=False)
    (app.parent / "report.json").write_text(ruff_entry(app))
    outcome = run("fix", "--diagnostics", "report.json", "--json", "app.py")
    (file,) = json.loads(outcome.out)["files"]
    assert (outcome.code, file["status"]) == (1, "unfixable")
    assert file["reason"] == "no other word found for Undefined name `recrods` [F821] in line 3"
    assert file["problem"] == {
        "message": "Undefined name `recrods` [F821]", "is_error": False,
        "line": 3, "column": 12, "end_line": 3, "end_column": 19,
    }  # fmt: skip


def test_a_repair_that_is_unlikely_is_unsure(run, app, correcting, engine, monkeypatch) -> None:
    from dataclasses import replace

    monkeypatch.setattr(engine, "about", replace(engine.about, is_calibrated=True))
    correcting("records", confidence=0.5)
    outcome = run("fix", "--linter", "ruff", "--write", "app.py")
    assert (outcome.code, app.read_text()) == (1, SOURCE)
    assert "below --min-confidence 0.6" in outcome.err


def test_lines_bound_what_is_diagnosed(run, app, correcting) -> None:
    asked = correcting("records")
    (app.parent / "report.json").write_text(ruff_entry(app))
    assert run("fix", "--diagnostics", "report.json", "--lines", "1-2", "--write", "app.py").code == 0
    assert (asked, app.read_text()) == ([], SOURCE)


def test_files_that_do_not_compile_and_notebooks_are_not_given_to_the_tool(run, app, correcting) -> None:
    correcting("records")
    (app.parent / "broken.py").write_text("b = (1\n")
    (app.parent / "book.ipynb").write_text(
        '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
    )
    outcome = run("fix", "--linter", "ruff", ".")
    assert re.search(r"-- app\.py$", outcome.err.splitlines()[0])
    assert "would be fixed: broken.py" in outcome.err


def test_mypy_is_run_for_real(run, folder, correcting) -> None:
    asked = correcting("name")
    path = folder / "thing.py"
    path.write_text('class Thing:\n    name = "é"\n\n\ndef f(it: Thing) -> str:\n    return "é" + it.nmae\n')
    outcome = run("fix", "--linter", "mypy", "thing.py")
    assert asked == [[("it.nmae", "attribute")]]
    assert outcome.err.splitlines()[0] == "running mypy --output json -- thing.py"


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("print('all is well'); sys.exit()", "is neither SARIF nor the JSON of ruff"),
        ("sys.exit('out of luck')", "ended with 1 (out of luck); run it by itself to see why"),
        ("import os; os.kill(os.getpid(), 9)", "ended by signal 9; run it by itself to see why"),
        ("print('[{\"location\": 3}]'); sys.exit()", "is damaged: a diagnostic in it has no file or place"),
        ("time.sleep(3600)", "does not end within 0.5 s; raise --linter-timeout"),
    ],
)
def test_a_tool_that_fails_is_one_sentence(script: str, said: str, run, app) -> None:
    words = ["--linter-timeout", "0.5"] if "sleep" in script else []
    outcome = run("fix", "--linter", tool(app.parent, script), *words, "app.py")
    assert outcome.code == 2
    last = outcome.err.splitlines()[-1]
    assert last.startswith("redraft: ")
    assert said in last


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--linter", "no-such-tool"], "no-such-tool cannot be started (No such file or directory)"),
        (["--linter", ""], "--linter is empty; name ruff, pyright, mypy or a command"),
        (["--linter", "a 'b"], "--linter cannot be read (No closing quotation); quote it as for a shell"),
        (["--diagnostics", "absent.json"], "absent.json cannot be read: No such file or directory"),
        (["--diagnostics", "app.py"], "app.py is neither SARIF nor the JSON of ruff"),
        (["--diagnostics", "a.json", "--linter", "ruff"], "choose one of --diagnostics and --linter"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(words: list[str], said: str, run, app) -> None:
    outcome = run("fix", *words, "app.py")
    assert outcome.code == 2
    assert said in " ".join(outcome.err.replace("│", " ").split())


def test_a_filter_takes_no_diagnostics(run, app) -> None:
    assert run("fix", "--linter", "ruff", "-", stdin=SOURCE.encode()).code == 2


def test_a_run_file_belongs_to_one_report(run, app, correcting) -> None:
    correcting("records")
    report = app.parent / "report.json"
    report.write_text(ruff_entry(app))
    words = ["--diagnostics", "report.json", "--run-file", "run.jsonl", "app.py"]
    assert run("fix", *words).code == 1
    report.write_text("[]")
    assert "different: diagnostics" in run("fix", *words).err
