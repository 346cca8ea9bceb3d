"""A rewrite to look at before it is applied: a text of its own, and the edit that would lead there.

The command `redraft.preview` takes the data of a code action and answers `{"uri": ..., "edit": ...}`. The text behind
the URI is asked for with `workspace/textDocumentContent`; no file is written, and nothing changes before the client
applies the edit.
"""

import asyncio
import itertools
from pathlib import PurePosixPath

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from redraft_server.features.code_action_data import CodeActionData, rewrite
from redraft_server.session import Session
from redraft_server.uris import path_of

COMMAND = "redraft.preview"
SCHEME = "redraft-preview"

OPTIONS = types.TextDocumentContentOptions(schemes=[SCHEME])

# An editor shows one at a time; the others are behind closed tabs.
_MAX_PREVIEWS = 8


async def execute(session: Session, params: types.ExecuteCommandParams) -> dict[str, object]:
    """Carry out an data without applying it."""
    if params.arguments is None or len(params.arguments) != 1:
        raise JsonRpcInvalidParams(f"{COMMAND} takes one argument, the data of a code action.")
    data = CodeActionData.of(params.arguments[0], session.converter)
    rewritten = await rewrite(session, data, params.work_done_token)
    edit = await asyncio.to_thread(rewritten.edit, session.client)
    uri = _new_uri(session, rewritten.source.uri)
    session.previews[uri] = rewritten.source.document.restore(rewritten.text)
    for old in list(session.previews)[:-_MAX_PREVIEWS]:
        del session.previews[old]
    return {"uri": uri, "edit": edit}


def content(session: Session, params: types.TextDocumentContentParams) -> types.TextDocumentContentResult:
    """The text of a preview; empty if it is one of long ago."""
    return types.TextDocumentContentResult(text=session.previews.get(params.uri, ""))


def _new_uri(session: Session, uri: str) -> str:
    name = PurePosixPath(path_of(uri)).name or "preview.py"
    return next(
        new for number in itertools.count(1) if (new := f"{SCHEME}:/{number}/{name}") not in session.previews
    )
