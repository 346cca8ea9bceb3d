"""Repairing a document with the engine, checked before anybody sees the result."""

import asyncio
from dataclasses import dataclass

import cattrs
from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams
from redraft_model.passage import Draft, Span

from redraft_server.engine.requests import Repair
from redraft_server.features.configuration import settled
from redraft_server.features.scope import obstacle
from redraft_server.problems import syntax_problem
from redraft_server.protocol import RequestFailed
from redraft_server.safety import check
from redraft_server.session import Session
from redraft_server.sources import Source


@dataclass(frozen=True)
class Errand:
    """What a code action promises, small enough to travel to the client and back.

    `range` limits the changes (None: the whole document). If it `is_complete`, a repair counts only if the
    document parses afterwards; otherwise fewer errors than before are welcome too.
    """

    title: str
    uri: str
    version: int
    range: types.Range | None = None
    is_complete: bool = False

    @classmethod
    def of(cls, data: object, converter: cattrs.Converter) -> "Errand":
        """The errand in what the client sent back; raises JsonRpcInvalidParams."""
        refusal = JsonRpcInvalidParams("This is no repair that Redraft offered.")
        if not isinstance(data, dict):
            raise refusal
        try:
            return converter.structure(data, cls)
        except cattrs.BaseValidationError as error:
            raise refusal from error


async def repair(session: Session, errand: Errand, token: types.ProgressToken | None) -> types.WorkspaceEdit:
    """The edit that carries out `errand`; raises RequestFailed or a RedraftError, a sentence for the user."""
    await settled(session)
    source = session.sources.get(errand.uri)
    if source is None:
        raise RequestFailed("The document is not open any more.")
    if (reason := obstacle(source, session.configuration)) is not None:
        raise RequestFailed(reason)
    if source.version != errand.version:
        raise RequestFailed("The document has changed since this repair was offered; ask for it again.")

    text = source.code
    span = source.span(errand.range) if errand.range is not None else None
    # A source that parses is only changed where the model doubts it.
    semantic = await asyncio.to_thread(syntax_problem, text) is None
    draft = await session.work(errand.title, token, Repair(text, span, semantic))
    edits = await asyncio.to_thread(_edits, source, draft, span, errand)
    if not session.is_current(source):
        raise RequestFailed("The document has changed while Redraft was working on it; ask again.")
    return session.client.edit(source.uri, source.version, edits)


def whole_lines(source: Source, first: int, last: int) -> types.Range:
    """The lines `first` to `last` of `source` with their line ends, as a range."""
    end = min(last + 1, len(source.lines))
    return types.Range(types.Position(first, 0), types.Position(end, 0))


def _edits(source: Source, draft: Draft, span: Span | None, errand: Errand) -> list[types.TextEdit]:
    """The draft as edits, if it is safe and does what was promised; raises RequestFailed."""
    text = source.code
    if draft.text == text:
        where = "here" if span is not None else "in this document"
        raise RequestFailed(f"Redraft found nothing to repair {where}.")
    refusal = check(text, draft.text, span)
    if refusal is not None:
        raise RequestFailed(f"Redraft discarded its repair. {refusal.reason}")
    if errand.is_complete and (rest := syntax_problem(draft.text)) is not None:
        raise RequestFailed(
            f"Redraft could not repair everything: line {rest.line + 1} would still be wrong "
            f"({rest.message})."
        )
    new_text = source.revealed(draft.text)
    if new_text is None:
        raise RequestFailed(
            "Redraft discarded its repair. It would change a line that only IPython understands."
        )
    return source.text_edits(new_text)
