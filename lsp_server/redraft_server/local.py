"""The way from this user's programs to this user's daemon, both ends of it.

A Unix socket that only its owner can open; where there are none, a port on the loopback address and a token
in a file that only its owner can read. Loads nothing but the standard library: an editor waits for it.
"""

import os
import socket
import struct
import sys
from pathlib import Path

from redraft_server import runtime
from redraft_server.runtime import Place

SECONDS_TO_CONNECT = 5.0

_BACKLOG = 128
_LOOPBACK = "127.0.0.1"


class NoDaemonError(Exception):
    """Nobody listens there."""


def listen(place: Place) -> tuple[socket.socket, str]:
    """A listening socket, and the token that clients have to send ("" if the system knows who they are).

    To be called by the one who holds the lock: what an earlier daemon left behind is replaced.
    """
    if runtime.HAS_UNIX_SOCKETS:
        return _listen_unix(place.socket), ""
    # Clients, which import this module too, need neither this nor the time it takes to load.
    import secrets

    listener = socket.create_server((_LOOPBACK, 0), backlog=_BACKLOG)
    token = secrets.token_urlsafe(32)
    runtime.write_private(place.address, f"{listener.getsockname()[1]}\n{token}\n")
    return listener, token


def forget(place: Place) -> None:
    """Take away what leads clients to the daemon; who is connected stays connected."""
    path = place.socket if runtime.HAS_UNIX_SOCKETS else place.address
    path.unlink(missing_ok=True)


def connect(place: Place) -> socket.socket:
    """A connection to the daemon, ready for messages; raises NoDaemonError."""
    connection: socket.socket | None = None
    try:
        if runtime.HAS_UNIX_SOCKETS:
            connection = _connect_unix(place.socket)
        else:
            port, token = place.address.read_text("utf-8").split()
            connection = socket.create_connection((_LOOPBACK, int(port)), SECONDS_TO_CONNECT)
            connection.sendall(authorization(token))
        connection.settimeout(None)
    # A file that is just being written has no port in it.
    except (OSError, ValueError) as error:
        if connection is not None:
            connection.close()
        raise NoDaemonError(str(error)) from error
    return connection


def authorization(token: str) -> bytes:
    """What a client sends ahead of its first message: a header that becomes the message's first one."""
    return f"Authorization: Bearer {token}\r\n".encode()


def is_foreign(connection: socket.socket) -> bool:
    """Whether another user is at the other end of a Unix socket. Only Linux tells; elsewhere the file's mode has to do."""
    if sys.platform != "linux":
        return False
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _pid, user, _group = struct.unpack("3i", credentials)
    return bool(user != os.geteuid())


def _listen_unix(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    # From the moment it exists, it is closed to others.
    mask = os.umask(0o177)
    try:
        listener.bind(os.fspath(path))
    finally:
        os.umask(mask)
    listener.listen(_BACKLOG)
    return listener


def _connect_unix(path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(SECONDS_TO_CONNECT)
    try:
        connection.connect(os.fspath(path))
        if is_foreign(connection):
            raise PermissionError(f"{path} belongs to somebody else's daemon")
    except OSError:
        connection.close()
        raise
    return connection
