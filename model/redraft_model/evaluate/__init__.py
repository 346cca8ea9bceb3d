"""The development benchmarks: one suite per file, all judged without the engine's own verifier.

A suite reads one benchmark file from a folder the caller names; the benchmarks themselves are not part of
the project. Records hold outcomes only, never the benchmark's texts.
"""

import platform
from collections.abc import Callable
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Any

from redraft_model.data.benchmark_file import read_rows
from redraft_model.errors import DataError, RedraftError
from redraft_model.evaluate import (
    false_alarms,
    great_varmisuse,
    infill_mbpp,
    logic_condefects,
    logic_debugbench,
    syntax_cpython,
    syntax_pydex,
    syntax_ruff,
    young,
)
from redraft_model.evaluate.result import Metric, Record, Result
from redraft_model.evaluate.suite import Candidate, Suite

__all__ = ["SUITES", "Candidate", "Metric", "Result", "Suite", "run_suite"]

SUITES: dict[str, Suite[Any, Any]] = {
    module.SUITE.name: module.SUITE
    for module in (
        syntax_pydex,
        syntax_cpython,
        syntax_ruff,
        infill_mbpp,
        great_varmisuse,
        logic_debugbench,
        logic_condefects,
        false_alarms,
        young,
    )
}


def _no_progress(_done: int, _total: int) -> None:
    pass


def run_suite(
    name: str,
    data: Path,
    engine: Candidate,
    *,
    limit: int | None = None,
    seed: int = 0,
    split: str = "dev",
    progress: Callable[[int, int], None] = _no_progress,
) -> Result:
    """What the suite `name` finds when it asks `engine`.

    Args:
        name: One of `SUITES`.
        data: The benchmark folder, or the suite's file itself.
        engine: Who is asked. An exception counts as a crash, with nothing right; Cancelled ends the run.
        limit: Try a random subset of at most this many items, in the file's order.
        seed: Draws the subset, and whatever else the suite draws.
        split: Which items of a suite that has splits: "dev" while working, "test" for the last measurement.
        progress: Called with (items done, items in all) after each item.

    Raises:
        DataError: no such suite or file, a file that is damaged or of another suite, or a `limit` below 1.
    """
    suite = _suite(name)
    if limit is not None and limit < 1:
        raise DataError(f"a limit of {limit} leaves no item to try; pass 1 or more")
    start = perf_counter()
    every = _items(suite, data, seed, split)
    if limit is not None and limit >= len(every):
        limit = None
    items = every if limit is None else _subset(every, limit, seed)
    records: list[Record] = []
    for item in items:
        records.append(_try(suite, item, engine))
        progress(len(records), len(items))
    return Result(
        suite=suite.name,
        system=engine.about.name,
        n=len(items),
        metrics=(*suite.tally(records), Metric.share("crashed", records, "crashed")),
        seconds=perf_counter() - start,
        engine_seconds=sum(float(record["seconds"]) for record in records),
        seed=seed,
        limit=limit,
        python=platform.python_version(),
        records=tuple(records),
        is_trained_on=suite.file.partition(".")[0] in engine.about.origins,
        split=split if suite.has_splits else "",
    )


# What an engine can raise by mistake. Cancelled is a wish of the caller and ends the run, like Ctrl+C.
_CRASHES = (
    RedraftError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    NameError,
    OSError,
    RuntimeError,
    StopIteration,
    SyntaxError,
    TypeError,
    ValueError,
)


def _suite(name: str) -> Suite[Any, Any]:
    if name not in SUITES:
        raise DataError(f"there is no suite {name}; choose from {', '.join(SUITES)}")
    return SUITES[name]


def _items(suite: Suite[Any, Any], data: Path, seed: int, split: str) -> list[Any]:
    path = data if data.is_file() else data / suite.file
    rows = [row for row in read_rows(path) if not suite.has_splits or row.text("split") == split]
    items = [item for row in rows if (item := suite.pose(row, seed)) is not None]
    if not items:
        name = f"{suite.name}, split {split}" if suite.has_splits else suite.name
        raise DataError(f"{path} holds no item for the suite {name}; is it the right benchmark file?")
    return items


def _subset(items: list[Any], limit: int, seed: int) -> list[Any]:
    return [items[index] for index in sorted(Random(seed).sample(range(len(items)), limit))]


def _try(suite: Suite[Any, Any], item: Any, engine: Candidate) -> Record:
    record: Record = {"id": item.id, "crashed": False}
    start = perf_counter()
    answer = None
    try:
        answer = suite.ask(item, engine)
    except _CRASHES as error:
        record |= {"crashed": True, "error": f"{type(error).__name__}: {error}"}
    record["seconds"] = round(perf_counter() - start, 6)
    return record | suite.judge(item, answer)
