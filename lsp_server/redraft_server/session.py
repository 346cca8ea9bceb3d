"""One client's conversation: what it can do, what it has open, what is being worked on for it.

Lives on the event loop; nothing here is touched from another thread.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import cattrs
from lsprotocol import types
from pygls.lsp.server import LanguageServer

from redraft_server.client import Client
from redraft_server.progress import Progress
from redraft_server.settings import Settings
from redraft_server.sources import Source, Sources
from redraft_server.worker import Job, Work, Worker

T = TypeVar("T")

SECONDS_TO_CLOSE = 1.0


class Session:
    """The state that request handlers share."""

    def __init__(self, server: LanguageServer, converter: cattrs.Converter, worker: Worker) -> None:
        self.server = server
        self.converter = converter
        self.worker = worker
        self.client = Client()
        self.client_info: types.ClientInfo | None = None
        self.settings = Settings()
        self.sources = Sources()
        self.completions: dict[str, Job[list[str]]] = {}
        """The newest inline completion of each document."""
        self.watch_editor: Callable[[int], None] = lambda pid: None
        """What is done with the editor's process id; who made the connection knows whether it means anything."""
        self._cancels: dict[types.ProgressToken, Callable[[], None]] = {}
        self._was_shut_down = False
        self._end = asyncio.Event()

    def is_current(self, source: Source) -> bool:
        """Whether the client still has exactly this version open."""
        return self.sources.get(source.uri) is source

    async def work(self, title: str, token: types.ProgressToken | None, work: Work[T]) -> T:
        """What `work` returns, with a progress bar called `title`; raises Cancelled if the user cancels."""
        async with self._progress(title, token) as progress:
            job = self.worker.start(work, progress.step)
            self._cancels[progress.token] = job.cancel
            try:
                return await job.result
            finally:
                job.cancel()
                del self._cancels[progress.token]

    def cancel(self, token: types.ProgressToken) -> None:
        """Cancel the work behind a progress bar, if it is still running."""
        if token in self._cancels:
            self._cancels[token]()

    def shut_down(self) -> None:
        """Stop all work; what is waited for ends as cancelled."""
        self._was_shut_down = True
        self.worker.cancel_all()

    def end(self) -> None:
        """Let the conversation end."""
        self._end.set()

    async def ended(self) -> int:
        """The exit code, once the conversation is to end: 0 if the client said shutdown before, else 1."""
        await self._end.wait()
        return 0 if self._was_shut_down else 1

    @asynccontextmanager
    async def _progress(self, title: str, token: types.ProgressToken | None) -> AsyncIterator[Progress]:
        progress = Progress(self.server, title)
        if token is not None:
            progress.show(token)
        elif self.client.creates_progress:
            progress.ask()
        try:
            yield progress
        finally:
            progress.end()
