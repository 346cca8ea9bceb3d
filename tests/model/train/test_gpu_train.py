"""The training script for a lent machine, at toy size: two calls, the second on another machine, make one run.

Each call ends after one step, however fast or slow the machine is.
"""

import importlib.util
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import torch
from redraft_model.errors import DataError
from redraft_model.network.adapter import load_adapter
from redraft_model.network.base import load_base
from redraft_model.network.checkpoint import load_checkpoint

SCRIPT = Path(__file__).parents[3] / "benchmarks" / "gpu_train.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gpu_train", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["gpu_train"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def call(
    script: ModuleType,
    tokenizer_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., tuple[str, str]]:
    """Makes one call of the script that ends after one step; gives what it printed and what it told."""
    monkeypatch.setattr(script, "CHUNK_TOKENS", 2048)
    monkeypatch.setattr(script, "PLANNED_STEPS", 2)

    def call(*arguments: object) -> tuple[str, str]:
        usual = [
            *("--device", "cpu", "--only-folders", "--tokenizer", tokenizer_file, "--evaluate-batches", 1),
            *("--workers", 1, "--held-out", "textwrap", "--minutes", 500, "--steps", 1),
        ]
        code = script.main([str(word) for word in (*usual, *arguments)])
        printed = capsys.readouterr()
        assert code == 0, printed.err
        return printed.out, printed.err

    return call


def steps(folder: Path) -> list[int]:
    return [json.loads(line)["step"] for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_an_adapter_its_base_and_its_state_move_to_another_machine(
    call: Callable[..., tuple[str, str]],
    script: ModuleType,
    shard_folder: Path,
    toy_base: Path,
    tmp_path: Path,
) -> None:
    export = ("--base", str(toy_base), "--export-base", str(tmp_path / "parts"), "--minutes", "0")
    assert script.main(export) == 0
    sizes = {path.name: path.stat().st_size for path in (tmp_path / "parts").iterdir()}
    assert set(sizes) == {
        "base.json",
        *(f"{path.name}-00001-of-00001.part" for path in toy_base.iterdir()),
    }
    adapter = ("--base", tmp_path / "parts", "--rank", 4, "--batch-tokens", 1024, "--batches-per-step", 2)
    printed, told = call(
        *adapter,
        *("--folders", shard_folder.parent / "sources", "--total-minutes", 1000),
        *("--out", tmp_path / "one", "--export", tmp_path / "exported", "--export-state", tmp_path / "state"),
    )
    assert "examined 5 of 5 files" in told
    assert printed.endswith("Call again to go on.\n")
    plan = json.loads((tmp_path / "one" / "plan.json").read_text())
    base = load_base(toy_base, torch.device("cpu"))
    _, first = load_adapter(tmp_path / "exported", base)
    assert first.steps == 1
    assert first.evaluation.keys() >= {"loss/masked_15/mask", "loss/masked_15/causal"}
    names = {path.name for path in (tmp_path / "exported").iterdir()}
    assert names >= {"adapter.safetensors", "adapter.json", "metrics.jsonl", "training.json"}

    # Nothing but the shards, the base and the state reaches the other machine.
    shutil.move(tmp_path / "one" / "data", tmp_path / "data")
    shutil.rmtree(tmp_path / "one")
    printed, told = call(
        *adapter,
        *("--out", tmp_path / "two", "--data", tmp_path / "data"),
        *("--import-state", tmp_path / "state"),
    )
    assert "timing the first steps" not in told
    assert json.loads((tmp_path / "two" / "plan.json").read_text()) == plan
    _, second = load_adapter(tmp_path / "two" / "export", base)
    assert second.steps == 2
    assert second.tokens > first.tokens
    assert steps(tmp_path / "two") == sorted(steps(tmp_path / "two"))


def test_two_calls_on_two_machines_make_one_run(
    call: Callable[..., tuple[str, str]], shard_folder: Path, tmp_path: Path
) -> None:
    network = ("--model", "nano", "--batch-tokens", 512)
    printed, told = call(
        *network,
        *("--total-minutes", 1000, "--data", shard_folder, "--out", tmp_path / "one"),
        *("--export", tmp_path / "exported", "--export-state", tmp_path / "state"),
    )
    assert "without waiting for noise" in printed
    assert printed.endswith("Call again to go on.\n")
    plan = json.loads((tmp_path / "one" / "plan.json").read_text())
    # What the first steps did in a second, for somewhat less than all minutes.
    assert 0.9 < plan["tokens"] / (plan["tokens_per_second"] * 60_000) < 1.0
    first = load_checkpoint(tmp_path / "exported", torch.device("cpu"))
    assert first.training.steps == 1
    names = {path.name for path in (tmp_path / "exported").iterdir()}
    assert names >= {"model.safetensors", "config.json", "tokenizer.json", "metrics.jsonl", "training.json"}
    assert any(name.startswith("accuracy/") for name in first.training.evaluation)
    shutil.rmtree(tmp_path / "one")
    printed, told = call(
        *network,
        *("--out", tmp_path / "two", "--data", shard_folder),
        *("--import-state", tmp_path / "state"),
    )
    assert f"{shard_folder} is there already" in told
    assert "timing the first steps" not in told
    assert json.loads((tmp_path / "two" / "plan.json").read_text()) == plan
    second = load_checkpoint(tmp_path / "two" / "export", torch.device("cpu"))
    assert second.training.steps == 2
    assert second.training.seconds >= first.training.seconds
    result = json.loads((tmp_path / "two" / "export" / "training.json").read_text())
    assert result["plan"] == plan
    assert result["report"]["step"] == second.training.steps
    assert result["report"]["tokens_per_second_without_noise"] >= result["report"]["tokens_per_second"] > 0
    assert steps(tmp_path / "two") == sorted(steps(tmp_path / "two"))


def test_a_base_in_parts_comes_back_whole(
    script: ModuleType, toy_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script, "PART_BYTES", 40_000)
    script.export_base(toy_base, tmp_path / "parts")
    assert max(path.stat().st_size for path in (tmp_path / "parts").iterdir()) <= 40_000
    assert len(list((tmp_path / "parts").glob("model.safetensors-*.part"))) > 2
    options = script._options(
        ["--minutes", "1", "--base", str(tmp_path / "parts"), "--out", str(tmp_path / "out")]
    )
    joined = script.base_folder(options)
    assert joined == tmp_path / "out" / "base"
    for path in toy_base.iterdir():
        assert (joined / path.name).read_bytes() == path.read_bytes()


@pytest.fixture
def state(script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state of three parts."""
    monkeypatch.setattr(script, "PART_BYTES", 1000)
    run = tmp_path / "run"
    run.mkdir()
    (run / "state.safetensors").write_bytes(bytes(range(250)) * 10)
    (run / "plan.json").write_text("{}")
    (run / "metrics.jsonl").write_text("")
    script.export_state(run, tmp_path / "state")
    return tmp_path / "state"


def test_a_state_in_parts_comes_back_whole(script: ModuleType, state: Path, tmp_path: Path) -> None:
    parts = sorted(state.glob("*.part"))
    assert [path.stat().st_size for path in parts] == [1000, 1000, 500]
    (tmp_path / "out").mkdir()
    script.import_state(state, tmp_path / "out")
    assert (tmp_path / "out" / "state.safetensors").read_bytes() == bytes(range(250)) * 10
    assert (tmp_path / "out" / "plan.json").read_text() == "{}"


@pytest.mark.parametrize("damage", ["missing part", "changed part", "missing list"])
def test_a_state_that_is_not_whole_is_refused(
    script: ModuleType, state: Path, tmp_path: Path, damage: str
) -> None:
    parts = sorted(state.glob("*.part"))
    if damage == "missing part":
        parts[1].unlink()
    elif damage == "changed part":
        parts[1].write_bytes(parts[0].read_bytes()[::-1])
    else:
        (state / "state.json").unlink()
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(DataError, match="copy"):
        script.import_state(state, out)
    assert not (out / "state.safetensors").exists()


def test_the_environment_has_packages_to_learn_from(script: ModuleType) -> None:
    folders = script.environment_folders()
    assert len(set(folders)) == len(folders)
    assert any((folder / "torch").is_dir() for folder in folders)
    assert any((folder / "argparse.py").is_file() for folder in folders)


def test_a_missing_card_is_said(
    script: ModuleType, shard_folder: Path, tokenizer_file: Path, tmp_path: Path, capsys
) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a card here")
    code = script.main(
        [
            "--model",
            "nano",
            "--minutes",
            "1",
            "--out",
            str(tmp_path),
            "--data",
            str(shard_folder),
            "--tokenizer",
            str(tokenizer_file),
        ]
    )
    assert code == 2
    assert "no CUDA device" in capsys.readouterr().err
