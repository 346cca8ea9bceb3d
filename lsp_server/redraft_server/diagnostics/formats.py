"""Diagnostics as tools write them: SARIF 2.1.0, and the JSON of ruff, pyright and mypy, recognised by what they hold."""

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from redraft_server import uris
from redraft_server.diagnostics.diagnostic import Diagnostic, DiagnosticsError, Position, Unit
from redraft_server.discovery import git_root

_Object = dict[str, Any]
_MYPY_WORD = re.compile(r'(?:Name|attribute) "(\w+)"')


def read(text: str, folder: Path, name: str) -> list[Diagnostic]:
    """The diagnostics in the output `text` of a tool that ran in `folder`, whose user calls it `name`; raises DiagnosticsError.

    Python files are not looked at, and no diagnostic at all is nothing wrong.
    """
    reader, found = _recognised(text.removeprefix("\ufeff").strip(), name)
    try:
        return list(reader(found, Path(os.path.abspath(folder))))  # noqa: PTH100  (links keep their names)
    except (AttributeError, KeyError, TypeError, ValueError, IndexError) as error:
        raise DiagnosticsError(
            f"{name} is damaged: a diagnostic in it has no file or place that can be read"
        ) from error


_Reader = Callable[[Any, Path], Iterator[Diagnostic]]


def _recognised(text: str, name: str) -> tuple[_Reader, Any]:
    """Who reads `text`, and what it says."""
    try:
        found = json.loads(text) if text else []
    except (ValueError, RecursionError):
        # mypy writes an object a line.
        found = _lines(text)
    if isinstance(found, dict) and "runs" in found:
        return _sarif, found
    if isinstance(found, dict) and "generalDiagnostics" in found:
        return _pyright, found
    entries = [found] if isinstance(found, dict) else found
    if isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries):
        for mark, reader in (("location", _ruff), ("column", _mypy)):
            if all(mark in entry for entry in entries):
                return reader, entries
    raise DiagnosticsError(
        f"{name} is neither SARIF nor the JSON of ruff (--output-format json), pyright (--outputjson) or mypy (--output json)"
    )


def _lines(text: str) -> list[Any] | None:
    try:
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    except (ValueError, RecursionError):
        return None


def _ruff(entries: list[_Object], folder: Path) -> Iterator[Diagnostic]:
    """Lines and columns count from 1, columns count characters."""
    for entry in entries:
        if entry.get("cell") is None:
            start, end = (
                _from_one(entry[name]["row"], entry[name]["column"]) for name in ("location", "end_location")
            )
            yield Diagnostic(
                folder / entry["filename"],
                str(entry["code"] or ""),
                entry["message"],
                start,
                end,
                Unit.CHARACTER,
            )


def _mypy(entries: list[_Object], folder: Path) -> Iterator[Diagnostic]:
    """Lines count from 1, columns from 0. On lines with other characters than ASCII columns depend on version and parser.

    Older versions do not say where something ends.
    """
    for entry in entries:
        if entry["severity"] == "note":
            continue
        start = Position(entry["line"] - 1, max(0, entry["column"]))
        end_line, end_column = entry.get("end_line"), entry.get("end_column")
        end = None if not end_line or end_column is None else Position(end_line - 1, end_column)
        message, rule = entry["message"], str(entry["code"] or "")
        quoted = _MYPY_WORD.search(message)
        word = quoted[1] if quoted else ""
        yield Diagnostic(folder / entry["file"], rule, message, start, end, Unit.ASCII, word)


def _pyright(found: _Object, folder: Path) -> Iterator[Diagnostic]:
    """As LSP counts: everything from 0, columns in UTF-16 code units."""
    for entry in found["generalDiagnostics"]:
        if "range" not in entry:
            continue  # about a whole file
        start, end = (
            Position(entry["range"][at]["line"], entry["range"][at]["character"]) for at in ("start", "end")
        )
        yield Diagnostic(
            folder / entry["file"], str(entry.get("rule", "")), entry["message"], start, end, Unit.UTF16
        )


def _sarif(log: _Object, folder: Path) -> Iterator[Diagnostic]:
    """Lines and columns count from 1; a run says what its columns count, and characters where it does not."""
    for run in log["runs"]:
        unit = Unit.UTF16 if run.get("columnKind") == "utf16CodeUnits" else Unit.CHARACTER
        for result in run.get("results") or []:
            locations = result.get("locations") or [{}]
            physical = locations[0].get("physicalLocation", {})
            region = physical.get("region", {})
            path = _sarif_path(physical.get("artifactLocation", {}), run, folder)
            if path is None or "startLine" not in region:
                continue
            start = _from_one(region["startLine"], region.get("startColumn", 1))
            has_end = "endColumn" in region
            end = (
                _from_one(region.get("endLine", region["startLine"]), region["endColumn"])
                if has_end
                else None
            )
            rule = str(result.get("ruleId") or result.get("rule", {}).get("id", ""))
            yield Diagnostic(path, rule, result.get("message", {}).get("text", ""), start, end, unit)


def _sarif_path(location: _Object, run: _Object, folder: Path) -> Path | None:
    """The file that a location names; None if it names none on this machine."""
    uri = location.get("uri")
    if not uri:
        return None
    if "://" in uri or uri.startswith("file:"):
        return uris.file_path(uri)
    base = run.get("originalUriBaseIds", {}).get(location.get("uriBaseId"), {}).get("uri", "")
    below = uris.file_path(base) if base else None
    # Without a base that has a place, names are those below the current folder or the top of the working tree.
    tops = [top for top in (below, folder, git_root(folder)) if top is not None]
    paths = [Path(os.path.normpath(top / unquote(uri))) for top in tops]
    return next((path for path in paths if path.exists()), paths[0])


def _from_one(line: int, column: int) -> Position:
    return Position(line - 1, max(0, column - 1))
