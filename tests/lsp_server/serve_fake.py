"""The real language server around an engine that needs no weights; documents tell it what to do.

    # steps: 500        how many denoise steps of 10 ms it takes
    # drafts: ["a"]     what it completes (JSON)
    # stuck             a denoise step that takes a minute

Usage: serve_fake.py LOG [--no-checkpoint]; the log gets a line for each thing the engine does.
"""

import json
import re
import sys
import time
from pathlib import Path

from redraft_model.errors import Cancelled, CheckpointError
from redraft_model.passage import UNWATCHED, Cost, DenoiseStep, Draft, Passage, Span, Watch
from redraft_server.safety import parses
from redraft_server.server import serve_stdio

REPAIRS = {"prnt(": "print(", "retrun": "return", "  # precious": "", "breakme": "break me"}


class FakeEngine:
    def __init__(self, log: Path) -> None:
        self._log = log
        # A real library might do this, too; it must not reach the editor.
        print("loading weights")

    def repair(
        self, source: str, *, span: Span | None = None, semantic: bool = False, watch: Watch = UNWATCHED
    ) -> Draft:
        self._note(f"repair semantic={semantic}")
        self._denoise(source, source, watch)
        if parses(source) and not semantic:
            return _draft(source, parses=True)
        span = span or Span(0, len(source))
        text = span.of(source)
        for wrong, right in REPAIRS.items():
            text = text.replace(wrong, right)
        text = source[: span.start] + text + source[span.end :]
        return _draft(text, parses=parses(text))

    def complete(
        self,
        passage: Passage,
        *,
        n_drafts: int = 1,
        seed: int = 0,  # noqa: ARG002
        single_line: bool = False,
        watch: Watch = UNWATCHED,
    ) -> list[Draft]:
        self._note(f"complete n_drafts={n_drafts} single_line={single_line}")
        text = passage.before + passage.after
        self._denoise(text, "", watch)
        found = re.findall(r"# drafts: (.*)", text)
        drafts = json.loads(found[-1]) if found else []
        return [_draft(draft, parses=parses(passage.replaced(draft))) for draft in drafts[:n_drafts]]

    def _denoise(self, text: str, draft: str, watch: Watch) -> None:
        found = re.search(r"# steps: (\d+)", text)
        n_steps = int(found[1]) if found else 3
        for index in range(1, n_steps + 1):
            if watch.is_cancelled():
                self._note("cancelled")
                raise Cancelled
            time.sleep(60 if "# stuck" in text else 0.01)
            watch.on_step(DenoiseStep(index, n_steps, draft))
        self._note("done")

    def _note(self, line: str) -> None:
        with self._log.open("a") as log:
            log.write(line + "\n")


def _draft(text: str, *, parses: bool) -> Draft:
    confidence = 0.3 if "guess" in text else 0.9
    return Draft(text, score=1.0, confidence=confidence, n_edits=1, parses=parses, cost=Cost(3, 3, 0.03))


def _open(log: Path, *, has_checkpoint: bool) -> FakeEngine:
    if not has_checkpoint:
        raise CheckpointError("There is no checkpoint here; pass --checkpoint.")
    with log.open("a") as lines:
        lines.write("loaded\n")
    return FakeEngine(log)


if __name__ == "__main__":
    serve_stdio(lambda: _open(Path(sys.argv[1]), has_checkpoint="--no-checkpoint" not in sys.argv[2:]))
