"""The training script for a lent machine, at toy size: two calls, the second on another machine, make one run."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
from redraft_model.errors import DataError
from redraft_model.network.checkpoint import load_checkpoint

SCRIPT = Path(__file__).parents[3] / "benchmarks" / "gpu_train.py"
BY_COUNTED_CLOCK = Path(__file__).with_name("with_counted_clock.py")


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gpu_train", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["gpu_train"] = module
    spec.loader.exec_module(module)
    return module


def call(tokenizer: Path, *arguments: object) -> tuple[str, str]:
    """One call of the script, what it printed and what it told. Its minutes are those of a counted clock."""
    command = [
        *(sys.executable, BY_COUNTED_CLOCK, SCRIPT, "--size", "nano", "--device", "cpu"),
        *("--only-folders", "--tokenizer", tokenizer),
        *("--batch-tokens", 512, "--evaluate-batches", 2, "--workers", 1, "--held-out", "textwrap"),
        *arguments,
    ]
    # A network this small loses more than it gains by a second thread.
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [str(word) for word in command], env=environment, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def test_two_calls_on_two_machines_make_one_run(
    shard_folder: Path, tokenizer_file: Path, tmp_path: Path
) -> None:
    sources = shard_folder.parent / "sources"
    printed, told = call(
        tokenizer_file,
        *("--folders", sources, "--minutes", 0.25, "--total-minutes", 10, "--out", tmp_path / "one"),
        *("--export", tmp_path / "exported", "--export-state", tmp_path / "state"),
    )
    assert "examined 5 of 5 files" in told
    assert "without waiting for noise" in printed
    assert printed.endswith("Call again to go on.\n")
    plan = json.loads((tmp_path / "one" / "plan.json").read_text())
    # What the first steps did in a second, for somewhat less than ten minutes.
    assert 0.5 < plan["tokens"] / (plan["tokens_per_second"] * 600) < 1.0
    first = load_checkpoint(tmp_path / "exported", torch.device("cpu"))
    assert first.training.steps >= 1
    names = {path.name for path in (tmp_path / "exported").iterdir()}
    assert names >= {"model.safetensors", "config.json", "tokenizer.json", "metrics.jsonl", "training.json"}
    assert any(name.startswith("accuracy/") for name in first.training.evaluation)

    # Nothing but the shards and the state reaches the other machine.
    shutil.move(tmp_path / "one" / "data", tmp_path / "data")
    shutil.rmtree(tmp_path / "one")
    printed, told = call(
        tokenizer_file,
        *("--minutes", 0.2, "--out", tmp_path / "two", "--data", tmp_path / "data"),
        *("--import-state", tmp_path / "state"),
    )
    assert f"{tmp_path / 'data'} is there already" in told
    assert "timing the first steps" not in told
    assert json.loads((tmp_path / "two" / "plan.json").read_text()) == plan
    second = load_checkpoint(tmp_path / "two" / "export", torch.device("cpu"))
    assert second.training.steps > first.training.steps
    assert second.training.seconds > first.training.seconds
    result = json.loads((tmp_path / "two" / "export" / "training.json").read_text())
    assert result["plan"] == plan
    assert result["report"]["step"] == second.training.steps
    assert result["report"]["tokens_per_second_without_noise"] >= result["report"]["tokens_per_second"] > 0
    steps = [
        json.loads(line)["step"] for line in (tmp_path / "two" / "metrics.jsonl").read_text().splitlines()
    ]
    assert steps == sorted(steps)


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
