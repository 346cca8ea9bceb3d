"""Curves: what is drawn is what was measured."""

import json
from pathlib import Path

import pytest
from redraft_model.errors import DataError
from redraft_model.train.curves import curve, draw, main, read_rows, smoothed

ROWS = [
    {"step": 50, "tokens": 1_000_000, "loss": 5.0, "tokens_per_second": 10.0, "tokens_per_second_without_noise": 12.0},
    {"step": 60, "tokens": 1_200_000, "accuracy/syntax/insert": 0.1, "accuracy/mask/keep": 0.9, "loss/mask/keep": 1.0},
    {"step": 100, "tokens": 2_000_000, "loss": 4.0, "tokens_per_second": 11.0, "tokens_per_second_without_noise": 12.5},
    {"step": 120, "tokens": 2_400_000, "accuracy/syntax/insert": 0.2, "accuracy/mask/keep": 0.95},
]  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> Path:
    write(tmp_path, ROWS)
    return tmp_path


def write(folder: Path, rows: list[dict[str, float]]) -> None:
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_a_curve_has_a_point_where_its_metric_was_measured(run: Path) -> None:
    rows = read_rows(run)
    assert curve(rows, "loss") == ([1.0, 2.0], [5.0, 4.0])
    assert curve(rows, "accuracy/syntax/insert") == ([1.2, 2.4], [0.1, 0.2])
    assert curve(rows, "accuracy/edit/insert") == ([], [])


def test_rows_written_again_after_a_crash_count_once(run: Path) -> None:
    again = [{"step": 80, "tokens": 1_600_000, "loss": 4.5}, {"step": 130, "tokens": 2_600_000, "loss": 3.0}]
    write(run, [*ROWS, *again])
    assert [row["step"] for row in read_rows(run)] == [50, 60, 80, 130]


def test_smoothing_is_a_mean_of_neighbours() -> None:
    assert smoothed([1, 2, 6, 3], 3) == [1.5, 3, 11 / 3, 4.5]
    assert smoothed([], 3) == []


@pytest.mark.parametrize("name", ["curves.svg", "deeper/curves.png", "curves.pdf"])
def test_the_figure_is_written(run: Path, tmp_path: Path, name: str) -> None:
    assert main([str(run), "--out", str(tmp_path / name)]) == 0
    assert (tmp_path / name).stat().st_size > 3000


def test_the_same_metrics_give_the_same_file(run: Path, tmp_path: Path) -> None:
    for name in ("a.svg", "b.svg"):
        draw(run, tmp_path / name)
    text = (tmp_path / "a.svg").read_text()
    assert text == (tmp_path / "b.svg").read_text()
    # Every process measured has a panel, beside loss and speed.
    for title in (
        "training loss",
        "tokens per second",
        "held-out accuracy: syntax",
        "held-out accuracy: mask",
    ):
        assert f"<!-- {title} -->" in text


def test_what_cannot_be_drawn_is_said(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(run), "--out", str(tmp_path / "curves.txt")]) == 2
    assert "choose a name that ends in .png, .svg, .pdf" in capsys.readouterr().err
    with pytest.raises(DataError, match="name the folder of a run"):
        read_rows(run / "nowhere")
    (run / "metrics.jsonl").write_text('{"step": 1, "tokens": 2}\n{"step": 3, "tok')
    with pytest.raises(DataError, match="line 2 of"):
        read_rows(run)
    write(run, [])
    with pytest.raises(DataError, match="train for a while first"):
        read_rows(run)
