"""Repairing one document or notebook: ask the engine, refuse what is not safe, say what came of it. Writes nothing."""

import math
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from redraft_model.passage import UNWATCHED, Corrects, Cost, DiagnosisKind, Draft, Span, Version, Watch
from redraft_model.text.versions import needed, too_new, version_name

from redraft_server import safety
from redraft_server.diagnostics.diagnostic import Diagnostic
from redraft_server.diagnostics.places import Located
from redraft_server.diff import unified
from redraft_server.document import Document, UnwritableDocument
from redraft_server.finding import Finding, Region, refused, regions, replacements, unlikely
from redraft_server.notebook_files import Cell, Notebook
from redraft_server.problems import Problem, code_problem
from redraft_server.report import Result, Status

_NO_DRAFT = Draft("", 0.0, 0.0, 0, True, Cost())


@dataclass(frozen=True)
class Fix:
    """The file's bytes before and after (equal if no repair was found), the patch, the result."""

    before: bytes
    after: bytes
    patch: bytes
    result: Result
    corrected: tuple[Diagnostic, ...] = ()
    """What other tools have found and the repair has to make go."""

    @property
    def written(self) -> bytes:
        """The bytes to write: those of a repair that is whole and sure enough, or accepted; else the file's own."""
        is_wanted = self.result.status is Status.FIXED or self.result.is_accepted
        return self.after if is_wanted else self.before

    def held_back(self, reason: str) -> "Fix":
        """The same where the repair is not to be written, and why."""
        result = replace(self.result, status=Status.UNSURE, reason=reason, is_accepted=False)
        return Fix(self.before, self.before, b"", result)


def needs_model(source: Document | Notebook, *, semantic: bool, target: Version | None = None) -> bool:
    """Whether there is anything to ask the engine: only semantic repair looks at a text that compiles.

    What the `target` Python cannot say otherwise is nobody's to repair.
    """
    return any(_is_for_model(code, semantic, target) for code, _ in _pieces(source))


def untouched(source: Document | Notebook, target: Version | None = None) -> Fix:
    """What becomes of a file that the engine is not asked about."""
    data = source.encode({}) if isinstance(source, Notebook) else source.encode(source.text)
    refusals = (too_new(code, target) for code, _ in _pieces(source))
    refusal = next((text for text in refusals if text), None)
    if refusal is not None:
        return Fix(data, data, b"", Result(source.name, Status.UNFIXABLE, refusal))
    return Fix(data, data, b"", _clean(source, Cost()))


def left_in(source: Document | Notebook, target: Version | None = None) -> str:
    """The first problem of `source`, with its line; "" if it compiles."""
    found = ((code_problem(code, target), where) for code, where in _pieces(source))
    return next((f"{_described(problem)}{where}" for problem, where in found if problem), "")


def refusal(before: Document | Notebook, after: Document | Notebook) -> str:
    """Why `before` must not become `after`; "" if it may. Both are of one kind, and have the same cells."""
    pairs = zip(_pieces(before), _pieces(after), strict=True)
    found = (safety.check(old, new) for (old, _), (new, _) in pairs)
    return next((refused.reason.rstrip(".") for refused in found if refused), "")


def fix(
    engine: Corrects,
    document: Document,
    *,
    patch_name: str,
    span: Span | None = None,
    semantic: bool = False,
    min_confidence: float = 0.0,
    target: Version | None = None,
    located: Sequence[Located] = (),
    watch: Watch = UNWATCHED,
    timeout: float = 0.0,
    clock: Callable[[], float] = time.monotonic,
) -> Fix:
    """The engine's repair of `document`, checked; the diff in the result calls the file `patch_name`.

    Only `span` changes. A calibrated engine has to be sure of the repair with a probability of `min_confidence`. `target` is the
    oldest Python that it is for. `located` is what other tools have found in it. It is given up after `timeout` seconds on `clock`
    (0: never).
    """
    before = document.encode(document.text)
    attempt = _attempt(
        engine,
        document.text,
        _Asked(span, semantic, target, watch.limited(timeout, clock), timeout, tuple(located)),
    )
    finding = None if attempt.problem is None else refused(attempt.problem, document.text)
    try:
        after = document.encode(attempt.text)
    except UnwritableDocument as error:
        attempt, after = attempt.refused(str(error)), before
    result = _result(engine, document, [attempt], min_confidence, finding)
    done = [each for each in located if attempt.is_changed and each.diagnosis in attempt.draft.corrected]
    if located and not attempt.problem:
        left = [each for each in located if each not in done and not _is_resolved(each, attempt)]
        result = _with_diagnosed(result, done, left, document.text)
    fixed = _fix(before, after, document.encoding, patch_name, result)
    return replace(fixed, corrected=tuple(each.diagnostic for each in done))


