"""`--run-file`: a run that stopped goes on where it was."""

import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from redraft_server.run_file import RunFile, RunFileError

ROOT = Path(__file__).parents[2]
BROKEN, WHOLE, HOPELESS = b"b = (1\n", b"b = (1)\n", b"a = [\n"


@pytest.fixture
def tree(folder: Path) -> Path:
    """Six files in a folder of their own, two of each kind."""
    (folder / "tree").mkdir()
    for index, data in enumerate((BROKEN, HOPELESS, WHOLE) * 2):
        (folder / "tree" / f"a{index}.py").write_bytes(data)
    return folder / "tree"


def fix(run, *words: object):
    return run("fix", "--no-cache", *words, "--run-file", "run.jsonl", "tree")


def stop_at(engine, n_asked: int) -> None:
    """The user presses Ctrl-C when the engine is asked for the so many'th time."""
    original = type(engine).repair

    def repair(source: str, **options: object):
        if len(engine.asked) == n_asked:
            raise KeyboardInterrupt
        return original(engine, source, **options)

    engine.repair = repair


def go_on(engine) -> None:
    del engine.repair


def test_an_interrupted_run_goes_on_and_reports_everything(run, tree, engine) -> None:
    whole = json.loads(run("fix", "--no-cache", "--json", "tree").out)
    engine.asked.clear()
    stop_at(engine, 2)
    outcome = fix(run, "--json")
    assert (outcome.code, outcome.out) == (130, b"")
    assert outcome.err.splitlines()[-1] == (
        "interrupted: 3 of 6 files are done; the same command goes on from there"
    )
    go_on(engine)
    outcome = fix(run, "--json")
    assert outcome.code == 1
    assert json.loads(outcome.out) == whole
    assert len(engine.asked) == 4
    assert fix(run, "--json").out == outcome.out.replace(
        json.dumps(whole["model"], indent=2).replace("\n", "\n  ").encode(), b"null"
    )
    assert len(engine.asked) == 4


def test_without_a_run_file_ctrl_c_says_how_far_it_was(run, tree, engine) -> None:
    stop_at(engine, 1)
    outcome = run("fix", "--no-cache", "tree")
    assert (outcome.code, outcome.err.splitlines()[-1]) == (130, "interrupted: 1 of 6 files are done")


def test_what_was_written_before_is_not_done_again(run, tree, engine) -> None:
    stop_at(engine, 2)
    assert fix(run, "--write").code == 130
    assert (tree / "a0.py").read_bytes() == WHOLE
    go_on(engine)
    outcome = fix(run, "--write", "--format", "json")
    assert outcome.code == 1
    found = json.loads(outcome.out)
    assert [file["status"] for file in found["files"]] == ["fixed", "unfixable", "clean"] * 2
    assert (tree / "a3.py").read_bytes() == WHOLE
    assert len(engine.asked) == 4


def test_a_file_that_has_changed_since_is_done_again(run, tree, engine) -> None:
    fix(run)
    (tree / "a0.py").write_bytes(BROKEN + b"c = 2\n")
    (tree / "new.py").write_bytes(BROKEN)
    engine.asked.clear()
    fix(run)
    assert [source.encode() for source, _ in engine.asked] == [BROKEN + b"c = 2\n", BROKEN]
    engine.asked.clear()
    fix(run)
    assert engine.asked == []


def test_what_could_not_be_worked_on_is_tried_again(run, tree, engine) -> None:
    (tree / "a0.py").write_bytes(b"\0")
    assert "skipped: tree/a0.py is binary" in fix(run).err
    assert "skipped: tree/a0.py is binary" in fix(run).err
    (tree / "a0.py").write_bytes(BROKEN)
    assert "would be fixed: tree/a0.py" in fix(run).err


def test_a_result_survives_whole(run, tree) -> None:
    assert json.loads(fix(run, "--format", "sarif").out) == json.loads(
        run("fix", "--no-cache", "--format", "sarif", "tree").out
    )
    again = json.loads(fix(run, "--format", "sarif").out)
    assert (
        again["runs"][0]["results"]
        == json.loads(run("fix", "--no-cache", "--format", "sarif", "tree").out)["runs"][0]["results"]
    )


@pytest.mark.parametrize("n_bytes", [1, 2, 30, 200])
def test_a_line_that_was_cut_off_is_done_again(n_bytes: int, run, tree, engine) -> None:
    expected = json.loads(fix(run, "--json").out)["files"]
    path = Path("run.jsonl")
    path.write_bytes(path.read_bytes()[:-n_bytes])
    assert json.loads(fix(run, "--json").out)["files"] == expected
    assert json.loads(fix(run, "--json").out)["files"] == expected


