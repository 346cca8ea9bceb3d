"""What a suite is: how a row becomes an item, what the engine is asked, how its answer is judged."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from redraft_model.data.benchmark_file import Row
from redraft_model.evaluate.result import Metric, Record
from redraft_model.passage import Completes, Repairs

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Candidate(Repairs, Completes, Protocol):
    """What a suite needs of an engine; `redraft_model.engine.Engine` is one, and so is every baseline."""


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
        has_splits: Whether the field "split" of a row says "test" where an item is kept for the last measurement, "dev"
            elsewhere.
    """

    name: str
    file: str
    about: str
    pose: Callable[[Row, int], Item | None]
    ask: Callable[[Item, Candidate], Answer]
    judge: Callable[[Item, Answer | None], Record]
    tally: Callable[[Sequence[Record]], tuple[Metric, ...]]
    has_splits: bool = False
