"""One request on its way to the engine, and whoever waits for its answer. Knows nothing of who goes first."""

import asyncio
import enum
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

from redraft_model.errors import Cancelled
from redraft_model.passage import DenoiseStep

from redraft_server.engine.requests import Request

T = TypeVar("T")


class Priority(enum.IntEnum):
    """What goes first."""

    TYPING = 0
    CHOSEN = 1
    BACKGROUND = 2


class Job(Generic[T]):
    """One request on its way; `await job.answer()`."""

    def __init__(
        self,
        number: int,
        request: Request[T],
        priority: Priority,
        newest_of: Hashable | None,
        on_step: Callable[[DenoiseStep], None] | None,
        *,
        tells_text: bool,
        on_cancel: Callable[["Job[Any]"], None],
    ) -> None:
        self.number = number
        self.request = request
        self.priority = priority
        self.newest_of = newest_of
        self.tells_text = tells_text
        self._result: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._on_step = on_step
        self._on_cancel = on_cancel

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come of it."""
        return self._result.done()

    async def answer(self) -> T:
        """The answer. Whoever stops waiting for it cancels the job; raises Cancelled if somebody else did."""
        try:
            # A waiting task that is cancelled must leave the future as it is, for `cancel` to see.
            return await asyncio.shield(self._result)
        finally:
            self.cancel()

    def when_over(self, call: Callable[[], None]) -> None:
        """Call `call` soon after it is over."""
        self._result.add_done_callback(lambda _: call())

    def cancel(self) -> None:
        """Stop the work; does nothing if it is over."""
        if not self.is_over:
            self.fail(Cancelled())
            self._on_cancel(self)

    def step(self, step: DenoiseStep) -> None:
        """Tell the one who waits about a search round or a denoise step."""
        if self._on_step is not None and not self.is_over:
            self._on_step(step)

    def succeed(self, answer: T) -> None:
        """Settle with `answer`, unless it is over."""
        if not self.is_over:
            self._result.set_result(answer)

    def fail(self, error: Exception) -> None:
        """Settle with `error`, unless it is over."""
        if not self.is_over:
            self._result.set_exception(error)
            # Looking at it once says that nobody need be waiting.
            self._result.exception()
