"""The command line as a program: help, version, start-up, and the commands to measure, train and diagnose."""

import bisect
import heapq
import json
import shlex
import shutil
import subprocess
import sys
import textwrap
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from redraft_model.data.benchmark_file import read_rows
from redraft_model.evaluate import SUITES
from redraft_model.tokens.tokenizer import Tokenizer
from redraft_server import server
from redraft_server.model_choice import ModelChoice

COMMAND = [sys.executable, "-m", "redraft_server.cli"]


def test_help_names_every_command() -> None:
    done = subprocess.run([*COMMAND, "--help"], capture_output=True, text=True, check=True)
    for command in ("fix", "complete", "doubt", "eval", "train", "data", "model", "doctor", "lsp"):
        assert f"\n  {command} " in done.stdout


@pytest.mark.parametrize("arguments", [["--help"], ["fix", "--help"], ["--version"]])
def test_help_loads_neither_torch_nor_the_language_server(arguments: list[str]) -> None:
    program = (
        "import sys; from redraft_server.cli import main; code = main(sys.argv[1:]); "
        "sys.exit(code or sorted({'torch', 'pygls', 'numpy', 'rich'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_clean_files_need_no_torch(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    program = (
        "import sys; from redraft_server.cli import main; code = main(['fix', sys.argv[1]]); "
        "sys.exit(code or 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program, tmp_path], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "1 clean.\n")


def test_a_reader_that_leaves_early_is_no_crash(tmp_path: Path) -> None:
    process = subprocess.Popen([*COMMAND, "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert b"Traceback" not in process.stderr.read()
    process.stderr.close()
    process.wait()


def test_version(run) -> None:
    outcome = run("--version")
    assert outcome.code == 0
    assert outcome.out.startswith(b"redraft ")


@pytest.mark.parametrize(
    "arguments", [["unknown"], ["fix", "--unknown"], ["fix", "--device", "tpu"], ["eval"]]
)
def test_a_wrong_command_line_is_exit_code_2(arguments: list[str], run, folder) -> None:
    outcome = run(*arguments)
    assert (outcome.code, outcome.out) == (2, b"")
    assert "Error" in outcome.err


def test_an_unknown_suite_names_the_known_ones(run, folder) -> None:
    outcome = run("eval", "chess", "--data", ".")
    assert (outcome.code, outcome.out) == (2, b"")
    for name in SUITES:
        assert name in outcome.err


def test_missing_benchmark_data_is_an_error(run, folder) -> None:
    assert run("eval", next(iter(SUITES)), "--data", "nowhere").code == 2
    assert run("eval", next(iter(SUITES)), "--data", ".").code == 2


def test_a_benchmark_is_drawn_and_its_kept_back_part_measured(run, folder, engine) -> None:
    # A file's split hangs on its path: in a folder of this name both have some.
    source = folder / "code"
    source.mkdir()
    for module in (bisect, heapq, shlex, textwrap):
        shutil.copy(module.__file__, source)
    outcome = run("data", "young", "code", "--out", "sets/young.jsonl.gz", "--items", 8, "--seed", 1)
    assert outcome.code == 0
    assert b"items of code (unknown)" in outcome.out
    drawn = Counter(row.text("split") for row in read_rows(folder / "sets" / "young.jsonl.gz"))
    assert drawn.total() == 40

    for split, options in (("dev", ()), ("test", ("--split", "test"))):
        outcome = run("eval", "young", "--data", "sets", *options)
        assert outcome.code == 0
        assert f"**young**, scripted, {split} split: n = {drawn[split]}, ".encode() in outcome.out
    assert run("eval", "young", "--data", "sets", "--split", "all").code == 2


def test_a_tokenizer_is_learnt_and_shards_are_built(run, folder) -> None:
    source = folder / "source"
    source.mkdir()
    for module in (bisect, heapq, shlex, textwrap):
        shutil.copy(module.__file__, source)
    outcome = run("data", "tokenizer", "source", "--out", "made/tokenizer.json", "--size", 512)
    assert (outcome.code, outcome.out) == (0, b"")
    assert outcome.err == "wrote made/tokenizer.json with 512 entries from 4 files\n"
    assert Tokenizer.load(folder / "made" / "tokenizer.json").n_vocabulary == 512

    outcome = run(
        *("data", "build", "source", "--out", "shards", "--tokenizer", "made/tokenizer.json"),
        *("--held-out", "shlex"),
    )
    assert outcome.code == 0
    assert b"files seen" in outcome.out
    report = json.loads((folder / "shards" / "report.json").read_text())
    assert (report["n_files"], report["heldout"]["n_files"]) == (4, 1)


def test_folders_that_are_not_there_cannot_be_learnt_from(run, folder) -> None:
    outcome = run("data", "tokenizer", "nowhere", "--out", "t.json", "--size", 512)
    assert outcome.code == 2
    assert outcome.err.startswith("redraft: nowhere is not a folder")


def test_the_doctor_finds_everything_in_order(run, engine) -> None:
    engine.repairs = lambda _: 'print("hello")\n'
    outcome = run("doctor", "--device", "cpu")
    lines = outcome.out.decode().splitlines()
    assert [line for line in lines if not line.startswith("ok   ") and " redraft " not in line] == []
    assert any("scripted, 1.0 M parameters, trained on 5,000 tokens" in line for line in lines)
    assert lines[-2].endswith('print("hello" became print("hello") in 0.10 s: 2 forward passes, 300 tokens/s')
    assert lines[-1].split(maxsplit=2)[2] == (
        "scripted repairs a line in 0.10 s and a function in 0.10 s; auto takes scripted: the base is not installed"
    )
    assert engine.opened_with == [ModelChoice(None, "cpu", "tiny")]


def test_the_doctor_notices_a_model_that_repairs_nothing(run, engine) -> None:
    outcome = run("doctor")
    assert outcome.code == 1
    assert any(line.startswith("WRONG repair ") for line in outcome.out.decode().splitlines())


def test_the_language_server_is_started_with_checkpoint_device_and_model(run, folder, monkeypatch) -> None:
    calls: list[ModelChoice] = []
    monkeypatch.setattr(server, "run_stdio", calls.append)
    assert run("lsp", "--standalone").code == 0
    assert run("lsp", "--stdio", "--standalone", "--device", "cpu", "--checkpoint", ".").code == 0
    assert run("lsp", "--standalone", "--model", "tiny").code == 0
    assert calls == [ModelChoice(), ModelChoice(Path(), "cpu"), ModelChoice(model="tiny")]
    assert run("lsp", "--checkpoint", "nowhere").code == 2
    assert run("lsp", "--standalone", "--model", "base").code == 2


def test_training_gets_its_settings_and_never_overwrites_a_run(run, folder, monkeypatch) -> None:
    from redraft_model.train import trainer

    asked: list[trainer.TrainSettings] = []

    def train(settings: trainer.TrainSettings, tell: Callable[[str], None]) -> trainer.Report:
        asked.append(settings)
        tell("step 1")
        return trainer.Report(True, 1, 1000, 5.0, 10.0, 20.0)

    monkeypatch.setattr(trainer, "train", train)
    needed = ("--data", "shards", "--out", "run", "--tokens", 1000, "--tokenizer", "t.json")
    options = ("--minutes", 2, "--batch-tokens", 64, "--seed", 3, "--start-from", "other")
    options += (
        "--recipe",
        "real",
        "--pairs",
        "a.gz",
        "--pairs",
        "b.gz",
        "--held-pairs",
        "c.gz",
        "--rate",
        0.5,
    )
    outcome = run("train", "nano", *needed, *options)
    assert (outcome.code, outcome.err) == (0, "step 1\n")
    assert json.loads(outcome.out)["tokens"] == 1000
    assert asked == [
        trainer.TrainSettings(
            "nano",
            Path("shards"),
            Path("t.json"),
            Path("run"),
            1000,
            minutes=2,
            batch_tokens=64,
            seed=3,
            start_from=Path("other"),
            recipe="real",
            pairs=(Path("a.gz"), Path("b.gz")),
            held_pairs=(Path("c.gz"),),
            matrix_rate=trainer.TrainSettings.matrix_rate / 2,
            other_rate=trainer.TrainSettings.other_rate / 2,
        )
    ]

    assert run("train", "nano", *needed, "--recipe", "none").err.startswith("redraft: there is no recipe")

    (folder / "run").mkdir()
    (folder / "run" / trainer.STATE_FILE).touch()
    assert run("train", "nano", *needed).code == 0
    outcome = run("train", "nano", *needed, "--no-resume")
    assert outcome.code == 2
    assert "run holds a run already" in outcome.err
    assert len(asked) == 2
