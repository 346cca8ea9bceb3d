"""The file of fitted weights beside a checkpoint: sections of named numbers. Each feature reads and writes its own section.

The weights of `calibration.json` were fitted to one network (by the package `fit`, on files no benchmark holds), so the file names
that network by the hash of its `config.json`.
"""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redraft_model.calibration.logistic import Logistic
from redraft_model.errors import CheckpointError

FILE = "calibration.json"
FORMAT = 12


@dataclass(frozen=True)
class Calibration:
    """What the calibration file of one checkpoint holds; `source` names the file in messages."""

    sections: Mapping[str, Any]
    source: str = FILE

    def section(self, *names: str) -> "Section":
        """The section called `names[0]`, or the part `names[1]` of it, and so on; CheckpointError where there is none."""
        found = Section(self, self.sections)
        for name in names:
            found = found.section(name)
        return found

    def has(self, name: str) -> bool:
        """Whether there is a section of that name."""
        return name in self.sections

    def error(self, reason: object) -> CheckpointError:
        """What is said when a weight cannot be used."""
        return CheckpointError(
            f"{self.source} lacks a weight or has a wrong one ({reason}); calibrate the checkpoint again"
        )

    def save(self, folder: Path) -> Path:
        """Write the file into a checkpoint's folder; returns it."""
        path = folder / FILE
        data = {"format": FORMAT, "config_sha256": _fingerprint(folder), **self.sections}
        path.write_text(json.dumps(data, indent=1) + "\n", "utf-8")
        return path


@dataclass(frozen=True)
class Section:
    """Named numbers of one calibration. Every reader raises CheckpointError for a name that is missing or no finite number."""

    calibration: Calibration
    data: Any

    def section(self, name: str) -> "Section":
        """A part of it."""
        return Section(self.calibration, self._entry(name))

    def text(self, name: str) -> str:
        """A string."""
        value = self._entry(name)
        if not isinstance(value, str):
            raise self.calibration.error(f"{value!r} is no text")
        return value

    def number(self, name: str) -> float:
        """One number."""
        value = self._entry(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise self.calibration.error(f"{value!r} is no number")
        return float(value)

    def numbers(self, names: Sequence[str]) -> tuple[float, ...]:
        """The numbers called `names`, in that order."""
        return tuple(self.number(name) for name in names)

    def logistic(self, names: Sequence[str]) -> Logistic:
        """A logistic function of features called `names`."""
        return Logistic(self.number("bias"), self.numbers(names))

    def _entry(self, name: str) -> Any:
        if not isinstance(self.data, Mapping) or name not in self.data:
            raise self.calibration.error(f"{name!r}")
        return self.data[name]


def load_calibration(folder: Path) -> Calibration | None:
    """The calibration of the checkpoint in `folder`; None where there is none, CheckpointError for one that cannot be used."""
    path = folder / FILE
    try:
        data: Any = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read ({error}); delete it or get it again") from error
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise CheckpointError(f"{path} is not of format {FORMAT}; calibrate the checkpoint again")
    if data.get("config_sha256") != _fingerprint(folder):
        raise CheckpointError(
            f"{path} belongs to another network; delete it or calibrate the checkpoint again"
        )
    sections = {name: value for name, value in data.items() if name not in ("format", "config_sha256")}
    return Calibration(sections, str(path))


def named(weights: Sequence[float], names: Sequence[str]) -> dict[str, float]:
    """Weights by name, as the file has them."""
    return dict(zip(names, map(rounded, weights), strict=True))


def named_logistic(logistic: Logistic, names: Sequence[str]) -> dict[str, float]:
    """A logistic function as the file has it."""
    return {"bias": rounded(logistic.bias), **named(logistic.weights, names)}


def rounded(weight: float) -> float:
    """The digits of a weight that mean something: people read this file."""
    return float(f"{weight:.6g}")


def _fingerprint(folder: Path) -> str:
    """What tells a checkpoint from others: its config.json holds all about its training."""
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
    except (OSError, ValueError):
        return ""
    return hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()
