"""Questions to running daemons: how they are, and that they stop. Knows nothing of how they are answered."""

import json
import socket
import time

from redraft_model.errors import RedraftError

from redraft_server import local, lock, runtime
from redraft_server.framing import Frames, Garbage, framed
from redraft_server.runtime import Place

SECONDS_TO_ANSWER = 5.0
SECONDS_TO_STOP = 10.0


class SilentDaemonError(RedraftError):
    """A daemon runs but does not do what it is told."""


def statuses() -> list[dict[str, object]]:
    """What each running daemon of this user says of itself."""
    found = [_ask(place, "redraft/status") for place in runtime.places()]
    return [status for status in found if isinstance(status, dict)]


def stop() -> int:
    """Stop all daemons of this user, wait until they are gone, and give their number."""
    n_stopped = 0
    for place in runtime.places():
        pid = lock.owner(place.lock)
        if pid is None:
            continue
        _ask(place, "redraft/stop")
        deadline = time.monotonic() + SECONDS_TO_STOP
        while lock.owner(place.lock) == pid:
            if time.monotonic() > deadline:
                raise SilentDaemonError(f"The daemon does not stop; end process {pid} yourself.")
            time.sleep(0.02)
        n_stopped += 1
    return n_stopped


def _ask(place: Place, method: str) -> object:
    """The answer of the daemon at `place`, None if there is none; raises SilentDaemonError."""
    try:
        connection = local.connect(place)
    except local.NoDaemonError:
        return None
    with connection:
        connection.settimeout(SECONDS_TO_ANSWER)
        question = {"jsonrpc": "2.0", "id": 1, "method": method}
        try:
            connection.sendall(framed(json.dumps(question).encode()))
            return _answer(connection)
        except TimeoutError as error:
            pid = lock.owner(place.lock)
            raise SilentDaemonError(f"The daemon does not answer; end process {pid} yourself.") from error
        except OSError:
            # It has just died.
            return None


def _answer(connection: socket.socket) -> object:
    frames = Frames()
    while data := connection.recv(2**16):
        for body in frames.feed(data):
            if not isinstance(body, Garbage):
                return json.loads(body).get("result")
    # It has just left.
    return None
