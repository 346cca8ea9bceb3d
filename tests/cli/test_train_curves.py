"""`redraft train --curves`: the figure is drawn from the run's metrics, and a name that is no figure is refused at once."""

import json
from collections.abc import Callable

import pytest


@pytest.fixture(autouse=True)
def _training(monkeypatch: pytest.MonkeyPatch) -> None:
    from redraft_model.train import trainer

    def train(settings: trainer.TrainSettings, tell: Callable[[str], None]) -> trainer.Report:
        settings.out.mkdir()
        row = {"step": 1, "tokens": 1000, "loss": 3.0, "tokens_per_second": 1, "accuracy/syntax/insert": 0.5}
        (settings.out / "metrics.jsonl").write_text(json.dumps(row) + "\n")
        return trainer.Report(True, 1, 1000, 10.0, 20.0)

    monkeypatch.setattr(trainer, "train", train)


NEEDED = ("--data", "shards", "--out", "run", "--tokens", 1000, "--tokenizer", "t.json")


def test_curves_are_drawn_when_training_ends(run, folder) -> None:
    outcome = run("train", "nano", *NEEDED, "--curves", "figures/curves.svg")
    assert outcome.code == 0
    assert json.loads(outcome.out)["tokens"] == 1000
    assert "held-out accuracy: syntax" in (folder / "figures" / "curves.svg").read_text()


def test_a_figure_that_cannot_be_written_is_refused_before_training(run, folder) -> None:
    outcome = run("train", "nano", *NEEDED, "--curves", "curves.doc")
    assert outcome.code == 2
    assert "choose a name that ends in" in outcome.err
    assert not (folder / "run").exists()
