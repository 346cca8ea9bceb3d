"""The standalone language server: one editor on stdin and stdout, one engine process.

stdout carries the protocol and nothing else, the log goes to stderr. The process ends within two seconds,
whatever is running.
"""

import asyncio
import contextlib
import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import NoReturn

from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcParseError, PyglsError
from pygls.lsp.server import LanguageServer
from redraft_model.network.checkpoint_info import learnt_actions

from redraft_server import parent
from redraft_server.engine.child import command
from redraft_server.engine.scheduler import Scheduler
from redraft_server.features import (
    code_action,
    commands,
    completion,
    configuration,
    doubts,
    inline_completion,
    lifecycle,
    notebook,
    preview,
)
from redraft_server.framing import Frames, Garbage
from redraft_server.messages import strict_converter
from redraft_server.model_choice import ModelChoice
from redraft_server.output import Output
from redraft_server.protocol import RedraftProtocol
from redraft_server.session import SECONDS_TO_CLOSE, Session

logger = logging.getLogger(__name__)

_CHUNK = 2**16


class RedraftServer(LanguageServer):
    """pygls' server with our protocol; the connection is made elsewhere."""

    protocol: RedraftProtocol

    def __init__(self) -> None:
        super().__init__(lifecycle.NAME, "", protocol_cls=RedraftProtocol, converter_factory=strict_converter)

    def report_server_error(
        self, error: Exception, source: type[PyglsError] | type[JsonRpcException]
    ) -> None:
        """Write it into the log; a client that cannot be reached cannot be told either."""
        logger.error("%s: %s", source.__name__, error)


def run_stdio(choice: ModelChoice) -> NoReturn:
    """Serve one editor on stdin and stdout until it leaves, then end the process.

    The exit code is 0 if the editor said shutdown before it left, else 1. The model is loaded by the first request that
    needs it.
    """
    serve_stdio(Scheduler(command(choice), learnt_actions(choice.checkpoint)))


def serve_stdio(scheduler: Scheduler) -> NoReturn:
    """Like `run_stdio`, with a scheduler that nobody has asked anything yet."""
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
    code = asyncio.run(_serve(scheduler, 0, out))
    sys.stderr.flush()
    # The reader may wait for a client that is gone, and the interpreter would wait for the reader.
    os._exit(code)


def session_of(server: RedraftServer, scheduler: Scheduler) -> Session:
    """A new session behind `server`, which answers with our features from now on."""
    session = Session(server, server.protocol.converter, scheduler)
    for method, handler in (
        (types.INITIALIZE, lifecycle.initialize),
        (types.INITIALIZED, lifecycle.initialized),
        (types.SHUTDOWN, lifecycle.shutdown),
        (types.EXIT, lifecycle.leave),
        (types.SET_TRACE, lifecycle.set_trace),
        (types.TEXT_DOCUMENT_DID_OPEN, lifecycle.did_open),
        (types.TEXT_DOCUMENT_DID_CHANGE, lifecycle.did_change),
        (types.TEXT_DOCUMENT_DID_CLOSE, lifecycle.did_close),
        (types.NOTEBOOK_DOCUMENT_DID_OPEN, notebook.did_open),
        (types.NOTEBOOK_DOCUMENT_DID_CHANGE, notebook.did_change),
        (types.NOTEBOOK_DOCUMENT_DID_CLOSE, notebook.did_close),
        (types.WORKSPACE_DID_CHANGE_CONFIGURATION, configuration.did_change),
        (types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS, configuration.did_change_folders),
        (types.WORKSPACE_DID_CHANGE_WATCHED_FILES, configuration.did_change_files),
        (types.WINDOW_WORK_DONE_PROGRESS_CANCEL, lifecycle.cancel_progress),
        (types.TEXT_DOCUMENT_DIAGNOSTIC, doubts.pulled),
        (types.WORKSPACE_TEXT_DOCUMENT_CONTENT, preview.content),
        (types.TEXT_DOCUMENT_CODE_ACTION, code_action.offered),
        (types.CODE_ACTION_RESOLVE, code_action.resolve),
        (types.WORKSPACE_EXECUTE_COMMAND, commands.execute),
        (types.TEXT_DOCUMENT_INLINE_COMPLETION, inline_completion.complete),
        (types.TEXT_DOCUMENT_COMPLETION, completion.complete),
    ):
        server.feature(method)(partial(handler, session))
    session.sources.on_change = partial(doubts.follow, session)
    return session


async def _serve(scheduler: Scheduler, descriptor: int, out: int) -> int:
    server = RedraftServer()
    session = session_of(server, scheduler)
    session.watch_editor = partial(_leave_with_editor, session)
    loop = asyncio.get_running_loop()
    output = Output(out, on_lost=lambda: _tell(loop, session.end))
    server.protocol.send_to(output)

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
    await scheduler.close()
    output.close(SECONDS_TO_CLOSE / 2)
    return code


def _tell(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    # The loop may have been closed while a thread was still busy.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(call)


def _leave_with_editor(session: Session, pid: int) -> None:
    loop = asyncio.get_running_loop()

    def on_death() -> None:
        loop.call_soon_threadsafe(session.end)
        time.sleep(2 * SECONDS_TO_CLOSE)
        # The loop is stuck, and nobody is left to wait for it.
        os._exit(1)

    parent.watch(pid, on_death)
