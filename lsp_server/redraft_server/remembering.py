"""An engine that knows what it has answered in earlier runs, and is loaded only for what it does not know."""

import platform
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import redraft_model
from redraft_model.passage import UNWATCHED, About, Corrects, Diagnosis, Draft, Span, Version, Watch

from redraft_server import __version__
from redraft_server.verdicts import Verdicts, key_of


@cache
def _here() -> tuple[str, ...]:
    """What every verdict depends on: the versions of Redraft and of Python, and the code that reads texts, which may be edited."""
    code = sorted(Path(redraft_model.__file__).parent.rglob("*.py"))
    states = (f"{status.st_size} {status.st_mtime_ns}" for status in map(Path.stat, code))
    return (__version__, platform.python_implementation(), sys.version, *states)


class RememberingEngine:
    """`Corrects` by an engine that `open_engine` loads when it is first needed.

    `fingerprint` tells engines apart that answer differently, without loading one; where it is None nothing is remembered.
    """

    def __init__(
        self, open_engine: Callable[[], Corrects], fingerprint: Callable[[], str | None], verdicts: Verdicts
    ) -> None:
        self._open_engine = open_engine
        self._fingerprint = fingerprint
        self._verdicts = verdicts
        self._engine: Corrects | None = None
        self._model: str | None = None
        self.known_about: About | None = None
        """What it runs; None if that was not needed so far."""

    @property
    def about(self) -> About:
        """What it runs; raises CheckpointError if the engine has to be loaded for that and cannot be."""
        if self.known_about is None:
            self._model = self._fingerprint()
            known = None if self._model is None else self._verdicts.about(self._key("about"))
            self.known_about = known or self._opened().about
        return self.known_about

    def repair(
        self,
        source: str,
        *,
        span: Span | None = None,
        semantic: bool = False,
        target_version: Version | None = None,
        watch: Watch = UNWATCHED,
    ) -> Draft:
        """The draft of the engine, or of an earlier run that asked the same; that one costs nothing."""
        about = self.about
        asked = f"{span} {semantic} {target_version}"
        return self._remembered(
            self._key("draft", asked, source),
            source,
            about,
            lambda engine: engine.repair(
                source, span=span, semantic=semantic, target_version=target_version, watch=watch
            ),
            watch,
        )

    def correct(self, source: str, diagnoses: Sequence[Diagnosis], *, watch: Watch = UNWATCHED) -> Draft:
        """The same for what other tools have found."""
        about = self.about
        asked = " ".join(f"{each.kind} {each.span.start} {each.span.end}" for each in diagnoses)
        return self._remembered(
            self._key("correct", asked, source),
            source,
            about,
            lambda engine: engine.correct(source, diagnoses, watch=watch),
            watch,
        )

    def _remembered(
        self, key: bytes, source: str, about: About, ask: Callable[[Corrects], Draft], watch: Watch
    ) -> Draft:
        known = None if self._model is None else self._verdicts.draft(key, source)
        if known is not None:
            return known
        draft = ask(self._opened())
        # What was given up may be found with more time.
        if self._model is not None and not watch.is_late():
            self._verdicts.put_about(self._key("about"), about)
            self._verdicts.put_draft(key, source, draft)
        return draft

    def _key(self, *parts: str) -> bytes:
        return key_of(*_here(), self._model or "", *parts)

    def _opened(self) -> Corrects:
        if self._engine is None:
            self._engine = self._open_engine()
        return self._engine


def clean_key(data: bytes, kind: str, target: str) -> bytes:
    """The key under which it is remembered that the bytes `data` of a file of this kind compile for the `target` Python."""
    return key_of(*_here(), "clean", kind, target, data)
