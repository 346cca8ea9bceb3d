"""Who is asked first: the jobs of all clients, in front of one supervised engine process.

- The process is started by the first job, kept for a while after the last one (`keep_alive`), and started again after
  a crash: at once the first time, then when it is needed and with growing pauses. A crash fails the jobs that were
  running, no others.
- What somebody waits for while typing goes before what somebody has chosen, and that before background work, which
  gives way even while it runs. Of jobs with one `newest_of` only the newest counts.
- Completions that wait together run as one batch.
- A cancelled job is settled at once; the process notices between two forward passes. One that does not is ended.

Everything here happens on the event loop. Knows nothing of LSP.
"""

import asyncio
import contextlib
import enum
import itertools
import logging
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from redraft_model.errors import Cancelled, CheckpointError, RedraftError
from redraft_model.network.checkpoint_info import ALWAYS
from redraft_model.passage import About, DenoiseStep

from redraft_server.engine.child import Child, EngineLost, resident_bytes
from redraft_server.engine.job import Job, Priority
from redraft_server.engine.requests import CONVERTER, Complete, Request, batches_with

logger = logging.getLogger(__name__)

T = TypeVar("T")

KEEP_ALIVE = 900.0  # seconds
KEEP_FOR_EVER = -1.0
MAX_WAITING = 256
MAX_ROWS = 16  # drafts in one batch
SECONDS_TO_LOAD = 180.0
SECONDS_TO_NOTICE = 10.0  # from a cancellation to the end of a process that takes no notice of it
_PAUSES = (
    0.0,
    0.0,
    1.0,
    4.0,
    15.0,
    60.0,
)  # seconds before a start, by how often the process was lost in a row
_BEARABLE_PAUSE = 2.0


class Overloaded(RedraftError):  # noqa: N818  (a fact, like Cancelled)
    """More jobs wait than anybody could be interested in."""


class State(enum.StrEnum):
    """What the engine process is doing."""

    UNLOADED = "unloaded"
    LOADING = "loading"
    READY = "ready"
    BUSY = "busy"
    LOST = "lost"
    """It ended by itself, and is started again by the next job."""
    REFUSED = "refused"
    """The checkpoint cannot be used; the next job tries again."""


@dataclass(frozen=True)
class EngineStatus:
    """How the engine is: `message` says what is wrong if something is, `about` what was loaded last."""

    state: State = State.UNLOADED
    message: str = ""
    about: About | None = None
    pid: int | None = None
    n_lost: int = 0
    """How often the process has been lost since the start."""
    n_waiting: int = 0
    resident_bytes: int | None = None


