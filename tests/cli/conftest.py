"""The command line run in this process, with an engine that follows a script."""

import io
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from redraft_model.network.gguf import convert
from redraft_model.passage import (
    UNWATCHED,
    About,
    Cost,
    DenoiseStep,
    Doubt,
    Draft,
    Passage,
    Span,
    Version,
    Watch,
)
from redraft_server import loading
from redraft_server.cli import main
from redraft_server.model_choice import ModelChoice
from redraft_server.safety import parses

ABOUT = About("scripted", "nowhere", 1_000_000, 100, 5000, ("repair", "complete"), "cpu")


# Files with something to repair, before and after, for what must hold whatever bytes a file has.
BYTES_CASES = {
    "lf": (b"a = 1\nb = (1\nc = 3\n", b"a = 1\nb = (1)\nc = 3\n"),
    "crlf": (b"a = 1\r\nb = (1\r\nc = 3\r\n", b"a = 1\r\nb = (1)\r\nc = 3\r\n"),
    "mixed": (b"a = 1\nb = (1\r\nc = 3\n", b"a = 1\nb = (1)\r\nc = 3\n"),
    "carriage returns": (b"a = 1\rb = (1\rc = 3\r", b"a = 1\rb = (1)\rc = 3\r"),
    "no final newline": (b"a = 1\nb = (1", b"a = 1\nb = (1)"),
    "no final newline after crlf": (b"a = 1\r\nb = (1", b"a = 1\r\nb = (1)"),
    "byte order mark": (b"\xef\xbb\xbfb = (1\n", b"\xef\xbb\xbfb = (1)\n"),
    "latin-1": (b"# coding: latin-1\na = '\xe9'\nb = (1\n", b"# coding: latin-1\na = '\xe9'\nb = (1)\n"),
    "form feed": (b"a = 1\n\x0c\nb = (1\n\x0c", b"a = 1\n\x0c\nb = (1)\n\x0c"),
    "tabs and trailing blanks": (b"if a:\n\tb = 2  \t\nb = (1\n\n\n", b"if a:\n\tb = 2  \t\nb = (1)\n\n\n"),
    "emoji": ("a = '👩‍👧'\nb = (1\n".encode(), "a = '👩‍👧'\nb = (1)\n".encode()),
}


@dataclass(frozen=True)
class BytesCase:
    """One of them, and the codec that reads it."""

    name: str
    before: bytes
    after: bytes

    @property
    def encoding(self) -> str:
        return {"latin-1": "latin-1", "byte order mark": "utf-8-sig"}.get(self.name, "utf-8")


@pytest.fixture(params=BYTES_CASES)
def bytes_case(request: pytest.FixtureRequest) -> BytesCase:
    """Each of the files."""
    return BytesCase(request.param, *BYTES_CASES[request.param])


@dataclass
class ScriptedEngine:
    """An engine that closes "(1" at the end of a line, completes with "pass" and doubts every "oops".

    `repairs` (a function from source to source), `completions` and `doubts` say something else. `confidence` is that of
    every repair.
    """

    about: About = ABOUT
    repairs: Callable[[str], str] = lambda source: re.sub(r"\(1$", "(1)", source, flags=re.MULTILINE)
    confidence: float = 0.9
    completions: tuple[str, ...] = ("pass",)
    doubts: tuple[Doubt, ...] = ()
    opened_with: list[ModelChoice] = field(default_factory=list)
    asked: list[object] = field(default_factory=list)

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
        self.asked.append((source, semantic))
        watch.on_step(DenoiseStep(1, 8, source))
        span = span or Span(0, len(source))
        text = source[: span.start] + self.repairs(span.of(source)) + source[span.end :]
        return Draft(text, 2.5, self.confidence, int(text != source), parses(text), Cost(2, 30, 0.1))

    def complete(
        self,
        passage: Passage,
        *,
        n_drafts: int = 1,
        seed: int = 0,
        single_line: bool = False,
        retrieved_context: tuple[str, ...] = (),
        watch: Watch = UNWATCHED,
    ) -> list[Draft]:
        assert not watch.is_cancelled()
        self.asked.append(
            (passage, n_drafts, seed, single_line, *([retrieved_context] if retrieved_context else []))
        )
        return [Draft(text, 1.0, 0.75, 1, True, Cost(4, 8, 0.5)) for text in self.completions[:n_drafts]]

    def doubt(
        self, source: str, *, span: Span | None = None, threshold: float = 0.5, watch: Watch = UNWATCHED
    ) -> list[Doubt]:
        assert span is None
        assert not watch.is_cancelled()
        self.asked.append((source, threshold))
        return [*self.doubts] or [
            Doubt(Span(*match.span()), 0.01, "substitute", "good") for match in re.finditer("oops", source)
        ]


@dataclass(frozen=True)
class Outcome:
    """What one call of the command line left behind."""

    code: int
    out: bytes
    err: str


Run = Callable[..., Outcome]


@pytest.fixture(autouse=True)
def data_folder(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Where models are looked for, and what runs have found out: there is nothing, whatever this machine has."""
    monkeypatch.setenv("REDRAFT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("REDRAFT_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
    return tmp_path / "data"


@pytest.fixture
def base(data_folder: Path, tiny_gguf: Path) -> Path:
    """A converted model where the base is looked for."""
    folder = data_folder / "models" / "base"
    folder.mkdir(parents=True)
    convert(
        tiny_gguf,
        folder,
        origin={"name": "Tiny", "license": "Apache-2.0", "package": "tiny==1", "sha256": "ab"},
    )
    (folder / "NOTICE").touch()
    return folder


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> ScriptedEngine:
    """The engine every command opens."""
    scripted = ScriptedEngine()

    def open_engine(choice: ModelChoice) -> ScriptedEngine:
        scripted.opened_with.append(choice)
        return scripted

    monkeypatch.setattr(loading, "open_engine", open_engine)
    # A script may change between two runs, so what it has answered is not remembered.
    monkeypatch.setattr(loading, "fingerprint", lambda choice: None)
    return scripted


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


class _Terminal(io.TextIOWrapper):
    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", newline="", write_through=True)

    def isatty(self) -> bool:
        return True


@pytest.fixture
def run(
    engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> Run:
    """Run `redraft` with arguments, as a program or as somebody at a terminal would."""

    def run(*arguments: object, stdin: bytes = b"", terminal: bool = False) -> Outcome:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        words = [str(argument) for argument in arguments]
        capsysbinary.readouterr()
        if not terminal:
            code = main(words)
            out, err = capsysbinary.readouterr()
            return Outcome(code, out, err.decode())
        screen, talk = _Terminal(), _Terminal()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", screen)
            patch.setattr(sys, "stderr", talk)
            code = main(words)
        return Outcome(code, screen.buffer.getvalue(), talk.buffer.getvalue().decode())  # type: ignore[attr-defined]

    return run
