"""`redraft fix`: repair files, show what would change, or write it."""

import functools
import math
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import typer
from redraft_model.errors import CheckpointError, RedraftError
from redraft_model.passage import DenoiseStep, Version, Watch

from redraft_server import fixing, loading, source_files
from redraft_server.changed import HEAD, changed_below
from redraft_server.cli import fix_options, streams
from redraft_server.cli.fix_output import Format, print_report, print_result, talk_about
from redraft_server.cli.opening import (
    CheckpointOption,
    Device,
    DeviceOption,
    ForceOption,
    ModelOption,
    require,
)
from redraft_server.cli.review import Review
from redraft_server.cli.terminal import Bar, bar, hand_over, talk
from redraft_server.diff import patch_name
from redraft_server.discovery import (
    NOTEBOOK_SUFFIX,
    ChangedBelow,
    Discovery,
    Exclusion,
    SourceFile,
    discover,
    is_notebook,
)
from redraft_server.document import Document, UnreadableDocument
from redraft_server.fixing import Fix
from redraft_server.model_choice import AUTO, ModelChoice
from redraft_server.notebook_files import MAX_NOTEBOOK_BYTES, Notebook
from redraft_server.remembering import RememberingEngine, clean_key
from redraft_server.report import Changes, Exit, Report, Result, Status
from redraft_server.settings import DEFAULT_MIN_CONFIDENCE, DEFAULT_TIMEOUT
from redraft_server.source_files import LineRange, LineRangeError
from redraft_server.target import nearest, version_of
from redraft_server.verdicts import Verdicts, VerdictsError, cache_folder
from redraft_server.writing import replace

STDIN = Path("-")


