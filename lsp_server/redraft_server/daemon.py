"""`redraft serve`: one process for all editors of a user, with one engine. Knows nothing of the model.

Each connection has a server object and a session of its own; they share the scheduler and, behind it, the
engine process. Losing a connection ends that conversation and nothing else. The process ends within two seconds of
being told so, whatever is running.

Two requests are about the process; they are answered on local connections only, also before initialize:
`redraft/status` gives what `redraft status --json` prints, `redraft/stop` ends the process.
"""

import asyncio
import itertools
import logging
import os
import signal
import sys
import time
from dataclasses import dataclass, field
from logging.handlers import RotatingFileHandler
from pathlib import Path

from pygls.exceptions import JsonRpcParseError
from redraft_model.errors import RedraftError

from redraft_server import __version__, access, local, parent, runtime
from redraft_server.engine.scheduler import EngineStatus, Scheduler
from redraft_server.framing import MAX_BODY, Garbage
from redraft_server.links import Link, StreamLink
from redraft_server.lock import Lock, owner
from redraft_server.network import Network, listen
from redraft_server.protocol import Phase
from redraft_server.runtime import Place
from redraft_server.server import RedraftServer, session_of
from redraft_server.session import Session

logger = logging.getLogger(__name__)

STATUS, STOP = "redraft/status", "redraft/stop"

SECONDS_FOR_LOCK = 5.0

_SECONDS_BETWEEN_TRIES = 0.05
_SECONDS_FOR_LAST_ANSWERS = 0.1
_SECONDS_TO_DELIVER = 0.3
_LOG_BYTES, _N_OLD_LOGS = 10**6, 2


class AlreadyServedError(RedraftError):
    """There is a daemon for the same checkpoint, device and model."""


@dataclass(frozen=True)
class Serving:
    """How a daemon serves. With `idle_seconds` it was started on demand, and leaves when not needed that long."""

    idle_seconds: float | None = None
    network: Network = Network()

    @property
    def is_on_demand(self) -> bool:
        """Whether the daemon leaves by itself."""
        return self.idle_seconds is not None


def run(place: Place, serving: Serving, scheduler: Scheduler) -> int:
    """Serve at `place` until told to stop, then end the process; gives 0 if nobody needs this daemon.

    Raises AlreadyServedError if another daemon serves there, unless this one was only started on demand.
    """
    # Logs that are opened anew when an old one is full are as private as the first.
    os.umask(0o077)
    serving.network.check()
    token = _token(serving.network)
    place.prepare()
    lock = _locked(place)
    if lock is None:
        if serving.is_on_demand:
            return 0
        pid = owner(place.lock)
        raise AlreadyServedError(f"A daemon is running already (process {pid}); `redraft stop` ends it.")
    place.stopped.unlink(missing_ok=True)
    _log_to(place.log, on_stderr=not serving.is_on_demand)
    try:
        asyncio.run(_serve(place, serving, token, scheduler))
    finally:
        place.token.unlink(missing_ok=True)
        lock.release()
    logging.shutdown()
    # A thread may still be parsing somebody's text, and the interpreter would wait for it.
    os._exit(0)


@dataclass(eq=False)
class Connection:
    """One client."""

    link: Link
    server: RedraftServer
    session: Session
    since: float = field(default_factory=time.monotonic)

    @property
    def is_editor(self) -> bool:
        """Whether the client has said initialize; who only asks for the status does not."""
        return self.server.protocol.phase is not Phase.WAITING

    def status(self) -> dict[str, object]:
        """What is said of this connection, as JSON."""
        client = self.session.client_info
        return {
            "client": client.name if client else None,
            "version": client.version if client else None,
            "link": self.link.name,
            "seconds": round(time.monotonic() - self.since, 1),
        }


