"""False alarms: MBPP's solutions are right, so every change is one. Without `semantic` there may be none."""

from collections.abc import Sequence
from dataclasses import dataclass

from redraft_model.data.benchmark_file import Row
from redraft_model.evaluate.parsing import parses
from redraft_model.evaluate.result import Metric, Record
from redraft_model.evaluate.suite import Candidate, Suite


@dataclass(frozen=True)
class Item:
    """A program that passes its tests."""

    id: str
    code: str


@dataclass(frozen=True)
class Answers:
    """What the engine made of one program, asked about its syntax only and about its meaning too."""

    syntax: str
    semantic: str


def _pose(row: Row, _seed: int) -> Item | None:
    code = row.text("code")
    return Item(str(row.json("task_id")), code) if parses(code) else None


def _ask(item: Item, engine: Candidate) -> Answers:
    return Answers(engine.repair(item.code).text, engine.repair(item.code, semantic=True).text)


def _judge(item: Item, answers: Answers | None) -> Record:
    return {
        "changed": answers is not None and answers.syntax != item.code,
        "changed_semantic": answers is not None and answers.semantic != item.code,
    }


def _tally(records: Sequence[Record]) -> tuple[Metric, ...]:
    return (
        Metric.share("false alarm, semantic", records, "changed_semantic"),
        Metric.share("false alarm, syntax only (must be 0)", records, "changed"),
    )


SUITE = Suite(
    name="false_alarms",
    file="infill_mbpp.jsonl.gz",
    about="Correct MBPP solutions: the share the engine changes.",
    pose=_pose,
    ask=_ask,
    judge=_judge,
    tally=_tally,
)