class Scheduler:
    """The jobs and the engine process. `command` starts one; `--threads N` is put behind it.

    `actions` are those of the checkpoint, so that they can be offered before it is loaded.
    """

    def __init__(
        self, command: Sequence[str], actions: Sequence[str] = ALWAYS, keep_alive: float = KEEP_ALIVE
    ) -> None:
        self.actions = tuple(actions)
        self._keep_alive = keep_alive
        self._n_threads = 0
        self._command = tuple(command)
        self._numbers = itertools.count(1)
        self._waiting: list[Job[Any]] = []
        self._running: dict[int, Job[Any]] = {}
        self._giving_way: set[int] = set()
        self._child: Child | None = None
        self._n_lost_in_a_row = 0
        self._comes_back = False
        self._not_before = 0.0
        self._status = EngineStatus()
        self._listeners: list[Callable[[EngineStatus], None]] = []
        self._news = asyncio.Event()
        self._loop_task: asyncio.Task[None] | None = None

    @property
    def status(self) -> EngineStatus:
        """How the engine is now."""
        pid = self._status.pid
        memory = None if pid is None else resident_bytes(pid)
        return replace(self._status, n_waiting=len(self._waiting), resident_bytes=memory)

    @property
    def state(self) -> State:
        """What the engine process is doing now."""
        return self._status.state

    def configure(self, *, n_threads: int, keep_alive: float) -> None:
        """Let the engine use `n_threads` cores (0: its own choice) when it is started the next time.

        An idle process stays `keep_alive` seconds; 0 ends it at once, KEEP_FOR_EVER never.
        """
        self._n_threads, self._keep_alive = n_threads, keep_alive
        self._news.set()

    def listen(self, listener: Callable[[EngineStatus], None]) -> Callable[[], None]:
        """Call `listener` whenever the engine's state changes; gives the way to stop that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def start(
        self,
        request: Request[T],
        *,
        priority: Priority = Priority.CHOSEN,
        newest_of: Hashable | None = None,
        deadline: float | None = None,
        on_step: Callable[[DenoiseStep], None] | None = None,
        tells_text: bool = False,
    ) -> Job[T]:
        """Queue `request`; it is cancelled `deadline` seconds from now. Raises Overloaded.

        `on_step` is called after each search round or denoise step; the step's text is empty unless the job `tells_text`.
        """
        job = Job(
            next(self._numbers),
            request,
            priority,
            newest_of,
            on_step,
            tells_text=tells_text,
            on_cancel=self._forget,
        )
        if newest_of is not None:
            for other in [*self._waiting, *self._running.values()]:
                if other.newest_of == newest_of:
                    other.cancel()
        if len(self._waiting) >= MAX_WAITING:
            raise Overloaded("Redraft has too much to do at the moment; try again later.")
        if deadline is not None:
            timer = asyncio.get_running_loop().call_later(deadline, job.cancel)
            job.when_over(timer.cancel)
        self._waiting.append(job)
        self._make_way(job)
        self._wake()
        return job

    async def unload(self) -> None:
        """End the process if nothing is being worked on; the next job starts it again."""
        if self._child is not None and not self._running:
            await self._end(self._child)

    async def close(self) -> None:
        """Cancel everything and end the process, within a second."""
        for job in [*self._waiting, *self._running.values()]:
            job.cancel()
        if self._loop_task is not None:
            self._loop_task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._loop_task
        if self._child is not None:
            await self._end(self._child)

    def _forget(self, job: Job[Any]) -> None:
        """A job was cancelled: nobody waits for it, and the process should not go on with it."""
        if job in self._waiting:
            self._waiting.remove(job)
        elif job.number in self._running and self._child is not None:
            self._stop(self._child, job)

    def _stop(self, child: Child, job: Job[Any]) -> None:
        child.cancel(job.number)

        def give_up() -> None:
            if job.number in self._running and child is self._child:
                logger.error("The engine process took no notice of a cancellation and is ended")
                child.kill()

        asyncio.get_running_loop().call_later(SECONDS_TO_NOTICE, give_up)

    def _make_way(self, newcomer: Job[Any]) -> None:
        """Background work that is running gives way to anything else, and waits again."""
        if newcomer.priority is Priority.BACKGROUND or self._child is None:
            return
        for job in self._running.values():
            if job.priority is Priority.BACKGROUND and not job.is_over and job.number not in self._giving_way:
                self._giving_way.add(job.number)
                self._stop(self._child, job)

    def _wake(self) -> None:
        self._news.set()
        if self._loop_task is None or self._loop_task.done():
            self._loop_task = asyncio.ensure_future(self._serve())
            self._loop_task.add_done_callback(self._stopped)

    def _stopped(self, task: "asyncio.Task[None]") -> None:
        """A mistake of ours must not leave anybody waiting; the next job starts anew, with another process."""
        if task.cancelled() or (error := task.exception()) is None:
            return
        logger.error("The scheduler stopped", exc_info=error)
        for job in [*self._waiting, *self._running.values()]:
            job.fail(RedraftError("Redraft failed; its log says where."))
        self._waiting.clear()
        self._running.clear()
        if self._child is not None:
            self._child.kill()
            self._child = None

    async def _serve(self) -> None:
        while True:
            batch = self._next_batch()
            if not batch and not self._comes_back:
                await self._rest()
                continue
            # While the process loads, a job that is more urgent or newer may come; the batch is chosen again then.
            if self._child is None or self._child.is_gone:
                try:
                    await self._load()
                except RedraftError as error:
                    # All who wait now hear of it; another try would end the same way.
                    for job in [*self._waiting]:
                        self._waiting.remove(job)
                        job.fail(error)
                continue
            await self._work(self._child, batch)

    async def _rest(self) -> None:
        """Wait for news. An idle process is ended after a while, and noticed if it ends by itself."""
        self._news.clear()
        child = self._child
        if child is None:
            await self._news.wait()
            return
        waits = [asyncio.ensure_future(self._news.wait()), asyncio.ensure_future(child.gone())]
        timeout = None if self._keep_alive < 0 else self._keep_alive
        try:
            done, _ = await asyncio.wait(waits, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        if self._child is not child:
            return
        if child.is_gone:
            await self._lost(child)
        elif not done:
            logger.info("The model is unloaded after %g idle seconds", self._keep_alive)
            await self._end(child)

    async def _load(self) -> None:
        """Start the process; raises CheckpointError or EngineLost."""
        if self._child is not None:
            await self._lost(self._child)
        self._comes_back = False
        loop = asyncio.get_running_loop()
        pause = self._not_before - loop.time()
        if pause > _BEARABLE_PAUSE:
            raise EngineLost(
                f"The model process keeps stopping; it is tried again in {pause:.0f} seconds. "
                "`redraft logs` says more."
            )
        await asyncio.sleep(pause)
        self._tell(State.LOADING)
        threads = ["--threads", str(self._n_threads)] if self._n_threads else []
        try:
            self._child = child = await Child.start([*self._command, *threads])
        except EngineLost as error:
            self._count_loss()
            self._tell(State.LOST, str(error))
            raise
        try:
            async with asyncio.timeout(SECONDS_TO_LOAD):
                about = await child.loaded()
        except CheckpointError as error:
            logger.error("The model cannot be loaded: %s", error)
            await self._end(child)
            self._tell(State.REFUSED, str(error))
            raise
        except (EngineLost, TimeoutError) as error:
            await self._lost(child)
            raise EngineLost("The model process stopped while it was loading.") from error
        self._status = replace(self._status, about=about, pid=child.pid)
        self._tell(State.READY)

    async def _work(self, child: Child, batch: Sequence[Job[Any]]) -> None:
        """Have the process work on `batch` until each of it is over, or the process is."""
        for job in batch:
            self._waiting.remove(job)
            self._running[job.number] = job
        self._tell(State.BUSY)
        child.run([(job.number, job.request, job.tells_text) for job in batch])
        try:
            while self._running:
                self._receive(await child.message())
        except EngineLost as error:
            for job in self._running.values():
                job.fail(error)
            self._running.clear()
            self._giving_way.clear()
            await self._lost(child)
            return
        self._tell(State.READY)

    def _receive(self, message: dict[str, Any]) -> None:
        job = self._running[message["id"]]
        if "step" in message:
            index, limit, text = message["step"]
            job.step(DenoiseStep(index, limit, text or ""))
            return
        del self._running[job.number]
        gave_way = job.number in self._giving_way
        self._giving_way.discard(job.number)
        if "answer" in message:
            self._n_lost_in_a_row = 0
            job.succeed(CONVERTER.structure(message["answer"], type(job.request).answer))
        elif "error" in message:
            job.fail(RedraftError(message["error"]))
        elif gave_way and not job.is_over:
            self._waiting.append(job)
        else:
            job.fail(Cancelled())

    def _next_batch(self) -> list[Job[Any]]:
        """What is to be worked on next: the first of the most urgent jobs, and what can run along with it."""
        if not self._waiting:
            return []
        first = min(self._waiting, key=lambda job: (job.priority, job.number))
        batch, n_rows = [first], _n_rows(first.request)
        for job in self._waiting:
            if job is not first and batches_with(first.request, job.request):
                n_rows += _n_rows(job.request)
                if n_rows > MAX_ROWS:
                    break
                batch.append(job)
        return batch

    async def _end(self, child: Child) -> None:
        self._child = None
        self._status = replace(self._status, pid=None)
        self._tell(State.UNLOADED)
        await child.stop()

    async def _lost(self, child: Child) -> None:
        """The process has ended without being asked to."""
        self._child = None
        # Who was working with it will want to go on.
        self._comes_back = self._n_lost_in_a_row == 0
        await child.stop()
        self._count_loss()
        self._status = replace(self._status, pid=None)
        self._tell(State.LOST, "The model process stopped unexpectedly; it is started when it is needed.")

    def _count_loss(self) -> None:
        pause = _PAUSES[min(self._n_lost_in_a_row, len(_PAUSES) - 1)]
        self._n_lost_in_a_row += 1
        self._not_before = asyncio.get_running_loop().time() + pause
        self._status = replace(self._status, n_lost=self._status.n_lost + 1)

    def _tell(self, state: State, message: str = "") -> None:
        self._status = replace(self._status, state=state, message=message)
        for listener in list(self._listeners):
            listener(self.status)


def _n_rows(request: Request[Any]) -> int:
    return request.n_drafts if isinstance(request, Complete) else 1
