"""`redraft stop`: the end of the daemons of this user."""

from redraft_server import control
from redraft_server.cli.terminal import talk


def stop() -> None:
    """Stop the daemon; editors that are connected lose their server."""
    n_stopped = control.stop()
    talk(
        {0: "No daemon is running.", 1: "The daemon has stopped."}.get(
            n_stopped, f"{n_stopped} daemons have stopped."
        )
    )
