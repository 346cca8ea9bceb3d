"""The standalone language server: one editor on stdin and stdout, one engine in a thread.

stdout carries the protocol and nothing else, the log goes to stderr. The process ends within two seconds,
whatever is running.
"""

import asyncio
import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NoReturn

from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcParseError, PyglsError
from pygls.lsp.server import LanguageServer
from pygls.protocol import default_converter

from redraft_server import parent
from redraft_server.features import code_action, inline_completion, lifecycle
from redraft_server.framing import Frames, Garbage, framed
from redraft_server.loading import open_engine
from redraft_server.protocol import RedraftProtocol
from redraft_server.session import SECONDS_TO_CLOSE, Session
from redraft_server.worker import Engine, EngineThread, Worker

logger = logging.getLogger(__name__)

_CHUNK = 2**16


class RedraftServer(LanguageServer):
    """pygls' server with our protocol; the connection is made elsewhere."""

    protocol: RedraftProtocol

    def __init__(self) -> None:
        super().__init__(
            lifecycle.NAME, "", protocol_cls=RedraftProtocol, converter_factory=default_converter
        )

    def report_server_error(
        self, error: Exception, source: type[PyglsError] | type[JsonRpcException]
    ) -> None:
        """Write it into the log; a client that cannot be reached cannot be told either."""
        logger.error("%s: %s", source.__name__, error)


def run_stdio(checkpoint: Path | None, device: str) -> NoReturn:
    """Serve one editor on stdin and stdout until it leaves, then end the process.

    The exit code is 0 if the editor said shutdown before it left, else 1. `checkpoint` None means the
    bundled one; it is loaded by the first request that needs the model.
    """
    serve_stdio(partial(open_engine, checkpoint, device))


def serve_stdio(open_engine: Callable[[], Engine]) -> NoReturn:
    """Like `run_stdio`, with the engine that `open_engine` gives."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("pygls").setLevel(logging.WARNING)
    sys.stdout.flush()
    out = os.dup(1)
    # Whatever a library prints must not end up between two messages.
    os.dup2(2, 1)
    if sys.platform != "win32":
        # Some editors hand over sockets that would rather fail than wait.
        for descriptor in (0, out):
            os.set_blocking(descriptor, True)
    code = asyncio.run(_serve(open_engine, 0, _Output(out)))
    sys.stderr.flush()
    # The engine's thread may be in the middle of a denoise step, and the reader waits for a client that is
    # gone: the interpreter would wait for one of them and stumble over the other.
    os._exit(code)


def session_of(server: RedraftServer, worker: Worker) -> Session:
    """A new session behind `server`, which answers with our features from now on."""
    session = Session(server, server.protocol.converter, worker)
    for method, handler in (
        (types.INITIALIZE, lifecycle.initialize),
        (types.INITIALIZED, lifecycle.initialized),
        (types.SHUTDOWN, lifecycle.shutdown),
        (types.EXIT, lifecycle.leave),
        (types.SET_TRACE, lifecycle.set_trace),
        (types.TEXT_DOCUMENT_DID_OPEN, lifecycle.did_open),
        (types.TEXT_DOCUMENT_DID_CHANGE, lifecycle.did_change),
        (types.TEXT_DOCUMENT_DID_CLOSE, lifecycle.did_close),
        (types.WORKSPACE_DID_CHANGE_CONFIGURATION, lifecycle.did_change_configuration),
        (types.WINDOW_WORK_DONE_PROGRESS_CANCEL, lifecycle.cancel_progress),
        (types.TEXT_DOCUMENT_CODE_ACTION, code_action.offered),
        (types.CODE_ACTION_RESOLVE, code_action.resolve),
        (types.WORKSPACE_EXECUTE_COMMAND, code_action.execute),
        (types.TEXT_DOCUMENT_INLINE_COMPLETION, inline_completion.complete),
    ):
        server.feature(method)(partial(handler, session))
    return session


class _Output:
    """Writes messages to a file descriptor; raises OSError when nobody reads them."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def send(self, body: bytes) -> None:
        rest = memoryview(framed(body))
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]


async def _serve(open_engine: Callable[[], Engine], descriptor: int, output: _Output) -> int:
    server = RedraftServer()
    worker = Worker(EngineThread(open_engine))
    session = session_of(server, worker)
    session.watch_editor = partial(_leave_with_editor, session)
    server.protocol.send_to(output)
    loop = asyncio.get_running_loop()

    def deliver(frames: list[bytes | Garbage]) -> None:
        for frame in frames:
            if isinstance(frame, Garbage):
                server.protocol.refuse(None, JsonRpcParseError(f"Received {frame.reason}."))
            else:
                server.protocol.receive(frame)

    def read() -> None:
        # os.read, because a thread that waits in sys.stdin would hold its lock while the process ends.
        frames = Frames()
        try:
            while data := os.read(descriptor, _CHUNK):
                loop.call_soon_threadsafe(deliver, frames.feed(data))
        except OSError as error:
            logger.info("The editor cannot be read any more: %s", error)
        loop.call_soon_threadsafe(session.end)

    threading.Thread(target=read, name="stdin", daemon=True).start()
    code = await session.ended()
    await worker.close(SECONDS_TO_CLOSE)
    return code


def _leave_with_editor(session: Session, pid: int) -> None:
    loop = asyncio.get_running_loop()

    def on_death() -> None:
        loop.call_soon_threadsafe(session.end)
        time.sleep(2 * SECONDS_TO_CLOSE)
        # The loop is stuck, and nobody is left to wait for it.
        os._exit(1)

    parent.watch(pid, on_death)
