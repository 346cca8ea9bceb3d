"""Suggestions as text at the cursor: several for those who ask, one for those who type.

What happens to a suggestion afterwards is the client's business: an item carries no command, because not every
client runs one when a part of the item is accepted.
"""

from lsprotocol import types

from redraft_server.features.suggestions import Occasion, suggestions
from redraft_server.session import Session


async def complete(session: Session, params: types.InlineCompletionParams) -> types.InlineCompletionList:
    """The suggestions at the cursor, best first."""
    occasion = Occasion(
        params.text_document.uri,
        params.position,
        params.context.trigger_kind == types.InlineCompletionTriggerKind.Invoked,
        params.context.selected_completion_info,
    )
    found = await suggestions(session, occasion)
    return types.InlineCompletionList(
        items=[types.InlineCompletionItem(insert_text=each.text, range=each.range) for each in found]
    )
