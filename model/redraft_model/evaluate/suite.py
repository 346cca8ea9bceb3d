"""What a suite is: how a row becomes an item, what the engine is asked, how its answer is judged."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from redraft_model.data.benchmark_file import Row
from redraft_model.evaluate.result import Metric, Record
from redraft_model.passage import About, Draft, Passage

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Candidate(Protocol):
    """What a suite needs of an engine; `redraft_model.engine.Engine` is one, and so is every baseline."""

    @property
    def about(self) -> About:
        """Whose results these are."""
        ...

    def repair(self, source: str, *, semantic: bool = ...) -> Draft:
        """Whole text in, whole text out; the same text if nothing is to be done."""
        ...

    def complete(self, passage: Passage, *, seed: int = ..., single_line: bool = ...) -> list[Draft]:
        """Texts to put in place of the passage's target, best first; may be empty."""
        ...


@dataclass(frozen=True)
class Suite(Generic[Item, Answer]):
    """One benchmark and its rules.

    Attributes:
        name: How the suite is asked for.
        file: Its file in the benchmark folder.
        about: One sentence: which items, what is measured.
        pose: (row, seed) -> the item to try; None if the row does not fit this suite.
        ask: (item, engine) -> the engine's answer. Exceptions of the engine pass through.
        judge: (item, answer) -> the outcome fields. None means that the engine crashed: nothing is right.
        tally: records of all items -> metrics.
    """

    name: str
    file: str
    about: str
    pose: Callable[[Row, int], Item | None]
    ask: Callable[[Item, Candidate], Answer]
    judge: Callable[[Item, Answer | None], Record]
    tally: Callable[[Sequence[Record]], tuple[Metric, ...]]