def fix(
    paths: fix_options.Paths = None,
    write: fix_options.Write = False,
    diff: fix_options.Diff = False,
    check: fix_options.Check = False,
    interactive: fix_options.Interactive = False,
    format: fix_options.FormatOption = None,  # noqa: A002  (the name of the option)
    json: fix_options.Json = False,
    semantic: fix_options.Semantic = False,
    min_confidence: fix_options.MinConfidence = None,
    timeout: fix_options.Timeout = DEFAULT_TIMEOUT,
    target_version: fix_options.TargetVersion = None,
    changed: fix_options.Changed = False,
    changed_since: fix_options.ChangedSince = None,
    exclude: fix_options.Exclude = None,
    lines: fix_options.Lines = None,
    stdin_filename: fix_options.StdinFilename = None,
    no_cache: fix_options.NoCache = False,
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
    if not math.isfinite(timeout):
        raise typer.BadParameter("--timeout is a number of seconds; 0 is no limit")
    chosen = {Changes.WRITE: write or interactive, Changes.DIFF: diff, Changes.CHECK: check}
    if sum(chosen.values()) > 1:
        raise typer.BadParameter("choose one of --write, --diff and --check")
    if json and format not in (None, Format.JSON):
        raise typer.BadParameter("--json means --format json; leave out one of the two")
    form = Format.JSON if json else format or Format.TEXT
    if interactive and form is not Format.TEXT:
        raise typer.BadParameter("--interactive shows changes to people; leave out --format and --json")
    memory = Verdicts.none() if no_cache else _memory()
    task = _Task(
        RememberingEngine(lambda: loading.open_engine(choice), lambda: loading.fingerprint(choice), memory),
        memory,
        next((changes for changes, is_chosen in chosen.items() if is_chosen), Changes.SHOW),
        format=form,
        is_semantic=semantic,
        min_confidence=min_confidence,
        timeout=timeout,
        target_version=None if target_version is None else version_of(target_version),
        lines=None if lines is None else LineRange.of(lines),
        review=Review() if interactive else None,
    )
    sources = paths or [Path()]
    revision = HEAD if changed and changed_since is None else changed_since
    exclusion = Exclusion.of(exclude or [])
    if STDIN not in sources:
        if stdin_filename is not None:
            raise typer.BadParameter("--stdin-filename goes with -, the source from stdin")
        if lines is not None and (len(sources) > 1 or sources[0].is_dir()):
            raise typer.BadParameter("--lines goes with one file")
        found = discover(
            sources, is_forced=force, exclusion=exclusion, changed_below=_changes_since(revision)
        )
        with closing(memory):
            raise typer.Exit(_fix_files(task, found))
    if len(sources) > 1 or write or interactive or revision is not None:
        raise typer.BadParameter(
            "- stands alone: it goes neither with files nor with --write, --interactive, --changed or --changed-since"
        )
    is_excluded = stdin_filename is not None and exclusion.covers(stdin_filename)
    with closing(memory):
        raise typer.Exit(_pass_through() if is_excluded else _fix_stdin(task, stdin_filename))


@dataclass(frozen=True)
class _Task:
    """What the user asked for, for all files alike."""

    engine: RememberingEngine
    memory: Verdicts
    changes: Changes
    format: Format
    is_semantic: bool
    min_confidence: float | None
    """None: the user has not said."""
    timeout: float
    target_version: Version | None
    """None: the user has not said."""
    lines: LineRange | None = None
    review: Review | None = None
    """Asks about each change before it is written; None: nobody is asked."""

    def target(self, folder: Path) -> Version | None:
        """The oldest Python that the code of a folder is for; None: nobody has said."""
        return self.target_version or nearest(folder)

    def ready(self) -> RememberingEngine:
        """The engine, which has said what it is; raises CheckpointError. Says so once if it cannot do what was asked for."""
        is_first = self.engine.known_about is None
        about = self.engine.about
        if is_first and self.min_confidence is not None and not about.is_calibrated:
            talk(
                "--min-confidence does not apply: this checkpoint is not calibrated, "
                "so its repairs have no probability"
            )
        return self.engine

    def clean_key(self, data: bytes, path: Path) -> bytes | None:
        """The key under which it is remembered that a file needs nothing; None if a look at it is needed."""
        if self.is_semantic or self.lines is not None:
            return None
        return clean_key(data, f"{NOTEBOOK_SUFFIX if is_notebook(path) else ''} {self.target(path.parent)}")

    def fix(self, source: Document | Notebook, folder: Path, patch_name: str, watch: Watch) -> Fix:
        """The repair of one source; raises RedraftError."""
        if isinstance(source, Notebook) and self.lines is not None:
            raise LineRangeError(f"{source.name} is a notebook; --lines goes with a file in Python")
        span = None if self.lines is None or isinstance(source, Notebook) else self.lines.span(source)
        target = self.target(folder)
        if not fixing.needs_model(source, semantic=self.is_semantic, target=target):
            return fixing.untouched(source, target)
        bound = DEFAULT_MIN_CONFIDENCE if self.min_confidence is None else self.min_confidence
        if isinstance(source, Notebook):
            return fixing.fix_notebook(
                self.ready(),
                source,
                patch_name=patch_name,
                semantic=self.is_semantic,
                min_confidence=bound,
                target=target,
                watch=watch,
                timeout=self.timeout,
            )
        return fixing.fix(
            self.ready(),
            source,
            patch_name=patch_name,
            span=span,
            semantic=self.is_semantic,
            min_confidence=bound,
            target=target,
            watch=watch,
            timeout=self.timeout,
        )


def _memory() -> Verdicts:
    """What earlier runs have found out; without it if it cannot be used."""
    try:
        return Verdicts.opened(cache_folder())
    except VerdictsError as error:
        talk(f"redraft: {error}")
        return Verdicts.none()


def _changes_since(revision: str | None) -> ChangedBelow | None:
    """The files below a folder that differ from `revision`; None: all files count."""
    if revision is None:
        return None
    # Many files of one folder may be named.
    return functools.cache(functools.partial(changed_below, revision=revision))


def _fix_files(task: _Task, found: Discovery) -> Exit:
    results = [Result(str(path.path), Status.FAILED, path.reason) for path in found.refused]
    results += (Result(str(path.path), Status.SKIPPED, path.reason) for path in found.skipped)
    for result in results:
        print_result(task.format, task.changes, result, b"")
    with bar(len(found.files)) as progress:
        for n_done, file in enumerate(found.files):
            if not streams.has_reader() or (task.review and task.review.is_over):
                break
            progress.at(n_done, note=str(file.path))
            result, patch = _fix_file(task, file, progress, n_done)
            results.append(result)
            with progress.aside():
                print_result(task.format, task.changes, result, patch)
    report = Report(tuple(results), found.n_ignored, found.n_excluded)
    if streams.has_reader():
        print_report(task.format, task.changes, report, task.engine.known_about)
    return report.exit_code(task.changes)


def _fix_file(task: _Task, file: SourceFile, progress: Bar, n_done: int) -> tuple[Result, bytes]:
    """The result for one file and its patch; the file is written if that was asked for."""
    name = str(file.path)
    try:
        data = source_files.read(file.path)
        key = task.clean_key(data, file.path)
        known = None if key is None else task.memory.text(key)
        if known is not None:
            return Result(name, Status.CLEAN, known), b""
        source = source_files.opened(data, file.path, name)
    except UnreadableDocument as error:
        return Result(name, Status.SKIPPED, str(error)), b""
    try:
        watch = _watch(progress, n_done, name)
        fixed = task.fix(source, file.path.parent, patch_name(file.path), watch)
        if task.review is not None:
            with progress.aside():
                fixed = task.review.of(fixed, file.path, source.encoding)
        if task.changes is Changes.WRITE and fixed.written != fixed.before:
            replace(file.path, fixed.written, expected=fixed.before, roots=file.roots)
    except CheckpointError:
        # An engine that cannot be opened ends the run: it would fail for the other files as well.
        raise
    except RedraftError as error:
        return Result(name, Status.FAILED, str(error)), b""
    if key is not None and fixed.result.status is Status.CLEAN:
        task.memory.put_text(key, fixed.result.reason)
    return fixed.result, fixed.patch


def _pass_through() -> Exit:
    """Print stdin as it is."""
    hand_over(streams.read(MAX_NOTEBOOK_BYTES))
    return Exit.FINE


def _fix_stdin(task: _Task, filename: Path | None) -> Exit:
    path = filename or Path("stdin")
    data = streams.read(source_files.largest(path) + 1)
    source = source_files.opened(data, path, "<stdin>" if filename is None else str(filename))
    with bar(1) as progress:
        name = "stdin" if filename is None else patch_name(filename)
        fixed = task.fix(source, path.parent, name, _watch(progress, 0, source.name))
    report = Report((fixed.result,))
    if task.format is not Format.TEXT or task.changes is not Changes.SHOW:
        print_result(task.format, task.changes, fixed.result, fixed.patch)
        print_report(task.format, task.changes, report, task.engine.known_about)
        return report.exit_code(task.changes)
    # A filter prints what would be written, and has done its work when that is whole.
    hand_over(fixed.written, source.encoding)
    talk_about(fixed.result, Changes.WRITE)
    return report.exit_code(Changes.WRITE)


def _watch(progress: Bar, n_done: int, name: str) -> Watch:
    def on_step(step: DenoiseStep) -> None:
        progress.at(n_done, note=f"{name}, search round {step.index} of at most {step.limit}")

    return Watch(on_step=on_step)
