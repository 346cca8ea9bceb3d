"""Suggestions at the cursor. Only the newest request of a document counts; older ones get an empty answer."""

import asyncio
from dataclasses import dataclass

from lsprotocol import types
from redraft_model.errors import Cancelled, RedraftError
from redraft_model.passage import Draft, Passage, Span

from redraft_server.engine.requests import Complete
from redraft_server.engine.scheduler import Priority, State
from redraft_server.features.configuration import settled
from redraft_server.features.fitting import fitted, is_inviting, word_before
from redraft_server.features.scope import obstacle
from redraft_server.features.snooze import is_snoozed
from redraft_server.problems import syntax_problem
from redraft_server.safety import parses
from redraft_server.session import Session
from redraft_server.sources import Source, canonical

_N_DRAFTS_WHEN_ASKED = 3
# Mean probability of a draft's tokens below which nobody is interrupted with it.
_SURE_ENOUGH = 0.75
# A suggestion that comes later than this is no use to anybody.
_SECONDS_WHEN_ASKED = 60.0
_SECONDS_WHILE_TYPING = 10.0


@dataclass(frozen=True)
class Place:
    """Where a suggestion goes: `passage` is cut there, `typed` is what the suggestion must begin with.

    The editor shows a suggestion only if it begins with the text of its range, which is `typed`: the word
    before the cursor, or the entry selected in the editor's own list.
    """

    passage: Passage
    typed: str
    range: types.Range


async def complete(session: Session, params: types.InlineCompletionParams) -> types.InlineCompletionList:
    """At most one suggestion for somebody who types, up to three for somebody who asks; best first."""
    await settled(session)
    source = session.sources.get(params.text_document.uri)
    is_asked = params.context.trigger_kind == types.InlineCompletionTriggerKind.Invoked
    if source is None or not _is_possible(session, source, params.position, is_asked=is_asked):
        return _NOTHING
    place = _place(source, params)
    if place is None:
        return _NOTHING

    n_drafts = _N_DRAFTS_WHEN_ASKED if is_asked else 1
    is_single_line = not is_asked and source.around(params.position)[1].strip() != ""

    try:
        drafts = await session.ask(
            Complete(place.passage, n_drafts, single_line=is_single_line),
            priority=Priority.TYPING,
            newest_of=canonical(source.uri),
            deadline=_SECONDS_WHEN_ASKED if is_asked else _SECONDS_WHILE_TYPING,
        )
    except Cancelled:
        return _NOTHING
    except RedraftError as error:
        if is_asked:
            session.server.window_show_message(
                types.ShowMessageParams(type=types.MessageType.Warning, message=str(error))
            )
        return _NOTHING
    if not is_asked:
        drafts = [draft for draft in drafts if draft.confidence >= _SURE_ENOUGH]
    texts = await asyncio.to_thread(_suggestions, drafts, place.passage, source.code)
    return _answer(session, source, params, place, texts)


_NOTHING = types.InlineCompletionList(items=[])


def _is_possible(session: Session, source: Source, position: types.Position, *, is_asked: bool) -> bool:
    settings = session.configuration.for_document(source.uri)
    if not settings.inline_completion or obstacle(source, session.configuration) is not None:
        return False
    if source.hides(position.line) or (not is_asked and is_snoozed(session)):
        return False
    # Loading a model that is not there at each keystroke helps nobody; who asks for it gets another try.
    return is_asked or (
        session.scheduler.state is not State.REFUSED and is_inviting(*source.around(position))
    )


def _place(source: Source, params: types.InlineCompletionParams) -> Place | None:
    text = source.code
    selected = params.context.selected_completion_info
    if selected is not None:
        if selected.range.start.line != selected.range.end.line or "\n" in selected.text:
            return None
        span = source.span(selected.range)
        passage = Passage(text[: span.start] + selected.text, "", text[span.end :])
        return Place(passage, selected.text, selected.range)
    offset = source.offset(params.position)
    word = word_before(source.around(params.position)[0])
    return Place(Passage.cut(text, Span(offset, offset)), word, source.on_line(params.position, word, ""))


def _suggestions(drafts: list[Draft], passage: Passage, whole: str) -> list[str]:
    """What is worth showing of `drafts`; if the `whole` document parses, only what leaves it parsing."""
    is_guarded = bool(drafts) and syntax_problem(whole) is None
    texts: dict[str, None] = {}
    for draft in drafts:
        text = fitted(draft.text, passage)
        if not text:
            continue
        if is_guarded:
            still_parses = draft.parses if text == draft.text else parses(passage.replaced(text))
            if not still_parses:
                continue
        texts[text] = None
    return list(texts)


def _answer(
    session: Session, source: Source, params: types.InlineCompletionParams, place: Place, texts: list[str]
) -> types.InlineCompletionList:
    """The suggestions as they apply now, if the user typed on meanwhile."""
    range_, more = place.range, ""
    if not session.is_current(source):
        now = session.sources.get(source.uri)
        if now is None or params.context.selected_completion_info is not None:
            return _NOTHING
        typed_on = _typed_on(session, now, place.passage)
        if typed_on is None:
            return _NOTHING
        more = typed_on
        range_ = now.on_line(params.position, place.typed, more)
    newline = source.document.newline
    return types.InlineCompletionList(
        items=[
            types.InlineCompletionItem(insert_text=(place.typed + text).replace("\n", newline), range=range_)
            for text in texts
            if text.startswith(more) and text != more
        ]
    )


def _typed_on(session: Session, now: Source, passage: Passage) -> str | None:
    """What was typed at the cursor since `passage` was cut; None if something else changed, too."""
    if obstacle(now, session.configuration) is not None:
        return None
    text = now.code
    n_typed = len(text) - len(passage.before) - len(passage.after)
    if n_typed < 0 or not (text.startswith(passage.before) and text.endswith(passage.after)):
        return None
    typed = text[len(passage.before) : len(passage.before) + n_typed]
    return None if "\n" in typed else typed
