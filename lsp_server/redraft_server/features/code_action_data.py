"""What a code action promises, and how it is carried out: the engine's draft, checked before anybody sees it."""

import asyncio
from dataclasses import dataclass

import cattrs
from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams
from redraft_model.passage import Passage, Reading, Span, Version

from redraft_server.client import Client
from redraft_server.engine.requests import Repair, Rewrite
from redraft_server.features.scope import obstacle
from redraft_server.problems import code_problem
from redraft_server.progress import Unit
from redraft_server.protocol import RequestFailed
from redraft_server.report import percent
from redraft_server.safety import check, parses
from redraft_server.session import KnownRepair, Session
from redraft_server.sources import Source


@dataclass(frozen=True)
class CodeActionData:
    """What a code action promises, small enough to travel to the client and back.

    `range` limits the changes (None: the whole document). If it `is_complete`, a repair counts only if the
    document compiles afterwards, and it is applied only if it is likely right; otherwise fewer errors than
    before are welcome too. `action` is what the model is to do with the range. Another `seed` leads to another
    draft, where the action has several.
    """

    title: str
    uri: str
    version: int
    range: types.Range | None = None
    is_complete: bool = False
    action: str = "repair"
    seed: int = 0

    @classmethod
    def of(cls, data: object, converter: cattrs.Converter) -> "CodeActionData":
        """The data in what the client sent back; raises JsonRpcInvalidParams."""
        refusal = JsonRpcInvalidParams("This is nothing that Redraft offered.")
        if not isinstance(data, dict):
            raise refusal
        try:
            return converter.structure(data, cls)
        except cattrs.BaseValidationError as error:
            raise refusal from error


@dataclass(frozen=True)
class Rewritten:
    """A checked rewrite of a document. `confidence` is how likely it is right, where that is known."""

    source: Source
    text: str
    confidence: float | None = None

    def edit(self, client: Client) -> types.WorkspaceEdit:
        """The rewrite as an edit that `client` can undo in one step."""
        return client.edit(self.source.uri, self.source.version, self.source.text_edits(self.text))


async def edit_of(
    session: Session, data: CodeActionData, token: types.ProgressToken | None
) -> types.WorkspaceEdit:
    """The edit that carries out `data`; raises RequestFailed or a RedraftError, a sentence for the user."""
    rewritten = await rewrite(session, data, token)
    if data.is_complete:
        _require_confidence(session, rewritten)
    edit = await asyncio.to_thread(rewritten.edit, session.client)
    if not session.is_current(rewritten.source):
        raise RequestFailed("The document has changed while Redraft was working on it; ask again.")
    return edit


async def rewrite(session: Session, data: CodeActionData, token: types.ProgressToken | None) -> Rewritten:
    """The document after `data`; raises RequestFailed or a RedraftError, a sentence for the user."""
    await session.settled()
    source = session.sources.get(data.uri)
    if source is None:
        raise RequestFailed("The document is not open any more.")
    if (reason := obstacle(source, session.configuration)) is not None:
        raise RequestFailed(reason)
    if source.version != data.version:
        raise RequestFailed("The document has changed since this repair was offered; ask for it again.")
    if data.action not in session.scheduler.actions:
        raise RequestFailed(f"The checkpoint has not learnt the action {data.action!r}.")
    text = source.code
    span = source.span(data.range) if data.range is not None else None
    timeout = session.configuration.for_document(source.uri).timeout
    if data.action == "repair":
        target = session.configuration.for_document(source.uri).target
        semantic = await asyncio.to_thread(_is_fine, text, span, target)
        request = Repair(text, span, semantic, target, timeout)
        draft = await session.work(data.title, token, request, source, Unit.SEARCH_ROUND)
        new_text = await asyncio.to_thread(
            _first_safe, source, [draft.text], span, data, draft.reading, target
        )
        if span is None:
            compiles = await asyncio.to_thread(code_problem, draft.text, target) is None
            session.latest_repair = KnownRepair(source, draft.confidence, compiles)
        return Rewritten(source, new_text, draft.confidence if session.is_calibrated else None)
    passage = Passage.cut(text, span or Span(0, len(text)))
    # The engine searches for a repair of what does not parse, whatever else it is to do with it.
    unit = Unit.DENOISE_STEP if await asyncio.to_thread(parses, text) else Unit.SEARCH_ROUND
    wanted = Rewrite(passage, data.action, seed=data.seed, timeout=timeout)
    drafts = await session.work(data.title, token, wanted, source, unit)
    texts = [passage.replaced(draft.text) for draft in drafts]
    reading = drafts[0].reading if drafts else None
    return Rewritten(source, await asyncio.to_thread(_first_safe, source, texts, span, data, reading))


def whole_lines(source: Source, first: int, last: int) -> types.Range:
    """The lines `first` to `last` of `source` with their line ends, as a range."""
    end = min(last + 1, len(source.lines))
    return types.Range(types.Position(first, 0), types.Position(end, 0))


def _require_confidence(session: Session, rewritten: Rewritten) -> None:
    """Raise RequestFailed for a repair that is too likely wrong to be made without a look at it."""
    confidence = rewritten.confidence
    if confidence is not None and confidence < session.min_confidence(rewritten.source):
        raise RequestFailed(
            f"Redraft is only {percent(confidence)} sure of its repair of this document; "
            "look at it with the quick fix."
        )


def _is_fine(text: str, span: Span | None, target: Version | None) -> bool:
    """Whether the target Python has nothing against `text`, or against the part of it in `span`: only the model may doubt it there.

    Where the parser stops, the mistake may be anywhere; what only the compiler refuses says nothing about other lines.
    """
    problem = code_problem(text, target)
    if problem is None:
        return True
    is_elsewhere = span is not None and (problem.span.end < span.start or span.end < problem.span.start)
    return is_elsewhere and parses(text)


def _first_safe(
    source: Source,
    texts: list[str],
    span: Span | None,
    data: CodeActionData,
    reading: Reading | None,
    target: Version | None = None,
) -> str:
    """The first of `texts`, versions of the code of `source`, that is safe and does what was promised.

    `reading` is what the code was read as, if it was pasted from elsewhere. Raises RequestFailed.
    """
    text = source.code
    failure = RequestFailed(f"Redraft found nothing to {_word(data)} {_place(span)}.")
    for new_text in texts:
        if new_text == text:
            continue
        refusal = check(text, new_text, span, reading)
        if refusal is not None:
            failure = RequestFailed(f"Redraft discarded its {_word(data)}. {refusal.reason}")
            continue
        if data.is_complete and (rest := code_problem(new_text, target)) is not None:
            failure = RequestFailed(
                f"Redraft could not repair everything: line {rest.line + 1} would still be wrong "
                f"({rest.message})."
            )
            continue
        revealed = source.revealed(new_text)
        if revealed is None:
            failure = RequestFailed(
                f"Redraft discarded its {_word(data)}. It would change a line that only IPython understands."
            )
            continue
        return revealed
    raise failure


def _word(data: CodeActionData) -> str:
    return "repair" if data.action == "repair" else "rewrite"


def _place(span: Span | None) -> str:
    return "here" if span is not None else "in this document"
