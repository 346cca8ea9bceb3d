"""The engine process: requests in on stdin, steps and answers out on stdout, as framed JSON.

    in   {"run": [{"id": 1, "request": {...}, "tells_text": false}, ...]}   one batch; the next one after all answers
         {"cancel": 1}
    out  {"loaded": {...}} or {"refused": "a sentence"}                     once, before anything else
         {"id": 1, "step": [index, limit, text or null]}
         {"id": 1, "answer": ...} or {"id": 1, "cancelled": true} or {"id": 1, "error": "a sentence"}

torch lives here and nowhere else. Whatever cannot be said in a sentence ends the process, and its parent starts
another one: a graphics card that ran out of memory is better left. It ends with its parent, too.
"""

import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import Any, NoReturn

import typer
from redraft_model.errors import Cancelled, RedraftError
from redraft_model.passage import (
    Completion,
    DenoiseStep,
    Doubt,
    Draft,
    TextEngine,
    Watch,
)

from redraft_server.engine.requests import (
    CONVERTER,
    AnyRequest,
    Complete,
    FindDoubts,
    Repair,
    Rewrite,
    arguments,
    from_json,
)
from redraft_server.framing import Frames, Garbage, framed
from redraft_server.loading import open_engine
from redraft_server.model_choice import AUTO, ModelChoice
from redraft_server.settings import limit_threads

_CHUNK = 2**16
# Nobody can look at more pictures than this, and a whole source travels with each.
_SECONDS_BETWEEN_TEXTS = 1 / 30


@dataclass(frozen=True)
class Entry:
    """One request of a batch."""

    id: int
    request: AnyRequest
    tells_text: bool


def main(
    checkpoint: Path | None = typer.Option(None),  # noqa: B008  (how typer declares options)
    device: str = "auto",
    model: str = AUTO,
    threads: int = 0,
) -> None:
    """Run the engine that the options mean for the process that holds the other ends of stdin and stdout."""
    limit_threads(threads)
    serve(lambda: open_engine(ModelChoice(checkpoint, device, model)))


def serve(open_engine: Callable[[], TextEngine]) -> NoReturn:
    """Answer requests with the engine that `open_engine` gives until stdin ends."""
    sys.excepthook = _report_without_text
    sys.stdout.flush()
    out = os.dup(1)
    # Whatever a library prints must not end up between two messages.
    os.dup2(2, 1)
    port = _Port(out)
    threading.Thread(target=port.read, name="stdin", daemon=True).start()
    try:
        engine = open_engine()
    except RedraftError as error:
        port.send({"refused": str(error)})
        sys.exit(0)
    port.send({"loaded": CONVERTER.unstructure(engine.about)})
    while True:
        _work(engine, port, port.batches.get())


class _Port:
    """The two pipes. Read in a thread of its own, so that a cancellation is seen between two forward passes."""

    def __init__(self, descriptor: int) -> None:
        self.batches: SimpleQueue[list[Entry]] = SimpleQueue()
        self._cancelled: set[int] = set()
        self._descriptor = descriptor

    def read(self) -> None:
        """Take messages until the parent is gone, then end the process whatever it is doing."""
        frames = Frames()
        while data := os.read(0, _CHUNK):
            for body in frames.feed(data):
                assert not isinstance(body, Garbage), body.reason
                self._receive(json.loads(body))
        os._exit(0)

    def send(self, message: dict[str, Any]) -> None:
        """Write a message; raises OSError when the parent is gone."""
        rest = memoryview(framed(json.dumps(message, separators=(",", ":")).encode("ascii")))
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]

    def watch(self, entry: Entry) -> Watch:
        """What the engine asks and tells about `entry` between forward passes."""
        last_text = -1.0

        def tell(step: DenoiseStep) -> None:
            nonlocal last_text
            now = time.monotonic()
            has_text = entry.tells_text and now - last_text >= _SECONDS_BETWEEN_TEXTS
            if has_text:
                last_text = now
            self.send({"id": entry.id, "step": [step.index, step.limit, step.text if has_text else None]})

        return Watch(is_cancelled=lambda: entry.id in self._cancelled, on_step=tell)

    def answer(self, entry: Entry, kind: str, value: object) -> None:
        """The last message about `entry`."""
        self.send({"id": entry.id, kind: value})
        self._cancelled.discard(entry.id)

    def _receive(self, message: dict[str, Any]) -> None:
        if "cancel" in message:
            self._cancelled.add(message["cancel"])
            return
        self.batches.put(
            [Entry(e["id"], from_json(e["request"]), bool(e["tells_text"])) for e in message["run"]]
        )


def _work(engine: TextEngine, port: _Port, entries: Sequence[Entry]) -> None:
    """Answer every entry of a batch."""
    try:
        answers = _answers(engine, [e.request for e in entries], [port.watch(e) for e in entries])
    except Cancelled:
        for entry in entries:
            port.answer(entry, "cancelled", True)
    except RedraftError as error:
        if len(entries) == 1:
            port.answer(entries[0], "error", str(error))
            return
        # Only one of them is at fault.
        for entry in entries:
            _work(engine, port, [entry])
    else:
        for entry, answer in zip(entries, answers, strict=True):
            if answer is None:
                port.answer(entry, "cancelled", True)
            else:
                port.answer(entry, "answer", CONVERTER.unstructure(answer, type(entry.request).answer))


def _answers(
    engine: TextEngine, requests: Sequence[AnyRequest], watches: Sequence[Watch]
) -> Sequence[Draft | list[Draft] | list[Doubt] | None]:
    completions = [request for request in requests if isinstance(request, Complete)]
    if completions:
        assert len(completions) == len(requests), "only completions come in batches"
        asked = [
            Completion(c.passage, c.n_drafts, c.seed, c.retrieved_context, c.min_confidence)
            for c in completions
        ]
        return engine.complete_batch(asked, single_line=completions[0].single_line, watches=watches)
    (request,), (watch,) = requests, watches
    match request:
        case Repair():
            return [engine.repair(**arguments(request), watch=watch.limited(request.timeout))]
        case Rewrite():
            return [engine.rewrite(**arguments(request), watch=watch.limited(request.timeout))]
        case FindDoubts():
            return [engine.doubt(**arguments(request), watch=watch)]
    raise AssertionError(request)


def _report_without_text(
    kind: type[BaseException], _error: BaseException, trace: TracebackType | None
) -> None:
    """Where it happened, for the log; what the exception says may quote somebody's source text."""
    where = "".join(traceback.format_tb(trace))
    sys.stderr.write(f"The engine process stops: {kind.__name__}\n{where}")


if __name__ == "__main__":
    typer.run(main)
