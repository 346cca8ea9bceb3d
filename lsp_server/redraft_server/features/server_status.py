"""Whether the server is well: the notification `experimental/serverStatus`, as rust-analyzer has it.

    {"health": "ok" | "warning" | "error", "quiescent": whether nothing is being worked on, "message": a sentence or null}

Sent to clients that announce `experimental.serverStatusNotification`, at most four times a second.
"""

import asyncio

from redraft_server.engine.scheduler import EngineStatus, State
from redraft_server.session import Session

METHOD = "experimental/serverStatus"

_SECONDS_BETWEEN = 0.25
_HEALTH = {State.REFUSED: "error", State.LOST: "warning"}


def follow(session: Session) -> None:
    """Tell the client how the server is, now and whenever that changes, until the session ends."""
    if not session.client.follows_status:
        return
    told: dict[str, object] = {}
    timer: asyncio.TimerHandle | None = None

    def tell() -> None:
        nonlocal told, timer
        timer = None
        now = _told(session.scheduler.status)
        if now != told:
            told = now
            session.server.protocol.notify(METHOD, now)

    def on_change(_status: EngineStatus) -> None:
        nonlocal timer
        if timer is None:
            timer = asyncio.get_running_loop().call_later(_SECONDS_BETWEEN, tell)

    stop = session.scheduler.listen(on_change)

    def leave() -> None:
        stop()
        if timer is not None:
            timer.cancel()

    session.at_end(leave)
    tell()


def _told(status: EngineStatus) -> dict[str, object]:
    return {
        "health": _HEALTH.get(status.state, "ok"),
        "quiescent": status.state not in (State.LOADING, State.BUSY),
        "message": status.message or None,
    }
