"""The figures of a calibration: how reliable stated likelihoods are, and what a larger search buys."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median
from typing import TYPE_CHECKING

from redraft_model.evaluate.proportion import wilson
from redraft_model.fit.gathering import RepairOutcome
from redraft_model.fit.judging import Prediction, bins
from redraft_model.train.curves import require_drawable

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Budget:
    """One setting of the search, and what became of the same pieces under it."""

    name: str
    outcomes: tuple[RepairOutcome, ...]

    @property
    def n_right(self) -> int:
        """Pieces that are again what they were."""
        return sum(outcome.is_right for outcome in self.outcomes)

    @property
    def milliseconds(self) -> float:
        """Processor time of a repair, mean."""
        return mean(outcome.milliseconds for outcome in self.outcomes)

    def row(self) -> str:
        """One row of the table."""
        n = len(self.outcomes)
        low, high = wilson(self.n_right, n)
        middle = median(outcome.milliseconds for outcome in self.outcomes)
        share = f"{100 * self.n_right / n:.0f} % [{100 * low:.0f}, {100 * high:.0f}]"
        return f"| {self.name} | {n} | {share} | {self.milliseconds:.0f} | {middle:.0f} |"


def draw_reliability(judged: Mapping[str, Sequence[Prediction]], out: Path) -> None:
    """Write what share is right over the likelihood that was stated, with Wilson 95 % intervals; one curve for each name."""
    require_drawable(out)
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.2, 3.6), layout="constrained")
    panel = figure.subplots()
    panel.plot([0, 1], [0, 1], color="grey", linestyle=":", label="perfect")
    for number, (name, each) in enumerate(judged.items()):
        points = bins(each)
        x, y = [stated for stated, _, _ in points], [n_right / n for _, n_right, n in points]
        intervals = [wilson(n_right, n) for _, n_right, n in points]
        below = [value - low for value, (low, _) in zip(y, intervals, strict=True)]
        above = [high - value for value, (_, high) in zip(y, intervals, strict=True)]
        panel.errorbar(
            x,
            y,
            [below, above],
            color=f"C{number}",
            marker="o",
            capsize=3,
            label=f"{name}, n = {len(each)}",
        )
        for stated, n_right, n in points:
            panel.annotate(
                str(n), (stated, n_right / n), xytext=(5, -10), textcoords="offset points", fontsize="small"
            )
    panel.set_xlabel("stated probability")
    panel.set_ylabel("share that is right")
    panel.set_xlim(0, 1)
    panel.set_ylim(0, 1.02)
    panel.grid(alpha=0.3)
    panel.legend(loc="upper left", fontsize="small")
    save(figure, out)


def draw_budgets(budgets: Sequence[Budget], out: Path) -> None:
    """Write the share of right repairs over the processor time of one, a point for each budget."""
    require_drawable(out)
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.2, 3.6), layout="constrained")
    panel = figure.subplots()
    for number, budget in enumerate(budgets):
        low, high = wilson(budget.n_right, len(budget.outcomes))
        share = budget.n_right / len(budget.outcomes)
        bars = [[share - low], [high - share]]
        panel.errorbar(
            [budget.milliseconds], [share], bars, color=f"C{number}", marker="o", capsize=3, label=budget.name
        )
    panel.set_xlabel("processor milliseconds of a repair, mean")
    panel.set_ylabel("share that is right")
    panel.set_xlim(left=0)
    panel.set_ylim(0, 1.02)
    panel.grid(alpha=0.3)
    panel.legend(loc="lower right", fontsize="small")
    save(figure, out)


def save(figure: "Figure", out: Path) -> None:
    """Write a figure so that the same numbers give the same file: no date, and names that do not change."""
    from matplotlib import rc_context

    out.parent.mkdir(parents=True, exist_ok=True)
    with rc_context({"svg.hashsalt": "redraft"}):
        figure.savefig(out, dpi=150, metadata={"Date": None} if out.suffix == ".svg" else None)
