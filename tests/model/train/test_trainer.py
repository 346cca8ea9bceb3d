"""The training loop: a run that was stopped goes on to the same numbers, in its time box, alone or in two processes."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from redraft_model.errors import DataError
from redraft_model.network.checkpoint import Training, export_checkpoint, load_checkpoint
from redraft_model.network.config import ModelConfig
from redraft_model.network.hardware import fast_dtype
from redraft_model.network.transformer import Transformer
from redraft_model.tokens.alignment import MASK_ID
from redraft_model.tokens.tokenizer import Tokenizer
from redraft_model.train import trainer
from redraft_model.train.curves import METRICS_FILE
from redraft_model.train.distributed import ProcessGroup
from redraft_model.train.loop import STATE_FILE, Progress, Recent
from redraft_model.train.stages import EDITOR
from redraft_model.train.time_box import TimeBox
from redraft_model.train.trainer import Run, TrainSettings, batch_stream, evaluate, train
from safetensors.torch import load_file

TIMES = ("seconds", "tokens_per_second", "tokens_per_second_without_noise")


@pytest.fixture
def settings(shard_folder: Path, tokenizer_file: Path, tmp_path: Path) -> TrainSettings:
    """About ten steps of the smallest network."""
    return TrainSettings(
        "nano",
        shard_folder,
        tokenizer_file,
        tmp_path / "run",
        tokens=4000,
        batch_tokens=512,
        batches_per_chunk=4,
        longest=96,
        n_workers=0,
        evaluate_every=1500,
        evaluate_batches=2,
        log_every=1,
    )


class Clock:
    """A clock that moves only with work that takes a known time."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def timed(self, work: Callable[..., Any], seconds: float) -> Callable[..., Any]:
        """`work`, which takes `seconds` by this clock."""

        def worked(*arguments: object) -> Any:
            self.now += seconds
            return work(*arguments)

        return worked


def rows(folder: Path) -> list[dict[str, float]]:
    """The metrics, without what depends on the clock."""
    lines = (folder / METRICS_FILE).read_text("utf-8").splitlines()
    return [{k: v for k, v in json.loads(line).items() if k not in TIMES} for line in lines]


def losses(folder: Path) -> list[dict[str, float]]:
    return [row for row in rows(folder) if "loss" in row]


def assert_same_state(one: Path, other: Path) -> None:
    """Weights, optimisers and place in the data agree to the last bit."""
    a, b = load_file(one / STATE_FILE), load_file(other / STATE_FILE)
    assert a.keys() == b.keys()
    assert [name for name in a if not torch.equal(a[name], b[name])] == []


def test_a_run_stopped_by_its_time_box_goes_on_to_the_same_numbers(
    settings: TrainSettings, tmp_path: Path
) -> None:
    straight = train(settings)
    assert straight.finished
    assert straight.tokens >= settings.tokens
    # A box without any room is left after one step, so this stops inside chunks and at their ends.
    boxed = replace(settings, out=tmp_path / "boxed", minutes=0.0)
    reports = []
    while not reports or not reports[-1].finished:
        reports.append(train(boxed))
        assert reports[-1].step == len(reports)
    assert (reports[-1].step, reports[-1].tokens) == (straight.step, straight.tokens)
    assert reports[-1].evaluation == straight.evaluation
    assert losses(boxed.out) == losses(settings.out)
    assert_same_state(boxed.out, settings.out)


def test_a_straight_run_evaluates_where_a_stopped_one_does(settings: TrainSettings, tmp_path: Path) -> None:
    train(settings)
    boxed = replace(settings, out=tmp_path / "boxed", minutes=0.0)
    while not train(boxed).finished:
        pass
    # The stopped run evaluates whenever it stops, among others where the straight one does.
    assert [row for row in rows(settings.out) if "loss" not in row]
    assert [row for row in rows(settings.out) if row not in rows(boxed.out)] == []


