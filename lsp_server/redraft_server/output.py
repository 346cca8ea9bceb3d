"""Bytes to an editor, written by a thread of their own. Knows nothing of what they mean.

An editor that does not read for a while, or not any more, must not hold up a session: cancelling and leaving have
to work all the same.
"""

import logging
import os
import threading
from collections.abc import Callable
from queue import SimpleQueue

from redraft_server.framing import framed

logger = logging.getLogger(__name__)


class Output:
    """Writes to a file descriptor, in order; calls `on_lost` from its thread, once, when nobody reads any more."""

    def __init__(self, descriptor: int, on_lost: Callable[[], None]) -> None:
        self._descriptor = descriptor
        self._on_lost = on_lost
        self._waiting: SimpleQueue[bytes | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="output", daemon=True)
        self._thread.start()

    def send(self, body: bytes) -> None:
        """Write one message, sooner or later."""
        self._waiting.put(framed(body))

    def close(self, timeout: float) -> None:
        """Take nothing more, and wait until everything is written, but at most `timeout` seconds."""
        self._waiting.put(None)
        self._thread.join(timeout)

    def _run(self) -> None:
        try:
            while (data := self._waiting.get()) is not None:
                rest = memoryview(data)
                while rest:
                    rest = rest[os.write(self._descriptor, rest) :]
        except OSError as error:
            logger.info("Nobody reads our answers: %s", error)
            self._on_lost()
