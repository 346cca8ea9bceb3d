"""An engine process that answers at once: what is left of a request's time is the server's.

Started by benchmarks/daemon.py in place of the real one; it knows no model and completes everything with `pass`.
"""

from collections.abc import Sequence

from redraft_model.passage import (
    UNWATCHED,
    About,
    Completion,
    Cost,
    Doubt,
    Draft,
    Passage,
    Span,
    Version,
    Watch,
)
from redraft_server.engine.process import serve


class NullEngine:
    about = About("null", "", 0, 0, 0, ("repair", "complete"), "cpu")

    def repair(
        self,
        source: str,
        *,
        span: Span | None = None,
        semantic: bool = False,
        target_version: Version | None = None,
        watch: Watch = UNWATCHED,
    ) -> Draft:
        del span, semantic, target_version, watch
        return _draft(source)

    def complete_batch(
        self, asked: Sequence[Completion], *, single_line: bool = False, watches: Sequence[Watch] = ()
    ) -> list[list[Draft] | None]:
        del single_line, watches
        return [[_draft("pass")] for _ in asked]

    def rewrite(
        self,
        passage: Passage,
        *,
        action: str = "repair",
        n_drafts: int = 1,
        seed: int = 0,
        watch: Watch = UNWATCHED,
    ) -> list[Draft]:
        del action, n_drafts, seed, watch
        return [_draft(passage.target)]

    def doubt(
        self, source: str, *, span: Span | None = None, threshold: float = 0.5, watch: Watch = UNWATCHED
    ) -> list[Doubt]:
        del source, span, threshold, watch
        return []


def _draft(text: str) -> Draft:
    return Draft(text, score=0.0, confidence=1.0, n_edits=0, parses=True, cost=Cost())


if __name__ == "__main__":
    serve(NullEngine)