def test_a_stopped_run_with_a_worker_is_the_straight_one_without(
    settings: TrainSettings, tmp_path: Path
) -> None:
    train(settings)
    worked = replace(settings, out=tmp_path / "worked", minutes=0.0, n_workers=1)
    train(worked)
    assert train(replace(worked, minutes=None)).finished
    assert losses(worked.out) == losses(settings.out)
    assert_same_state(worked.out, settings.out)


def test_the_loss_falls(settings: TrainSettings) -> None:
    train(replace(settings, tokens=20_000))
    values = [row["loss"] for row in losses(settings.out)]
    assert sum(values[-5:]) / 5 < sum(values[:5]) / 5 - 1.0


def test_a_finished_run_is_left_as_it_is(settings: TrainSettings) -> None:
    report = train(settings)
    state = (settings.out / STATE_FILE).read_bytes()
    again = train(settings)
    assert (again.finished, again.step, again.tokens) == (True, report.step, report.tokens)
    assert (settings.out / STATE_FILE).read_bytes() == state


def test_a_call_ends_with_its_time_box(settings: TrainSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, evaluating, saving = Clock(), 9.0, 4.0
    monkeypatch.setattr(time, "perf_counter", clock)
    monkeypatch.setattr(Run, "step", clock.timed(Run.step, 1.0))
    monkeypatch.setattr(Run, "save", clock.timed(Run.save, saving))
    monkeypatch.setattr(trainer, "evaluate", clock.timed(evaluate, evaluating))
    boxed = replace(settings, tokens=10**9, minutes=2.0, save_minutes=0.5, evaluate_every=10_000)
    report = train(boxed)
    assert not report.finished
    # The box is used, and holds the work at the end, but for what falls due with the last step but one.
    assert 120 - evaluating - saving < clock.now <= 120 + evaluating + saving
    # The state is that of the last step.
    assert Run(boxed).progress.step == report.step > 1


def test_a_budget_of_seconds_ends_a_run_and_its_rate(
    settings: TrainSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(time, "perf_counter", clock)
    factors = []

    def step(run: Run, batches: Any, factor: float) -> Any:
        factors.append(factor)
        clock.now += 1.0
        return real(run, batches, factor)

    real = Run.step
    monkeypatch.setattr(Run, "step", step)
    timed = replace(settings, tokens=10**9, seconds=20.0, recipe="adapt", evaluate_batches=0)
    # Stopped twice, it still takes 20 steps of a second in all.
    for last in (6, 13):
        stopped = train(timed, is_stopped=lambda progress, last=last: progress.step == last)
        assert (stopped.finished, stopped.step, stopped.seconds) == (False, last, last)
    report = train(timed)
    assert (report.finished, report.step, report.seconds) == (True, 20, 20.0)
    assert factors[0] == 0.0
    assert factors[1] == 1.0
    assert factors[1:] == sorted(factors[1:], reverse=True)
    assert factors[-1] == pytest.approx(0.05 / 0.95)
    # It is finished, and without batches for that nothing is evaluated.
    assert train(timed).finished
    assert len(factors) == 20
    assert report.evaluation == {}


def test_what_was_not_logged_when_a_call_stops_is_logged_then(settings: TrainSettings) -> None:
    train(replace(settings, log_every=4, tokens=2000))
    steps = [row["step"] for row in losses(settings.out)]
    assert steps[:-1] == list(range(4, steps[-1], 4))
    assert steps[-1] == Run(settings).progress.step


def test_the_checkpoint_of_a_run_can_be_loaded_and_knows_the_run(settings: TrainSettings) -> None:
    report = train(settings)
    checkpoint = load_checkpoint(settings.out / "checkpoint", torch.device("cpu"))
    assert (checkpoint.training.tokens, checkpoint.training.steps) == (report.tokens, report.step)
    assert checkpoint.training.evaluation == report.evaluation
    weights = load_file(settings.out / STATE_FILE)
    for name, value in checkpoint.model.state_dict().items():
        exact = weights[f"model.{name}"]
        assert (value - exact).abs().max() <= exact.abs().max() / 127


@pytest.mark.parametrize("kind", ["run", "checkpoint"])
def test_a_run_can_start_from_the_weights_of_another(
    settings: TrainSettings, tmp_path: Path, kind: str
) -> None:
    report = train(settings)
    folder = settings.out if kind == "run" else settings.out / "checkpoint"
    following = replace(settings, out=tmp_path / "next", start_from=folder)
    run = Run(following)
    assert (run.progress.step, run.progress.tokens, run.progress.chunk) == (0, 0, 0)
    exact = {
        k.removeprefix("model."): v for k, v in load_file(settings.out / STATE_FILE).items() if k[0] == "m"
    }
    for name, value in run.model.state_dict().items():
        allowed = 0.0 if kind == "run" else float(exact[name].abs().max()) / 127
        assert (value - exact[name]).abs().max() <= allowed
    # What is said of the weights counts all that was spent on them, also when the second run is resumed.
    for tokens in (settings.tokens // 2, settings.tokens):
        more = train(replace(following, tokens=tokens))
        training = load_checkpoint(following.out / "checkpoint", torch.device("cpu")).training
        assert training.tokens == report.tokens + more.tokens
        assert training.steps == report.step + more.step
    assert losses(following.out)[-1]["tokens"] == training.tokens


def test_a_run_goes_on_from_a_network_that_knew_neither_neighbours_nor_marks(
    settings: TrainSettings, tmp_path: Path
) -> None:
    tokenizer = Tokenizer.load(settings.tokenizer)
    config = ModelConfig.named(settings.size, tokenizer.n_vocabulary, MASK_ID)
    config = replace(config, n_neighbours=0, n_marks=0)
    old = Transformer(config).requires_grad_(False)
    for parameter in old.parameters():
        parameter.normal_(0.0, 0.1, generator=torch.Generator().manual_seed(0))
    export_checkpoint(old, tokenizer, tmp_path / "old", Training(1, 1, 1, "editor"))
    run = Run(replace(settings, out=tmp_path / "next", start_from=tmp_path / "old"))
    assert run.model.config.n_neighbours == 2
    cpu = torch.device("cpu")
    known = load_checkpoint(tmp_path / "old", cpu, fast_dtype(cpu)).model
    rows = torch.arange(20, 60).reshape(2, 20)
    # LocalMixing that are not known yet add nothing but what bfloat16 rounds, where that is fast.
    tolerance = 4e-3 if fast_dtype(cpu) == torch.bfloat16 else 1e-5
    torch.testing.assert_close(run.model(rows), known(rows), rtol=0.02, atol=tolerance)
    train(replace(settings, out=tmp_path / "next", start_from=tmp_path / "old", tokens=4000))
    learnt = load_checkpoint(tmp_path / "next" / "checkpoint", torch.device("cpu")).model
    assert learnt.neighbours.mix.weight.abs().max() > 0
    assert learnt.marks.kinds.weight.abs().max() > 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_run_computes_in_the_dtype_the_hardware_is_fast_in(
    settings: TrainSettings, monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype
) -> None:
    has = {"avx512_bf16": dtype == torch.bfloat16}
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: has, raising=False)
    run = Run(settings)
    hidden_BTW = run.model(torch.tensor([[5, 6]]))
    assert hidden_BTW.dtype == dtype
    assert all(p.dtype == torch.float32 for p in run.model.parameters())
    assert run.optimizers[0].dtype == dtype


def test_a_folder_with_another_run_is_refused(settings: TrainSettings, tmp_path: Path) -> None:
    train(replace(settings, tokens=1))
    with pytest.raises(DataError, match="is a run of size nano"):
        train(replace(settings, size="tiny"))
    state = (settings.out / STATE_FILE).read_bytes()
    (settings.out / STATE_FILE).write_bytes(state[:-100])
    with pytest.raises(DataError, match="is damaged"):
        train(settings)


def test_weights_of_another_vocabulary_are_refused(settings: TrainSettings, tmp_path: Path) -> None:
    train(replace(settings, tokens=1))
    Tokenizer.train(["x = 1\n" * 10], 400).save(tmp_path / "other.json")
    with pytest.raises(DataError, match="another tokenizer"):
        train(replace(settings, tokenizer=tmp_path / "other.json"))


def test_a_loss_that_is_no_number_ends_the_call() -> None:
    recent = Recent()
    recent.add(torch.tensor(float("nan")))
    with pytest.raises(DataError, match="the loss is nan at step 7"):
        recent.take(Progress(step=7))


def test_without_held_out_files_there_is_no_evaluation(settings: TrainSettings, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "train").symlink_to(settings.data / "train")
    report = train(replace(settings, data=data, tokens=1))
    assert report.evaluation == {}
    assert len(rows(settings.out)) == 1


def test_an_evaluation_costs_the_same_whatever_the_batch_size(settings: TrainSettings) -> None:
    large = Run(replace(settings, batch_tokens=100_000))
    assert {batch.tokens.size <= 4096 for batch in large.heldout} == {True}
    assert abs(len(large.heldout) - settings.evaluate_batches) <= 1
    found = evaluate(large)
    assert found.keys() > {
        "accuracy/syntax/delete",
        "accuracy/syntax/keep",
        "accuracy/mask/mask",
        "loss/mask/mask",
    }
    # An untrained network says nothing better than chance.
    assert 5 < found["loss/mask/mask"] < 8


def test_each_process_of_a_machine_gets_its_own_card() -> None:
    assert ProcessGroup(3, 4, 1).device("cuda") == torch.device("cuda:1")
    assert ProcessGroup(3, 4, 1).device("cpu") == torch.device("cpu")
    assert ProcessGroup().device("cuda") == torch.device("cuda")


def test_the_world_is_what_torchrun_says(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ProcessGroup.from_environment() == ProcessGroup(0, 1, 0)
    for name, value in (("RANK", "5"), ("WORLD_SIZE", "8"), ("LOCAL_RANK", "1")):
        monkeypatch.setenv(name, value)
    assert ProcessGroup.from_environment() == ProcessGroup(5, 8, 1)


def test_a_time_box_has_room_until_it_ends() -> None:
    assert TimeBox(None).has_room_for(1e9)
    assert TimeBox(1.0).has_room_for(50)
    assert not TimeBox(1.0).has_room_for(61)


def test_two_processes_end_with_the_same_weights(settings: TrainSettings, tmp_path: Path) -> None:
    program = Path(__file__).with_name("train_in_two_processes.py")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        *(sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", str(port)),
        *(str(program), str(settings.data), str(settings.tokenizer), str(tmp_path)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    first, second = (load_file(tmp_path / f"weights-{rank}.safetensors") for rank in range(2))
    assert [name for name in first if not torch.equal(first[name], second[name])] == []
    state = load_file(tmp_path / "run" / STATE_FILE)
    assert [name for name in first if not torch.equal(first[name], state[f"model.{name}"])] == []
    reports = [json.loads((tmp_path / f"report-{rank}.json").read_text()) for rank in range(2)]
    assert reports[0] == reports[1]
    assert reports[0]["finished"]
    # Both count the tokens of both, and only the first writes metrics.
    assert [row["step"] for row in losses(tmp_path / "run")] == list(range(1, reports[0]["step"] + 1))
    # They saw different batches: process i begins with chunk i.
    source, mixture = batch_stream(settings).source, EDITOR.stages[0].mixture
    firsts = [source.chunk(rank, mixture)[0].n_tokens for rank in range(2)]
    assert losses(tmp_path / "run")[0]["tokens"] == sum(firsts)
