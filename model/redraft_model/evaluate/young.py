"""Young code: bugs, syntax errors and holes in code that is younger than any network that could have it in memory.

`redraft data young` makes the file from packages of the user's choice. Its items are of five kinds: functions in which one name,
operator or literal was changed, functions that were left alone, pieces with one or two syntax errors, whole lines taken out of
a file, and rests of lines taken out of it. A repair or a text is right when it gives back the code that was there.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from redraft_model.data.benchmark_file import Row
from redraft_model.evaluate.great_varmisuse import is_at_the_bug
from redraft_model.evaluate.lexing import is_same_code
from redraft_model.evaluate.parsing import parses
from redraft_model.evaluate.result import Metric, Record
from redraft_model.evaluate.suite import Candidate, Suite
from redraft_model.passage import Passage

MEANING = ("misuse", "clean")
HOLES = ("line", "rest")


@dataclass(frozen=True)
class Item:
    """One item of one kind; `missing` is the text of a hole between `before` and `after`.

    Without a hole `before` is the text to repair and `after` the right one.
    """

    id: str
    kind: str
    package: str
    before: str
    missing: str
    after: str

    @property
    def right(self) -> str:
        """The whole text as it was written."""
        return self.whole(self.missing) if self.kind in HOLES else self.after

    def whole(self, answer: str) -> str:
        """The whole text that an answer leads to."""
        return self.before + answer + self.after if self.kind in HOLES else answer


def _pose(row: Row, _seed: int) -> Item | None:
    kind = row.text("kind")
    if kind not in (*MEANING, "syntax", *HOLES):
        return None
    missing = row.text("missing") if kind in HOLES else ""
    return Item(row.text("id"), kind, row.text("package"), row.text("before"), missing, row.text("after"))


def _ask(item: Item, engine: Candidate) -> str:
    if item.kind in HOLES:
        drafts = engine.complete(Passage(item.before, "", item.after), single_line=True)
        return drafts[0].text if drafts else ""
    return engine.repair(item.before, semantic=item.kind in MEANING).text


def _judge(item: Item, answer: str | None) -> Record:
    whole = None if answer is None else item.whole(answer)
    return {
        "kind": item.kind,
        "package": item.package,
        "exact": whole is not None and is_same_code(whole, item.right),
        "parses": whole is not None and parses(whole),
        "changed": whole is not None and item.kind not in HOLES and whole != item.before,
        "localised": whole is not None
        and item.kind == "misuse"
        and is_at_the_bug(item.before, item.after, whole),
    }


def _tally(records: Sequence[Record]) -> tuple[Metric, ...]:
    def share(kind: str, name: str, field: str) -> Metric:
        return Metric.share(
            f"{kind}, {name}", [record for record in records if record["kind"] == kind], field
        )

    return (
        share("misuse", "exact", "exact"),
        share("misuse", "localised", "localised"),
        share("misuse", "parse", "parses"),
        share("clean", "false alarm", "changed"),
        *(share(kind, name, field) for kind in ("syntax", *HOLES) for name, field in _PLAIN),
    )


_PLAIN = (("exact", "exact"), ("parse", "parses"))

SUITE = Suite(
    name="young",
    file="young.jsonl.gz",
    about="Packages of 2026 and this repository: planted bugs, functions left alone, syntax errors, and holes within a line.",
    pose=_pose,
    ask=_ask,
    judge=_judge,
    tally=_tally,
    has_splits=True,
)
