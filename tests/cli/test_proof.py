"""`--test-cmd`: a repair stays only if the user's own command does not end worse with it."""

import json
import os
import shlex
import signal
import sys
from pathlib import Path

import pytest
from redraft_server import child
from redraft_server.document import UnwritableDocument
from redraft_server.proof import Proof, ProofError
from redraft_server.writing import attempt

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX processes")

BROKEN, WHOLE = b"b = (1\n", b"b = (1)\n"


@pytest.fixture
def tests(folder: Path):
    """A command that runs a script, which notes each run in the file `log`."""

    def tests(script: str) -> str:
        (folder / "check").mkdir(exist_ok=True)
        path = folder / "check" / "check.txt"
        start = "import os, pathlib, signal, sys, time\nopen('log', 'a').write('run\\n')\n"
        path.write_text(start + "here = pathlib.Path('.')\n" + script)
        return shlex.join([sys.executable, str(path)])

    return tests


def n_runs(folder: Path) -> int:
    path = folder / "log"
    return path.read_text().count("run") if path.exists() else 0


def put(folder: Path, *names: str, data: bytes = BROKEN) -> None:
    for name in names:
        (folder / name).write_bytes(data)


def exits(a: int, b: int) -> str:
    """A script that ends with `a` as long as a.py is broken, and then with `b`."""
    return f"sys.exit({a} if here.joinpath('a.py').read_bytes() == {BROKEN!r} else {b})\n"


@pytest.mark.parametrize(
    ("before", "after", "is_kept"),
    [(0, 0, True), (1, 0, True), (1, 1, True), (2, 1, True), (0, 1, False), (1, 2, False), (0, 255, False)],
)
def test_a_fix_stays_if_the_command_does_not_end_worse(
    before: int, after: int, is_kept: bool, run, folder, tests
) -> None:
    put(folder, "a.py")
    outcome = run("fix", "--write", "--test-cmd", tests(exits(before, after)), "a.py")
    assert (folder / "a.py").read_bytes() == (WHOLE if is_kept else BROKEN)
    assert outcome.code == (0 if is_kept else 1)
    assert n_runs(folder) == 2
    if not is_kept:
        assert f"check.txt ended with {after} instead of with {before}; not written)" in outcome.err
    assert sorted(path.name for path in folder.iterdir()) == ["a.py", "check", "log"]


def test_the_command_is_said_before_it_runs(run, folder, tests) -> None:
    put(folder, "a.py")
    command = tests("")
    outcome = run("fix", "--write", "--test-cmd", command, "a.py")
    assert outcome.err.splitlines()[:2] == [f"running {command}"] * 2


def test_each_file_is_proven_for_itself(run, folder, tests) -> None:
    put(folder, "a.py", "b.py", "c.py")
    script = "sys.exit(here.joinpath('b.py').read_bytes() != " + repr(BROKEN) + ")"
    outcome = run("fix", "--write", "--json", "--test-cmd", tests(script), "a.py", "b.py", "c.py")
    assert [(folder / name).read_bytes() for name in ("a.py", "b.py", "c.py")] == [WHOLE, BROKEN, WHOLE]
    found = json.loads(outcome.out)["files"]
    assert [file["status"] for file in found] == ["fixed", "unsure", "fixed"]
    assert found[1]["reason"].endswith("ended with 1 instead of with 0")
    assert n_runs(folder) == 4


def test_what_has_become_better_must_not_become_worse_again(run, folder, tests) -> None:
    put(folder, "a.py", "b.py")
    state = f"[here.joinpath(n).read_bytes() == {BROKEN!r} for n in ('a.py', 'b.py')]"
    script = f"sys.exit({{(True, True): 2, (False, True): 0, (False, False): 1}}[tuple({state})])"
    run("fix", "--write", "--test-cmd", tests(script), "a.py", "b.py")
    assert [(folder / name).read_bytes() for name in ("a.py", "b.py")] == [WHOLE, BROKEN]


