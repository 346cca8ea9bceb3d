"""The progress bar of one piece of work: how many of its steps are done, and a button that cancels."""

import asyncio
import uuid
from enum import StrEnum

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer
from redraft_model.passage import DenoiseStep

_SECONDS_BETWEEN_REPORTS = 0.05


class Unit(StrEnum):
    """What a progress bar counts: the turns of a repair's search, or the steps of code that is denoised."""

    SEARCH_ROUND = "search round"
    DENOISE_STEP = "denoise step"


class Progress:
    """Begin, reports and end, in this order and each at its time; silent if the client shows no progress.

    The client gives a token with its request, or the server asks for a progress bar with a token of its own;
    then nothing is shown before the client has agreed.
    """

    def __init__(self, server: LanguageServer, title: str, unit: Unit) -> None:
        self.token: types.ProgressToken = str(uuid.uuid4())
        self._server = server
        self._title = title
        self._unit = unit
        self._is_shown = False
        self._is_over = False
        self._percentage = 0
        self._last_report = 0.0
        self._asking: asyncio.Task[None] | None = None

    def show(self, token: types.ProgressToken) -> None:
        """Begin under the client's own `token`."""
        self.token = token
        self._begin()

    def ask(self) -> None:
        """Begin as soon as the client has agreed."""
        self._asking = asyncio.ensure_future(self._create())

    def step(self, step: DenoiseStep) -> None:
        """Show that a step is done."""
        now = asyncio.get_running_loop().time()
        if not self._is_shown or self._is_over or now - self._last_report < _SECONDS_BETWEEN_REPORTS:
            return
        self._last_report = now
        # A search may raise its own limit; a bar must not run backwards.
        self._percentage = max(self._percentage, min(100, 100 * step.index // max(step.limit, 1)))
        message = f"{self._unit} {step.index} of at most {step.limit}"
        self._send(
            types.WorkDoneProgressReport(cancellable=True, message=message, percentage=self._percentage)
        )

    def end(self) -> None:
        """Take the progress bar away."""
        if self._is_shown and not self._is_over:
            self._send(types.WorkDoneProgressEnd())
        self._is_over = True

    async def _create(self) -> None:
        try:
            await self._server.window_work_done_progress_create_async(
                types.WorkDoneProgressCreateParams(self.token)
            )
        except JsonRpcException:
            return
        self._begin()
        if self._is_over:
            self._send(types.WorkDoneProgressEnd())

    def _begin(self) -> None:
        self._is_shown = True
        self._send(types.WorkDoneProgressBegin(title=self._title, cancellable=True, percentage=0))

    def _send(
        self,
        value: types.WorkDoneProgressBegin | types.WorkDoneProgressReport | types.WorkDoneProgressEnd,
    ) -> None:
        self._server.protocol.notify(types.PROGRESS, types.ProgressParams(token=self.token, value=value))
