"""Training an adapter: it learns, it resumes exactly, the base stays as it is, and it is measured beside the causal base."""

import json
import math
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from redraft_model.data.samples import IGNORED
from redraft_model.errors import DataError
from redraft_model.network.adapter import AdapterConfig, load_adapter
from redraft_model.network.base import load_base
from redraft_model.train.adapter_run import AdapterRun, AdapterSettings, region_stream, train_adapter
from redraft_model.train.curves import METRICS_FILE
from redraft_model.train.loop import STATE_FILE
from redraft_model.train.schedule import WarmupStableDecay
from redraft_model.train.stages import ADAPTER
from safetensors.torch import load_file

TIMES = ("seconds", "tokens_per_second", "tokens_per_second_without_noise")
CPU = torch.device("cpu")


@pytest.fixture
def settings(shard_folder: Path, tokenizer_file: Path, toy_base: Path, tmp_path: Path) -> AdapterSettings:
    """About six steps of two batches each."""
    return AdapterSettings(
        toy_base,
        shard_folder,
        tokenizer_file,
        tmp_path / "run",
        tokens=10_000,
        adapter=AdapterConfig(rank=4),
        batch_tokens=1024,
        batches_per_chunk=3,
        n_workers=0,
        evaluate_every=5000,
        evaluate_batches=2,
        evaluate_contexts=6,
        log_every=1,
    )


def rows(folder: Path) -> list[dict[str, float]]:
    lines = (folder / METRICS_FILE).read_text("utf-8").splitlines()
    return [{k: v for k, v in json.loads(line).items() if k not in TIMES} for line in lines]


def losses(folder: Path) -> list[dict[str, float]]:
    return [row for row in rows(folder) if "loss" in row]


def assert_same_state(one: Path, other: Path) -> None:
    a, b = load_file(one / STATE_FILE), load_file(other / STATE_FILE)
    assert a.keys() == b.keys()
    assert [name for name in a if not torch.equal(a[name], b[name])] == []


@pytest.mark.parametrize("labels", ["vocabulary", "head"])
def test_a_run_stopped_by_its_time_box_goes_on_to_the_same_numbers(
    settings: AdapterSettings, tmp_path: Path, labels: str
) -> None:
    settings = replace(settings, adapter=AdapterConfig(4, labels))
    straight = train_adapter(settings)
    assert straight.finished
    # A box without any room is left after one step, here with another number of workers.
    boxed = replace(settings, out=tmp_path / "boxed", minutes=0.0)
    reports = []
    while not reports or not reports[-1].finished:
        reports.append(train_adapter(boxed))
        assert reports[-1].step == len(reports)
    assert (reports[-1].step, reports[-1].tokens) == (straight.step, straight.tokens)
    assert reports[-1].evaluation == straight.evaluation
    assert losses(boxed.out) == losses(settings.out)
    assert_same_state(boxed.out, settings.out)


def test_it_learns_and_the_base_stays_as_it_is(settings: AdapterSettings, toy_base: Path) -> None:
    base_before = (toy_base / "model.safetensors").read_bytes()
    settings = replace(settings, tokens=100_000, rate=2e-2, recipe="adapter_mask", evaluate_every=10**9)
    report = train_adapter(settings)
    values = [row["loss"] for row in losses(settings.out)]
    assert sum(values[-5:]) / 5 < sum(values[:5]) / 5 - 1.0
    assert (toy_base / "model.safetensors").read_bytes() == base_before
    # A random base knows nothing, so even little training is more.
    for rate in (15, 50):
        assert report.evaluation[f"loss/masked_{rate}/mask"] < report.evaluation[f"loss/masked_{rate}/causal"]
        assert 0 < report.evaluation[f"accuracy/masked_{rate}/mask"] < 1
    adapter, training = load_adapter(settings.out / "adapter", load_base(toy_base, CPU))
    assert (training.tokens, training.steps) == (report.tokens, report.step)
    assert training.evaluation == report.evaluation
    state = load_file(settings.out / STATE_FILE)
    for name, value in adapter.state_dict().items():
        exact = state[f"adapter.{name}"]
        assert (value - exact).abs().max() <= exact.abs().max() / 127


def test_both_stages_are_measured_by_kinds_of_labels(settings: AdapterSettings) -> None:
    evaluation = train_adapter(settings).evaluation
    assert evaluation.keys() >= {f"accuracy/{name}" for name in ("syntax/delete", "span/mask", "syntax/keep")}


def test_the_causal_base_is_asked_for_the_very_same_tokens(settings: AdapterSettings) -> None:
    run = AdapterRun(settings)
    run.evaluate()
    nats, n = 0.0, 0
    model = run.base.model
    n_specials = 32
    for batch in run._masked["masked_50"]:
        for row in range(len(batch.tokens)):
            b = row // settings.n_copies
            prefix = batch.prefix[b, : batch.prefix_lengths[b]]
            length = int(batch.lengths[row]) - 1
            clean = np.where(batch.targets == IGNORED, batch.tokens, batch.targets)[row, 1:length]
            ids = torch.from_numpy(np.concatenate([prefix, clean]).astype(np.int64)) - n_specials
            log_p = model.log_probabilities(model(ids[None])[0, :-1])
            for i in np.flatnonzero(batch.targets[row] != IGNORED).tolist():
                at = len(prefix) - 1 + i
                nats -= float(log_p[at - 1, ids[at]])
                n += 1
    assert run._causal["loss/masked_50/causal"] == pytest.approx(nats / n, abs=1e-3)


