"""The diagnostics of one run by file, and whether a repair has made those go that it was meant for, and brought none."""

import os
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from redraft_server.diagnostics.diagnostic import Diagnostic
from redraft_server.diagnostics.linters import Linter


@dataclass(frozen=True)
class Diagnosed:
    """What a tool has found in the files of a run; `origin` says which tool, or what its report is.

    `linter` is asked again about a file that it was given and that has changed since; None: nobody is.
    """

    by_path: Mapping[Path, tuple[Diagnostic, ...]]
    origin: str
    linter: Linter | None = None
    given: frozenset[Path] = frozenset()

    @classmethod
    def reported(cls, diagnostics: Iterable[Diagnostic], origin: str) -> "Diagnosed":
        """What stands in a report, of whatever files."""
        return cls(_by_path(diagnostics), origin)

    @classmethod
    def found(cls, linter: Linter, files: Sequence[Path]) -> "Diagnosed":
        """What `linter` finds in these files; raises DiagnosticsError."""
        diagnostics = linter.run(files)
        return cls(_by_path(diagnostics), shlex.join(linter.words), linter, frozenset(map(_resolved, files)))

    def about(self, path: Path) -> tuple[Diagnostic, ...]:
        """The diagnostics of one file."""
        return self.by_path.get(_resolved(path), ())

    def summary(self, files: Sequence[Path]) -> str:
        """One line: how many diagnostics are about names, attributes and arguments of `files`, and how many are not."""
        here = [
            diagnostic
            for path in {_resolved(path) for path in files}
            for diagnostic in self.by_path.get(path, ())
        ]
        n_all = sum(map(len, self.by_path.values()))
        n_places = sum(diagnostic.kind is not None for diagnostic in here)
        parts = [
            f"{n_places} about names, attributes and arguments",
            f"{len(here) - n_places} not for this",
            *([f"{n_all - len(here)} of other files"] if n_all > len(here) else []),
        ]
        return f"{n_all} {'diagnostic' if n_all == 1 else 'diagnostics'}: {', '.join(parts)}"

    def is_asked_again(self, path: Path) -> bool:
        """Whether a tool is to look at the file once it has changed."""
        return self.linter is not None and _resolved(path) in self.given

    def objection(self, path: Path, targeted: Sequence[Diagnostic]) -> str:
        """Ask the tool about the file as it is now: what speaks against it, "" if nothing does; raises DiagnosticsError.

        The diagnostics `targeted` have to be gone, and none may be new. Lines may have moved, so rule and message decide.
        """
        if self.linter is None or not self.is_asked_again(path):
            return ""
        now = [each for each in self.linter.run([path]) if _resolved(each.path) == _resolved(path)]
        left = _counted(now)
        allowed = _counted(self.about(path))
        new = next((each for each in now if left[_key(each)] > allowed[_key(each)]), None)
        if new is not None:
            return f"{self.linter.name} then says: {new}"
        allowed.subtract(_counted(targeted))
        kept = next((each for each in targeted if left[_key(each)] > allowed[_key(each)]), None)
        return "" if kept is None else f"{self.linter.name} still says: {kept}"


def _by_path(diagnostics: Iterable[Diagnostic]) -> dict[Path, tuple[Diagnostic, ...]]:
    found: dict[Path, list[Diagnostic]] = {}
    for diagnostic in diagnostics:
        found.setdefault(_resolved(diagnostic.path), []).append(diagnostic)
    return {path: tuple(some) for path, some in found.items()}


def _resolved(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _key(diagnostic: Diagnostic) -> tuple[str, str]:
    return diagnostic.rule, diagnostic.message


def _counted(diagnostics: Iterable[Diagnostic]) -> Counter[tuple[str, str]]:
    return Counter(_key(diagnostic) for diagnostic in diagnostics)