def test_bytes_mode_links_and_names_come_back(run, folder, tests) -> None:
    data = b"\xef\xbb\xbfx = 1\r\nb = (1\r\n"
    put(folder, "target.txt", data=data)
    (folder / "target.txt").chmod(0o640)
    (folder / "other.txt").hardlink_to(folder / "target.txt")
    (folder / "a.py").symlink_to("target.txt")
    command = tests(f"sys.exit(here.joinpath('a.py').read_bytes() != {data!r})")
    assert run("fix", "--write", "--test-cmd", command, "a.py").code == 1
    assert (folder / "other.txt").read_bytes() == (folder / "a.py").read_bytes() == data
    assert (folder / "target.txt").stat().st_mode & 0o7777 == 0o640
    assert (folder / "a.py").readlink() == Path("target.txt")


def test_nothing_is_run_where_nothing_is_written(run, folder, tests) -> None:
    put(folder, "clean.py", data=WHOLE)
    put(folder, "hopeless.py", data=b"a = [\n")
    assert run("fix", "--write", "--test-cmd", tests(""), ".").code == 1
    assert n_runs(folder) == 0


def test_the_last_lines_of_a_command_that_objects_are_shown(run, folder, tests) -> None:
    put(folder, "a.py")
    script = "print('\\n'.join(f'line {i} \\x1b[31m' for i in range(30)), file=sys.stderr)\n" + exits(0, 1)
    outcome = run("fix", "--write", "--test-cmd", tests(script), "a.py")
    assert "  line 19 " not in outcome.err
    assert "  line 20 \\x1b[31m\n" in outcome.err
    assert "  line 29 \\x1b[31m\n" in outcome.err
    assert outcome.out == b""


def test_an_end_by_a_signal_is_worse_than_any_exit_code(run, folder, tests) -> None:
    put(folder, "a.py")
    script = f"here.joinpath('a.py').read_bytes() == {BROKEN!r} or os.kill(os.getpid(), 9)\nsys.exit(255)"
    outcome = run("fix", "--write", "--test-cmd", tests(script), "a.py")
    assert (outcome.code, (folder / "a.py").read_bytes()) == (1, BROKEN)
    assert "check.txt ended by signal 9 instead of with 255; not written)" in outcome.err


def test_a_repair_with_which_the_command_never_ends_is_put_back(folder, tests) -> None:
    put(folder, "a.py")
    command = tests(f"here.joinpath('a.py').read_bytes() == {BROKEN!r} or time.sleep(3600)\nsys.exit(1)")
    asked = Proof(command, 3600, lambda line: None)
    asked.prepare()
    asked._time_limit = 0.2
    said: list[str] = []

    def is_good() -> bool:
        said.append(asked.objection())
        return not said[-1]

    assert not attempt(folder / "a.py", WHOLE, expected=BROKEN, roots=[folder], is_good=is_good)
    assert said == [f"{command} did not end in time instead of with 1"]
    assert (folder / "a.py").read_bytes() == BROKEN


def test_a_command_that_never_ends_is_one_sentence(run, folder, tests) -> None:
    put(folder, "a.py", "b.py")
    command = tests("time.sleep(3600)")
    outcome = run("fix", "--write", "--test-cmd", command, "--test-timeout", "0.2", "a.py", "b.py")
    assert outcome.code == 2
    assert outcome.err.splitlines()[-1] == (
        f"redraft: {command} does not end within 0.2 s, before anything was changed; "
        "raise --test-timeout, or leave out --test-cmd"
    )
    assert (folder / "a.py").read_bytes() == BROKEN


def test_what_the_command_has_started_ends_with_it(run, folder, tests) -> None:
    put(folder, "a.py")
    child = "import os, time; open('child', 'w').write(str(os.getpid())); time.sleep(3600)"
    script = (
        f"import subprocess\nsubprocess.Popen([sys.executable, '-c', {child!r}])\n"
        "while not (here / 'child').exists() or not (here / 'child').read_text(): time.sleep(0.01)\n"
    )
    assert run("fix", "--write", "--test-cmd", tests(script), "a.py").code == 0
    process = int((folder / "child").read_text())
    try:
        # A process that has ended and that nobody has asked about is still listed.
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        state = "gone"
    assert state in ("gone", "Z")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (
            "no-such-program --now",
            "no-such-program cannot be started (No such file or directory); check --test-cmd",
        ),
        ("", "--test-cmd is empty; name a command"),
        ("a 'b", "--test-cmd cannot be read (No closing quotation); quote it as for a shell"),
    ],
)
def test_a_command_that_cannot_start_is_one_sentence(command: str, said: str, run, folder) -> None:
    put(folder, "a.py")
    outcome = run("fix", "--write", "--test-cmd", command, "a.py")
    assert (outcome.code, outcome.err.splitlines()[-1]) == (2, f"redraft: {said}")
    assert (folder / "a.py").read_bytes() == BROKEN


