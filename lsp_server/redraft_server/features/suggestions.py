"""What to suggest at a place of a document: from memory, or from the engine.

Only the newest request of a document counts; older ones find nothing. How a suggestion is shown is the
business of the feature that asks.
"""

import asyncio
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from lsprotocol import types
from redraft_model.errors import Cancelled, RedraftError
from redraft_model.passage import Passage, Span, truncated

from redraft_server.engine.job import Priority
from redraft_server.engine.requests import Complete
from redraft_server.engine.scheduler import State
from redraft_server.features.fitting import Fit, fits, is_inviting, word_before
from redraft_server.features.scope import obstacle, obstacle_at
from redraft_server.features.snooze import is_snoozed
from redraft_server.session import Session
from redraft_server.settings import Settings
from redraft_server.sources import Source, canonical
from redraft_server.uris import file_path

_N_DRAFTS_WHEN_ASKED = 3
# A suggestion that comes later than this is no use to anybody.
_SECONDS_WHEN_ASKED = 60.0
_SECONDS_WHILE_TYPING = 10.0


@dataclass(frozen=True)
class Occasion:
    """Where and why something is to be suggested.

    `selected` is the entry of the editor's own list that the suggestion has to continue. Who has not asked
    explicitly gets one suggestion at most, and only at a good moment.
    """

    uri: str
    position: types.Position
    is_asked: bool
    selected: types.SelectedCompletionInfo | None = None


@dataclass(frozen=True)
class Suggestion:
    """Text for a range of one line, with the document's own line ends; it begins with what is there before the cursor."""

    text: str
    range: types.Range


@dataclass(frozen=True)
class _Place:
    """Where a suggestion goes: `passage` is cut there, `typed` is what the suggestion must begin with.

    The editor shows a suggestion only if it begins with the text of its range before the cursor, which is
    `typed`: the word before the cursor, or the entry selected in the editor's own list.
    """

    passage: Passage
    typed: str
    is_in_list: bool


async def suggestions(session: Session, occasion: Occasion) -> list[Suggestion]:
    """Up to three suggestions for somebody who asks, at most one for somebody who types; best first."""
    await session.settled()
    source = session.sources.get(occasion.uri)
    if source is None or not _is_possible(session, source, occasion):
        return []
    settings = session.configuration.for_document(source.uri)
    place = _place(source, occasion)
    if place is None or not (occasion.is_asked or _is_welcome(session, place, settings)):
        return []
    keys = _keys(source, occasion, settings)
    fits = _remembered(session, keys, place.passage)
    if fits is None:
        fits = await _asked(session, source, place, occasion, settings)
        if fits is None:
            return []
        # Whoever typed on meanwhile may still come back to it, or ask where it is still good.
        session.forward_cache.put(keys[0], place.passage.before, place.passage.after, fits)
    if session.is_current(source):
        return _shown(source, occasion, place, "", fits)
    return _shown_now(session, occasion, place, keys)


def _is_possible(session: Session, source: Source, occasion: Occasion) -> bool:
    if not session.configuration.for_document(source.uri).inline_completion:
        return False
    if obstacle(source, session.configuration) is not None or source.hides(occasion.position.line):
        return False
    return occasion.is_asked or not is_snoozed(session)


def _is_welcome(session: Session, place: _Place, settings: Settings) -> bool:
    # Loading a model that is not there at each keystroke helps nobody; who asks for it gets another try.
    return session.scheduler.state is not State.REFUSED and is_inviting(
        place.passage.before, place.passage.after, settings.max_suffix_characters
    )


def _shapes(occasion: Occasion, settings: Settings) -> tuple[bool, ...]:
    """What to ask for in turn: whether only the rest of the line."""
    # Only what is likely right is worth showing to somebody who types, and several lines seldom are.
    if settings.multi_line != "auto":
        return (settings.multi_line == "never",)
    return (True, False) if occasion.is_asked else (True,)


def _place(source: Source, occasion: Occasion) -> _Place | None:
    text = source.code
    selected = occasion.selected
    if selected is not None:
        if selected.range.start.line != selected.range.end.line or "\n" in selected.text:
            return None
        span = source.span(selected.range)
        passage = Passage(text[: span.start] + selected.text, "", text[span.end :])
        return _Place(passage, selected.text, is_in_list=True)
    offset = source.offset(occasion.position)
    word = word_before(source.around(occasion.position)[0])
    return _Place(Passage.cut(text, Span(offset, offset)), word, is_in_list=False)


