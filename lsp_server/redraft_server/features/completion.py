"""The suggestion as the last entry of the completion list, for clients without inline completion.

The list opens by itself while the user types, so it counts as nobody having asked.
"""

from lsprotocol import types

from redraft_server.client import Client
from redraft_server.features.suggestions import Occasion, suggestions
from redraft_server.session import Session
from redraft_server.settings import Settings

_MAX_LABEL = 60


def is_wanted(client: Client, settings: Settings) -> bool:
    """Whether `client` needs suggestions in its list, and its user wants them there."""
    return (
        client.has_completion and not client.has_inline_completion and settings.completion_fallback == "auto"
    )


async def complete(session: Session, params: types.CompletionParams) -> types.CompletionList:
    """One entry at most; incomplete, because the next letter may lead to another one."""
    await session.settled()
    uri = params.text_document.uri
    if not is_wanted(session.client, session.configuration.for_document(uri)):
        return types.CompletionList(is_incomplete=False, items=[])
    found = await suggestions(session, Occasion(uri, params.position, is_asked=False))
    as_is = types.InsertTextMode.AsIs if session.client.inserts_as_is else None
    return types.CompletionList(
        is_incomplete=True,
        items=[
            types.CompletionItem(
                label=_label(each.text),
                kind=types.CompletionItemKind.Text,
                detail="Redraft",
                # Behind everything that a language server knows for certain.
                sort_text="\U0010ffff",
                filter_text=each.text.strip().partition("\n")[0],
                preselect=False,
                insert_text_format=types.InsertTextFormat.PlainText,
                insert_text_mode=as_is,
                text_edit=types.TextEdit(each.range, each.text),
            )
            for each in found
        ],
    )


def _label(text: str) -> str:
    line, newline, _ = text.strip().partition("\n")
    line = line.rstrip()
    return line[: _MAX_LABEL - 1] + "…" if newline or len(line) > _MAX_LABEL else line
