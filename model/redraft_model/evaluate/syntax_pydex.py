"""PyDex: real student programs that do not parse, with a repaired version and tests over standard input."""

from collections.abc import Sequence
from dataclasses import dataclass

from redraft_model.data.benchmark_file import Row
from redraft_model.evaluate.lexing import is_same_code
from redraft_model.evaluate.result import Metric, Record
from redraft_model.evaluate.running import prints_expected
from redraft_model.evaluate.suite import Candidate, Suite
from redraft_model.evaluate.syntax_repair import judge_repair, repair_metrics


@dataclass(frozen=True)
class Item:
    """A broken program, one way to repair it, and (stdin, stdout) pairs."""

    id: str
    before: str
    after: str
    tests: tuple[tuple[str, str], ...]


def _pose(row: Row, _seed: int) -> Item:
    tests = tuple((test.text("input"), test.text("output")) for test in row.rows("stdin_tests"))
    return Item(row.text("id"), row.text("before"), row.text("after"), tests)


def _ask(item: Item, engine: Candidate) -> str:
    return engine.repair(item.before).text


def _judge(item: Item, answer: str | None) -> Record:
    record = judge_repair(item.before, answer)
    is_parsed = answer is not None and record["parses"] is True
    return record | {
        "tests": answer is not None and is_parsed and prints_expected(answer, item.tests),
        "exact": answer is not None and is_same_code(answer, item.after),
    }


def _tally(records: Sequence[Record]) -> tuple[Metric, ...]:
    return (
        *repair_metrics(records),
        Metric.share("tests", records, "tests"),
        Metric.share("exact match", records, "exact"),
    )


SUITE = Suite(
    name="syntax_pydex",
    file="syntax_pydex.jsonl.gz",
    about="Student programs that do not parse: repaired text parses, by at most 4 token edits, passes tests.",
    pose=_pose,
    ask=_ask,
    judge=_judge,
    tally=_tally,
)
