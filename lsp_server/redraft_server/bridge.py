"""`redraft lsp`: an editor's stdin and stdout, joined to the daemon byte by byte. Knows nothing of LSP's meaning.

An editor starts one for each window and waits for it, so that nothing but the standard library and platformdirs
is loaded here. The daemon is started if there is none; if it cannot be had, this process serves its editor alone.
"""

import contextlib
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from redraft_model.errors import RedraftError

from redraft_server import local, parent
from redraft_server.conversation import Conversation
from redraft_server.runtime import Place

if TYPE_CHECKING:
    import subprocess

    from redraft_server.access import Address

SECONDS_TO_START = 30.0

_SECONDS_BETWEEN_TRIES = 0.01
_CHUNK = 2**16


class DaemonError(RedraftError):
    """The daemon cannot be had."""


class Channel(Protocol):
    """A connection to a server, used by one thread that sends and one that receives."""

    def sendall(self, data: bytes, /) -> None:
        """Send all of `data`; raises OSError when the server is gone."""

    def recv(self, n_bytes: int, /) -> bytes:
        """Wait for some bytes; none when the server has closed the connection."""

    def shutdown(self, how: int, /) -> None:
        """Say that nothing more will be sent."""


def run(place: Place, serve: Sequence[str], standalone: Callable[[], None]) -> int:
    """Join stdin and stdout to the daemon at `place` and return the exit code when the conversation is over.

    `serve` is the command that starts the daemon, `standalone` what is done when there is none to be had.
    """
    try:
        channel = reach(place, serve)
    except RedraftError as error:
        print(f"redraft: {error} This editor gets a server of its own.", file=sys.stderr)  # noqa: T201
        standalone()
        return 0
    return join(channel, place.stopped.exists)


def reach(place: Place, serve: Sequence[str]) -> socket.socket:
    """A connection to the daemon at `place`, which is started if need be; raises RedraftError."""
    place.prepare()
    try:
        return local.connect(place)
    except local.NoDaemonError:
        process = _start(place, serve)
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline:
        # If another bridge was faster, its daemon is as good, and ours leaves with 0.
        if process.poll():
            raise DaemonError(f"The daemon could not start; {place.log} says why.")
        try:
            channel = local.connect(place)
        except local.NoDaemonError:
            time.sleep(_SECONDS_BETWEEN_TRIES)
            continue
        # Nobody else asks the system what became of our child.
        threading.Thread(target=process.wait, name="daemon", daemon=True).start()
        return channel
    raise DaemonError(f"The daemon did not listen within {SECONDS_TO_START:.0f} s; {place.log} may say why.")


def connect(address: "Address", token: str, tls_ca: Path | None) -> Channel:
    """A connection to a team's server; raises DaemonError.

    Without TLS only for this machine (the end of a tunnel, say). `tls_ca` None means the system's authorities.
    """
    try:
        connection = socket.create_connection((address.host, address.port), local.SECONDS_TO_CONNECT)
        connection.settimeout(None)
        channel: Channel = connection
        if tls_ca is not None or not address.is_loopback:
            channel = TlsChannel(connection, address.host, tls_ca)
        channel.sendall(local.authorization(token))
    # A certificate that is not trusted is an OSError, too.
    except OSError as error:
        raise DaemonError(f"{address} cannot be reached: {error}.") from error
    return channel


def join(
    channel: Channel, is_dismissed: Callable[[], bool] = lambda: False, stdin: int = 0, stdout: int = 1
) -> int:
    """Pass bytes both ways until the server closes the connection; return the editor's exit code.

    Each direction waits for whoever is slower, so that nothing piles up here. A server that leaves in the midst of a
    conversation is a failure unless it `is_dismissed`: editors start again what has failed.
    """
    if sys.platform != "win32":
        # Some editors hand over sockets that would rather fail than wait.
        for descriptor in (stdin, stdout):
            os.set_blocking(descriptor, True)
    conversation = Conversation()
    # Descriptors, because a thread that waits in sys.stdin would hold its lock while the process ends.
    threading.Thread(
        target=_pass_to_server, args=(channel, conversation, stdin), name="stdin", daemon=True
    ).start()
    parent.watch_own(lambda: os._exit(1))
    _pass_to_editor(channel, stdout)
    if not conversation.has_ended and is_dismissed():
        return 0
    return conversation.exit_code


class TlsChannel:
    """TLS over a socket, for one thread that sends and one that receives, which Python's own is not made for."""

    def __init__(self, connection: socket.socket, host: str, ca: Path | None) -> None:
        import ssl

        self._wants_more = ssl.SSLWantReadError
        self._connection = connection
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = ssl.create_default_context(cafile=None if ca is None else os.fspath(ca))
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self._lock = threading.Lock()
        while not self._has_shaken_hands():
            data = connection.recv(_CHUNK)
            if not data:
                raise ConnectionResetError("the server broke off the handshake")
            self._incoming.write(data)

    def sendall(self, data: bytes, /) -> None:
        """Send all of `data`; raises OSError when the server is gone."""
        with self._lock:
            self._tls.write(data)
            encrypted = self._outgoing.read()
        self._connection.sendall(encrypted)

    def recv(self, n_bytes: int, /) -> bytes:
        """Wait for some bytes; none when the server has closed the connection."""
        while True:
            with self._lock, contextlib.suppress(self._wants_more):
                return self._tls.read(n_bytes)
            data = self._connection.recv(n_bytes)
            if not data:
                return b""
            with self._lock:
                self._incoming.write(data)

    def shutdown(self, how: int, /) -> None:
        """Say that nothing more will be sent."""
        self._connection.shutdown(how)

    def _has_shaken_hands(self) -> bool:
        is_done = False
        with contextlib.suppress(self._wants_more):
            self._tls.do_handshake()
            is_done = True
        self._connection.sendall(self._outgoing.read())
        return is_done


def _pass_to_server(channel: Channel, conversation: Conversation, stdin: int) -> None:
    # The other thread sees it, too, when the server is gone.
    with contextlib.suppress(OSError):
        while data := _read(stdin):
            # First, because after an exit the other thread may end the process at any moment.
            conversation.note(data)
            channel.sendall(data)
        conversation.has_ended = True
        channel.shutdown(socket.SHUT_WR)


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, _CHUNK)
    except OSError:
        # An editor that cannot be read any more has left.
        return b""


def _pass_to_editor(channel: Channel, stdout: int) -> None:
    # However the connection breaks, it is over.
    with contextlib.suppress(OSError):
        while data := channel.recv(_CHUNK):
            stdout = _written(stdout, data)


def _written(descriptor: int, data: bytes) -> int:
    """Write `data`; gives the descriptor of the next time, -1 if nobody reads there any more.

    An editor that has stopped reading may still say goodbye, so it is no reason to end.
    """
    rest = memoryview(data)
    try:
        while rest and descriptor >= 0:
            rest = rest[os.write(descriptor, rest) :]
    except OSError:
        return -1
    return descriptor


def _start(place: Place, serve: Sequence[str]) -> "subprocess.Popen[bytes]":
    """Start the daemon so that it outlives this process, its editor, and its terminal."""
    # Most of the time there is a daemon already, and this need not be loaded.
    import subprocess

    try:
        log = os.open(place.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            return subprocess.Popen(
                serve,
                # The daemon must not choose folders once more: seen from the root, a relative one is another.
                env={**os.environ, **place.environment},
                cwd=Path("/").resolve(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        finally:
            os.close(log)
    except OSError as error:
        raise DaemonError(f"The daemon could not be started: {error}.") from error
