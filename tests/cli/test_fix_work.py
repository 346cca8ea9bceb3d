"""Which files `redraft fix` works on: those that changed, those that are not excluded, lines of one, and what comes on stdin."""

import json
import os
import subprocess
from pathlib import Path

import pytest

BROKEN, WHOLE = b"a = 1\nb = (1\nc = 3\n", b"a = 1\nb = (1)\nc = 3\n"


def git(*words: str, cwd: Path | str = ".") -> str:
    identity = ["-c", "user.name=A", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"]
    # Some versions do not let a submodule come from a folder unless they are told to.
    command = ["git", *identity, "-c", "protocol.file.allow=always", *words]
    return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True).stdout.strip()


def put(*names: str, data: bytes = BROKEN) -> None:
    for name in names:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def commit(cwd: str = ".") -> str:
    git("add", ".", cwd=cwd)
    git("commit", "-q", "-m", "a", "--allow-empty", cwd=cwd)
    return git("rev-parse", "HEAD", cwd=cwd)


@pytest.fixture
def repository(folder: Path) -> Path:
    git("init", "-q")
    put("old.py", "sub/old.py", "gone.py")
    commit()
    return folder


@pytest.fixture
def names(run):
    """The files a run of `redraft fix` works on."""

    def names(*arguments: object) -> list[str]:
        outcome = run("fix", "--json", *arguments)
        assert outcome.code in (0, 1), outcome.err
        return [file["path"] for file in json.loads(outcome.out)["files"]]

    return names


def test_changed_means_edited_staged_moved_and_new_files(repository, names) -> None:
    assert names("--changed") == []
    put("old.py", data=BROKEN + b"\n")
    put("new.py", "sub/ü b.py", "notes.txt", "\ttab\n.py")
    put("staged.py")
    git("add", "staged.py")
    git("mv", "sub/old.py", "sub/moved.py")
    Path("gone.py").unlink()
    assert names("--changed") == ["\ttab\n.py", "new.py", "old.py", "staged.py", "sub/moved.py", "sub/ü b.py"]
    assert names("--changed", "sub") == ["sub/moved.py", "sub/ü b.py"]


def test_a_file_that_is_named_and_did_not_change_is_left_alone(repository, names) -> None:
    put("new.py")
    assert names("--changed", "old.py", "new.py", "sub/old.py") == ["new.py"]


def test_changed_looks_below_the_current_folder(repository, names, monkeypatch) -> None:
    put("new.py", "sub/new.py")
    monkeypatch.chdir("sub")
    assert names("--changed") == ["new.py"]
    assert names("--changed", "..") == ["../new.py", "../sub/new.py"]


def test_changed_since_compares_with_a_revision(repository, names) -> None:
    first = git("rev-parse", "HEAD")
    put("old.py", data=BROKEN + b"\n")
    commit()
    put("new.py")
    assert names("--changed") == ["new.py"]
    for revision in (first, "HEAD~1", "main~1"):
        assert names("--changed-since", revision) == ["new.py", "old.py"]


def test_what_a_walk_leaves_out_did_not_change_either(repository, names) -> None:
    Path(".gitignore").write_text("ignored.py\n")
    put("ignored.py", ".hidden/a.py", "node_modules/a.py", "env/lib/a.py", "env/pyvenv.cfg", "a.txt")
    put("seen.py")
    assert names("--changed") == ["seen.py"]


def test_before_the_first_commit_all_files_have_changed(folder, names) -> None:
    git("init", "-q")
    put("staged.py", "new.py")
    git("add", "staged.py")
    assert names("--changed") == ["new.py", "staged.py"]


def test_files_of_a_submodule_belong_to_its_own_repository(repository, names, tmp_path_factory) -> None:
    other = tmp_path_factory.mktemp("other")
    git("init", "-q", cwd=other)
    (other / "lib.py").write_bytes(WHOLE)
    commit(cwd=str(other))
    git("submodule", "--quiet", "add", str(other), "module")
    commit()
    put("module/lib.py", "module/new.py")
    assert names("--changed") == []
    assert names("--changed", "module") == ["module/lib.py", "module/new.py"]


def test_a_patch_for_a_submodule_is_one_that_git_takes(repository, run, tmp_path_factory) -> None:
    other = tmp_path_factory.mktemp("other")
    git("init", "-q", cwd=other)
    (other / "lib.py").write_bytes(BROKEN)
    commit(cwd=str(other))
    git("submodule", "--quiet", "add", str(other), "module")
    patch = run("fix", "--diff", "module").out
    subprocess.run(["git", "apply", "--check", "-"], input=patch, check=True)


