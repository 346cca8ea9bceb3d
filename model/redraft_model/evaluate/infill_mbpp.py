"""Infilling on MBPP: one line of each solution is blanked and the engine chooses how much to write.

The blanked line is drawn per item from the lines that hold a name, are not part of a string of several
lines, and are no `def`, `class` or decorator line (its name is in the tests alone). The whole line goes,
indentation included; its newline stays, and the engine is asked for one line of any length. Beside the
engine stand three fillers that read nothing: the empty line, the previous line again, and `pass`.

Austin et al., Program Synthesis with Large Language Models, 2021, https://arxiv.org/abs/2108.07732.
"""

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from redraft_model.data.benchmark_file import Row
from redraft_model.evaluate.lexing import line_tokens
from redraft_model.evaluate.parsing import parses, tree
from redraft_model.evaluate.result import Metric, Record
from redraft_model.evaluate.running import holds
from redraft_model.evaluate.suite import Candidate, Suite
from redraft_model.passage import Passage

FILLERS = ("empty line", "previous line", "pass")


@dataclass(frozen=True)
class Item:
    """A solution with one line blanked, that line, and the tests that follow the solution in its module."""

    id: str
    before: str
    line: str
    after: str
    tests: tuple[str, ...]

    def filled(self, text: str) -> str:
        """The whole solution with `text` in the hole."""
        return self.before + text + self.after


def _pose(row: Row, seed: int) -> Item | None:
    name = str(row.json("task_id"))
    code = row.text("code").rstrip("\n") + "\n"
    numbers = _lines_to_blank(code)
    if not numbers:
        return None
    # Seeded by the item, so that a subset blanks the same lines as the whole.
    number = Random(f"{seed}/{name}").choice(numbers)
    lines = code.split("\n")
    return Item(
        id=name,
        before="".join(line + "\n" for line in lines[:number]),
        line=lines[number],
        after="\n" + "\n".join(lines[number + 1 :]),
        tests=(row.text("test_setup_code"), *row.texts("test_list")),
    )


def _ask(item: Item, engine: Candidate) -> str:
    drafts = engine.complete(Passage(item.before, "", item.after), single_line=True)
    return drafts[0].text if drafts else ""


def _judge(item: Item, answer: str | None) -> Record:
    filled = None if answer is None else item.filled(answer)
    record: Record = {
        "exact": answer is not None and answer.strip() == item.line.strip(),
        "parses": filled is not None and parses(filled),
        "tests": filled is not None and _passes(filled, item.tests),
    }
    for name, text in zip(FILLERS, ("", _previous_line(item), _pass_line(item)), strict=True):
        record[f"exact: {name}"] = text.strip() == item.line.strip()
        record[f"tests: {name}"] = _passes(item.filled(text), item.tests)
    return record


def _tally(records: Sequence[Record]) -> tuple[Metric, ...]:
    engine = (
        Metric.share("exact match", records, "exact"),
        Metric.share("parse", records, "parses"),
        Metric.share("tests", records, "tests"),
    )
    fillers = [
        Metric.share(f"{metric}, {name}", records, f"{field}: {name}")
        for name in FILLERS
        for metric, field in (("exact match", "exact"), ("tests", "tests"))
    ]
    return (*engine, *fillers)


SUITE = Suite(
    name="infill_mbpp",
    file="infill_mbpp.jsonl.gz",
    about="One blanked line of an MBPP solution, length chosen by the model: same line, parses, tests.",
    pose=_pose,
    ask=_ask,
    judge=_judge,
    tally=_tally,
)


def _lines_to_blank(code: str) -> list[int]:
    module = tree(code)
    if module is None:
        return []
    in_string: set[int] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Constant | ast.JoinedStr):
            last = node.end_lineno or node.lineno
            if last > node.lineno:
                in_string.update(range(node.lineno - 1, last))
    return [
        number
        for number, line in enumerate(code.split("\n"))
        if number not in in_string and _is_to_blank(line_tokens(line))
    ]


def _is_to_blank(content: list[str]) -> bool:
    has_name = any(token.isidentifier() for token in content)
    return has_name and content[0] not in {"def", "class", "@"} and content[:2] != ["async", "def"]


def _passes(program: str, tests: tuple[str, ...]) -> bool:
    return parses(program) and holds(program, tests)


def _previous_line(item: Item) -> str:
    return item.before.rstrip("\n").rpartition("\n")[2]


def _pass_line(item: Item) -> str:
    """`pass`, as deep as the previous line, or one step deeper where that opens a block."""
    line = _previous_line(item)
    indentation = line[: len(line) - len(line.lstrip())]
    if line_tokens(line)[-1:] != [":"]:
        return indentation + "pass"
    return indentation + ("\t" if indentation.startswith("\t") else "    ") + "pass"
