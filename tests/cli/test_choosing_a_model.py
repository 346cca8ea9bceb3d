"""`--model` in real processes: a small base with random weights judges what the bundled checkpoint proposes, or does not."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from redraft_model.network.base import load_base
from redraft_model.network.checkpoint_info import BUNDLED

COMMAND = [sys.executable, "-m", "redraft_server.cli"]


@pytest.fixture
def checkpoint(tmp_path: Path, base: Path) -> Path:
    """The bundled checkpoint, as if its weights had been fitted to `base`."""
    folder = tmp_path / "fitted"
    shutil.copytree(BUNDLED, folder)
    path = folder / "calibration.json"
    calibration = json.loads(path.read_text("utf-8"))
    calibration["judged"]["base"] = load_base(base, torch.device("cpu")).fingerprint
    path.write_text(json.dumps(calibration), encoding="utf-8")
    return folder


def redraft(*words: object) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, *map(str, words), "--device", "cpu"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_report_names_the_base_that_judged(tmp_path: Path, checkpoint: Path, base: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text('print("hello"\n')
    elsewhere = shutil.copytree(base, tmp_path / "elsewhere")
    for model, name in (("base", "Tiny"), ("tiny", None), (elsewhere, "Tiny")):
        done = redraft("fix", broken, "--json", "--checkpoint", checkpoint, "--model", model)
        assert done.returncode in (0, 1), done.stderr
        report = json.loads(done.stdout)
        assert (report["model"]["name"], report["model"]["base"]) == ("fitted", name)
    shutil.rmtree(elsewhere)
    done = redraft("fix", broken, "--model", elsewhere)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"there is no folder {elsewhere} with a base" in done.stderr


def test_a_folder_without_a_base_in_it_is_one_sentence(tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text('print("hello"\n')
    done = redraft("fix", broken, "--model", tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "has no config.json" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_doctor_measures_both(checkpoint: Path, base: Path) -> None:
    done = redraft("doctor", "--checkpoint", checkpoint, "--model", "base")
    assert done.returncode == 0, done.stdout + done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("ok    model ")]
    assert "fitted repairs a line in " in line
    assert "with Tiny a line in " in line
    assert line.endswith("base takes fitted + base: --model base says so")


def test_the_doctor_says_that_a_base_of_others_judges_nothing(base: Path) -> None:
    done = redraft("doctor", "--model", "tiny")
    assert done.returncode == 0, done.stdout + done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("ok    model ")]
    assert f"the weights of tiny are not fitted to the base in {base}, so it judges nothing" in line
    assert line.endswith("tiny takes tiny: --model tiny says so")
