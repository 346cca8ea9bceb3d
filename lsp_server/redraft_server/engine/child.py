"""One engine process, seen by its parent: started, told, listened to, ended. Knows nothing of who is waiting."""

import asyncio
import contextlib
import json
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from redraft_model.errors import CheckpointError, RedraftError
from redraft_model.passage import About

from redraft_server.engine.requests import CONVERTER, Request, to_json
from redraft_server.framing import Frames, Garbage, framed
from redraft_server.model_choice import ModelChoice

logger = logging.getLogger(__name__)

_CHUNK = 2**16
_SECONDS_TO_LEAVE = 0.5
_LONGEST_LINE = 2_000


class EngineLost(RedraftError):  # noqa: N818  (a fact, like Cancelled)
    """The engine process ended before it had answered."""


def command(choice: ModelChoice) -> list[str]:
    """The command line of an engine process that runs what `choice` means."""
    # -P: the current folder is somebody's project, and nothing in it may be imported.
    return [sys.executable, "-P", "-m", "redraft_server.engine.process", *choice.options()]


class Child:
    """A running engine process. It is loading until `loaded` returns."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._messages: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self._gone = asyncio.Event()
        self._reader = asyncio.ensure_future(self._read())
        self._logger = asyncio.ensure_future(self._log())

    @classmethod
    async def start(cls, command: Sequence[str]) -> "Child":
        """Start the process; what it says on stderr is logged. Raises EngineLost if there is no such program."""
        pipe = asyncio.subprocess.PIPE
        try:
            process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=pipe)
        except OSError as error:
            raise EngineLost(f"The model process cannot be started: {error}.") from error
        return cls(process)

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    @property
    def is_gone(self) -> bool:
        """Whether the process has ended or is about to."""
        return self._gone.is_set()

    async def gone(self) -> None:
        """Wait until the process ends."""
        await self._gone.wait()

    async def loaded(self) -> About:
        """What the process runs, once it is ready; raises CheckpointError or EngineLost."""
        message = await self.message()
        if "refused" in message:
            raise CheckpointError(message["refused"])
        return CONVERTER.structure(message["loaded"], About)

    def run(self, entries: Sequence[tuple[int, Request[Any], bool]]) -> None:
        """Begin a batch of (id, request, whether its steps tell their text)."""
        self._send(
            {"run": [{"id": i, "request": to_json(request), "tells_text": t} for i, request, t in entries]}
        )

    def cancel(self, identity: int) -> None:
        """Ask the process to give up a request between two forward passes."""
        self._send({"cancel": identity})

    async def message(self) -> dict[str, Any]:
        """The next message; raises EngineLost when there will be none."""
        message = await self._messages.get()
        if message is None:
            # For whoever asks next.
            self._messages.put_nowait(None)
            raise EngineLost("The model process stopped unexpectedly; it is started again, please retry.")
        return message

    async def stop(self) -> None:
        """End the process: it leaves when its stdin ends, and is made to leave if it does not."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), _SECONDS_TO_LEAVE)
        self.kill()
        await self._process.wait()
        await self._reader
        await self._logger

    def kill(self) -> None:
        """End the process at once."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        # What is written to a process that is gone is dropped; the reader notices its end.
        self._process.stdin.write(framed(json.dumps(message, separators=(",", ":")).encode("ascii")))

    async def _log(self) -> None:
        # Not its own descriptor: a log may be full, or another file by now, and the process should not mind.
        assert self._process.stderr is not None
        rest = b""
        while data := await self._process.stderr.read(_CHUNK):
            *lines, rest = (rest + data).split(b"\n")
            for line in [*lines, rest] if len(rest) > _LONGEST_LINE else lines:
                logger.warning("%s", line[:_LONGEST_LINE].decode("utf-8", "replace").rstrip())
            rest = b"" if len(rest) > _LONGEST_LINE else rest
        if rest:
            logger.warning("%s", rest.decode("utf-8", "replace"))

    async def _read(self) -> None:
        assert self._process.stdout is not None
        frames = Frames()
        while data := await self._process.stdout.read(_CHUNK):
            for body in frames.feed(data):
                if isinstance(body, Garbage):
                    logger.error("The engine process is ended, it wrote %s", body.reason)
                    self.kill()
                    break
                self._messages.put_nowait(json.loads(body))
        self._gone.set()
        self._messages.put_nowait(None)
        code = await self._process.wait()
        logger.info("Engine process %d has ended (%d)", self._process.pid, code)


def resident_bytes(pid: int) -> int | None:
    """How much memory a process holds; None where that cannot be read."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")
