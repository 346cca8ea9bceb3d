"""The commands a client can have executed, by name."""

from collections.abc import Awaitable, Callable

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from redraft_server.features import code_action, preview, snooze
from redraft_server.session import Session

Command = Callable[[Session, types.ExecuteCommandParams], Awaitable[object]]

_COMMANDS: dict[str, Command] = {
    code_action.COMMAND: code_action.execute,
    preview.COMMAND: preview.execute,
    snooze.SNOOZE: snooze.snooze,
    snooze.UNSNOOZE: snooze.unsnooze,
}

NAMES = tuple(_COMMANDS)


async def execute(session: Session, params: types.ExecuteCommandParams) -> object:
    """The answer of a command."""
    command = _COMMANDS.get(params.command)
    if command is None:
        raise JsonRpcInvalidParams(f"There is no command {params.command!r}.")
    return await command(session, params)
