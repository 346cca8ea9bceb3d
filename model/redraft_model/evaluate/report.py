"""The results page: several results as one Markdown text, one table a suite, systems as rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from redraft_model.evaluate.machine import Machine
from redraft_model.evaluate.result import Result


@dataclass(frozen=True)
class Floor:
    """A row measured elsewhere: the suite it stands under, who, how many items, its cells by metric name."""

    suite: str
    system: str
    n: int
    cells: Mapping[str, str] = field(default_factory=dict)


def render(
    results: Sequence[Result],
    *,
    machine: Machine,
    date: str,
    command: str,
    floors: Sequence[Floor] = (),
    about: Mapping[str, str] | None = None,
) -> str:
    """A Markdown page of `results`, grouped by suite in the order given, each suite's `floors` below.

    Cells are the rate and its Wilson 95 % interval in percent, `-` where a system has no such metric. A
    metric whose n is not the row's names its n in the cell. `about` says in one sentence what a suite
    measures.
    """
    suites = list(dict.fromkeys(result.suite for result in results))
    parts = [
        "# Results",
        "",
        f"Measured {date} with `{command}` on {machine}.",
        "Cells: rate and Wilson 95 % interval.",
        "",
    ]
    for suite in suites:
        parts += [f"## {suite}", ""]
        if about and suite in about:
            parts += [about[suite], ""]
        of_suite = [result for result in results if result.suite == suite]
        parts += _table(of_suite, [floor for floor in floors if floor.suite == suite])
        parts.append("")
    return "\n".join(parts)


def _table(results: Sequence[Result], floors: Sequence[Floor]) -> list[str]:
    names = list(dict.fromkeys(metric.name for result in results for metric in result.metrics))
    names += [name for floor in floors for name in floor.cells if name not in names]
    names = list(dict.fromkeys(names))
    rows = [_row("system", "n", names), "|---|---:|" + "---:|" * len(names)]
    for result in results:
        cells = {metric.name: metric.cell() for metric in result.metrics}
        for metric in result.metrics:
            if metric.n not in (0, result.n):
                cells[metric.name] += f" of {metric.n}"
        n = str(result.n) if result.limit is None else f"{result.n} (subset, seed {result.seed})"
        rows.append(_row(result.name, n, [cells.get(name, "-") for name in names]))
    rows += [
        _row(floor.system, str(floor.n), [floor.cells.get(name, "-") for name in names]) for floor in floors
    ]
    return rows


def _row(system: str, n: str, cells: Sequence[str]) -> str:
    # A pipe in a name would start a new cell.
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in (system, n, *cells)) + " |"
