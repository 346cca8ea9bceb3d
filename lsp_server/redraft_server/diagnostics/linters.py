"""Linters and type checkers that Redraft runs itself. Knows nothing of repairs."""

import shlex
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from redraft_server import child
from redraft_server.diagnostics import formats
from redraft_server.diagnostics.diagnostic import Diagnostic, DiagnosticsError

DEFAULT_LINTER_TIMEOUT = 600.0  # seconds

# Tools that are known by name: how they are called, and the exit codes with which they have done their work.
_KNOWN = {
    # What is found must not be changed by the tool itself, nor be what an earlier run has found.
    "ruff": ("ruff", "check", "--no-fix", "--no-cache", "--force-exclude", "--output-format", "json", "--"),
    "pyright": ("pyright", "--outputjson"),
    "mypy": ("mypy", "--output", "json", "--"),
}
_IS_DONE = (0, 1)
_MAX_OUTPUT = 200_000_000
_MAX_COMMAND = 100_000  # characters of file names in one command


@dataclass(frozen=True)
class Linter:
    """A tool that prints diagnostics about the files that it is given; `tell` says a line to the user."""

    words: tuple[str, ...]
    is_known: bool
    time_limit: float
    tell: Callable[[str], None]

    @classmethod
    def of(cls, text: str, time_limit: float, tell: Callable[[str], None]) -> "Linter":
        """The tool that the user calls `text`: one that is known by name, or a command; raises DiagnosticsError."""
        if text in _KNOWN:
            return cls(_KNOWN[text], True, time_limit, tell)
        try:
            words = shlex.split(text)
        except ValueError as error:
            raise DiagnosticsError(f"--linter cannot be read ({error}); quote it as for a shell") from error
        if not words:
            raise DiagnosticsError(f"--linter is empty; name {', '.join(_KNOWN)} or a command")
        return cls(tuple(words), False, time_limit, tell)

    @property
    def name(self) -> str:
        """The program."""
        return self.words[0]

    def run(self, files: Sequence[Path]) -> list[Diagnostic]:
        """What the tool finds in `files`, and in others that it looks at because of them; raises DiagnosticsError."""
        return [diagnostic for some in _batches(files) for diagnostic in self._run(some)]

    def _run(self, files: Sequence[str]) -> list[Diagnostic]:
        self.tell(f"running {shlex.join([*self.words, *files])}")
        try:
            words = [_found(self.name), *self.words[1:], *files]
            finished = child.run(words, self.time_limit, max_bytes=_MAX_OUTPUT)
        except OSError as error:
            raise DiagnosticsError(
                f"{self.name} cannot be started ({error.strerror or error}); install it, or check --linter"
            ) from error
        if finished.code is None:
            raise DiagnosticsError(
                f"{self.name} does not end within {self.time_limit:g} s; raise --linter-timeout"
            )
        text = finished.out.decode(errors="replace")
        has_failed = finished.code not in _IS_DONE if self.is_known else finished.code < 0
        if has_failed or (finished.code and not text.strip()):
            raise DiagnosticsError(f"{self.name} {_ending(finished)}; run it by itself to see why")
        return formats.read(text, Path(), f"what {self.name} prints")


def _batches(files: Sequence[Path]) -> Iterator[list[str]]:
    """The names of `files` in pieces that fit into a command; none begins as an option does."""
    batch: list[str] = []
    size = 0
    for path in files:
        name = str(path)
        name = f"./{name}" if name.startswith("-") else name
        if batch and size + len(name) > _MAX_COMMAND:
            yield batch
            batch, size = [], 0
        batch.append(name)
        size += len(name) + 1
    if batch:
        yield batch


def _found(program: str) -> str:
    """Where a program is: on the path, or beside the Python that runs Redraft; its name if it is nowhere."""
    beside = str(Path(sys.executable).parent)
    return shutil.which(program) or shutil.which(program, path=beside) or program


def _ending(finished: child.Finished) -> str:
    """How a tool failed, with the last line that it printed about it."""
    assert finished.code is not None
    ended = f"ended by signal {-finished.code}" if finished.code < 0 else f"ended with {finished.code}"
    lines = (finished.err.strip() or finished.out.strip()).decode(errors="replace").splitlines()
    return f"{ended} ({lines[-1].strip()[:200]})" if lines else ended
