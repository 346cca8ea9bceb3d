"""A while without anything nobody asked for: suggestions while typing, underlined doubts.

What is asked for explicitly is answered all the same.
"""

import asyncio
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from redraft_server.session import Session

SNOOZE = "redraft.snooze"
UNSNOOZE = "redraft.unsnooze"

MINUTES = 10
_MAX_MINUTES = 24 * 60


async def snooze(session: Session, params: types.ExecuteCommandParams) -> dict[str, object]:
    """Be quiet for the number of minutes in the argument, ten if there is none."""
    arguments = params.arguments or [MINUTES]
    minutes: Any = arguments[0]
    is_number = isinstance(minutes, int | float) and not isinstance(minutes, bool)
    if len(arguments) != 1 or not is_number or not 0 < minutes <= _MAX_MINUTES:
        raise JsonRpcInvalidParams(f"{SNOOZE} takes one argument, minutes up to {_MAX_MINUTES}.")
    session.quiet_until = asyncio.get_running_loop().time() + 60 * minutes
    return {"minutes": minutes}


async def unsnooze(session: Session, _params: types.ExecuteCommandParams) -> dict[str, object]:
    """Be helpful again."""
    session.quiet_until = 0.0
    return {"minutes": 0}


def is_snoozed(session: Session) -> bool:
    """Whether the user wants to be left alone now."""
    return asyncio.get_running_loop().time() < session.quiet_until
