"""The daemon's doors to a network: TCP and WebSocket, each with a token. Opens no connection of its own.

Without TLS only programs on this machine can be let in. Over TCP the token comes as `access.py` says, then LSP
as on stdin. Over WebSocket each message is one frame, without headers; the token is in the header
`Authorization: Bearer TOKEN` of the handshake. A page in a browser cannot set headers, so one whose origin is
allowed offers the subprotocols "redraft" and "redraft.token.TOKEN"; a query parameter would end up in logs.
"""

import asyncio
import collections
import contextlib
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from redraft_model.errors import RedraftError
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Origin, Subprotocol

from redraft_server import access
from redraft_server.access import Address
from redraft_server.framing import Garbage
from redraft_server.links import MAX_NETWORK_BODY, MAX_UNREAD, Link, StreamLink, unread

logger = logging.getLogger(__name__)

SUBPROTOCOL = Subprotocol("redraft")

_TOKEN_PREFIX = "redraft.token."
_ANY_HOST = ("0.0.0.0", "::", "")

Converse = Callable[[Link, bool], Awaitable[None]]
"""Talks with a client; the second argument says whether it is on this machine."""


class NetworkError(RedraftError):
    """The network cannot be served as asked."""


@dataclass(frozen=True)
class Network:
    """Where a daemon listens beside its Unix socket, and whom it lets in."""

    tcp: Address | None = None
    ws: Address | None = None
    token_file: Path | None = None
    origins: tuple[str, ...] = ()
    tls_cert: Path | None = None
    tls_key: Path | None = None

    @property
    def is_used(self) -> bool:
        """Whether it listens anywhere."""
        return self.tcp is not None or self.ws is not None

    def check(self) -> None:
        """Raise NetworkError if others could read along, or get in without having been given a token."""
        if (self.tls_cert is None) != (self.tls_key is None):
            raise NetworkError("TLS needs both a certificate and its key; pass --tls-cert and --tls-key.")
        is_safe = self.tls_cert is not None and self.token_file is not None
        for address in filter(None, (self.tcp, self.ws)):
            if not address.is_loopback and not is_safe:
                raise NetworkError(
                    f"{address} can be reached from other machines; "
                    "pass --tls-cert, --tls-key and --token-file, or listen on 127.0.0.1."
                )
        if self.origins and self.ws is None:
            raise NetworkError(
                "Only WebSocket clients have an origin; pass --ws or leave --allow-origin out."
            )

    def tls(self) -> ssl.SSLContext | None:
        """What encrypts connections, None if nothing does; raises NetworkError."""
        if self.tls_cert is None or self.tls_key is None:
            return None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        try:
            context.load_cert_chain(self.tls_cert, self.tls_key)
        except OSError as error:
            raise NetworkError(f"The certificate {self.tls_cert} cannot be used: {error}.") from error
        return context


