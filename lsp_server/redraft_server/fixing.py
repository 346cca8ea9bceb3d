"""Repairing one document: ask the engine, refuse what is not safe, say what came of it. Writes nothing."""

from dataclasses import dataclass

from redraft_model.passage import UNWATCHED, Cost, Draft, Repairs, Version, Watch
from redraft_model.text.versions import needed, too_new, version_name

from redraft_server import safety
from redraft_server.diff import unified
from redraft_server.document import Document, UnwritableDocument
from redraft_server.problems import Problem, code_problem
from redraft_server.report import Result, Status

_NO_COST = Cost()


@dataclass(frozen=True)
class Fix:
    """The document's bytes before and after (equal if no repair was found), the patch, the result."""

    before: bytes
    after: bytes
    patch: bytes
    result: Result

    @property
    def written(self) -> bytes:
        """The bytes to write: those of a repair that is whole and sure enough, else the document's own."""
        return self.after if self.result.status is Status.FIXED else self.before


def needs_model(document: Document, *, semantic: bool, target: Version | None = None) -> bool:
    """Whether there is anything to ask the engine: only semantic repair looks at a text that compiles.

    What the `target` Python cannot say otherwise is nobody's to repair.
    """
    if too_new(document.text, target) is not None:
        return False
    return semantic or code_problem(document.text, target) is not None


def untouched(document: Document, target: Version | None = None) -> Fix:
    """What becomes of a document that the engine is not asked about."""
    data = document.encode(document.text)
    refusal = too_new(document.text, target)
    if refusal is not None:
        return Fix(data, data, b"", Result(document.name, Status.UNFIXABLE, refusal))
    return Fix(data, data, b"", _clean(document))


def _clean(document: Document, cost: Cost = _NO_COST) -> Result:
    """The result of a document that Python takes as it is, with the Python that does if it is newer than this one."""
    version = needed(document.text)
    reason = "" if version is None else f"needs Python {version_name(version)}"
    return Result(document.name, Status.CLEAN, reason, cost=cost)


def fix(
    engine: Repairs,
    document: Document,
    *,
    patch_name: str,
    semantic: bool = False,
    min_confidence: float = 0.0,
    target: Version | None = None,
    watch: Watch = UNWATCHED,
) -> Fix:
    """The engine's repair of `document`, checked; the diff in the result calls the file `patch_name`.

    A calibrated engine has to be sure of it with a probability of `min_confidence`. `target` is the oldest Python it is for.
    """
    before = document.encode(document.text)
    draft = engine.repair(document.text, semantic=semantic, target_version=target, watch=watch)
    text = _with_end_of(document.text, draft.text)
    problem = code_problem(text, target)
    if text == document.text:
        if problem is None:
            return Fix(before, before, b"", _clean(document, draft.cost))
        return _unfixable(document, before, draft, f"no repair found for {_described(problem)}")
    refusal = safety.check(document.text, text, reading=draft.reading)
    if refusal:
        return _unfixable(document, before, draft, refusal.reason)
    try:
        after = document.encode(text)
    except UnwritableDocument as error:
        return _unfixable(document, before, draft, str(error))
    patch = unified(patch_name, before, after)
    confidence = draft.confidence if engine.about.is_calibrated else None
    status, reason = _verdict(problem, confidence, min_confidence)
    result = Result(
        document.name,
        status,
        reason,
        n_edits=draft.n_edits,
        score=draft.score,
        confidence=confidence,
        cost=draft.cost,
        diff=patch.decode(document.encoding, "replace"),
        read_as=draft.reading.what if draft.reading else "",
    )
    return Fix(before, after, patch, result)


def _verdict(problem: Problem | None, confidence: float | None, min_confidence: float) -> tuple[Status, str]:
    """What becomes of a document that was changed, and why it is not simply fixed."""
    if problem is not None:
        return Status.PARTLY_FIXED, f"left: {_described(problem)}"
    if confidence is not None and confidence < min_confidence:
        return Status.UNSURE, f"below --min-confidence {min_confidence:g}"
    return Status.FIXED, ""


def _unfixable(document: Document, before: bytes, draft: Draft, reason: str) -> Fix:
    return Fix(
        before, before, b"", Result(document.name, Status.UNFIXABLE, reason.rstrip("."), cost=draft.cost)
    )


def _with_end_of(before: str, after: str) -> str:
    """`after`, with a final newline if and only if `before` has one."""
    if before.endswith("\n") == after.endswith("\n") or not after:
        return after
    return after + "\n" if before.endswith("\n") else after.removesuffix("\n")


def _described(problem: Problem) -> str:
    return f"{problem.message} in line {problem.line + 1}"
