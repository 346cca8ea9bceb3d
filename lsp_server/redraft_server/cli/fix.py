"""`redraft fix`: repair files, show what would change, or write it."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from redraft_model.errors import RedraftError
from redraft_model.passage import DenoiseStep, Version, Watch

from redraft_server import fixing
from redraft_server.cli import streams
from redraft_server.cli.opening import (
    CheckpointOption,
    Device,
    DeviceOption,
    ForceOption,
    LazyEngine,
    ModelOption,
    require,
)
from redraft_server.cli.terminal import (
    Bar,
    bar,
    hand_over,
    hand_over_json,
    is_watched,
    painted_diff,
    show,
    talk,
)
from redraft_server.diff import patch_name
from redraft_server.discovery import Discovery, SourceFile, discover
from redraft_server.document import MAX_BYTES, Document, UnreadableDocument
from redraft_server.fixing import Fix
from redraft_server.model_choice import AUTO, ModelChoice
from redraft_server.report import Changes, Exit, Report, Result, Status
from redraft_server.settings import DEFAULT_MIN_CONFIDENCE
from redraft_server.target import nearest, version_of
from redraft_server.writing import replace

if TYPE_CHECKING:
    from redraft_model.engine import Engine

STDIN = Path("-")


def fix(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PATH|-", help="Files and folders; - is stdin. [default: this folder]"),
    ] = None,
    write: Annotated[bool, typer.Option("--write", help="Write the repairs into the files.")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Print a patch for git apply.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Only say which files would change.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    semantic: Annotated[bool, typer.Option("--semantic", help="Also look at code that compiles.")] = False,
    min_confidence: Annotated[
        float | None,
        typer.Option(
            "--min-confidence",
            metavar="P",
            min=0,
            max=1,
            help=f"Write only what is at least this likely right. [default: {DEFAULT_MIN_CONFIDENCE:g}]",
        ),
    ] = None,
    target_version: Annotated[
        str | None,
        typer.Option(
            "--target-version",
            metavar="X.Y",
            help="The oldest Python that the code is for. [default: what requires-python says, else the newest]",
        ),
    ] = None,
    force: ForceOption = False,
    device: DeviceOption = Device.AUTO,
    checkpoint: CheckpointOption = None,
    model: ModelOption = AUTO,
) -> None:
    """Repair Python files that do not compile.

    Nothing is written without --write: the changes are shown. With - the repaired source is printed. A repair that is
    too likely wrong, or leaves an error, is never written.

    Exit code 0: nothing is left to do; 1: there are changes to write, or code that could not be repaired;
    2: something could not be done.
    """
    choice = require(ModelChoice(checkpoint, device, model))
    if min_confidence is not None and math.isnan(min_confidence):
        raise typer.BadParameter("--min-confidence is a number from 0 to 1")
    if target_version is not None and version_of(target_version) is None:
        raise typer.BadParameter("--target-version is a version such as 3.11")
    chosen = {Changes.WRITE: write, Changes.DIFF: diff, Changes.CHECK: check}
    if sum(chosen.values()) > 1:
        raise typer.BadParameter("choose one of --write, --diff and --check")
    task = _Task(
        LazyEngine(choice),
        next((changes for changes, is_chosen in chosen.items() if is_chosen), Changes.SHOW),
        is_json=json,
        is_semantic=semantic,
        min_confidence=min_confidence,
        target_version=None if target_version is None else version_of(target_version),
    )
    sources = paths or [Path()]
    if STDIN not in sources:
        raise typer.Exit(_fix_files(task, discover(sources, is_forced=force)))
    if len(sources) > 1 or write:
        raise typer.BadParameter("- stands alone: it goes neither with files nor with --write")
    raise typer.Exit(_fix_stdin(task))


@dataclass(frozen=True)
class _Task:
    """What the user asked for, for all files alike."""

    engine: LazyEngine
    changes: Changes
    is_json: bool
    is_semantic: bool
    min_confidence: float | None
    """None: the user has not said."""
    target_version: Version | None
    """None: the user has not said."""

    def target(self, folder: Path) -> Version | None:
        """The oldest Python that the code of a folder is for; None: nobody has said."""
        return self.target_version or nearest(folder)

    def opened(self) -> "Engine":
        """The engine; raises CheckpointError. Says so once if it cannot do what the user asked for."""
        is_first = self.engine.about is None
        engine = self.engine.get()
        if is_first and self.min_confidence is not None and not engine.about.is_calibrated:
            talk(
                "--min-confidence does not apply: this checkpoint is not calibrated, "
                "so its repairs have no probability"
            )
        return engine

    def fix(self, document: Document, folder: Path, patch_name: str, watch: Watch) -> Fix:
        target = self.target(folder)
        if not fixing.needs_model(document, semantic=self.is_semantic, target=target):
            return fixing.untouched(document, target)
        return fixing.fix(
            self.opened(),
            document,
            patch_name=patch_name,
            semantic=self.is_semantic,
            min_confidence=DEFAULT_MIN_CONFIDENCE if self.min_confidence is None else self.min_confidence,
            target=target,
            watch=watch,
        )


def _fix_files(task: _Task, found: Discovery) -> Exit:
    results = [Result(str(path.path), Status.FAILED, path.reason) for path in found.refused]
    results += (Result(str(path.path), Status.SKIPPED, path.reason) for path in found.skipped)
    for result in results:
        talk(result.line(task.changes))
    with bar(len(found.files)) as progress:
        for n_done, file in enumerate(found.files):
            if not streams.has_reader():
                break
            progress.at(n_done, note=str(file.path))
            result, patch = _fix_file(task, file, _watch(progress, n_done, str(file.path)))
            results.append(result)
            with progress.aside():
                _print_result(task, result, patch)
    report = Report(tuple(results), found.n_ignored)
    if streams.has_reader():
        _print_report(task, report)
    return report.exit_code(task.changes)


def _fix_file(task: _Task, file: SourceFile, watch: Watch) -> tuple[Result, bytes]:
    """The result for one file and its patch; the file is written if that was asked for."""
    name = str(file.path)
    try:
        document = Document.read(file.path)
    except UnreadableDocument as error:
        return Result(name, Status.SKIPPED, str(error)), b""
    folder = file.path.parent
    if fixing.needs_model(document, semantic=task.is_semantic, target=task.target(folder)):
        # An engine that cannot be opened ends the run: it would fail for the other files as well.
        task.opened()
    try:
        fixed = task.fix(document, folder, patch_name(file.path), watch)
        if task.changes is Changes.WRITE and fixed.written != fixed.before:
            replace(file.path, fixed.written, expected=fixed.before, roots=file.roots)
    except RedraftError as error:
        return Result(name, Status.FAILED, str(error)), b""
    return fixed.result, fixed.patch


def _fix_stdin(task: _Task) -> Exit:
    document = Document.from_bytes(streams.read(MAX_BYTES + 1))
    with bar(1) as progress:
        fixed = task.fix(document, Path(), "stdin", _watch(progress, 0, document.name))
    report = Report((fixed.result,))
    if task.is_json or task.changes is not Changes.SHOW:
        _print_result(task, fixed.result, fixed.patch)
        _print_report(task, report)
        return report.exit_code(task.changes)
    # A filter prints what would be written, and has done its work when that is whole.
    hand_over(fixed.written, document.encoding)
    _talk_about(fixed.result, Changes.WRITE)
    return report.exit_code(Changes.WRITE)


def _print_result(task: _Task, result: Result, patch: bytes) -> None:
    if patch and not task.is_json:
        if task.changes is Changes.SHOW and is_watched():
            show(painted_diff(result.diff))
        elif task.changes in (Changes.SHOW, Changes.DIFF):
            hand_over(patch)
    _talk_about(result, task.changes)


def _print_report(task: _Task, report: Report) -> None:
    if task.is_json:
        hand_over_json(report.to_json(task.engine.about))
    talk(report.summary(task.changes))


def _talk_about(result: Result, changes: Changes) -> None:
    if result.status is not Status.CLEAN or result.reason:
        talk(result.line(changes))


def _watch(progress: Bar, n_done: int, name: str) -> Watch:
    def on_step(step: DenoiseStep) -> None:
        progress.at(n_done, note=f"{name}, search round {step.index} of at most {step.limit}")

    return Watch(on_step=on_step)