async def listen(
    network: Network, token: str, converse: Converse, next_name: Callable[[str], str]
) -> AsyncIterator[str]:
    """Let clients in; gives the URL of each door once it is open. Raises NetworkError."""
    context = network.tls()
    if network.tcp is not None:

        async def welcome(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if await access.let_in(reader, writer, token):
                link = StreamLink(next_name("TCP"), reader, writer, MAX_NETWORK_BODY)
                await converse(link, _is_near(writer.get_extra_info("peername")))

        try:
            server = await asyncio.start_server(welcome, network.tcp.host, network.tcp.port, ssl=context)
        except OSError as error:
            raise NetworkError(f"Nothing can listen on {network.tcp}: {error.strerror}.") from error
        yield _url("tls" if context else "tcp", server.sockets[0].getsockname())
    if network.ws is not None:

        async def welcome_ws(connection: ServerConnection) -> None:
            link = WebSocketLink(next_name("WebSocket"), connection)
            await converse(link, _is_near(connection.remote_address))

        guard = _Guard(network.ws, token, is_encrypted=context is not None)
        try:
            server_ws = await serve(
                welcome_ws,
                network.ws.host,
                network.ws.port,
                ssl=context,
                process_request=guard,
                origins=[None, *map(Origin, network.origins)],
                select_subprotocol=_chosen,
                max_size=MAX_NETWORK_BODY,
                compression=None,
                server_header=None,
                close_timeout=1,
            )
        except OSError as error:
            raise NetworkError(f"Nothing can listen on {network.ws}: {error.strerror}.") from error
        yield _url("wss" if context else "ws", next(iter(server_ws.sockets)).getsockname())


class WebSocketLink:
    """One message per frame over a WebSocket."""

    def __init__(self, name: str, connection: ServerConnection) -> None:
        self.name = name
        self._connection = connection
        self._unsent: collections.deque[bytes] = collections.deque()
        self._n_unsent = 0
        self._has_unsent = asyncio.Event()
        self._all_sent = asyncio.Event()
        self._all_sent.set()
        self._sender = asyncio.create_task(self._send_all())

    def send(self, body: bytes) -> None:
        """Send one message, without waiting; raises OSError when nobody reads any more."""
        if self._sender.done():
            raise ConnectionResetError("the connection is closed")
        self._unsent.append(body)
        self._n_unsent += len(body)
        self._has_unsent.set()
        self._all_sent.clear()
        if self._n_unsent > MAX_UNREAD:
            self._sender.cancel()
            self._connection.transport.abort()
            raise ConnectionAbortedError(unread(self.name))

    async def bodies(self) -> AsyncIterator[bytes | Garbage]:
        """The messages of the client until it has no more."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                yield await self._connection.recv(decode=False)
                # A client that writes without pause must not keep others waiting.
                await asyncio.sleep(0)

    async def close(self, timeout: float) -> None:
        """Close the connection; what was sent has `timeout` seconds to arrive."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._all_sent.wait(), timeout)
        self._sender.cancel()
        try:
            await asyncio.wait_for(self._connection.close(), timeout)
        except TimeoutError:
            self._connection.transport.abort()

    async def _send_all(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                await self._has_unsent.wait()
                while self._unsent:
                    # It counts as unsent until the client has made room for it.
                    await self._connection.send(self._unsent[0], text=True)
                    self._n_unsent -= len(self._unsent.popleft())
                self._has_unsent.clear()
                self._all_sent.set()


@dataclass(frozen=True)
class _Guard:
    """Turns away handshakes; websockets itself looks at their origin."""

    address: Address
    token: str
    is_encrypted: bool

    def __call__(self, connection: ServerConnection, request: Request) -> Response | None:
        """The refusal of a handshake, None if there is no reason for one."""
        if not self._is_our_host(request.headers.get_all("Host")):
            logger.warning("A WebSocket client that asked for another host was turned away")
            return connection.respond(HTTPStatus.FORBIDDEN, "The host is not this one.\n")
        if not any(access.is_token(given, self.token) for given in _tokens(request.headers)):
            logger.warning("A WebSocket client without the token was turned away")
            return connection.respond(HTTPStatus.UNAUTHORIZED, "The token is missing or wrong.\n")
        return None

    def _is_our_host(self, hosts: Sequence[str]) -> bool:
        """Whether the client meant this machine: a page can give its own name our address (DNS rebinding)."""
        if len(hosts) != 1:
            return False
        name = _host(hosts[0])
        if access.is_loopback(name) or name.lower() == self.address.host.lower():
            return True
        # Listening everywhere means having any name. There is TLS then, and the certificate says which ones.
        return self.is_encrypted and self.address.host in _ANY_HOST


def _tokens(headers: Headers) -> list[str]:
    """The tokens a client offers, in the header or, from a page, among the subprotocols."""
    found = []
    for value in headers.get_all("Authorization"):
        scheme, _, token = value.strip().partition(" ")
        if scheme.lower() == "bearer":
            found.append(token.strip())
    for value in headers.get_all("Sec-WebSocket-Protocol"):
        names = [name.strip() for name in value.split(",")]
        found += [name.removeprefix(_TOKEN_PREFIX) for name in names if name.startswith(_TOKEN_PREFIX)]
    return found


def _chosen(_connection: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    return SUBPROTOCOL if SUBPROTOCOL in offered else None


def _host(value: str) -> str:
    """The host in a `Host` header, without its port."""
    if value.startswith("["):
        return value[1:].partition("]")[0]
    return value.partition(":")[0]


def _is_near(peer: object) -> bool:
    """Whether a socket address is one of this machine's loopback addresses."""
    return isinstance(peer, tuple) and access.is_loopback(str(peer[0]))


def _url(scheme: str, name: tuple[object, ...]) -> str:
    return f"{scheme}://{Address(str(name[0]), int(str(name[1])))}"
