"""The commands as processes whose streams are closed, full, or not read."""

import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")

ROOT = Path(__file__).parents[2]
COMMAND = f"{shlex.quote(sys.executable)} {shlex.quote(str(Path(__file__).with_name('run_scripted.py')))}"
BROKEN, WHOLE = b"b = (1\n", b"b = (1)\n"


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


@pytest.fixture
def shell(folder, monkeypatch):
    """Run a line of a shell; `redraft` is the command with the engine that follows a script."""
    paths = [str(ROOT / home) for home in ("kernels", "model", "lsp_server")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    monkeypatch.setenv("REDRAFT_RUNTIME_DIR", str(folder / "run"))
    monkeypatch.setenv("REDRAFT_LOG_DIR", str(folder / "log"))
    (folder / "app.py").write_bytes(BROKEN)
    (folder / "hole.py").write_text("x = 1\n\n")
    (folder / "clean.py").write_bytes(b"oops = 1\n")
    (folder / "log").mkdir(mode=0o700)
    (folder / "log" / "redraft-1.log").write_text("a line\n")

    def shell(line: str) -> Done:
        script = f'redraft() {{ {COMMAND} "$@"; }}\n{line}\n'
        done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=60)
        return Done(done.returncode, done.stdout, done.stderr)

    return shell


PRINTING = [
    "fix app.py",
    "fix --diff app.py",
    "fix --json app.py",
    "fix - < app.py",
    "fix --json - < app.py",
    "complete hole.py:2:1",
    "complete --json hole.py:2:1",
    "doubt clean.py",
    "doubt --json clean.py",
    "status --json",
    "logs",
    "logs --follow",
    "doctor",
    "--version",
    "--help",
    "fix --help",
]


@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full")
@pytest.mark.parametrize("words", PRINTING)
def test_a_full_disk_under_stdout_is_one_sentence(words: str, shell) -> None:
    done = shell(f"redraft {words} > /dev/full")
    assert done.code == 2
    assert done.err.splitlines()[-1] == (
        "redraft: stdout cannot be written: No space left on device; send the output elsewhere"
    )
    assert "Traceback" not in done.err
    assert "Exception" not in done.err


@pytest.mark.parametrize("words", PRINTING)
def test_a_closed_stdout_is_one_sentence(words: str, shell) -> None:
    done = shell(f"redraft {words} >&-")
    assert done.code == 2
    assert done.err.splitlines()[-1] == "redraft: stdout is closed; send the output elsewhere"
    assert "Traceback" not in done.err
    assert "Exception" not in done.err


@pytest.mark.parametrize("stream", [">&-", "> /dev/full"])
def test_who_prints_no_result_needs_no_stdout(stream: str, shell, folder) -> None:
    assert shell(f"redraft fix --check app.py {stream}").code == 1
    assert shell(f"redraft status {stream}").code == 1
    done = shell(f"redraft fix --write app.py {stream}")
    assert (done.code, done.err.splitlines()[0]) == (0, "fixed: app.py (1 edit in 0.1 s)")
    assert (folder / "app.py").read_bytes() == WHOLE


@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full")
def test_files_are_written_before_a_report_that_cannot_be(shell, folder) -> None:
    assert shell("redraft fix --write --json app.py > /dev/full").code == 2
    assert (folder / "app.py").read_bytes() == WHOLE


@pytest.mark.parametrize("words", ["fix -", "fix --json -", "fix --diff -"])
def test_a_closed_stdin_is_one_sentence(words: str, shell) -> None:
    done = shell(f"redraft {words} <&-")
    assert (done.code, done.out) == (2, "")
    assert done.err == "redraft: stdin is closed; send the source there, or name a file\n"


def test_a_process_writes_only_what_is_whole_and_sure_enough(shell, folder) -> None:
    unsure = "CONFIDENCE=0.25 redraft fix --min-confidence 0.3"
    assert shell(f"{unsure} --write app.py") == Done(
        1,
        "",
        "unsure: app.py (1 edit in 0.1 s, 25 % sure; below --min-confidence 0.3; not written)\n"
        "1 unsure; 2 forward passes, 300 tokens/s.\n",
    )
    assert shell(f"{unsure} - < app.py").out == BROKEN.decode()
    partly = shell("REPAIRED='b = ((1)' redraft fix --write app.py")
    assert (partly.code, partly.err.splitlines()[0]) == (
        1,
        "partly fixed: app.py (1 edit in 0.1 s; left: '(' was never closed in line 1; not written)",
    )
    assert (folder / "app.py").read_bytes() == BROKEN
    assert shell("CONFIDENCE=0.25 redraft fix --min-confidence 0.2 --write app.py").code == 0
    assert (folder / "app.py").read_bytes() == WHOLE


