"""ConDefects: real one-line fixes of AtCoder submissions. Both sides parse; nothing is run.

Wu et al., ConDefects, 2023, https://arxiv.org/abs/2310.16253.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

from redraft_model.data.benchmark_file import Row
from redraft_model.evaluate.lexing import is_same_code
from redraft_model.evaluate.parsing import parses
from redraft_model.evaluate.result import Metric, Record
from redraft_model.evaluate.suite import Candidate, Suite


@dataclass(frozen=True)
class Item:
    """A wrong submission and an accepted one, one line apart."""

    id: str
    before: str
    after: str


def _pose(row: Row, _seed: int) -> Item:
    return Item(row.text("id"), row.text("before"), row.text("after"))


def _ask(item: Item, engine: Candidate) -> str:
    return engine.repair(item.before, semantic=True).text


def _judge(item: Item, answer: str | None) -> Record:
    if answer is None:
        return {"changed": False, "exact": False, "line": False, "parses": False}
    return {
        "changed": answer != item.before,
        "exact": is_same_code(answer, item.after),
        "line": is_on_the_line(item.before, item.after, answer),
        "parses": parses(answer),
    }


def is_on_the_line(before: str, after: str, answer: str) -> bool:
    """Whether `answer` changes the lines of `before` that `after` changes and no other."""
    wrong = _changed_lines(before, after)
    return bool(wrong) and _changed_lines(before, answer) == wrong


def _changed_lines(before: str, after: str) -> set[int]:
    """Line numbers of `before`, from 0; a line inserted before line k counts as k."""
    changed: set[int] = set()
    for operation in Levenshtein.opcodes(_lines(before), _lines(after)):
        if operation.tag != "equal":
            changed.update(range(operation.src_start, max(operation.src_end, operation.src_start + 1)))
    return changed


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.rstrip().split("\n")]


def _tally(records: Sequence[Record]) -> tuple[Metric, ...]:
    return (
        Metric.share("exact match", records, "exact"),
        Metric.share("right line", records, "line"),
        Metric.share("changed", records, "changed"),
        Metric.share("parse", records, "parses"),
    )


SUITE = Suite(
    name="logic_condefects",
    file="logic_condefects_to_2023.jsonl.gz",
    about="Real one-line fixes of AtCoder submissions: the author's own repair, or one on the author's line.",
    pose=_pose,
    ask=_ask,
    judge=_judge,
    tally=_tally,
)
