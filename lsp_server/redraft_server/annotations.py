"""Results as workflow commands of GitHub Actions: one line each, shown at the place in the code."""

from pathlib import Path

from redraft_server.diff import patch_name
from redraft_server.report import Changes, Result, Status, percent

_STDIN = "<stdin>"


def annotation(result: Result, changes: Changes) -> str:
    """The line for one file, with its line end; "" if nothing is to be said about it."""
    if result.status in (Status.FAILED, Status.SKIPPED):
        level = "error" if result.status is Status.FAILED else "notice"
        return _command(level, {**_file(result), "title": f"Redraft: {result.status}"}, result.reason)
    if result.is_settled(changes):
        return ""
    finding = result.finding
    place = {} if finding is None else {"line": finding.region.line, "col": finding.region.column}
    level = "error" if finding is not None and finding.is_error else "warning"
    title = f"Redraft: {result.label(changes)}"
    if result.confidence is not None:
        title += f", {percent(result.confidence)} sure"
    said = [part for part in (finding.message if finding else "", result.reason) if part]
    return _command(level, {**_file(result), **place, "title": title}, "; ".join(said))


def _file(result: Result) -> dict[str, object]:
    return {} if result.name == _STDIN else {"file": patch_name(Path(result.name))}


def _command(level: str, properties: dict[str, object], message: str) -> str:
    values = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items())
    return f"::{level} {values}::{_data(message)}\n"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
