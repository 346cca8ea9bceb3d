"""`redraft fix` at work: on one file after the other, or as a filter between stdin and stdout."""

from pathlib import Path

from redraft_model.errors import CheckpointError, RedraftError

from redraft_server import source_files, writing
from redraft_server.cli import streams
from redraft_server.cli.fix_output import Format, print_report, print_result, talk_about
from redraft_server.cli.fix_task import Task, watch
from redraft_server.cli.terminal import Bar, bar, hand_over, talk
from redraft_server.diff import patch_name
from redraft_server.discovery import Discovery, SourceFile
from redraft_server.document import UnreadableDocument
from redraft_server.fixing import Fix
from redraft_server.notebook_files import MAX_NOTEBOOK_BYTES
from redraft_server.proof import ProofError
from redraft_server.report import Changes, Exit, Report, Result, Status
from redraft_server.run_file import RunFile


def fix_files(task: Task, found: Discovery, run_file: RunFile | None = None) -> Exit:
    """Work on the files that were found, and print what becomes of them; `run_file` knows which ones are done already.

    Raises CheckpointError, ProofError and RunFileError: what ends a run.
    """
    results = [Result(str(path.path), Status.FAILED, path.reason) for path in found.refused]
    results += (Result(str(path.path), Status.SKIPPED, path.reason) for path in found.skipped)
    for result in results:
        print_result(task.format, task.changes, result, b"")
    n_done = 0
    try:
        with bar(len(found.files)) as progress:
            for n_done, file in enumerate(found.files):
                if not streams.has_reader() or (task.review and task.review.is_over):
                    break
                progress.at(n_done, note=str(file.path))
                results.append(_fix_file(task, file, run_file, progress, n_done))
    except KeyboardInterrupt:
        goes_on = "" if run_file is None else "; the same command goes on from there"
        talk(f"interrupted: {n_done} of {len(found.files)} files are done{goes_on}")
        raise
    report = Report(tuple(results), found.n_ignored, found.n_excluded)
    if streams.has_reader():
        print_report(task.format, task.changes, report, task.engine.known_about)
    return report.exit_code(task.changes)


def fix_stdin(task: Task, filename: Path | None) -> Exit:
    """Work on the source from stdin, which is called `filename`."""
    path = filename or Path("stdin")
    data = streams.read(source_files.largest(path) + 1)
    source = source_files.opened(data, path, "<stdin>" if filename is None else str(filename))
    with bar(1) as progress:
        name = "stdin" if filename is None else patch_name(filename)
        fixed = task.fix(source, path.parent, name, watch(progress, 0, source.name))
    report = Report((fixed.result,))
    if task.format is not Format.TEXT or task.changes is not Changes.SHOW:
        print_result(task.format, task.changes, fixed.result, fixed.patch)
        print_report(task.format, task.changes, report, task.engine.known_about)
        return report.exit_code(task.changes)
    # A filter prints what would be written, and has done its work when that is whole.
    hand_over(fixed.written, source.encoding)
    talk_about(fixed.result, Changes.WRITE)
    return report.exit_code(Changes.WRITE)


def pass_through() -> Exit:
    """Print stdin as it is."""
    hand_over(streams.read(MAX_NOTEBOOK_BYTES))
    return Exit.FINE


def _fix_file(task: Task, file: SourceFile, run_file: RunFile | None, progress: Bar, n_done: int) -> Result:
    """The result for one file, which is printed, noted, and written if that was asked for."""
    name = str(file.path)
    try:
        data = source_files.read(file.path)
    except UnreadableDocument as error:
        data, fixed = b"", _without(b"", Result(name, Status.SKIPPED, str(error)))
    else:
        known = run_file.result(name, data) if run_file else None
        if known is not None:
            return known
        fixed = _fixed(task, file, data, progress, n_done)
    if run_file is not None:
        run_file.add(fixed.result, fixed.written if task.changes is Changes.WRITE else data)
    with progress.aside():
        print_result(task.format, task.changes, fixed.result, fixed.patch)
    return fixed.result


def _fixed(task: Task, file: SourceFile, data: bytes, progress: Bar, n_done: int) -> Fix:
    """What becomes of a file that holds `data`."""
    name = str(file.path)
    key = task.clean_key(data, file.path)
    known = None if key is None else task.memory.text(key)
    if known is not None:
        return _without(data, Result(name, Status.CLEAN, known))
    try:
        source = source_files.opened(data, file.path, name)
    except UnreadableDocument as error:
        return _without(data, Result(name, Status.SKIPPED, str(error)))
    try:
        fixed = task.fix(
            source,
            file.path.parent,
            patch_name(file.path),
            watch(progress, n_done, name),
            task.diagnostics(file.path),
        )
        if task.review is not None:
            with progress.aside():
                fixed = task.review.of(fixed, file.path, source.encoding, task.target(file.path.parent))
        if task.changes is Changes.WRITE and fixed.written != data:
            with progress.aside():
                fixed = _written(task, file, fixed)
    except (CheckpointError, ProofError):
        # They would be the same for the other files.
        raise
    except RedraftError as error:
        return _without(data, Result(name, Status.FAILED, str(error)))
    if key is not None and fixed.result.status is Status.CLEAN:
        task.memory.put_text(key, fixed.result.reason)
    return fixed


def _written(task: Task, file: SourceFile, fixed: Fix) -> Fix:
    """`fixed`, written into its file; what speaks against it if it was put back. Raises RedraftError."""
    if task.proof is None and (task.diagnosed is None or not task.diagnosed.is_asked_again(file.path)):
        writing.replace(file.path, fixed.written, expected=fixed.before, roots=file.roots)
        return fixed
    if task.proof is not None:
        task.proof.prepare()
    objections: list[str] = []

    def is_good() -> bool:
        objections.append(_objection(task, file, fixed))
        return not objections[-1]

    if writing.attempt(file.path, fixed.written, expected=fixed.before, roots=file.roots, is_good=is_good):
        return fixed
    return fixed.held_back(objections[-1])


def _objection(task: Task, file: SourceFile, fixed: Fix) -> str:
    """What speaks against a file that was written, by the linter and by the user's own command; "" if nothing does."""
    if task.diagnosed is not None:
        # Of changes that the user has chosen, some may have been declined.
        targeted = () if fixed.result.is_accepted else fixed.corrected
        if objection := task.diagnosed.objection(file.path, targeted):
            return objection
    return "" if task.proof is None else task.proof.objection()


def _without(data: bytes, result: Result) -> Fix:
    """What becomes of a file that was not changed."""
    return Fix(data, data, b"", result)
