"""Connections as a server sees them: messages in, messages out. Knows nothing of what the messages say.

Nobody may make the daemon grow or wait: what a client does not read is kept up to a limit, then the client is
dropped.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Protocol

from redraft_server.framing import Frames, Garbage, framed

logger = logging.getLogger(__name__)

MAX_UNREAD = 64 * 2**20
"""How many bytes are kept for a client that does not read."""
MAX_NETWORK_BODY = 64 * 2**20
"""The longest message that is accepted from a network."""

_CHUNK = 2**16


class Link(Protocol):
    """A connection to one client."""

    @property
    def name(self) -> str:
        """How the connection is called in the log."""

    def send(self, body: bytes) -> None:
        """Send one message, without waiting; raises OSError when nobody reads any more."""

    def bodies(self) -> AsyncIterator[bytes | Garbage]:
        """The messages of the client until it has no more."""

    async def close(self, timeout: float) -> None:
        """Close the connection; what was sent has `timeout` seconds to arrive."""


class StreamLink:
    """Messages with `Content-Length` headers over a stream of bytes."""

    def __init__(
        self, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, max_body: int
    ) -> None:
        self.name = name
        self._reader = reader
        self._writer = writer
        self._frames = Frames(max_body)

    def send(self, body: bytes) -> None:
        """Send one message, without waiting; raises OSError when nobody reads any more."""
        transport = self._writer.transport
        if transport.is_closing():
            raise ConnectionResetError("the connection is closed")
        self._writer.write(framed(body))
        if transport.get_write_buffer_size() > MAX_UNREAD:
            transport.abort()
            raise ConnectionAbortedError(unread(self.name))

    async def bodies(self) -> AsyncIterator[bytes | Garbage]:
        """The messages of the client until it has no more; half a message at the end is none."""
        with contextlib.suppress(OSError):
            while data := await self._reader.read(_CHUNK):
                for body in self._frames.feed(data):
                    yield body
                # A client that writes without pause must not keep others waiting.
                await asyncio.sleep(0)

    async def close(self, timeout: float) -> None:
        """Close the connection; what was sent has `timeout` seconds to arrive."""
        self._writer.close()
        try:
            await asyncio.wait_for(self._writer.wait_closed(), timeout)
        except (OSError, TimeoutError):
            self._writer.transport.abort()


def unread(name: str) -> str:
    """Why client `name` is dropped."""
    return f"{name} has left more than {MAX_UNREAD} bytes unread and was dropped"