@pytest.mark.parametrize("option", ["--changed", "--changed-since=HEAD"])
def test_without_a_repository_or_git_changed_is_one_sentence(option: str, run, folder, monkeypatch) -> None:
    put("a.py")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(folder.parent))
    outcome = run("fix", option)
    assert (outcome.code, outcome.out) == (2, b"")
    assert outcome.err == "redraft: . is in no working tree of git; leave out --changed\n"
    (folder / "bin").mkdir()
    monkeypatch.setenv("PATH", str(folder / "bin"))
    outcome = run("fix", option)
    assert outcome.code == 2
    assert outcome.err == (
        "redraft: git cannot be started (No such file or directory); install it, or leave out --changed\n"
    )


@pytest.mark.parametrize("revision", ["nothing", "--help", "-x", "HEAD~9", "", "old.py"])
def test_an_unknown_revision_is_one_sentence(revision: str, run, repository) -> None:
    outcome = run("fix", f"--changed-since={revision}")
    assert (outcome.code, outcome.out) == (2, b"")
    assert outcome.err == (
        f"redraft: git knows no revision {revision!r} in .; name a commit, a branch or a tag\n"
    )


def test_a_repository_that_is_damaged_is_one_sentence(run, repository) -> None:
    Path(".git/index").write_bytes(b"nonsense")
    outcome = run("fix", "--changed")
    assert outcome.code == 2
    assert outcome.err.startswith("redraft: git cannot compare the files in .: ")
    assert outcome.err.count("\n") == 1


def test_a_look_at_what_changed_starts_no_program_of_the_repository(run, repository) -> None:
    watcher = Path("watcher.sh").absolute()
    watcher.write_text(f"#!/bin/sh\ntouch {watcher.parent}/started\n")
    watcher.chmod(0o755)
    git("config", "core.fsmonitor", str(watcher))
    assert run("fix", "--changed").code == 0
    assert not Path("started").exists()


def test_excluded_files_and_folders_are_left_alone_and_counted(folder, run, names) -> None:
    put("a.py", "a_pb2.py", "gen/b.py", "gen/c.py", "sub/gen/d.py", "sub/e.py")
    assert names("--exclude", "*_pb2.py", "--exclude", "/gen/") == ["a.py", "sub/e.py", "sub/gen/d.py"]
    outcome = run("fix", "--exclude", "gen/", "--exclude", "a*.py", "--check")
    assert outcome.err.splitlines()[-1].startswith("1 fixed, 4 excluded; ")
    assert names("--exclude", "*.py", ".") == []


def test_a_file_that_is_named_can_be_excluded_too(folder, names) -> None:
    put("a.py", "sub/b.py")
    assert names("--exclude", "sub/*.py", "a.py", "sub/b.py") == ["a.py"]
    assert names("--exclude", "sub", str(folder / "sub" / "b.py"), "a.py") == ["a.py"]


def test_what_has_changed_can_be_excluded(repository, names) -> None:
    put("new.py", "sub/new.py", "sub/seen.py")
    assert names("--changed", "--exclude", "new.py") == ["sub/seen.py"]


def test_a_pattern_that_is_none_is_one_sentence(run, folder) -> None:
    outcome = run("fix", "--exclude", "!")
    assert (outcome.code, outcome.out) == (2, b"")
    assert outcome.err == "redraft: --exclude cannot use '!'; it takes patterns as in .gitignore\n"


def test_stdin_can_have_the_name_of_a_file(run, folder) -> None:
    outcome = run("fix", "--diff", "--stdin-filename", "sub/a b.py", "-", stdin=BROKEN)
    assert outcome.out.startswith(b"--- a/sub/a b.py\t\n+++ b/sub/a b.py\t\n")
    assert outcome.err.startswith("would be fixed: sub/a b.py (")
    found = json.loads(run("fix", "--json", "--stdin-filename", "sub/a b.py", "-", stdin=BROKEN).out)
    assert found["files"][0]["path"] == "sub/a b.py"
    assert run("fix", "--stdin-filename", "sub/a b.py", "-", stdin=BROKEN).out == WHOLE


