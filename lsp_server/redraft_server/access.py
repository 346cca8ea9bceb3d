"""Who may come in over a network: addresses, tokens, and the first line that a client sends.

A client's first bytes are `Authorization: Bearer TOKEN` and a line end. That line is at the same time the
first header of its first LSP message, so that any client which can add a header can connect, and a bridge
only has to send it ahead of what the editor says.
"""

import asyncio
import contextlib
import ipaddress
import json
import logging
import re
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path

from redraft_model.errors import RedraftError

from redraft_server.framing import framed

logger = logging.getLogger(__name__)

SECONDS_FOR_TOKEN = 10.0

_SECONDS_TO_HEAR = 1.0
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]{16,}")
_REFUSAL = "The token is missing or wrong."


class AccessError(RedraftError):
    """An address or a token file cannot be used."""


@dataclass(frozen=True)
class Address:
    """A host and a port to listen on or to connect to."""

    host: str
    port: int

    @classmethod
    def parsed(cls, text: str) -> "Address":
        """The address `HOST:PORT`, with an IPv6 host in brackets; raises AccessError."""
        host, colon, port = text.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        if not (colon and host and port.isascii() and port.isdigit() and int(port) < 2**16):
            raise AccessError(f"{text!r} is no address; write HOST:PORT, for example 127.0.0.1:8765.")
        return cls(host, int(port))

    @property
    def is_loopback(self) -> bool:
        """Whether only programs on this machine can be at the other end."""
        return is_loopback(self.host)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def is_loopback(host: str) -> bool:
    """Whether `host` is localhost or a literal loopback address; no name is looked up."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def new_token() -> str:
    """A token nobody can guess."""
    return secrets.token_urlsafe(32)


def read_token(path: Path) -> str:
    """The token in `path`; raises AccessError if there is none or others can read it."""
    try:
        text = path.read_text("utf-8").strip()
        mode = path.stat().st_mode
    except (OSError, UnicodeDecodeError) as error:
        raise AccessError(f"The token file {path} cannot be read; check --token-file.") from error
    if sys.platform != "win32" and mode & 0o077:
        raise AccessError(f"Others can get at the token file {path}; close it with `chmod 600 {path}`.")
    if not _TOKEN.fullmatch(text):
        raise AccessError(
            f"{path} holds no token; write one of at least 16 letters and digits into it, and nothing else."
        )
    return text


def is_token(given: str, token: str) -> bool:
    """Whether `given` is the token; takes as long for nearly right as for wrong."""
    return secrets.compare_digest(given.encode("utf-8", "surrogateescape"), token.encode())


def is_authorization(value: str, token: str) -> bool:
    """Whether the value of an `Authorization` header has the token."""
    scheme, _, given = value.strip().partition(" ")
    return scheme.lower() == "bearer" and is_token(given.strip(), token)


async def let_in(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, token: str) -> bool:
    """Whether the first line of a client has the token; if not, the client is told and sent away."""
    try:
        line = await asyncio.wait_for(reader.readuntil(b"\r\n"), SECONDS_FOR_TOKEN)
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError, OSError):
        line = b""
    name, _, value = line.decode("latin-1").partition(":")
    if name.strip().lower() == "authorization" and is_authorization(value, token):
        return True
    logger.warning("A client without the token was turned away")
    error = {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": _REFUSAL}}
    # Closing while something is unread would take the answer back, so the rest is read, for a moment.
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(_SECONDS_TO_HEAR):
            writer.write(framed(json.dumps(error).encode()))
            if writer.can_write_eof():
                writer.write_eof()
            while await reader.read(2**16):
                pass
    writer.close()
    return False