def fix_notebook(
    engine: Corrects,
    notebook: Notebook,
    *,
    patch_name: str,
    semantic: bool = False,
    min_confidence: float = 0.0,
    target: Version | None = None,
    watch: Watch = UNWATCHED,
    timeout: float = 0.0,
    clock: Callable[[], float] = time.monotonic,
) -> Fix:
    """The same for a notebook, whose cells are repaired one by one: each compiles for itself, as it is run for itself."""
    before = notebook.encode({})
    asked = _Asked(None, semantic, target, watch.limited(timeout, clock), timeout)
    attempts: list[_Attempt] = []
    texts: dict[int, str] = {}
    finding: Finding | None = None
    for cell in notebook.cells:
        newer = too_new(cell.code, target)
        if newer is not None:
            attempts.append(
                _Attempt(cell.code, None, _NO_DRAFT, cell.code, refusal=f"cell {cell.number}: {newer}")
            )
        if not _is_for_model(cell.code, semantic, target):
            continue
        attempt = _attempt(engine, cell.code, asked, _place_of(cell))
        text = cell.revealed(attempt.text)
        if text is None:
            attempt = attempt.refused("The rewrite would change a line that only IPython understands")
        else:
            texts[cell.number] = text
        if finding is None and attempt.problem is not None:
            finding = _found_in(notebook, cell, attempt.problem)
        attempts.append(attempt)
    result = _result(engine, notebook, attempts, min_confidence, finding)
    return _fix(before, notebook.encode(texts), notebook.encoding, patch_name, result)


@dataclass(frozen=True)
class _Asked:
    """What the engine is asked about each text, and after how many seconds `watch` is late (0: never)."""

    span: Span | None
    semantic: bool
    target: Version | None
    watch: Watch
    timeout: float
    located: tuple[Located, ...] = ()


@dataclass(frozen=True)
class _Attempt:
    """What came of one text: its problem, the engine's draft, the text to put in its place, and why that is not enough."""

    before: str
    problem: Problem | None
    draft: Draft
    text: str
    left: str = ""  # the problem of `text`
    refusal: str = ""

    @property
    def is_changed(self) -> bool:
        return self.text != self.before

    @property
    def trouble(self) -> str:
        """Why the text could not be repaired; "" if it could."""
        if self.refusal:
            return self.refusal
        return f"no repair found for {self.left}" if self.left and not self.is_changed else ""

    def refused(self, reason: str) -> "_Attempt":
        return replace(self, text=self.before, refusal=reason.rstrip("."))


def _attempt(engine: Corrects, code: str, asked: _Asked, where: str = "") -> _Attempt:
    """The engine's repair of `code`, checked; `where` is said behind the number of a line."""
    draft = _draft(engine, code, asked)
    text = _with_end_of(code, draft.text)
    left = code_problem(text, asked.target)
    problem = code_problem(code, asked.target)
    attempt = _Attempt(code, problem, draft, text, f"{_described(left)}{where}" if left else "")
    if left is not None and asked.watch.is_late():
        return attempt.refused(f"no repair found within {asked.timeout:g} s; give it more with --timeout")
    refusal = safety.check(code, text, asked.span, draft.reading)
    if refusal is None and draft.corrected:
        refusal = safety.check_names(code, text)
    return attempt.refused(refusal.reason) if refusal else attempt


def _draft(engine: Corrects, code: str, asked: _Asked) -> Draft:
    """What the engine makes of a text: what other tools have found in it comes first, if it compiles."""
    corrected = _NO_DRAFT
    if asked.located and code_problem(code, asked.target) is None:
        corrected = engine.correct(code, [each.diagnosis for each in asked.located], watch=asked.watch)
        if not asked.semantic:
            return corrected
    before = corrected.text or code
    n_more = len(before) - len(code)
    span = None if asked.span is None else Span(asked.span.start, asked.span.end + n_more)
    draft = engine.repair(
        before, span=span, semantic=asked.semantic, target_version=asked.target, watch=asked.watch
    )
    return draft if corrected is _NO_DRAFT else _after(corrected, draft)


def _after(first: Draft, second: Draft) -> Draft:
    """Two drafts, one made of what the other has made, as one."""
    changes = [draft for draft in (first, second) if draft.n_edits]
    return replace(
        second,
        score=first.score + second.score,
        confidence=math.prod(draft.confidence for draft in changes) if changes else 0.0,
        n_edits=first.n_edits + second.n_edits,
        cost=first.cost + second.cost,
        corrected=first.corrected,
    )


