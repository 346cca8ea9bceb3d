"""CPython's own bad-syntax snippets: many are small and odd; the engine must survive all of them."""

from dataclasses import dataclass

from redraft_model.data.benchmark_file import Row
from redraft_model.evaluate.result import Record
from redraft_model.evaluate.suite import Candidate, Suite
from redraft_model.evaluate.syntax_repair import judge_repair, repair_metrics


@dataclass(frozen=True)
class Item:
    """A snippet CPython's tests say must not parse."""

    id: str
    before: str


def _pose(row: Row, _seed: int) -> Item:
    return Item(row.text("id"), row.text("before"))


def _ask(item: Item, engine: Candidate) -> str:
    return engine.repair(item.before).text


def _judge(item: Item, answer: str | None) -> Record:
    return judge_repair(item.before, answer)


SUITE = Suite(
    name="syntax_cpython",
    file="syntax_cpython.jsonl.gz",
    about="Bad-syntax snippets of CPython's test suite: repaired text parses, the engine never crashes.",
    pose=_pose,
    ask=_ask,
    judge=_judge,
    tally=repair_metrics,
)
