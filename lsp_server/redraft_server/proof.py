"""`--test-cmd`: a fix stays only if the user's own command does not end worse with it than without.

0 is the best end, then comes a smaller exit code; an end by a signal or by the time limit is the worst. Knows nothing of files.
"""

import shlex
from collections.abc import Callable
from dataclasses import dataclass

from redraft_model.errors import RedraftError

from redraft_server import child

DEFAULT_TEST_TIMEOUT = 600.0  # seconds
N_LINES_SHOWN = 10

_MAX_SHOWN_BYTES = 20_000


class ProofError(RedraftError):
    """The command cannot be run, or never ends."""


@dataclass(frozen=True)
class Ending:
    """How a command ended: with an exit code, by a signal (below 0), or not within its time (None); and its last lines."""

    code: int | None
    last_lines: tuple[str, ...]

    @property
    def rank(self) -> int:
        """The smaller, the better."""
        return 1000 if self.code is None or self.code < 0 else self.code

    def __str__(self) -> str:
        if self.code is None:
            return "did not end in time"
        return f"ended by signal {-self.code}" if self.code < 0 else f"ended with {self.code}"


class Proof:
    """The command, and how it has ended with what was kept so far. `tell` says a line to the user."""

    def __init__(self, command: str, time_limit: float, tell: Callable[[str], None]) -> None:
        try:
            self._words = shlex.split(command)
        except ValueError as error:
            raise ProofError(f"--test-cmd cannot be read ({error}); quote it as for a shell") from error
        if not self._words:
            raise ProofError("--test-cmd is empty; name a command")
        self._time_limit = time_limit
        self._tell = tell
        self._best: Ending | None = None

    def prepare(self) -> None:
        """Run the command on the files as they are, once; raises ProofError if that does not work."""
        if self._best is not None:
            return
        ending = self._run()
        if ending.code is None:
            raise ProofError(
                f"{shlex.join(self._words)} does not end within {self._time_limit:g} s, before anything was "
                "changed; raise --test-timeout, or leave out --test-cmd"
            )
        self._best = ending

    def objection(self) -> str:
        """Run the command on the files as they are now: what speaks against them, "" if nothing does."""
        assert self._best is not None
        ending = self._run()
        if ending.rank <= self._best.rank:
            self._best = ending
            return ""
        for line in ending.last_lines:
            self._tell(f"  {line}")
        before = str(self._best).removeprefix("ended ")
        return f"{shlex.join(self._words)} {ending} instead of {before}"

    def _run(self) -> Ending:
        self._tell(f"running {shlex.join(self._words)}")
        try:
            finished = child.run(self._words, self._time_limit, max_bytes=_MAX_SHOWN_BYTES, is_merged=True)
        except OSError as error:
            raise ProofError(
                f"{self._words[0]} cannot be started ({error.strerror or error}); check --test-cmd"
            ) from error
        lines = finished.out.decode(errors="replace").rstrip().splitlines()
        return Ending(finished.code, tuple(lines[-N_LINES_SHOWN:]))
