"""ruff's bad-syntax snippets. Some parse here: ruff also tests errors of other Python versions."""

from collections.abc import Sequence
from dataclasses import dataclass

from redraft_model.data.benchmark_file import Row
from redraft_model.evaluate.parsing import parses
from redraft_model.evaluate.result import Metric, Record
from redraft_model.evaluate.suite import Candidate, Suite
from redraft_model.evaluate.syntax_repair import judge_repair, repair_metrics


@dataclass(frozen=True)
class Item:
    """A snippet ruff's parser objects to, often with several errors in a row."""

    id: str
    before: str


def _pose(row: Row, _seed: int) -> Item:
    return Item(row.text("id"), row.text("before"))


def _ask(item: Item, engine: Candidate) -> str:
    return engine.repair(item.before).text


def _judge(item: Item, answer: str | None) -> Record:
    return judge_repair(item.before, answer) | {
        "before_parses": parses(item.before),
        "changed": answer is not None and answer != item.before,
    }


def _tally(records: Sequence[Record]) -> tuple[Metric, ...]:
    broken = [record for record in records if not record["before_parses"]]
    sound = [record for record in records if record["before_parses"]]
    return (
        *repair_metrics(broken),
        Metric.share("false alarm, snippets that parse here", sound, "changed"),
    )


SUITE = Suite(
    name="syntax_ruff",
    file="syntax_ruff.jsonl.gz",
    about="Bad-syntax snippets of ruff's parser tests: repaired text parses, the engine never crashes.",
    pose=_pose,
    ask=_ask,
    judge=_judge,
    tally=_tally,
)
