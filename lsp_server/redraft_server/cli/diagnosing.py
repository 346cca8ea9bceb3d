"""What other tools have found in the files of a run: read from a report, or asked of a linter."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from redraft_server.cli.terminal import talk
from redraft_server.diagnostics import formats
from redraft_server.diagnostics.diagnostic import DiagnosticsError
from redraft_server.diagnostics.linters import Linter
from redraft_server.diagnostics.work import Diagnosed
from redraft_server.discovery import SourceFile, is_notebook
from redraft_server.document import Document, UnreadableDocument
from redraft_server.safety import compiles


def diagnosed_by(report: Path | None, linter: Linter | None, files: Sequence[SourceFile]) -> Diagnosed | None:
    """What stands in `report` or what `linter` finds; None if there is neither. Says how much it is; raises DiagnosticsError."""
    paths = [file.path for file in files]
    if linter is not None:
        found = Diagnosed.found(linter, [path for path in paths if _is_for_linters(path)])
    elif report is not None:
        found = _read(report)
    else:
        return None
    talk(found.summary(paths))
    return found


def _read(report: Path) -> Diagnosed:
    try:
        data = report.read_bytes()
    except OSError as error:
        raise DiagnosticsError(f"{report} cannot be read: {error.strerror or error}") from error
    try:
        diagnostics = formats.read(data.decode("utf-8-sig"), Path(), str(report))
    except UnicodeDecodeError as error:
        raise DiagnosticsError(f"{report} is not valid UTF-8; write it anew") from error
    return Diagnosed.reported(diagnostics, f"{report} {hashlib.sha256(data).hexdigest()}")


def _is_for_linters(path: Path) -> bool:
    """Whether it is a file of Python that compiles: of others linters say only that, and some end there."""
    if is_notebook(path):
        return False
    try:
        return compiles(Document.read(path).text)
    except UnreadableDocument:
        return False
