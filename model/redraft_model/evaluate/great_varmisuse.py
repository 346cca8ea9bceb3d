"""GREAT variable misuse: functions in which one name was replaced by another in scope; half are clean.

Hellendoorn et al., Global Relational Models of Source Code, ICLR 2020,
https://openreview.net/forum?id=B1lnbRNtwr.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

from redraft_model.data.benchmark_file import Row
from redraft_model.evaluate.lexing import tokens
from redraft_model.evaluate.parsing import is_same_tree
from redraft_model.evaluate.result import Metric, Record
from redraft_model.evaluate.suite import Candidate, Suite


@dataclass(frozen=True)
class Item:
    """A function, the function as it was written, and whether the two differ."""

    id: str
    code: str
    fixed: str
    has_bug: bool


def _pose(row: Row, _seed: int) -> Item:
    return Item(str(row.number), row.text("buggy"), row.text("fixed"), row.flag("has_bug"))


def _ask(item: Item, engine: Candidate) -> str:
    return engine.repair(item.code, semantic=True).text


def _judge(item: Item, answer: str | None) -> Record:
    is_changed = answer is not None and answer != item.code
    is_right = answer is not None and (is_same_tree(answer, item.fixed) if item.has_bug else not is_changed)
    return {
        "has_bug": item.has_bug,
        "changed": is_changed,
        "localised": item.has_bug and answer is not None and is_at_the_bug(item.code, item.fixed, answer),
        "right": is_right,
    }


def is_at_the_bug(buggy: str, fixed: str, answer: str) -> bool:
    """Whether `answer` changes `buggy` where `fixed` does, and nowhere else, whatever it puts there.

    Positions are token positions of `buggy`; a token inserted directly before or after the wrong one is in
    the right place.
    """
    buggy_tokens = tokens(buggy)
    wrong = _places(buggy_tokens, tokens(fixed))
    changed = _places(buggy_tokens, tokens(answer))
    if not wrong or not changed:
        return False
    start, end = min(wrong)[0], max(place_end for _, place_end in wrong)
    return all(start <= place_start and place_end <= end for place_start, place_end in changed)


def _places(before: list[str], after: list[str]) -> list[tuple[int, int]]:
    operations = Levenshtein.opcodes(before, after)
    return [(each.src_start, each.src_end) for each in operations if each.tag != "equal"]


def _tally(records: Sequence[Record]) -> tuple[Metric, ...]:
    buggy = [record for record in records if record["has_bug"]]
    clean = [record for record in records if not record["has_bug"]]
    return (
        Metric.share("localised, buggy half", buggy, "localised"),
        Metric.share("repaired, buggy half", buggy, "right"),
        Metric.share("false alarm, clean half", clean, "changed"),
        Metric.share("joint accuracy, all", records, "right"),
    )


SUITE = Suite(
    name="great_varmisuse",
    file="logic_great_varmisuse.jsonl.gz",
    about="Variable misuse: the buggy half is repaired to the original tree, the clean half is left alone.",
    pose=_pose,
    ask=_ask,
    judge=_judge,
    tally=_tally,
)