def _keys(source: Source, occasion: Occasion, settings: Settings) -> list[Hashable]:
    """Under what to remember suggestions, first, and what else will do.

    Those who asked have more and less certain suggestions, and keep them while they type on.
    """
    about = canonical(source.uri), settings.multi_line
    asked: Hashable = (*about, None)
    return [asked] if occasion.is_asked else [(*about, settings.inline_completion_min_confidence), asked]


def _remembered(session: Session, keys: Sequence[Hashable], passage: Passage) -> list[Fit] | None:
    found = (session.forward_cache.get(key, passage.before, passage.after) for key in keys)
    return next((fits for fits in found if fits is not None), None)


async def _asked(
    session: Session, source: Source, place: _Place, occasion: Occasion, settings: Settings
) -> list[Fit] | None:
    """What the engine suggests; None if it could not be asked, or somebody else was more important.

    Who asks gets the rest of the line first if it is likely right, and several lines behind it.
    """
    n_drafts = _N_DRAFTS_WHEN_ASKED if occasion.is_asked else 1
    shapes = _shapes(occasion, settings)
    elsewhere = _elsewhere(session, source)
    least = settings.inline_completion_min_confidence
    found: list[Fit] = []
    try:
        for is_single_line in shapes:
            drafts = await session.ask(
                Complete(
                    place.passage,
                    n_drafts,
                    single_line=is_single_line,
                    retrieved_context=elsewhere,
                    min_confidence=Complete.min_confidence if occasion.is_asked else least,
                ),
                priority=Priority.TYPING,
                newest_of=canonical(source.uri),
                deadline=_SECONDS_WHEN_ASKED if occasion.is_asked else _SECONDS_WHILE_TYPING,
            )
            # Guesses are for who asks, and come last.
            if not occasion.is_asked or is_single_line != shapes[-1]:
                drafts = [d for d in drafts if d.confidence >= least]
            fitted = await asyncio.to_thread(fits, drafts, place.passage, is_single_line=is_single_line)
            found += [fit for fit, _ in fitted]
    except Cancelled:
        return None
    except RedraftError as error:
        if occasion.is_asked:
            session.server.window_show_message(
                types.ShowMessageParams(type=types.MessageType.Warning, message=str(error))
            )
        return None
    return list(dict.fromkeys(found))


def _elsewhere(session: Session, source: Source) -> tuple[str, ...]:
    """What else the project says, up to so many characters: its open documents, then files on the disk.

    Of the documents the last one that has changed comes first, of the files the one that is most like `source`. Redraft
    works on all of them.
    """
    configuration, opened = session.configuration, list(session.sources)
    uris = {canonical(other.uri) for other in opened}
    texts = [
        other.code
        for other in reversed(opened)
        if canonical(other.uri) != canonical(source.uri) and obstacle(other, configuration) is None
    ]
    path = file_path(source.uri) if session.shares_machine else None
    if path is not None and path.is_absolute():
        folder = configuration.folder_of(source.uri)
        workspace = None if folder is None else file_path(folder)
        for file in session.project_files.like(path, source.code, workspace):
            uri = file.path.as_uri()
            if canonical(uri) not in uris and obstacle_at(uri, configuration) is None:
                texts.append(file.text)
    return truncated(texts)


def _shown_now(
    session: Session, occasion: Occasion, place: _Place, keys: Sequence[Hashable]
) -> list[Suggestion]:
    """The suggestions as they apply now that the document has changed."""
    now = session.sources.get(occasion.uri)
    if now is None or place.is_in_list or obstacle(now, session.configuration) is not None:
        return []
    before, text = place.passage.before, now.code
    n_typed = len(text) - len(before) - len(place.passage.after)
    typed = text[len(before) : len(before) + max(n_typed, 0)]
    after = text[len(before) + len(typed) :]
    if not text.startswith(before) or "\n" in typed:
        return []
    fits = _remembered(session, keys, Passage(before + typed, "", after))
    return _shown(now, occasion, place, typed, fits or [])


def _shown(
    source: Source, occasion: Occasion, place: _Place, typed: str, fits: Sequence[Fit]
) -> list[Suggestion]:
    """`fits` as replacements in `source`, where `typed` has come to the place in the meantime."""
    shown: list[Suggestion] = []
    for found in fits[: _N_DRAFTS_WHEN_ASKED if occasion.is_asked else 1]:
        rest = place.passage.after[: found.n_replaced]
        text = found.text
        if occasion.selected is not None:
            # The range belongs to the list, so nothing behind it can be replaced.
            if not text.endswith(rest):
                continue
            text, range_ = text.removesuffix(rest), occasion.selected.range
        else:
            range_ = source.on_line(occasion.position, place.typed, typed + rest)
        whole = (place.typed + typed + text).replace("\n", source.document.newline)
        shown.append(Suggestion(whole, range_))
    return shown