class Daemon:
    """The connections of one process and what they share. Everything is called on the event loop."""

    def __init__(self, scheduler: Scheduler, serving: Serving) -> None:
        self.sockets: list[str] = []
        """Where it listens, as URLs."""
        self.connections: set[Connection] = set()
        self._scheduler = scheduler
        self._serving = serving
        self._started = self._needed = time.monotonic()
        self._stop = asyncio.Event()
        self.is_dismissed = False
        """Whether it was told to stop, and editors are not to start another one by themselves."""
        self._names = itertools.count(1)

    def next_name(self, kind: str) -> str:
        """What the next client is called in the log and the status."""
        return f"{kind} client {next(self._names)}"

    async def converse(self, link: Link, *, is_local: bool, shares_processes: bool) -> None:
        """Talk with one client until it leaves or the daemon stops.

        A client that `is_local` may ask about the process and stop it. The process id of an editor means
        something here if it `shares_processes`.
        """
        server = RedraftServer()
        session = session_of(server, self._scheduler)
        connection = Connection(link, server, session)
        server.protocol.send_to(link)
        if is_local:
            server.protocol.controls = {STATUS: self.status, STOP: self.dismiss}
        tasks = [_ending(session, asyncio.create_task(_read(link, server)))]

        def watch(pid: int) -> None:
            # At once: an editor that dies a moment later was there.
            if parent.is_visible(pid):
                tasks.append(_ending(session, asyncio.create_task(_death(pid))))

        session.shares_machine = shares_processes
        if shares_processes:
            session.watch_editor = watch
        self.connections.add(connection)
        try:
            await session.ended()
        finally:
            # Nobody waits any more for what this client had asked for.
            session.shut_down()
            for task in tasks:
                task.cancel()
            await link.close(_SECONDS_TO_DELIVER)
            self.connections.discard(connection)
            if connection.is_editor:
                self._needed = time.monotonic()

    async def converse_over_network(self, link: Link, is_near: bool) -> None:
        """Talk with a client that came with the token; `is_near` says that it is on this machine."""
        # Its process ids may be those of the other end of a tunnel.
        await self.converse(link, is_local=is_near, shares_processes=False)

    def status(self) -> dict[str, object]:
        """What is said of this process, as JSON."""
        return {
            "version": __version__,
            "pid": os.getpid(),
            "uptime": round(time.monotonic() - self._started, 1),
            "onDemand": self._serving.is_on_demand,
            "sockets": self.sockets,
            "connections": [c.status() for c in self.connections if c.is_editor],
            "model": _model(self._scheduler.status),
        }

    def stop(self) -> None:
        """Let the process end."""
        self._stop.set()

    def dismiss(self) -> None:
        """Let the process end because somebody wants it to."""
        self.is_dismissed = True
        self.stop()

    async def stopped(self) -> None:
        """Wait until the process is to end."""
        await self._stop.wait()

    async def idle(self, seconds: float) -> None:
        """Wait until nobody has needed the daemon for `seconds`."""
        while True:
            left = self._needed + seconds - time.monotonic()
            if left <= 0 and not self.connections:
                return
            # While there are connections, one look in a while is enough.
            await asyncio.sleep(left if left > 0 else min(seconds, 1.0))

    async def close(self) -> None:
        """Answer what is still open as cancelled, end all conversations and stop the engine."""
        for connection in self.connections:
            connection.session.shut_down()
        await asyncio.sleep(_SECONDS_FOR_LAST_ANSWERS)
        for connection in self.connections:
            connection.session.end()
        await self._scheduler.close()
        deadline = time.monotonic() + _SECONDS_TO_DELIVER
        while self.connections and time.monotonic() < deadline:
            await asyncio.sleep(_SECONDS_BETWEEN_TRIES)


async def _serve(place: Place, serving: Serving, token: str, scheduler: Scheduler) -> None:
    daemon = Daemon(scheduler, serving)
    _stop_at_signals(daemon)
    door = Door(daemon, place)
    try:
        await door.open()
        await _open_network(daemon, place, serving.network, token)
        logger.info("Redraft %s listens on %s", __version__, ", ".join(daemon.sockets))
        leaving = asyncio.create_task(_leave_when_idle(daemon, door, serving.idle_seconds))
        await daemon.stopped()
        leaving.cancel()
        logger.info("Stopping; editors that are connected: %d", sum(c.is_editor for c in daemon.connections))
        if daemon.is_dismissed:
            place.stopped.touch(mode=0o600)
    finally:
        door.close()
    await daemon.close()


async def _open_network(daemon: Daemon, place: Place, network: Network, token: str) -> None:
    if not network.is_used:
        return
    if network.token_file is None:
        runtime.write_private(place.token, token + "\n")
    async for url in listen(network, token, daemon.converse_over_network, daemon.next_name):
        daemon.sockets.append(url)
    logger.info("The token for network clients is in %s", network.token_file or place.token)


