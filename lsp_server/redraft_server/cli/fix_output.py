"""What `redraft fix` prints, in the format that was asked for: the result on stdout, a line for people on stderr."""

import sys
from enum import StrEnum

from redraft_model.passage import About

from redraft_server.annotations import annotation
from redraft_server.cli.terminal import (
    escaped,
    hand_over,
    hand_over_json,
    is_watched,
    painted_diff,
    show,
    table,
    talk,
)
from redraft_server.report import Changes, Report, Result, Status, percent
from redraft_server.sarif import sarif


class Format(StrEnum):
    """How results are printed: for people, or for programs in one of several forms."""

    TEXT = "text"
    JSON = "json"
    JSON_LINES = "json-lines"
    SARIF = "sarif"
    GITHUB = "github"


def print_result(form: Format, changes: Changes, result: Result, patch: bytes) -> None:
    """Print what became of one file, as far as the format has it before the end."""
    if form is Format.TEXT and patch:
        if changes is Changes.SHOW and is_watched():
            show(painted_diff(result.diff))
        elif changes in (Changes.SHOW, Changes.DIFF):
            hand_over(patch)
    elif form is Format.JSON_LINES:
        hand_over_json(result.to_json(), indent=None)
    elif form is Format.GITHUB and (line := annotation(result, changes)):
        show(escaped(line))
    talk_about(result, changes)


def print_report(form: Format, changes: Changes, report: Report, about: About | None) -> None:
    """Print what is said at the end; `about` is None if no file needed the model."""
    if form is Format.JSON:
        hand_over_json(report.to_json(about))
    elif form is Format.JSON_LINES:
        hand_over_json(
            {name: value for name, value in report.to_json(about).items() if name != "files"}, indent=None
        )
    elif form is Format.SARIF:
        hand_over_json(sarif(report, changes, about))
    if sys.stderr.isatty():
        _print_table(report, changes)
    talk(report.summary(changes))


def talk_about(result: Result, changes: Changes) -> None:
    """Say what became of one file, unless there was nothing to do and is nothing to say."""
    if result.status is not Status.CLEAN or result.reason:
        talk(result.line(changes))


def _print_table(report: Report, changes: Changes) -> None:
    """An overview for somebody who watches, where more than one file was not clean: their lines stand between diffs."""
    listed = [result for result in report.results if result.status is not Status.CLEAN]
    if len(listed) < 2:
        return
    rows = [("status", "sure", "edits", "seconds", "file")]
    for result in listed:
        sure = "" if result.confidence is None else percent(result.confidence)
        edits = str(result.n_edits) if result.n_edits else ""
        seconds = f"{result.cost.seconds:.1f}" if result.cost.n_forward else ""
        rows.append((result.label(changes), sure, edits, seconds, escaped(result.name)))
    talk("\n" + table(rows))
