"""The real engine process around an engine that needs no weights; documents tell it what to do.

    # steps: 500        how many steps of 10 ms it takes
    # drafts: ["a"]     what it completes (JSON)
    # held              its first denoise step again and again, until there is a file LOG.go
    # stuck             a denoise step that takes longer than any test waits
    # crash             the process kills itself
    # masks             its canvas is masked at first, and committed from left to right

Usage: fake_engine.py LOG [--no-checkpoint] [--uncalibrated] [--threads N]; the log gets a line for each thing the engine
does.
"""

import json
import os
import re
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from redraft_model.errors import Cancelled, CheckpointError
from redraft_model.passage import (
    UNWATCHED,
    About,
    Completion,
    Cost,
    DenoiseStep,
    Doubt,
    Draft,
    Passage,
    Span,
    Version,
    Watch,
)
from redraft_server.engine.process import serve
from redraft_server.safety import compiles, parses

SECONDS_STUCK = 3600.0
REPAIRS = {
    "prnt(": "print(",
    "retrun": "return",
    "  # precious": "",
    "breakme": "break me",
    "return lost": "print(lost)",
}


class FakeEngine:
    about = About(
        "fake",
        "nowhere",
        1,
        1,
        1,
        ("repair", "complete", "types"),
        "cpu",
        is_calibrated=True,
        base="base of fakes",
    )

    def __init__(self, log: Path) -> None:
        self._log = log
        self._go = log.with_name(log.name + ".go")
        # A real library might do this, too; it must not reach the editor.
        print("loading weights")

    def repair(
        self,
        source: str,
        *,
        span: Span | None = None,
        semantic: bool = False,
        target_version: Version | None = None,
        watch: Watch = UNWATCHED,
    ) -> Draft:
        del target_version
        self._note(f"repair semantic={semantic}")
        span = span or Span(0, len(source))
        target = span.of(source)
        for wrong, right in REPAIRS.items():
            target = target.replace(wrong, right)
        passage = Passage.cut(source, span)
        self._denoise(source, passage, target, watch)
        if compiles(source) and not semantic:
            return _draft(source, parses=True)
        text = passage.replaced(target)
        return _draft(text, parses=parses(text))

    def complete_batch(
        self, asked: Sequence[Completion], *, single_line: bool = False, watches: Sequence[Watch] = ()
    ) -> list[list[Draft] | None]:
        drafts: list[list[Draft] | None] = []
        self._note(f"batch of {len(asked)}")
        for completion, watch in zip(asked, watches, strict=True):
            try:
                drafts.append(self._complete(completion, single_line, watch))
            except Cancelled:
                drafts.append(None)
        return drafts

    def rewrite(
        self,
        passage: Passage,
        *,
        action: str = "repair",
        n_drafts: int = 1,
        seed: int = 0,
        watch: Watch = UNWATCHED,
    ) -> list[Draft]:
        self._note(f"rewrite {action} n_drafts={n_drafts} seed={seed}")
        text = passage.before + passage.target + passage.after
        self._denoise(text, passage, passage.target.upper(), watch)
        return [_draft(passage.target.upper(), parses=True)]

    def doubt(
        self, source: str, *, span: Span | None = None, threshold: float = 0.5, watch: Watch = UNWATCHED
    ) -> list[Doubt]:
        self._note(f"doubt threshold={threshold}")
        self._denoise(source, Passage.cut(source, Span(0, len(source))), source, watch)
        return [
            Doubt(Span(*found.span()), 0.1, "substitute", "right")
            for found in re.finditer("wrong", source)
            if span is None or span.start <= found.start() < span.end
        ]

    def _complete(self, completion: Completion, single_line: bool, watch: Watch) -> list[Draft]:
        passage, n_drafts = completion.passage, completion.n_drafts
        if completion.retrieved_context:
            self._note(f"elsewhere {json.dumps(completion.retrieved_context)}")
        if not single_line and completion.min_confidence != Completion.min_confidence:
            self._note(f"least {completion.min_confidence}")
        self._note(f"complete n_drafts={n_drafts} single_line={single_line}")
        text = passage.before + passage.after
        self._denoise(text, None, "", watch)
        found = re.findall(r"# drafts: (.*)", text)
        drafts = json.loads(found[-1]) if found else []
        return [_draft(draft, parses=parses(passage.replaced(draft))) for draft in drafts[:n_drafts]]

    def _denoise(self, text: str, passage: Passage | None, target: str, watch: Watch) -> None:
        """Take the steps that `text` wants; the canvas shows `target` in its passage, if there is one."""
        found = re.search(r"# steps: (\d+)", text)
        n_steps = int(found[1]) if found else 3
        if "# crash" in text:
            os.kill(os.getpid(), signal.SIGKILL)
        for index in self._indices(text, n_steps):
            if watch.is_cancelled():
                self._note("cancelled")
                raise Cancelled
            if watch.is_late():
                self._note("late")
                break
            time.sleep(SECONDS_STUCK if "# stuck" in text else 0.01)
            canvas = _masked(target, index / n_steps) if "# masks" in text else target
            watch.on_step(DenoiseStep(index, n_steps, passage.replaced(canvas) if passage else ""))
        self._note("done")

    def _indices(self, text: str, n_steps: int) -> Iterator[int]:
        """The numbers of the steps that `text` wants."""
        while "# held" in text and not self._go.exists():
            yield 1
        yield from range(1, n_steps + 1)

    def _note(self, line: str) -> None:
        with self._log.open("a") as log:
            log.write(line + "\n")


def _masked(text: str, committed: float) -> str:
    """`text` with masks behind the share of it that is committed; the lines stay as they are."""
    end = int(len(text) * committed)
    return text[:end] + re.sub(r"\S", "░", text[end:])


def _draft(text: str, *, parses: bool) -> Draft:
    confidence = 0.25 if "guess" in text else 0.9
    return Draft(text, score=1.0, confidence=confidence, n_edits=1, parses=parses, cost=Cost(3, 3, 0.03))


def _open(log: Path, *, has_checkpoint: bool, is_calibrated: bool) -> FakeEngine:
    if not has_checkpoint:
        raise CheckpointError("There is no checkpoint here; pass --checkpoint.")
    with log.open("a") as lines:
        lines.write("loaded\n")
    engine = FakeEngine(log)
    engine.about = replace(engine.about, is_calibrated=is_calibrated)
    return engine


if __name__ == "__main__":
    log, *options = sys.argv[1:]
    serve(
        lambda: _open(
            Path(log),
            has_checkpoint="--no-checkpoint" not in options,
            is_calibrated="--uncalibrated" not in options,
        )
    )
