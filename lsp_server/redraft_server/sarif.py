"""A report as SARIF 2.1.0 (OASIS), for code scanning: what Python refuses, what is likely wrong, and the repairs as fixes.

A repair is a fix of its result, so that a program can make it without Redraft. What was written is no result any more.
"""

import hashlib
import os
from pathlib import Path
from urllib.parse import quote

from redraft_model.passage import About

from redraft_server import __version__
from redraft_server.diff import patch_name
from redraft_server.finding import Finding, Region
from redraft_server.report import Changes, Exit, JsonObject, Report, Result, Status, percent

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

_ROOT = "%SRCROOT%"
_REFUSED, _UNLIKELY = "python-refuses", "unlikely-code"
_RULES: list[JsonObject] = [
    {
        "id": _REFUSED,
        "name": "PythonRefuses",
        "shortDescription": {"text": "Python does not compile this file."},
        "fullDescription": {
            "text": "Python's own parser or compiler refuses the file. The place is where it stopped."
        },
        "defaultConfiguration": {"level": "error"},
    },
    {
        "id": _UNLIKELY,
        "name": "UnlikelyCode",
        "shortDescription": {"text": "A name, operator or literal is likely wrong."},
        "fullDescription": {"text": "The code compiles, and the model finds another word more likely here."},
        "defaultConfiguration": {"level": "warning"},
    },
]
_OFFERED = (Status.FIXED, Status.UNSURE)


def sarif(report: Report, changes: Changes, about: About | None) -> JsonObject:
    """The log of one run; `about` is None if no file needed the model."""
    code = report.exit_code(changes)
    run: JsonObject = {
        "tool": {
            "driver": {
                "name": "Redraft",
                "version": __version__,
                "semanticVersion": __version__,
                "rules": _RULES,
                "properties": {"model": about.name, "base": about.base} if about else {},
            }
        },
        "invocations": [
            {
                "executionSuccessful": code is not Exit.FAILED,
                "exitCode": int(code),
                "toolExecutionNotifications": [
                    _notification(result)
                    for result in report.results
                    if result.status in (Status.FAILED, Status.SKIPPED)
                ],
            }
        ],
        "columnKind": "unicodeCodePoints",
        "newlineSequences": ["\r\n", "\n", "\r"],
        "originalUriBaseIds": {
            _ROOT: {
                "description": {
                    "text": "The top of the git working tree, or the folder in which Redraft ran."
                }
            }
        },
        "results": [
            _result(result, changes)
            for result in report.results
            if result.status not in (Status.FAILED, Status.SKIPPED) and not result.is_settled(changes)
        ],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _result(result: Result, changes: Changes) -> JsonObject:
    finding = result.finding or Finding(result.reason, Region(1, 1, 1, 1), is_error=False)
    sure = "" if result.confidence is None else f", {percent(result.confidence)} sure"
    because = f": {result.reason}" if result.reason else ""
    location = _location(result)
    found: JsonObject = {
        "ruleId": _REFUSED if finding.is_error else _UNLIKELY,
        "ruleIndex": 0 if finding.is_error else 1,
        "level": "error" if finding.is_error else "warning",
        "message": {"text": f"{finding.message} ({result.label(changes)}{sure}{because})."},
        "locations": [
            {"physicalLocation": {"artifactLocation": location, "region": _region(finding.region)}}
        ],
        "partialFingerprints": {"redraftFinding/v1": _fingerprint(result, finding)},
        "properties": {"status": str(result.status), "confidence": result.confidence},
    }
    if result.replacements and result.status in _OFFERED:
        replacements = [
            {"deletedRegion": _region(change.region), "insertedContent": {"text": change.text}}
            for change in result.replacements
        ]
        found["fixes"] = [
            {
                "description": {"text": f"The repair of the whole file{sure}."},
                "artifactChanges": [{"artifactLocation": location, "replacements": replacements}],
            }
        ]
    return found


def _notification(result: Result) -> JsonObject:
    return {
        "level": "error" if result.status is Status.FAILED else "warning",
        "message": {"text": f"{result.reason}."},
        "locations": [{"physicalLocation": {"artifactLocation": _location(result)}}],
    }


def _location(result: Result) -> JsonObject:
    name = "stdin" if result.name == "<stdin>" else patch_name(Path(result.name))
    return {"uri": quote(os.fsencode(name)), "uriBaseId": _ROOT}


def _region(region: Region) -> JsonObject:
    return {
        "startLine": region.line,
        "startColumn": region.column,
        "endLine": region.end_line,
        "endColumn": region.end_column,
    }


def _fingerprint(result: Result, finding: Finding) -> str:
    """The same for the same problem of a file, wherever in the file it has moved."""
    parts = (os.fsencode(patch_name(Path(result.name))), finding.message.encode())
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:32]
