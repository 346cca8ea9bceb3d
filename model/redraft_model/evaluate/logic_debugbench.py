"""DebugBench: planted bugs in LeetCode solutions, scored by calling the method of the repaired text.

Tian et al., DebugBench, ACL 2024 findings, https://arxiv.org/abs/2401.04621.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from redraft_model.data.benchmark_file import Row
from redraft_model.errors import DataError
from redraft_model.evaluate.lexing import is_same_code
from redraft_model.evaluate.parsing import parses
from redraft_model.evaluate.result import Metric, Record
from redraft_model.evaluate.running import holds
from redraft_model.evaluate.suite import Candidate, Suite

SEVERAL_BUGS = frozenset({"double", "triple", "quadruple"})
"""Categories that count bugs; every other one names the kind of the single bug."""

ENVIRONMENT = """\
import bisect, collections, copy, datetime, functools, heapq, itertools, math, operator, random, re
import string, sys
from bisect import *
from collections import *
from functools import *
from heapq import *
from itertools import *
from math import *
from operator import *
from string import *
from typing import *
from math import pow, gcd
from builtins import pow
inf = math.inf
"""
"""What LeetCode imports before a solution, as far as solutions rely on it."""

COMPARISON = """\
def _redraft_same(value, expected):
    if isinstance(expected, list) and isinstance(value, (list, tuple)):
        return len(value) == len(expected) and all(map(_redraft_same, value, expected))
    if isinstance(expected, float) and isinstance(value, (int, float)):
        return abs(value - expected) <= 1e-5 * max(1.0, abs(expected))
    return value == expected
"""


@dataclass(frozen=True)
class Item:
    """A solution with planted bugs, the original, and the calls (arguments, expected value) of one method."""

    id: str
    category: str
    before: str
    after: str
    method: str
    calls: tuple[tuple[list[object], object], ...]


def _pose(row: Row, _seed: int) -> Item:
    tests = row.row("call_tests")
    return Item(
        id=row.text("id"),
        category=row.text("category"),
        before=row.text("before"),
        after=row.text("after"),
        method=tests.text("method"),
        calls=tuple((_arguments(row, arguments), expected) for arguments, expected in tests.pairs("cases")),
    )


def _ask(item: Item, engine: Candidate) -> str:
    return engine.repair(item.before, semantic=True).text


def _judge(item: Item, answer: str | None) -> Record:
    is_parsed = answer is not None and parses(answer)
    return {
        "before_parses": parses(item.before),
        "several_bugs": item.category in SEVERAL_BUGS,
        "category": item.category,
        "changed": answer is not None and answer != item.before,
        "parses": is_parsed,
        "tests": answer is not None and is_parsed and passes_calls(answer, item.method, item.calls),
        "exact": answer is not None and is_same_code(answer, item.after),
    }


def passes_calls(solution: str, method: str, calls: Sequence[tuple[list[object], object]]) -> bool:
    """Whether `Solution().method(*arguments)` gives the expected value for each call, floats to 1e-5."""
    asserts = [
        f"assert _redraft_same(Solution().{method}(*{arguments!r}), {expected!r})"
        for arguments, expected in calls
    ]
    return holds(ENVIRONMENT + solution, [COMPARISON, *asserts])


def _tally(records: Sequence[Record]) -> tuple[Metric, ...]:
    broken = [record for record in records if not record["before_parses"]]
    single = [record for record in records if not record["several_bugs"]]
    single_syntax = [record for record in single if not record["before_parses"]]
    single_logic = [record for record in single if record["before_parses"]]
    several = [record for record in records if record["several_bugs"]]
    return (
        Metric.share("tests", records, "tests"),
        Metric.share("tests, one bug, does not parse", single_syntax, "tests"),
        Metric.share("tests, one bug, parses", single_logic, "tests"),
        Metric.share("tests, several bugs", several, "tests"),
        Metric.share("exact match", records, "exact"),
        Metric.share("parse, of those that did not", broken, "parses"),
    )


SUITE = Suite(
    name="logic_debugbench",
    file="logic_debugbench.jsonl.gz",
    about="Planted bugs in LeetCode solutions, syntax and logic: the repaired method returns what it should.",
    pose=_pose,
    ask=_ask,
    judge=_judge,
    tally=_tally,
)


def _arguments(row: Row, arguments: object) -> list[object]:
    if not isinstance(arguments, list):
        raise DataError(
            f"{row.file} line {row.number}: a call's arguments should be a list; is the file damaged?"
        )
    return arguments
