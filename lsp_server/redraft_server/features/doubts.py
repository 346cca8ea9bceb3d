"""Doubt as diagnostics: the tokens that the model did not expect. Off unless the user wants it (`doubtDiagnostics`).

A client that pulls diagnostics is answered. To any other one they are published, a moment after the typing
stopped.
"""

import asyncio
import hashlib

from lsprotocol import types
from redraft_model.errors import Cancelled, RedraftError
from redraft_model.passage import Doubt

from redraft_server.engine.job import Priority
from redraft_server.engine.requests import FindDoubts
from redraft_server.engine.scheduler import State
from redraft_server.features.scope import obstacle
from redraft_server.features.snooze import is_snoozed
from redraft_server.session import Session
from redraft_server.sources import Source, canonical

NAME = "redraft"
OPTIONS = types.DiagnosticOptions(inter_file_dependencies=False, workspace_diagnostics=False, identifier=NAME)

_SECONDS_AFTER_TYPING = 0.7
_SECONDS_TO_WAIT = 60.0
_MAX_DOUBTS = 100
_MAX_PROPOSAL = 40

Report = types.RelatedFullDocumentDiagnosticReport | types.RelatedUnchangedDocumentDiagnosticReport


async def pulled(session: Session, params: types.DocumentDiagnosticParams) -> Report:
    """The doubts about a document; unchanged if they are what the client has, or were overtaken by an edit."""
    await session.settled()
    source = session.sources.get(params.text_document.uri)
    if source is None or not _is_wanted(session, source):
        return types.RelatedFullDocumentDiagnosticReport(items=[])
    identity = _identity(session, source)
    if params.previous_result_id == identity:
        return types.RelatedUnchangedDocumentDiagnosticReport(identity)
    diagnostics = await _diagnostics(session, source)
    if diagnostics is not None:
        return types.RelatedFullDocumentDiagnosticReport(diagnostics, result_id=identity)
    if params.previous_result_id is not None:
        return types.RelatedUnchangedDocumentDiagnosticReport(params.previous_result_id)
    return types.RelatedFullDocumentDiagnosticReport(items=[])


def follow(session: Session, uri: str, source: Source | None) -> None:
    """Publish the doubts about a new version of a document soon, to a client that does not pull them."""
    if session.client.pulls_diagnostics:
        return
    publication = session.publications.pop(canonical(uri), None)
    if publication is not None and not publication.cancel() and publication.result():
        _send(session, uri, None, [])
    if source is not None and _is_wanted(session, source):
        session.publications[canonical(uri)] = asyncio.ensure_future(_publish(session, source))


def settings_changed(session: Session) -> None:
    """Publish again, or have the client pull again, what the new settings ask for."""
    if session.client.refreshes_diagnostics:
        # Nothing depends on the answer.
        session.server.workspace_diagnostic_refresh(None)
    for source in session.sources:
        follow(session, source.uri, source)


async def _publish(session: Session, source: Source) -> bool:
    """Whether something was published."""
    await asyncio.sleep(_SECONDS_AFTER_TYPING)
    diagnostics = await _diagnostics(session, source)
    if not diagnostics or not session.is_current(source):
        return False
    _send(session, source.uri, source.version, diagnostics)
    return True


def _send(session: Session, uri: str, version: int | None, diagnostics: list[types.Diagnostic]) -> None:
    session.server.text_document_publish_diagnostics(
        types.PublishDiagnosticsParams(uri=uri, version=version, diagnostics=diagnostics)
    )


def _is_wanted(session: Session, source: Source) -> bool:
    return (
        session.configuration.for_document(source.uri).doubt_diagnostics
        and not is_snoozed(session)
        and session.scheduler.state is not State.REFUSED
        and obstacle(source, session.configuration) is None
    )


async def _diagnostics(session: Session, source: Source) -> list[types.Diagnostic] | None:
    """The doubts about `source`; None if nobody knows (the model is gone, or an edit came first)."""
    threshold = session.configuration.for_document(source.uri).doubt_threshold
    try:
        doubts = await session.ask(
            FindDoubts(source.code, threshold=threshold),
            priority=Priority.BACKGROUND,
            newest_of=(NAME, canonical(source.uri)),
            deadline=_SECONDS_TO_WAIT,
        )
    except (Cancelled, RedraftError):
        return None
    return [
        types.Diagnostic(
            range=source.range(doubt.span),
            message=_message(doubt),
            severity=types.DiagnosticSeverity.Information,
            code="doubt",
            source=NAME,
            # A client hands it back with the diagnostic, for a quick fix that need not ask the model again.
            data=doubt.proposal if doubt.kind == "substitute" and doubt.proposal.strip() else None,
        )
        for doubt in doubts[:_MAX_DOUBTS]
    ]


def _message(doubt: Doubt) -> str:
    proposal = doubt.proposal.strip()
    proposal = proposal if len(proposal) <= _MAX_PROPOSAL else proposal[: _MAX_PROPOSAL - 1] + "…"
    confidence = f"({1 - doubt.probability:.0%} sure)"
    if doubt.kind == "delete":
        return f"The model would leave this out {confidence}."
    if doubt.kind == "insert":
        return f"The model misses {f'“{proposal}”' if proposal else 'something'} before this {confidence}."
    expected = f"“{proposal}”" if proposal else "something else"
    return f"The model expected {expected} here {confidence}."


def _identity(session: Session, source: Source) -> str:
    threshold = session.configuration.for_document(source.uri).doubt_threshold
    digest = hashlib.blake2b(source.original.encode("utf-8", "surrogatepass"), digest_size=12)
    return f"{threshold}-{digest.hexdigest()}"