def test_stdin_under_an_excluded_name_is_passed_through(run, folder, engine) -> None:
    words = ["fix", "--exclude", "gen/", "--stdin-filename", "gen/a.py", "-"]
    outcome = run(*words, stdin=BROKEN)
    assert (outcome.code, outcome.out, engine.asked) == (0, BROKEN, [])


def test_a_name_for_stdin_needs_stdin(run, folder) -> None:
    put("a.py")
    assert "--stdin-filename goes with -" in run("fix", "--stdin-filename", "b.py", "a.py").err
    assert run("fix", "--changed", "-", stdin=BROKEN).code == 2


TWICE = b"b = (1\nx = 2\nb = (1\n"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("1", b"b = (1)\nx = 2\nb = (1\n"),
        ("1-2", b"b = (1)\nx = 2\nb = (1\n"),
        ("1-3", TWICE.replace(b"(1", b"(1)")),
    ],
)
def test_only_the_lines_that_are_asked_for_change(lines: str, expected: bytes, run, folder) -> None:
    put("a.py", data=TWICE)
    patch = run("fix", "--diff", "--lines", lines, "a.py").out
    git("init", "-q")
    subprocess.run(["git", "apply", "-"], input=patch, check=True)
    assert Path("a.py").read_bytes() == expected


def test_a_change_outside_of_the_lines_is_refused(run, folder, engine) -> None:
    put("a.py", data=TWICE)
    original = engine.repair
    engine.repair = lambda source, **options: original(source, **{**options, "span": None})
    outcome = run("fix", "--write", "--lines", "1", "a.py")
    assert (outcome.code, Path("a.py").read_bytes()) == (1, TWICE)
    assert "unfixable: a.py (The rewrite would change text outside the selection)" in outcome.err


def test_lines_of_stdin(run, folder) -> None:
    outcome = run("fix", "--lines", "2", "-", stdin=b"x = 1\r\nb = (1\r\n")
    assert (outcome.code, outcome.out) == (0, b"x = 1\r\nb = (1)\r\n")


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("0", "--lines takes a line or two, as in --lines 3-7, not '0'"),
        ("a-b", "--lines takes a line or two, as in --lines 3-7, not 'a-b'"),
        ("-3", "--lines takes a line or two, as in --lines 3-7, not '-3'"),
        ("3-2", "--lines 3-2 ends before it begins; put the smaller number first"),
    ],
)
def test_lines_that_are_none_are_one_sentence(lines: str, said: str, run, folder) -> None:
    put("a.py", data=TWICE)
    assert run("fix", f"--lines={lines}", "a.py").err == f"redraft: {said}\n"


def test_lines_behind_the_end_are_one_sentence(run, folder) -> None:
    put("a.py", data=TWICE)
    outcome = run("fix", "--lines", "3-4", "a.py")
    assert outcome.code == 2
    assert outcome.err.startswith("failed: a.py has 3 lines, and --lines asks for line 4\n")


def test_lines_go_with_one_file(run, folder) -> None:
    put("a.py", "b.py", data=TWICE)
    for words in (["a.py", "b.py"], ["."], []):
        assert "--lines goes with one file" in run("fix", "--lines", "1", *words).err


def test_links_that_go_round_in_circles_and_folders_without_access(
    run, folder_of_nobody, as_nobody, monkeypatch
) -> None:
    monkeypatch.chdir(folder_of_nobody)
    put("a.py", data=WHOLE)
    Path("loop").symlink_to(".")
    Path("self.py").symlink_to("self.py")
    Path("shut").mkdir(mode=0)
    run("fix", "a.py")
    with as_nobody():
        outcome = run("fix", "--no-cache", ".")
    assert outcome.code == 0
    assert outcome.err == "skipped: shut cannot be listed: Permission denied\n1 clean, 1 skipped.\n"
    outcome = run("fix", "self.py")
    assert (outcome.code, outcome.err.splitlines()[0]) == (2, "failed: self.py does not exist")


def test_a_file_of_a_hundred_thousand_lines_is_skipped_with_one_sentence(run, folder) -> None:
    put("long.py", data=b"x = 1\n" * 100_000)
    put("a.py", data=WHOLE)
    outcome = run("fix")
    assert outcome.code == 0
    assert outcome.err == (
        "skipped: long.py has 100,001 lines, more than the 20,000 Redraft works on\n1 clean, 1 skipped.\n"
    )


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_among_the_changed_files_blocks_nothing(repository, names) -> None:
    os.mkfifo("pipe.py")
    put("new.py")
    assert names("--changed") == ["new.py"]
