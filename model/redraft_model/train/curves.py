"""Curves: a run's metrics as one figure. Needs matplotlib, the extra `train`.

python -m redraft_model.train.curves RUN --out FILE
"""

import argparse
import importlib.util
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from redraft_model.errors import DataError, RedraftError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

METRICS_FILE = "metrics.jsonl"
FORMATS = (".png", ".svg", ".pdf")
# A kind of label has the same colour in every panel.
KINDS = {"substitute": "C0", "delete": "C1", "insert": "C2", "mask": "C3", "keep": "0.6", "causal": "0.3"}
SMOOTHED = 5  # rows
N_COLUMNS = 4

Row = Mapping[str, float]


def read_rows(run: Path) -> list[Row]:
    """The rows of a run's metrics in order; DataError when there are none.

    A run that was killed goes on from its last save: what it wrote after that is written again, and only the later rows count.
    """
    path = run / METRICS_FILE
    rows: list[Row] = []
    try:
        lines = path.read_text("utf-8").splitlines()
    except OSError as error:
        raise DataError(f"cannot read {path} ({error.strerror}); name the folder of a run") from error
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            step = row["step"]
        except (ValueError, TypeError, KeyError) as error:
            raise DataError(f"line {number} of {path} is no row of metrics; delete that line") from error
        if rows and step < rows[-1]["step"]:
            rows = [earlier for earlier in rows if earlier["step"] < step]
        rows.append(row)
    if not rows:
        raise DataError(f"{path} is empty; train for a while first")
    return rows


def require_drawable(out: Path) -> None:
    """DataError unless a figure can be written to a file of that name."""
    if out.suffix not in FORMATS:
        raise DataError(f"{out} is no figure; choose a name that ends in {', '.join(FORMATS)}")
    if importlib.util.find_spec("matplotlib") is None:
        raise DataError("curves need matplotlib; install redraft[train]")


def draw(run: Path, out: Path) -> None:
    """Write the figure of the run in folder `run` to `out`, over millions of tokens seen.

    Panels: training loss, tokens per second with and without the wait for noise, and per forward process the held-out accuracy
    of every kind of label.
    """
    require_drawable(out)
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    rows = read_rows(run)
    processes = sorted({name.split("/")[1] for row in rows for name in row if name.startswith("accuracy/")})
    n_panels = 2 + len(processes)
    n_columns = min(N_COLUMNS, n_panels)
    n_rows = -(-n_panels // n_columns)
    figure = Figure(figsize=(3.6 * n_columns, 2.7 * n_rows), layout="constrained")
    panels = figure.subplots(n_rows, n_columns, squeeze=False).flatten()
    _draw_loss(panels[0], rows)
    _draw_rate(panels[1], rows)
    for panel, process in zip(panels[2:], processes, strict=False):
        _draw_accuracy(panel, rows, process)
    for panel in panels[n_panels:]:
        panel.remove()
    for panel in panels[:n_panels]:
        panel.set_xlabel("million tokens")
        panel.grid(alpha=0.3)
    out.parent.mkdir(parents=True, exist_ok=True)
    # The same metrics give the same file: no date, and names that do not change.
    with rc_context({"svg.hashsalt": "redraft"}):
        figure.savefig(out, dpi=150, metadata={"Date": None} if out.suffix == ".svg" else None)


def curve(rows: Sequence[Row], name: str) -> tuple[list[float], list[float]]:
    """Millions of tokens and values of one metric, where it was measured."""
    points = [(row["tokens"] / 1e6, row[name]) for row in rows if name in row]
    return [x for x, _ in points], [y for _, y in points]


def smoothed(values: Sequence[float], n: int = SMOOTHED) -> list[float]:
    """Means over up to `n` values around each."""
    half = n // 2
    windows = (values[max(0, i - half) : i + half + 1] for i in range(len(values)))
    return [sum(window) / len(window) for window in windows]


def _draw_loss(panel: "Axes", rows: Sequence[Row]) -> None:
    x, y = curve(rows, "loss")
    panel.plot(x, y, color="C0", alpha=0.3)
    panel.plot(x, smoothed(y), color="C0")
    panel.set_title("training loss")


def _draw_rate(panel: "Axes", rows: Sequence[Row]) -> None:
    for name, label in (("tokens_per_second", "all"), ("tokens_per_second_without_noise", "without noise")):
        panel.plot(*curve(rows, name), label=label)
    panel.set_ylim(bottom=0)
    panel.set_title("tokens per second")
    panel.legend()


def _draw_accuracy(panel: "Axes", rows: Sequence[Row], process: str) -> None:
    for kind, colour in KINDS.items():
        x, y = curve(rows, f"accuracy/{process}/{kind}")
        if x:
            panel.plot(x, y, color=colour, label=kind, marker="." if len(x) < 3 else None)
    panel.set_ylim(0, 1)
    panel.set_title(f"held-out accuracy: {process}")
    panel.legend(loc="best", fontsize="small")


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw the curves of one run; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="redraft_model.train.curves", description="Draw the metrics of a run."
    )
    parser.add_argument("run", type=Path, help=f"folder with a {METRICS_FILE}")
    parser.add_argument("--out", type=Path, required=True, help="the figure: .png, .svg or .pdf")
    options = parser.parse_args(arguments)
    try:
        draw(options.run, options.out)
    except RedraftError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
