"""What became of the files: one result each, counted, as lines for people and as JSON for programs."""

import math
from dataclasses import asdict, dataclass
from enum import IntEnum, StrEnum, auto
from typing import TYPE_CHECKING

from redraft_model.passage import About, Cost

if TYPE_CHECKING:
    from redraft_server.finding import Finding, Replacement

JsonObject = dict[str, object]


class Exit(IntEnum):
    """Exit codes of every command, as ruff, ESLint and Prettier have them."""

    FINE = 0
    FOUND = 1
    FAILED = 2
    INTERRUPTED = 130


class Changes(StrEnum):
    """What is done with repairs: shown in colour, printed as a patch, only counted, or written."""

    SHOW = auto()
    DIFF = auto()
    CHECK = auto()
    WRITE = auto()


class Status(StrEnum):
    """What became of one file. Only what is FIXED is ever written.

    UNSURE has a repair that is too likely wrong, SKIPPED was not worked on, FAILED could not be finished.
    """

    FIXED = "fixed"
    PARTLY_FIXED = "partly_fixed"
    UNSURE = "unsure"
    UNFIXABLE = "unfixable"
    CLEAN = "clean"
    SKIPPED = "skipped"
    FAILED = "failed"


_HELD_BACK = (Status.PARTLY_FIXED, Status.UNSURE)
_CHANGED = (Status.FIXED, *_HELD_BACK)
_STILL_BROKEN = (*_HELD_BACK, Status.UNFIXABLE)
_NO_COST = Cost()
_NOT_PROCESSED = (Status.SKIPPED, Status.FAILED)


@dataclass(frozen=True)
class Result:
    """One file: its name, what became of it and why, the draft's edits, score and cost, and the diff.

    `confidence` is how likely the repair is right; None where the checkpoint is not calibrated. `read_as` says what the text was
    recognised as; "" if it was not pasted from elsewhere. `finding` is the first thing that is wrong in the file as it was,
    `replacements` is the repair.
    """

    name: str
    status: Status
    reason: str = ""
    n_edits: int = 0
    score: float | None = None
    confidence: float | None = None
    cost: Cost = _NO_COST
    diff: str = ""
    read_as: str = ""
    finding: "Finding | None" = None
    replacements: "tuple[Replacement, ...]" = ()
    is_accepted: bool = False
    """Whether the user took the repair as it is: then it is written whatever the status."""

    def label(self, changes: Changes) -> str:
        """The status in words; with `changes` that write nothing it says what would become of the file."""
        label = self.status.replace("_", " ")
        is_promise = self.status is Status.FIXED and changes is not Changes.WRITE
        return f"would be {label}" if is_promise else label

    def is_settled(self, changes: Changes) -> bool:
        """Whether nothing is left to do about the file."""
        return self.status is Status.CLEAN or (self.status is Status.FIXED and changes is Changes.WRITE)

    def line(self, changes: Changes) -> str:
        """One line for people."""
        if self.status in _NOT_PROCESSED:
            # Most reasons are sentences that name the file; what the engine says of a text does not.
            about = "" if self.name in self.reason else f"{self.name}: "
            return f"{self.status}: {about}{self.reason}"
        details = [self.reason] if self.reason else []
        if self.status in _CHANGED:
            sure = "" if self.confidence is None else f", {percent(self.confidence)} sure"
            details.insert(0, f"{_counted(self.n_edits, 'edit')} in {self.cost.seconds:.1f} s{sure}")
        if self.read_as:
            details.insert(0, f"read as {self.read_as}")
        if self.status in _HELD_BACK and changes is Changes.WRITE and not self.is_accepted:
            details.append("not written")
        return f"{self.label(changes)}: {self.name}" + (f" ({'; '.join(details)})" if details else "")

    def to_json(self) -> JsonObject:
        """The fields of this result for `--json`; the cost is spread out."""
        return {
            "path": self.name,
            "status": str(self.status),
            "reason": self.reason,
            "problem": self.finding.to_json() if self.finding else None,
            "read_as": self.read_as,
            "n_edits": self.n_edits,
            "score": self.score,
            "confidence": self.confidence,
            **_cost_fields(self.cost),
            "diff": self.diff,
        }


@dataclass(frozen=True)
class Report:
    """All results of one run, in the order of the files."""

    results: tuple[Result, ...]
    n_ignored: int = 0
    n_excluded: int = 0

    def count(self, status: Status) -> int:
        """How many files ended with `status`."""
        return sum(result.status is status for result in self.results)

    @property
    def cost(self) -> Cost:
        """What all drafts cost together."""
        return sum((result.cost for result in self.results), Cost())

    def exit_code(self, changes: Changes) -> Exit:
        """FAILED if something could not be done, FOUND if something is left to do, else FINE.

        Skipped files do not count unless there is nothing else.
        """
        statuses = {result.status for result in self.results}
        if Status.FAILED in statuses or statuses == {Status.SKIPPED}:
            return Exit.FAILED
        left = _STILL_BROKEN if changes is Changes.WRITE else _CHANGED + _STILL_BROKEN
        return Exit.FOUND if statuses.intersection(left) else Exit.FINE

    def summary(self, changes: Changes) -> str:
        """One line for people: counts, then what the model did."""
        counts = [f"{n} {status.replace('_', ' ')}" for status in Status if (n := self.count(status))] or [
            "nothing to do"
        ]
        if self.n_ignored:
            counts.append(f"{self.n_ignored} ignored by git")
        if self.n_excluded:
            counts.append(f"{self.n_excluded} excluded")
        parts = [", ".join(counts)]
        if self.cost.n_forward:
            parts.append(effort(self.cost))
        if changes is Changes.SHOW and self.count(Status.FIXED):
            parts.append("nothing written, add --write to do it")
        return "; ".join(parts) + "."

    def to_json(self, about: About | None) -> JsonObject:
        """The object `--json` prints; `about` is None if no file needed the model."""
        return {
            "files": [result.to_json() for result in self.results],
            "summary": {
                **{str(status): self.count(status) for status in Status},
                "ignored": self.n_ignored,
                "excluded": self.n_excluded,
                **_cost_fields(self.cost),
            },
            "model": asdict(about) if about else None,
        }


def model_name(about: About) -> str:
    """What is measured, in a table: the checkpoint, and whether a base judges what it proposes."""
    return f"{about.name} + base" if about.base else about.name


def effort(cost: Cost) -> str:
    """What the network did, and how fast."""
    passes = _counted(cost.n_forward, "forward pass", "forward passes")
    return f"{passes}, {cost.tokens_per_second:.0f} tokens/s"


def percent(probability: float) -> str:
    """`probability` in whole percent; rounded down, so that what is below a bound is never shown to reach it."""
    # A product such as 100 * 0.29 may be a trifle too small.
    return f"{math.floor(100 * probability + 1e-9)} %"


def _cost_fields(cost: Cost) -> JsonObject:
    return {
        "n_forward": cost.n_forward,
        "n_tokens": cost.n_tokens,
        "seconds": round(cost.seconds, 6),
        "tokens_per_second": round(cost.tokens_per_second, 3),
    }


def _counted(n: int, noun: str, plural: str = "") -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {plural or noun + 's'}"