def test_a_command_is_for_what_is_written(run, folder) -> None:
    put(folder, "a.py")
    for words in ([], ["--diff"], ["--check"]):
        assert "--test-cmd judges what is written" in run("fix", *words, "--test-cmd", "true", "a.py").err
    assert run("fix", "--test-cmd", "true", "-", stdin=BROKEN).code == 2


def test_what_a_user_takes_is_proven_too(run, folder, tests) -> None:
    put(folder, "a.py")
    outcome = run("fix", "--interactive", "--test-cmd", tests(exits(0, 1)), "a.py", stdin=b"y\n")
    assert (outcome.code, (folder / "a.py").read_bytes()) == (1, BROKEN)
    assert "ended with 1 instead of with 0; not written)" in outcome.err


def test_ctrl_c_while_the_command_runs_puts_the_file_back(run, folder, tests, monkeypatch) -> None:
    put(folder, "a.py")
    script = f"here.joinpath('a.py').read_bytes() == {BROKEN!r} or os.kill({os.getpid()}, signal.SIGINT) or time.sleep(3600)"
    # Whoever runs tests in the background may have them ignore the signal.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        outcome = run("fix", "--write", "--test-cmd", tests(script), "a.py")
    finally:
        signal.signal(signal.SIGINT, before)
    assert (outcome.code, (folder / "a.py").read_bytes()) == (130, BROKEN)
    assert outcome.err.splitlines()[-1] == "interrupted: 0 of 1 files are done"
    assert sorted(path.name for path in folder.iterdir()) == ["a.py", "check", "log"]


def test_a_file_that_the_command_has_changed_is_not_overwritten(run, folder, tests) -> None:
    put(folder, "a.py")
    script = (
        f"path = here / 'a.py'\npath.read_bytes() == {BROKEN!r} or (path.write_text('theirs'), sys.exit(1))"
    )
    outcome = run("fix", "--write", "--test-cmd", tests(script), "a.py")
    assert outcome.code == 2
    assert (folder / "a.py").read_bytes() == b"theirs"
    (kept,) = folder.glob("a.py.redraft-*")
    assert kept.read_bytes() == BROKEN
    said = outcome.err.splitlines()[-2]
    assert said.startswith("failed: a.py was changed by somebody else in the meantime")
    assert said.endswith(f"{kept.name} holds the text that was there before")


def test_a_full_disk_when_a_file_is_put_back_loses_nothing(folder, monkeypatch) -> None:
    import resource

    path, old, new = folder / "a.py", b"old\n" * 2000, b"new\n"
    path.write_bytes(old)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def is_good() -> bool:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
        return False

    try:
        with pytest.raises(UnwritableDocument, match="holds the text that was there before"):
            attempt(path, new, expected=old, roots=[folder], is_good=is_good)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    (kept,) = folder.glob("a.py.redraft-*")
    assert (path.read_bytes(), kept.read_bytes()) == (new, old)


def test_the_command_gets_no_input_and_leaves_no_compiled_files(run, folder, tests) -> None:
    put(folder, "a.py")
    script = "assert sys.stdin.read() == ''\nassert sys.dont_write_bytecode\n"
    assert run("fix", "--write", "--test-cmd", tests(script), "a.py").code == 0


def test_a_command_that_ignores_a_polite_end_is_ended(monkeypatch) -> None:
    monkeypatch.setattr(child, "_SECONDS_TO_END", 0.2)
    # What a process ignores, those that it starts ignore from their first moment on.
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with pytest.raises(ProofError, match=r"does not end within 0\.1 s"):
            Proof("sleep 3600", 0.1, lambda line: None).prepare()
    finally:
        signal.signal(signal.SIGTERM, before)