def test_a_process_names_what_parses_and_does_not_compile_and_repairs_it(shell, folder) -> None:
    (folder / "app.py").write_text("import sys\n\nreturn 1\n")
    assert shell("redraft fix --write app.py") == Done(
        1,
        "",
        "unfixable: app.py (no repair found for 'return' outside function in line 3)\n"
        "1 unfixable; 2 forward passes, 300 tokens/s.\n",
    )
    assert shell("REPAIRED='import sys' redraft fix --write app.py").code == 0
    assert (folder / "app.py").read_text() == "import sys\n"


def test_who_reads_no_stdin_needs_none(shell, folder) -> None:
    assert shell("redraft fix --write app.py <&-").code == 0
    assert (folder / "app.py").read_bytes() == WHOLE
    assert shell("redraft doubt clean.py <&-").code == 1


@pytest.mark.parametrize("stream", ["2>&-", pytest.param("2> /dev/full", id="full")])
def test_where_nobody_can_hear_it_the_work_is_done_all_the_same(stream: str, shell, folder) -> None:
    shown = shell(f"redraft fix app.py {stream}")
    assert (shown.code, shown.err) == (1, "")
    assert "+b = (1)\n" in shown.out
    assert shell(f"redraft fix - < app.py {stream}") == Done(0, WHOLE.decode(), "")
    assert shell(f"redraft complete hole.py:2:1 {stream}") == Done(0, "pass\n", "")
    assert shell(f"redraft doubt clean.py {stream}").code == 1
    assert shell(f"redraft fix --unknown {stream}") == Done(2, "", "")
    assert shell(f"redraft fix --write app.py {stream}") == Done(0, "", "")
    assert (folder / "app.py").read_bytes() == WHOLE


def test_with_all_streams_closed_no_file_is_taken_for_one(shell, folder) -> None:
    for name in ("app.py", "more.py"):
        (folder / name).write_bytes(BROKEN)
    assert shell("redraft fix --write app.py more.py <&- >&- 2>&-").code == 0
    assert [(folder / name).read_bytes() for name in ("app.py", "more.py")] == [WHOLE, WHOLE]


def test_a_reader_that_leaves_ends_a_run_quietly_and_soon(shell, folder, monkeypatch) -> None:
    monkeypatch.setenv("PACE", str(folder / "pace"))
    many = folder / "many"
    many.mkdir()
    # More than a pipe holds, so that there is somebody to be missed.
    for index in range(50):
        (many / f"a{index:02}.py").write_bytes(BROKEN + b"#" * 10_000 + b"\n")
    done = shell("{ redraft fix many; echo $? > code; } | head -1")
    assert (folder / "code").read_text() == "1\n"
    assert done.out == "--- a/many/a00.py\n"
    assert {line.split(": ")[0] for line in done.err.splitlines()} == {"would be fixed"}
    assert len((folder / "pace").read_text().splitlines()) < 50
    assert (many / "a00.py").read_bytes().startswith(BROKEN)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("fix app.py", 1),
        ("fix --json app.py", 1),
        ("fix - < app.py", 0),
        ("complete hole.py:2:1", 0),
        ("doubt clean.py", 1),
        ("logs --follow", 0),
        ("--help", 0),
    ],
)
def test_who_is_not_read_at_all_ends_with_the_usual_code(words: str, code: int, shell, folder) -> None:
    done = shell(f"mkfifo pipe; (: < pipe) & {{ wait; redraft {words}; echo $? > code; }} > pipe")
    assert (folder / "code").read_text() == f"{code}\n"
    assert "Traceback" not in done.err
    assert "Broken pipe" not in done.err


def test_what_is_written_is_written_whoever_reads(shell, folder) -> None:
    shell("{ redraft fix --write . 2>&1; echo $? > code; } | :")
    assert (folder / "code").read_text() == "0\n"
    assert (folder / "app.py").read_bytes() == WHOLE


@pytest.mark.parametrize("streams", ["<&-", ">&-", "<&- >&-"])
@pytest.mark.parametrize("words", ["lsp", "lsp --stdio", "lsp --standalone"])
def test_a_language_server_without_an_editor_is_one_sentence(words: str, streams: str, shell, folder) -> None:
    done = shell(f"redraft {words} {streams}")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "redraft: stdin or stdout is closed; an editor starts this command with both of them open\n"
    )
    assert not (folder / "run").exists()
