"""One client's conversation: what it can do, what it has open, what is being worked on for it.

Lives on the event loop; nothing here is touched from another thread.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import cattrs
from lsprotocol import types
from pygls.lsp.server import LanguageServer
from redraft_model.passage import DenoiseStep

from redraft_server import canvas_view
from redraft_server.client import Client
from redraft_server.configuration import Configuration
from redraft_server.engine.job import Job, Priority
from redraft_server.engine.requests import Request
from redraft_server.engine.scheduler import Scheduler
from redraft_server.forward_cache import ForwardCache
from redraft_server.progress import Progress, Unit
from redraft_server.project_files import ProjectFiles
from redraft_server.sources import Source, Sources

T = TypeVar("T")

SECONDS_TO_CLOSE = 1.0


@dataclass(frozen=True)
class KnownRepair:
    """A safe repair of a whole document: how sure the engine was of it, and whether it compiles."""

    source: Source
    confidence: float
    compiles: bool


class Session:
    """The state that request handlers share."""

    def __init__(self, server: LanguageServer, converter: cattrs.Converter, scheduler: Scheduler) -> None:
        self.server = server
        self.converter = converter
        self.scheduler = scheduler
        self.client = Client()
        self.client_info: types.ClientInfo | None = None
        self.configuration = Configuration()
        self.shares_machine = True
        """Whether the client's files are files here, and its user one of this machine."""
        self.asking: asyncio.Task[None] | None = None
        """The question to the client what its settings are."""
        self.complaints: set[str] = set()
        """What the client has been told about its settings."""
        self.quiet_until = 0.0
        """Nothing is offered unasked before this time of the event loop."""
        self.sources = Sources()
        self.project_files = ProjectFiles()
        self.forward_cache = ForwardCache()
        self.notebooks: dict[str, set[str]] = {}
        """The cells of each open notebook."""
        self.publications: dict[str, asyncio.Task[bool]] = {}
        """Diagnostics of each document, published or about to be."""
        self.latest_repair: KnownRepair | None = None
        """The repair of the whole document that was repaired last."""
        self.previews: dict[str, str] = {}
        """Texts that the client may want to look at, by their URIs, oldest first."""
        self.watch_editor: Callable[[int], None] = lambda pid: None
        """What is done with the editor's process id; who made the connection knows whether it means anything."""
        self._jobs: set[Job[Any]] = set()
        self._cancels: dict[types.ProgressToken, Callable[[], None]] = {}
        self._was_shut_down = False
        self._end = asyncio.Event()
        self._at_end: list[Callable[[], None]] = []

    def knows_good_repair(self, source: Source) -> bool:
        """Whether a repair of exactly this text is known, makes it compile, and is likely right."""
        known = self.latest_repair
        if known is None or known.source is not source or not self.is_calibrated:
            return False
        return known.compiles and known.confidence >= self.min_confidence(source)

    @property
    def is_calibrated(self) -> bool:
        """Whether the confidence of the engine's repairs is a probability; False before it was ever loaded."""
        about = self.scheduler.status.about
        return about is not None and about.is_calibrated

    def min_confidence(self, source: Source) -> float:
        """How likely right a repair of `source` has to be that nobody looks at."""
        return self.configuration.for_document(source.uri).min_confidence

    def is_current(self, source: Source) -> bool:
        """Whether the client still has exactly this version open."""
        return self.sources.get(source.uri) is source

    async def ask(
        self,
        request: Request[T],
        *,
        priority: Priority,
        newest_of: Hashable | None = None,
        deadline: float | None = None,
    ) -> T:
        """The engine's answer; raises Cancelled or a RedraftError. See `Scheduler.start`."""
        newest_of = None if newest_of is None else (id(self), newest_of)
        return await self._answer(
            self.scheduler.start(request, priority=priority, newest_of=newest_of, deadline=deadline)
        )

    async def work(
        self, title: str, token: types.ProgressToken | None, request: Request[T], source: Source, unit: Unit
    ) -> T:
        """The engine's answer about `source`, with a progress bar called `title`, and a view of the canvas if wanted.

        Raises Cancelled if the user cancels.
        """
        async with self._progress(title, token, unit) as progress:
            is_live = self.configuration.for_document(source.uri).live_denoise and canvas_view.is_drawable(
                source
            )

            def on_step(step: DenoiseStep) -> None:
                progress.step(step)
                if step.text:
                    picture = canvas_view.picture(source, progress.token, step)
                    self.server.protocol.notify(canvas_view.METHOD, picture)

            job = self.scheduler.start(request, on_step=on_step, tells_text=is_live)
            self._cancels[progress.token] = job.cancel
            try:
                return await self._answer(job)
            finally:
                del self._cancels[progress.token]

    async def settled(self) -> None:
        """Wait until the client has answered what its settings are, or has taken too long."""
        # While one question is waited for, it may be replaced by a newer one.
        while self.asking is not None and not self.asking.done():
            await asyncio.wait({self.asking})

    def cancel(self, token: types.ProgressToken) -> None:
        """Cancel the work behind a progress bar, if it is still running."""
        if token in self._cancels:
            self._cancels[token]()

    def shut_down(self) -> None:
        """Stop all work; what is waited for ends as cancelled."""
        self._was_shut_down = True
        self._stop_work()

    def at_end(self, call: Callable[[], None]) -> None:
        """Have `call` called when the session ends."""
        self._at_end.append(call)

    def end(self) -> None:
        """Let the conversation end."""
        self._end.set()
        self._stop_work()
        self.project_files.end()
        while self._at_end:
            self._at_end.pop()()

    async def ended(self) -> int:
        """The exit code, once the conversation is to end: 0 if the client said shutdown before, else 1."""
        await self._end.wait()
        return 0 if self._was_shut_down else 1

    def _stop_work(self) -> None:
        for task in self.publications.values():
            task.cancel()
        for job in list(self._jobs):
            job.cancel()

    async def _answer(self, job: Job[T]) -> T:
        self._jobs.add(job)
        try:
            return await job.answer()
        finally:
            self._jobs.discard(job)

    @asynccontextmanager
    async def _progress(
        self, title: str, token: types.ProgressToken | None, unit: Unit
    ) -> AsyncIterator[Progress]:
        progress = Progress(self.server, title, unit)
        if token is not None:
            progress.show(token)
        elif self.client.creates_progress:
            progress.ask()
        try:
            yield progress
        finally:
            progress.end()