def test_held_out_batches_do_not_depend_on_the_seed(settings: AdapterSettings) -> None:
    one, other = (AdapterRun(replace(settings, seed=seed, out=settings.out / str(seed))) for seed in (0, 7))
    assert one.adapter.layers[0].qkv.a.equal(other.adapter.layers[0].qkv.a) is False
    for a, b in zip(one._masked["masked_15"], other._masked["masked_15"], strict=True):
        assert np.array_equal(a.tokens, b.tokens)


@pytest.mark.parametrize("kind", ["run", "adapter"])
def test_a_run_can_start_from_another(settings: AdapterSettings, tmp_path: Path, kind: str) -> None:
    report = train_adapter(settings)
    folder = settings.out if kind == "run" else settings.out / "adapter"
    following = replace(settings, out=tmp_path / "next", start_from=folder, recipe="adapter_mask")
    run = AdapterRun(following)
    assert (run.progress.step, run.progress.in_all()["tokens"]) == (0, report.tokens)
    exact = load_file(settings.out / STATE_FILE)
    for name, value in run.adapter.state_dict().items():
        allowed = 0.0 if kind == "run" else float(exact[f"adapter.{name}"].abs().max()) / 127
        assert (value - exact[f"adapter.{name}"]).abs().max() <= allowed
    with pytest.raises(DataError, match="start with those"):
        AdapterRun(replace(following, adapter=AdapterConfig(8)))
    with pytest.raises(DataError, match="holds neither a run nor an adapter"):
        AdapterRun(replace(following, start_from=tmp_path))


def test_a_folder_with_another_run_is_refused(
    settings: AdapterSettings, tmp_path: Path, toy_base: Path
) -> None:
    train_adapter(replace(settings, tokens=1))
    with pytest.raises(DataError, match="is a run with the settings"):
        AdapterRun(replace(settings, adapter=AdapterConfig(4, "head")))
    other = tmp_path / "other"
    other.mkdir()
    for path in toy_base.iterdir():
        (other / path.name).write_bytes(path.read_bytes())
    data = bytearray((other / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (other / "model.safetensors").write_bytes(data)
    with pytest.raises(DataError, match="beside another base"):
        AdapterRun(replace(settings, base=other))


def test_shards_of_another_tokenizer_are_refused(settings: AdapterSettings, toy_base: Path) -> None:
    from redraft_model.network.checkpoint_info import BUNDLED

    with pytest.raises(DataError, match="another tokenizer"):
        AdapterRun(replace(settings, tokenizer=BUNDLED / "tokenizer.json"))


def test_a_step_of_two_batches_is_a_step_of_their_mean(settings: AdapterSettings) -> None:
    run = AdapterRun(settings)
    source = region_stream(settings, run.base.start_id).source
    batches = source.chunk_of(source.maker(ADAPTER.stages[0].mixture), 0, lambda: False)[:2]
    mean = sum(float(run.loss(batch).detach()) for batch in batches) / 2
    assert float(run.step(batches, 1.0)) == pytest.approx(mean, abs=1e-5)


@pytest.mark.parametrize("labels", ["vocabulary", "head"])
def test_a_run_computes_in_bfloat16_where_the_hardware_is_fast_in_it(
    settings: AdapterSettings, monkeypatch: pytest.MonkeyPatch, labels: str
) -> None:
    settings = replace(settings, adapter=AdapterConfig(4, labels))
    losses_of = {}
    for dtype in (torch.float32, torch.bfloat16):
        has = {"avx512_bf16": dtype == torch.bfloat16}
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda has=has: has, raising=False)
        run = AdapterRun(settings)
        source = region_stream(settings, run.base.start_id).source
        batches = source.chunk_of(source.maker(ADAPTER.stages[1].mixture), 0, lambda: False)[:2]
        assert run._hidden(batches[0])[1].dtype == dtype
        losses_of[dtype] = [float(run.step(batches, 1.0)) for _ in range(3)]
        assert all(parameter.dtype == torch.float32 for parameter in run.adapter.parameters())
        assert run.evaluate()["loss/masked_15/mask"] > 0
    assert losses_of[torch.bfloat16] == pytest.approx(losses_of[torch.float32], rel=0.03)
    assert losses_of[torch.float32][2] < losses_of[torch.float32][0]


def test_the_rate_falls_to_a_twentieth() -> None:
    schedule = ADAPTER.schedule
    assert schedule == WarmupStableDecay(0.02, 0.98, 0.05)
    assert schedule.factor(0.01) == pytest.approx(0.5)
    assert schedule.factor(0.02) == pytest.approx(1.0)
    assert schedule.factor(0.51) == pytest.approx(0.525)
    assert schedule.factor(1.0) == pytest.approx(0.05)


def test_norms_and_rows_move_at_a_third_of_the_rate(settings: AdapterSettings) -> None:
    run = AdapterRun(replace(settings, rate=3e-3))
    assert run.peaks == pytest.approx([3e-3, 1e-3])
    sizes = [sum(p.numel() for group in o.param_groups for p in group["params"]) for o in run.optimizers]
    norms = sum(p.numel() for name, p in run.adapter.named_parameters() if "norm" in name)
    assert sizes == [
        run.adapter.n_parameters - norms - run.adapter.control_rows.numel(),
        norms + run.adapter.control_rows.numel(),
    ]
    assert not any(p.requires_grad for p in run.base.model.parameters())


def test_two_processes_end_with_the_same_adapter(settings: AdapterSettings, tmp_path: Path) -> None:
    program = Path(__file__).with_name("train_adapter_in_two_processes.py")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        *(sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", str(port)),
        *(str(program), str(settings.base), str(settings.data), str(settings.tokenizer), str(tmp_path)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    first, second = (load_file(tmp_path / f"weights-{rank}.safetensors") for rank in range(2))
    assert [name for name in first if not torch.equal(first[name], second[name])] == []
    assert all(math.isfinite(row["loss"]) for row in losses(tmp_path / "run"))
