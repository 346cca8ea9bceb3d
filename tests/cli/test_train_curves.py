"""`redraft train --curves`: the figure is drawn from the run's metrics, and a name that is no figure is refused at once."""

import json
from collections.abc import Callable

import pytest


@pytest.fixture(autouse=True)
def _training(monkeypatch: pytest.MonkeyPatch) -> None:
    from redraft_model.train import loop, trainer

    def train(settings: trainer.TrainSettings, tell: Callable[[str], None]) -> loop.Report:
        settings.out.mkdir()
        row = {"step": 1, "tokens": 1000, "loss": 3.0, "tokens_per_second": 1, "accuracy/syntax/insert": 0.5}
        (settings.out / "metrics.jsonl").write_text(json.dumps(row) + "\n")
        return loop.Report(True, 1, 1000, 5.0, 10.0, 20.0)

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


def test_an_adapter_is_trained_beside_a_base(run, folder, monkeypatch: pytest.MonkeyPatch) -> None:
    from redraft_model.train import adapter_run, loop

    seen = []

    def train(settings: adapter_run.AdapterSettings, tell: Callable[[str], None]) -> loop.Report:
        seen.append(settings)
        return loop.Report(True, 1, 1000, 5.0, 10.0, 20.0)

    monkeypatch.setattr(adapter_run, "train_adapter", train)
    outcome = run(
        "train", "adapter", *NEEDED, "--base", "here", "--rank", 8, "--suffix", "after_prefix", "--rate", 2
    )
    assert outcome.code == 0, outcome.err
    (settings,) = seen
    assert (settings.base.name, settings.adapter.rank, settings.adapter.suffix) == ("here", 8, "after_prefix")
    assert (settings.recipe, settings.rate, settings.batches_per_step) == ("adapter", 3e-3, 2)
    outcome = run("train", "adapter", *NEEDED, "--labels", "none")
    assert outcome.code == 2
    assert "labels of an adapter is vocabulary or head" in outcome.err
