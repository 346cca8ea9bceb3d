"""What other tools print, and the places in a text that it means."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from redraft_server.diagnostics import formats
from redraft_server.diagnostics.diagnostic import Diagnostic, DiagnosticsError
from redraft_server.diagnostics.places import located

TEXT = """\
import os


class Part:
    name = "\N{GRINNING FACE}"

    def show(self, width: int) -> str:
        left = 3
        return "\N{GRINNING FACE}é" + self.nmae


def show(part: Part) -> str:
    part.show("é").upper()
    part.show(width=1, depth=2)
    part.hide().upper()
    return "é" + pritn(part)
"""


def places(text: str, diagnostics: list[Diagnostic]) -> list[tuple[str, str, str]]:
    """The characters, the kind and the rule of each place."""
    found = located(text, diagnostics)
    return [(each.diagnosis.span.of(text), each.diagnosis.kind, each.diagnostic.rule) for each in found]


def tool_output(folder: Path, *words: str) -> str:
    (folder / "part.py").write_text(TEXT, "utf-8")
    command = [sys.executable, "-m", *words, "part.py"]
    return subprocess.run(command, cwd=folder, capture_output=True, check=False).stdout.decode()


@pytest.mark.parametrize("form", ["json", "sarif"])
def test_ruff_of_today(form: str, tmp_path: Path) -> None:
    text = tool_output(tmp_path, "ruff", "check", "--isolated", "--no-cache", "--output-format", form)
    found = formats.read(text, tmp_path, "ruff")
    assert {each.path for each in found} == {tmp_path / "part.py"}
    assert "F401" in {each.rule for each in found if each.kind is None}
    assert places(TEXT, found) == [("left", "unused", "F841"), ("pritn", "undefined", "F821")]


@pytest.mark.parametrize("option", ["--native-parser", "--no-native-parser"])
def test_mypy_of_today_whatever_it_counts_beyond_ascii(option: str, tmp_path: Path) -> None:
    text = tool_output(tmp_path, "mypy", option, "--cache-dir", str(tmp_path / "cache"), "--output", "json")
    found = formats.read(text, tmp_path, "mypy")
    assert {each.path for each in found} == {tmp_path / "part.py"}
    assert places(TEXT, found) == [
        ("self.nmae", "attribute", "attr-defined"),
        ("part.show(width=1, depth=2)", "argument", "call-arg"),
        ("part.hide", "attribute", "attr-defined"),
        ("pritn", "undefined", "name-defined"),
    ]


def mypy_line(line: int, column: int, code: str, **more: object) -> str:
    entry = {"file": "part.py", "line": line, "column": column, "message": "wrong", "hint": None}
    return json.dumps({**entry, "code": code, "severity": "error", **more})


def test_mypy_that_does_not_say_where_something_ends(tmp_path: Path) -> None:
    lines = [
        mypy_line(16, 17, "name-defined", message='Name "pritn" is not defined'),
        mypy_line(15, 4, "name-defined"),
        mypy_line(15, 4, "attr-defined"),
        mypy_line(15, 0, "misc", severity="note"),
    ]
    found = formats.read("\n".join(lines), tmp_path, "mypy")
    assert [each.rule for each in found] == ["name-defined", "name-defined", "attr-defined"]
    assert places(TEXT, found) == [
        ("part", "undefined", "name-defined"),
        ("pritn", "undefined", "name-defined"),
    ]


def pyright_entry(rule: str, line: int, start: int, end: int) -> dict[str, object]:
    at = {"start": {"line": line, "character": start}, "end": {"line": line, "character": end}}
    return {
        "file": "/src/part.py",
        "severity": "error",
        "message": "wrong\n  because",
        "rule": rule,
        "range": at,
    }


def test_pyright_counts_in_utf16(tmp_path: Path) -> None:
    before = '        return "\N{GRINNING FACE}é" + self.'
    column = len(before.encode("utf-16-le")) // 2
    output = {
        "version": "1.1.400",
        "generalDiagnostics": [
            pyright_entry("reportUndefinedVariable", 15, 17, 22),
            pyright_entry("reportAttributeAccessIssue", 8, column, column + 4),
            pyright_entry("reportArgumentType", 12, 14, 17),
            pyright_entry("reportCallIssue", 13, 23, 28),
            pyright_entry("reportMissingImports", 0, 7, 9),
            {"file": "/src/part.py", "severity": "error", "message": "too long"},
        ],
        "summary": {"errorCount": 5},
    }
    found = formats.read(json.dumps(output), tmp_path, "pyright")
    assert [each.path for each in found] == [Path("/src/part.py")] * 5
    assert places(TEXT, found) == [
        ("self.nmae", "attribute", "reportAttributeAccessIssue"),
        ('"é"', "argument", "reportArgumentType"),
        ("depth", "argument", "reportCallIssue"),
        ("pritn", "undefined", "reportUndefinedVariable"),
    ]
    assert str(found[0]) == "wrong [reportUndefinedVariable] in line 16"


@pytest.mark.parametrize(
    ("run", "location", "path"),
    [
        ({}, {"uri": "file:///src/a%20b.py"}, "/src/a b.py"),
        ({}, {"uri": "a%20b.py"}, "{folder}/a b.py"),
        ({"originalUriBaseIds": {"TOP": {"uri": "file:///top/"}}}, {"uri": "a.py", "uriBaseId": "TOP"}, "/top/a.py"),
        ({"originalUriBaseIds": {"TOP": {}}}, {"uri": "./x/../a.py", "uriBaseId": "TOP"}, "{folder}/a.py"),
    ],
)  # fmt: skip
def test_sarif_names_files_in_several_ways(run, location, path: str, tmp_path: Path) -> None:
    place = {"artifactLocation": location, "region": {"startLine": 1, "startColumn": 1, "endColumn": 2}}
    result = {"ruleId": "F821", "message": {"text": "m"}, "locations": [{"physicalLocation": place}]}
    log = {"version": "2.1.0", "runs": [{"results": [result, {"message": {"text": "of no file"}}], **run}]}
    (found,) = formats.read(json.dumps(log), tmp_path, "log")
    assert str(found.path) == path.format(folder=tmp_path)


def test_sarif_below_the_working_tree(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "inner").mkdir()
    (tmp_path / "a.py").touch()
    place = {"artifactLocation": {"uri": "a.py"}, "region": {"startLine": 1}}
    log = {"runs": [{"results": [{"locations": [{"physicalLocation": place}]}]}]}
    (found,) = formats.read(json.dumps(log), tmp_path / "inner", "log")
    assert found.path == tmp_path / "a.py"


@pytest.mark.parametrize("text", ["", "[]", " \n", '{"runs": []}', '{"generalDiagnostics": []}'])
def test_nothing_is_nothing_wrong(text: str, tmp_path: Path) -> None:
    assert formats.read(text, tmp_path, "it") == []


@pytest.mark.parametrize(
    "text",
    ["no", "3", "[3]", '{"a": 1}', "[[]]", '{"runs": 3}', '{"runs": [{"results": [{"locations": 3}]}]}', "[" * 10_000],
)  # fmt: skip
def test_anything_else_is_one_sentence(text: str, tmp_path: Path) -> None:
    with pytest.raises(DiagnosticsError, match=r"^it is (neither|damaged)"):
        formats.read(text, tmp_path, "it")


@pytest.mark.parametrize(("line", "column"), [(99, 1), (16, 999), (16, 20), (2, 1), (0, 0), (-4, 3)])
def test_a_place_that_the_text_has_no_more_is_left_out(line: int, column: int, tmp_path: Path) -> None:
    at = {"location": {"row": line, "column": column}, "end_location": {"row": line, "column": column + 2}}
    entry = {"cell": None, "code": "F821", "filename": "part.py", "message": "m", **at}
    assert places(TEXT, formats.read(json.dumps([entry]), tmp_path, "ruff")) == []
