"""`redraft fix`: repair files, show what would change, or write it."""

import functools
import math
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import typer

from redraft_server import loading
from redraft_server.changed import HEAD, changed_below
from redraft_server.cli import fix_options
from redraft_server.cli.diagnosing import diagnosed_by
from redraft_server.cli.fix_files import fix_files, fix_stdin, pass_through
from redraft_server.cli.fix_output import Format
from redraft_server.cli.fix_task import Task
from redraft_server.cli.opening import (
    CheckpointOption,
    Device,
    DeviceOption,
    ForceOption,
    ModelOption,
    require,
)
from redraft_server.cli.review import Review
from redraft_server.cli.terminal import talk
from redraft_server.diagnostics.linters import DEFAULT_LINTER_TIMEOUT, Linter
from redraft_server.discovery import ChangedBelow, Exclusion, discover
from redraft_server.model_choice import AUTO, ModelChoice
from redraft_server.proof import DEFAULT_TEST_TIMEOUT, Proof
from redraft_server.remembering import RememberingEngine
from redraft_server.report import Changes
from redraft_server.run_file import RunFile
from redraft_server.settings import DEFAULT_TIMEOUT
from redraft_server.source_files import LineRange
from redraft_server.target import version_of
from redraft_server.verdicts import Verdicts, VerdictsError, cache_folder

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
    run_file: fix_options.RunFileOption = None,
    test_cmd: fix_options.TestCommand = None,
    test_timeout: fix_options.TestTimeout = DEFAULT_TEST_TIMEOUT,
    diagnostics: fix_options.DiagnosticsOption = None,
    linter: fix_options.LinterOption = None,
    linter_timeout: fix_options.LinterTimeout = DEFAULT_LINTER_TIMEOUT,
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
    if test_cmd is not None and not chosen[Changes.WRITE]:
        raise typer.BadParameter("--test-cmd judges what is written: add --write or --interactive")
    if diagnostics is not None and linter is not None:
        raise typer.BadParameter("choose one of --diagnostics and --linter")
    tool = None if linter is None else Linter.of(linter, linter_timeout, talk)
    memory = Verdicts.none() if no_cache else _memory()
    task = Task(
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
        proof=None if test_cmd is None else Proof(test_cmd, test_timeout, talk),
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
            task = replace(task, diagnosed=diagnosed_by(diagnostics, tool, found.files))
            if run_file is None:
                raise typer.Exit(fix_files(task, found))
            with RunFile.opened(run_file, task.options(choice)) as opened:
                raise typer.Exit(fix_files(task, found, opened))
    if len(sources) > 1 or chosen[Changes.WRITE] or any((revision, run_file, diagnostics, tool)):
        raise typer.BadParameter(
            "- stands alone: it goes neither with files nor with --write, --interactive, --changed, "
            "--changed-since, --run-file, --diagnostics or --linter"
        )
    is_excluded = stdin_filename is not None and exclusion.covers(stdin_filename)
    with closing(memory):
        raise typer.Exit(pass_through() if is_excluded else fix_stdin(task, stdin_filename))


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