class Door:
    """Where this user's programs come in."""

    def __init__(self, daemon: Daemon, place: Place) -> None:
        self._daemon = daemon
        self._place = place
        self._token = ""
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Let clients come from now on."""
        listener, self._token = local.listen(self._place)
        if runtime.HAS_UNIX_SOCKETS:
            self._server = await asyncio.start_unix_server(self._welcome, sock=listener)
            self._daemon.sockets[:1] = [f"unix:{self._place.socket}"]
        else:
            self._server = await asyncio.start_server(self._welcome, sock=listener)
            self._daemon.sockets[:1] = ["tcp://{}:{}".format(*listener.getsockname())]

    def hide(self) -> None:
        """Let nobody find the door any more; who has found it comes in."""
        local.forget(self._place)

    def close(self) -> None:
        """Let nobody come in any more."""
        self.hide()
        if self._server is not None:
            self._server.close()

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if runtime.HAS_UNIX_SOCKETS:
            if local.is_foreign(writer.get_extra_info("socket")):
                logger.warning("Another user was turned away")
                writer.close()
                return
        elif not await access.let_in(reader, writer, self._token):
            return
        link = StreamLink(self._daemon.next_name("local"), reader, writer, MAX_BODY)
        await self._daemon.converse(link, is_local=True, shares_processes=True)


async def _leave_when_idle(daemon: Daemon, door: Door, seconds: float | None) -> None:
    while seconds is not None:
        await daemon.idle(seconds)
        door.hide()
        # Somebody may be on the doorstep; the loop has to go round a few times until they count.
        for _ in range(10):
            await asyncio.sleep(0.01)
        if not daemon.connections:
            logger.info("Nobody has needed this daemon for %.0f s", seconds)
            daemon.stop()
            return
        door.close()
        await door.open()


def _model(status: EngineStatus) -> dict[str, object]:
    """How the engine is, as JSON."""
    about = status.about
    return {
        "state": status.state,
        "message": status.message or None,
        "checkpoint": about and about.name,
        "base": about and about.base,
        "device": about and about.device,
        "parameters": about and about.n_parameters,
        "pid": status.pid,
        "residentBytes": status.resident_bytes,
        "waiting": status.n_waiting,
        "lost": status.n_lost,
    }


async def _read(link: Link, server: RedraftServer) -> None:
    async for body in link.bodies():
        if isinstance(body, Garbage):
            server.protocol.refuse(None, JsonRpcParseError(f"Received {body.reason}."))
        else:
            server.protocol.receive(body)


async def _death(pid: int) -> None:
    """Wait until process `pid` is gone."""
    while parent.is_alive(pid):
        await asyncio.sleep(parent.SECONDS_BETWEEN_LOOKS)


def _ending(session: Session, task: "asyncio.Task[None]") -> "asyncio.Task[None]":
    """`task`, the end of which is the end of the session."""

    def end(done: "asyncio.Task[None]") -> None:
        if not done.cancelled() and (error := done.exception()) is not None:
            logger.error("A conversation broke off", exc_info=error)
        session.end()

    task.add_done_callback(end)
    return task


def _token(network: Network) -> str:
    """What network clients have to know; raises AccessError."""
    return access.read_token(network.token_file) if network.token_file else access.new_token()


def _locked(place: Place) -> Lock | None:
    """The lock of `place`, None if another daemon serves there. One that is just leaving is waited for."""
    deadline = time.monotonic() + SECONDS_FOR_LOCK
    while (lock := Lock.taken(place.lock)) is None and time.monotonic() < deadline:
        try:
            local.connect(place).close()
        except local.NoDaemonError:
            time.sleep(_SECONDS_BETWEEN_TRIES)
            continue
        return None
    return lock


def _stop_at_signals(daemon: Daemon) -> None:
    loop = asyncio.get_running_loop()
    if sys.platform == "win32":
        signal.signal(signal.SIGINT, lambda *_: loop.call_soon_threadsafe(daemon.stop))
        return
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, daemon.stop)


def _log_to(path: Path, *, on_stderr: bool) -> None:
    # Whoever starts a daemon on demand has sent its stderr to the same file.
    handlers: list[logging.Handler] = [logging.StreamHandler()] if on_stderr else []
    handlers.append(RotatingFileHandler(path, maxBytes=_LOG_BYTES, backupCount=_N_OLD_LOGS, encoding="utf-8"))
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", handlers=handlers
    )
    for name in ("pygls", "websockets"):
        logging.getLogger(name).setLevel(logging.WARNING)
