"""The one thread that runs the engine, so that the session never waits for it. Knows nothing of LSP.

The engine is opened by the first job that needs it. When a job is cancelled, those who wait for it go on at
once; the thread notices between two denoise steps.
"""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Generic, Protocol, TypeVar

from redraft_model.errors import Cancelled, RedraftError
from redraft_model.passage import DenoiseStep, Draft, Passage, Span, Watch

from redraft_server.settings import limit_threads

logger = logging.getLogger(__name__)

T = TypeVar("T")


class Engine(Protocol):
    """What the server needs of `redraft_model.engine.Engine`; written down here, so nothing imports torch."""

    def repair(
        self, source: str, *, span: Span | None = ..., semantic: bool = ..., watch: Watch = ...
    ) -> Draft:
        """The whole text, repaired; the same text if there is nothing to do."""

    def complete(
        self,
        passage: Passage,
        *,
        n_drafts: int = ...,
        seed: int = ...,
        single_line: bool = ...,
        watch: Watch = ...,
    ) -> list[Draft]:
        """Texts for the passage's target, best first."""


Work = Callable[[Engine, Watch], T]


class Job(Generic[T]):
    """One piece of work; `await job.result`. Raises Cancelled there if somebody cancelled it."""

    def __init__(self) -> None:
        self.result: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._stop = threading.Event()

    @property
    def is_cancelled(self) -> bool:
        """Whether the work should stop."""
        return self._stop.is_set()

    def cancel(self) -> None:
        """Stop the work; does nothing if it is done."""
        self._stop.set()
        if not self.result.done():
            self.result.set_exception(Cancelled())
            # Looking at it once says that nobody need be waiting.
            self.result.exception()

    def settle(self, done: Future[T]) -> None:
        """Take over what the thread found, unless the job was cancelled meanwhile."""
        if self.result.done() or done.cancelled():
            return
        error = done.exception()
        if error is None:
            self.result.set_result(done.result())
        else:
            self.result.set_exception(error)
            self.result.exception()


class EngineThread:
    """The thread and its engine, which several workers may share."""

    def __init__(self, open_engine: Callable[[], Engine]) -> None:
        self.executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="engine")
        self.n_threads = 0
        self.has_failed = False
        self._open_engine = open_engine
        self._engine: Engine | None = None

    @property
    def is_loaded(self) -> bool:
        """Whether the engine was opened."""
        return self._engine is not None

    def opened(self) -> Engine:
        """The engine, opened if it is not yet; to be called in the thread."""
        if self._engine is None:
            limit_threads(self.n_threads)
            try:
                self._engine = self._open_engine()
            except RedraftError as error:
                logger.error("The model cannot be loaded: %s", error)
                raise
            finally:
                self.has_failed = self._engine is None
        return self._engine


class Worker:
    """One client's share of a thread with an engine. All methods are to be called from the event loop."""

    def __init__(self, thread: EngineThread) -> None:
        self._thread = thread
        self._running: dict[Future[Any], Job[Any]] = {}

    def share(self) -> "Worker":
        """A worker with the same thread for another client: what that one cancels is its own."""
        return Worker(self._thread)

    @property
    def n_threads(self) -> int:
        """How many cores the engine may use (0: its own choice); counts until it is opened."""
        return self._thread.n_threads

    @n_threads.setter
    def n_threads(self, n_threads: int) -> None:
        self._thread.n_threads = n_threads

    @property
    def has_failed(self) -> bool:
        """Whether the engine could not be opened the last time it was tried."""
        return self._thread.has_failed

    def status(self) -> dict[str, object]:
        """How the model is, as JSON."""
        state = "loaded" if self._thread.is_loaded else "failed" if self.has_failed else "not loaded"
        return {"state": state}

    def start(self, work: Work[T], on_step: Callable[[DenoiseStep], None] | None = None) -> Job[T]:
        """Queue `work`; `on_step` is called on the event loop after each denoise step."""
        loop = asyncio.get_running_loop()
        job: Job[T] = Job()

        def told(step: DenoiseStep) -> None:
            if on_step is not None:
                loop.call_soon_threadsafe(on_step, step)

        def run() -> T:
            if job.is_cancelled:
                raise Cancelled
            watch = Watch(is_cancelled=lambda: job.is_cancelled, on_step=told)
            return work(self._thread.opened(), watch)

        def settle(done: Future[T]) -> None:
            self._running.pop(done, None)
            job.settle(done)

        done = self._thread.executor.submit(run)
        self._running[done] = job
        done.add_done_callback(lambda done: loop.call_soon_threadsafe(settle, done))
        return job

    def cancel_all(self) -> None:
        """Cancel everything that runs or waits."""
        for job in list(self._running.values()):
            job.cancel()

    async def close(self, timeout: float) -> None:
        """Cancel everything and wait until the thread is idle, but at most `timeout` seconds."""
        self.cancel_all()
        self._thread.executor.shutdown(wait=False, cancel_futures=True)
        # How the work ends is the business of those who waited for it.
        ends = asyncio.gather(*map(asyncio.wrap_future, self._running), return_exceptions=True)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(ends, timeout)