def _is_resolved(each: Located, attempt: _Attempt) -> bool:
    """Whether what is said of an unused variable has gone with another diagnostic: it stands in the text more often."""
    name = each.diagnosis.span.of(attempt.before)
    before, after = (
        len(re.findall(rf"\b{re.escape(name)}\b", text)) for text in (attempt.before, attempt.text)
    )
    return each.diagnosis.kind is DiagnosisKind.UNUSED and after > before


def _with_diagnosed(result: Result, done: Sequence[Located], left: Sequence[Located], text: str) -> Result:
    """The result for a `text` in which tools have found something: where, and for what no other word was found."""
    shown = next(iter(done or left), None)
    if shown is not None:
        (region,) = regions(text, [shown.diagnosis.span])
        result = replace(result, finding=Finding(shown.diagnostic.said, region, is_error=False))
    if not left or result.status not in (Status.CLEAN, Status.FIXED):
        return result
    about = f"{left[0].diagnostic}{f' and {len(left) - 1} more' if len(left) > 1 else ''}"
    if result.status is Status.FIXED:
        return replace(result, reason=f"left: {about}")
    return replace(result, status=Status.UNFIXABLE, reason=f"no other word found for {about}")


def _result(
    engine: Corrects,
    source: Document | Notebook,
    attempts: Sequence[_Attempt],
    min_confidence: float,
    finding: Finding | None,
) -> Result:
    """What becomes of a file, and why it is not simply fixed."""
    cost = sum((attempt.draft.cost for attempt in attempts), Cost())
    changed = [attempt for attempt in attempts if attempt.is_changed]
    if not changed:
        trouble = next((attempt.trouble for attempt in attempts if attempt.trouble), "")
        if not trouble:
            return _clean(source, cost)
        return Result(source.name, Status.UNFIXABLE, trouble, cost=cost, finding=finding)
    # Texts are repaired independently of each other: all are right with the product of their probabilities.
    confidence = math.prod(a.draft.confidence for a in changed) if engine.about.is_calibrated else None
    status, reason = Status.FIXED, ""
    if left := next((a.left or a.refusal for a in attempts if a.left or a.refusal), ""):
        status, reason = Status.PARTLY_FIXED, f"left: {left}"
    elif confidence is not None and confidence < min_confidence:
        status, reason = Status.UNSURE, f"below --min-confidence {min_confidence:g}"
    return Result(
        source.name,
        status,
        reason,
        n_edits=sum(a.draft.n_edits for a in changed),
        score=sum(a.draft.score for a in changed),
        confidence=confidence,
        cost=cost,
        read_as=next((a.draft.reading.what for a in changed if a.draft.reading), ""),
        finding=finding,
    )


def _clean(source: Document | Notebook, cost: Cost) -> Result:
    """The result of a file that Python takes as it is, with the Python that does if it is newer than this one."""
    version = max((found for code, _ in _pieces(source) if (found := needed(code))), default=None)
    reason = "" if version is None else f"needs Python {version_name(version)}"
    return Result(source.name, Status.CLEAN, reason, cost=cost)


def _is_for_model(code: str, semantic: bool, target: Version | None) -> bool:
    if too_new(code, target) is not None:
        return False
    return semantic or code_problem(code, target) is not None


def _fix(before: bytes, after: bytes, encoding: str, patch_name: str, result: Result) -> Fix:
    if after == before:
        return Fix(before, before, b"", result)
    patch = unified(patch_name, before, after)
    changes = replacements(before.decode(encoding), after.decode(encoding))
    result = replace(
        result,
        diff=patch.decode(encoding, "replace"),
        replacements=changes,
        finding=result.finding or unlikely(changes),
    )
    return Fix(before, after, patch, result)


def _pieces(source: Document | Notebook) -> list[tuple[str, str]]:
    """The texts that Python compiles, each for itself; and what is said behind the number of a line in one."""
    if isinstance(source, Notebook):
        return [(cell.code, _place_of(cell)) for cell in source.cells]
    return [(source.text, "")]


def _place_of(cell: Cell) -> str:
    return f" of cell {cell.number}"


def _found_in(notebook: Notebook, cell: Cell, problem: Problem) -> Finding:
    """The finding of a cell: in the file there is no better place than the line of JSON that holds the cell's."""
    line = notebook.line_of(cell, problem.line) + 1
    message = f"cell {cell.number}, line {problem.line + 1}: {problem.message}"
    return Finding(message, Region(line, 1, line, 1))


def _with_end_of(before: str, after: str) -> str:
    """`after`, with a final newline if and only if `before` has one."""
    if before.endswith("\n") == after.endswith("\n") or not after:
        return after
    return after + "\n" if before.endswith("\n") else after.removesuffix("\n")


def _described(problem: Problem) -> str:
    return f"{problem.message} in line {problem.line + 1}"