@pytest.mark.parametrize(
    "line",
    [b"nonsense", b"[]", b"{}", b'{"sha256": 1, "result": {}}', b'{"sha256": "", "result": []}', b"\xff"],
)
def test_lines_that_mean_nothing_are_overlooked(line: bytes, run, tree) -> None:
    expected = json.loads(fix(run, "--json").out)["files"]
    path = Path("run.jsonl")
    path.write_bytes(path.read_bytes() + line + b"\n")
    assert json.loads(fix(run, "--json").out)["files"] == expected


@pytest.mark.parametrize(
    ("words", "different"),
    [
        (["--semantic"], "semantic"),
        (["--write"], "changes"),
        (["--min-confidence", "0.9"], "min-confidence"),
        (["--model", "tiny"], "model"),
    ],
)
def test_the_run_of_another_command_is_refused(words: list[str], different: str, run, tree) -> None:
    fix(run)
    before = Path("run.jsonl").read_bytes()
    outcome = fix(run, *words)
    assert (outcome.code, outcome.out) == (2, b"")
    assert outcome.err == (
        f"redraft: run.jsonl belongs to another run (different: {different}); name another --run-file\n"
    )
    assert Path("run.jsonl").read_bytes() == before
    assert (Path("tree") / "a0.py").read_bytes() == BROKEN


@pytest.mark.parametrize("data", [b"precious = 1\n", b"{}\n", b"\n", b"\xff"])
def test_a_file_that_is_none_is_left_alone(data: bytes, run, tree) -> None:
    Path("run.jsonl").write_bytes(data)
    outcome = fix(run)
    assert (outcome.code, Path("run.jsonl").read_bytes()) == (2, data)
    assert outcome.err == "redraft: run.jsonl is there and is no run file; name another --run-file\n"
    assert not Path("run.jsonl.lock").exists()


def test_a_run_file_that_cannot_be_is_one_sentence(run, tree) -> None:
    outcome = run("fix", "--run-file", "nowhere/run.jsonl", "tree")
    assert outcome.code == 2
    assert outcome.err == (
        "redraft: the run file nowhere/run.jsonl cannot be used: No such file or directory; name another --run-file\n"
    )
    assert "cannot be used: Is a directory" in run("fix", "--run-file", "tree", "tree").err
    assert run("fix", "--run-file", "run.jsonl", "-", stdin=BROKEN).code == 2


def test_what_is_no_regular_file_is_not_read(run, tree) -> None:
    os.mkfifo("pipe")
    for name in ("pipe", "/dev/null"):
        outcome = run("fix", "--run-file", name, "tree")
        assert outcome.code == 2
        assert outcome.err == f"redraft: {name} is there and is no run file; name another --run-file\n"


def test_a_full_disk_under_the_run_file_is_one_sentence(run, tree) -> None:
    for index in range(100):
        (tree / f"b{index}.py").write_bytes(WHOLE)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, limits[1]))
    try:
        outcome = fix(run, "--write")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert outcome.code == 2
    assert outcome.err.splitlines()[-1] == (
        "redraft: the run file run.jsonl cannot be used: File too large; name another --run-file"
    )
    assert [(tree / f"a{index}.py").read_bytes() for index in range(6)] == [WHOLE, HOPELESS, WHOLE] * 2
    assert not Path("run.jsonl.lock").exists()
    summary = json.loads(fix(run, "--write", "--json").out)["summary"]
    assert (summary["fixed"], summary["unfixable"], summary["clean"]) == (2, 2, 102)


def test_two_runs_do_not_share_a_run_file(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    with RunFile.opened(path, {}), pytest.raises(RunFileError, match=r"another run uses .*; wait for it"):
        RunFile.opened(path, {})
    with RunFile.opened(path, {}):
        pass
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_a_process_that_is_killed_goes_on_too(tree, folder, monkeypatch) -> None:
    paths = [str(ROOT / home) for home in ("kernels", "model", "lsp_server")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    command = [
        sys.executable,
        str(Path(__file__).with_name("run_scripted.py")),
        "fix",
        "--no-cache",
        "--write",
    ]
    command += ["--run-file", "run.jsonl", "--format", "json-lines", "tree"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert [(tree / f"a{index}.py").read_bytes() for index in range(6)] == [WHOLE, HOPELESS, WHOLE] * 2
    summary = json.loads(done.stdout.splitlines()[-1])["summary"]
    assert (summary["fixed"] + summary["clean"], summary["unfixable"]) == (4, 2)
