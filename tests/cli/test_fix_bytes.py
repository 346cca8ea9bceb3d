"""`redraft fix --write` changes the bytes of the repair and no others; so does git with `--diff`."""

import subprocess
import sys
from pathlib import Path

import pytest

LF = b"a = 1\nb = (1\nc = 3\n", b"a = 1\nb = (1)\nc = 3\n"


def test_only_the_repair_changes(bytes_case, run, folder) -> None:
    before, after = bytes_case.before, bytes_case.after
    path = folder / "app.py"
    path.write_bytes(before)
    assert run("fix", "--write", "app.py").code == 0
    assert path.read_bytes() == after


def test_git_applies_the_patch(bytes_case, run, folder) -> None:
    before, after = bytes_case.before, bytes_case.after
    path = folder / "app.py"
    path.write_bytes(before)
    subprocess.run(["git", "init", "-q"], check=True)
    patch = run("fix", "--diff", "app.py").out
    subprocess.run(["git", "apply", "--check", "-"], input=patch, check=True)
    subprocess.run(["git", "apply", "-"], input=patch, check=True)
    assert path.read_bytes() == after


@pytest.mark.parametrize("name", ["a b.py", 'quote".py', "tab\t.py", "ü.py", "back\\slash.py"])
def test_git_takes_patches_of_oddly_named_files_in_folders(name: str, run, folder, monkeypatch) -> None:
    before, after = LF
    (folder / "sub").mkdir()
    path = folder / "sub" / name
    path.write_bytes(before)
    subprocess.run(["git", "init", "-q"], check=True)
    # A patch names files from the top of the working tree, wherever it is made.
    monkeypatch.chdir(folder / "sub")
    patch = run("fix", "--diff", name).out
    subprocess.run(["git", "apply", "-"], input=patch, check=True)
    assert path.read_bytes() == after


def test_an_engine_that_adds_or_drops_the_final_newline_does_not_get_its_way(run, folder, engine) -> None:
    path = folder / "app.py"
    engine.repairs = lambda source: "b = (1)\n" if source == "b = (1" else "b = (1)"
    for before, after in ((b"b = (1", b"b = (1)"), (b"b = (1\n", b"b = (1)\n")):
        path.write_bytes(before)
        assert run("fix", "--write", "app.py").code == 0
        assert path.read_bytes() == after


def test_a_repair_the_encoding_cannot_hold_is_refused(run, folder, engine) -> None:
    path = folder / "app.py"
    path.write_bytes(b"# coding: latin-1\nb = (1\n")
    engine.repairs = lambda source: source.replace("(1", "('\u20ac')")
    outcome = run("fix", "--write", "app.py")
    assert outcome.code == 1
    assert "iso-8859-1, which has no" in outcome.err
    assert path.read_bytes() == b"# coding: latin-1\nb = (1\n"


@pytest.mark.parametrize("mode", [0o644, 0o755, 0o600, 0o664])
def test_permissions_are_kept(mode: int, run, folder) -> None:
    path = folder / "app.py"
    path.write_bytes(b"b = (1\n")
    path.chmod(mode)
    run("fix", "--write", "app.py")
    assert (path.read_bytes(), path.stat().st_mode & 0o7777) == (b"b = (1)\n", mode)


def test_a_link_inside_the_folder_is_written_through(run, folder) -> None:
    target = folder / "target.txt"
    target.write_bytes(b"b = (1\n")
    (folder / "app.py").symlink_to("target.txt")
    assert run("fix", "--write", ".").code == 0
    assert target.read_bytes() == b"b = (1)\n"
    assert (folder / "app.py").readlink() == Path("target.txt")


def test_all_names_of_a_file_have_the_repair(run, folder, tmp_path_factory) -> None:
    path, other = folder / "app.py", tmp_path_factory.mktemp("elsewhere") / "same.py"
    path.write_bytes(b"b = (1\n")
    other.hardlink_to(path)
    assert run("fix", "--write", "app.py").code == 0
    assert other.read_bytes() == path.read_bytes() == b"b = (1)\n"
    assert other.samefile(path)


def test_a_link_that_leads_outside_is_not_written_through(run, folder, tmp_path_factory) -> None:
    outside = tmp_path_factory.mktemp("outside") / "target.py"
    outside.write_bytes(b"b = (1\n")
    (folder / "app.py").symlink_to(outside)
    for argument in (".", "app.py"):
        outcome = run("fix", "--write", argument)
        assert outcome.code == 2
        assert "is a link to" in outcome.err
        assert outside.read_bytes() == b"b = (1\n"


@pytest.mark.skipif(sys.platform == "win32", reason="there files are without write permission at most")
def test_files_without_permissions_are_reported(run, folder_of_nobody, as_nobody, monkeypatch) -> None:
    folder = folder_of_nobody
    # What is imported on the way may lie where others may not look.
    (folder / "first.py").write_bytes(b"b = (1\n")
    assert run("fix", "--write", str(folder)).code == 0
    for name, mode in (("unreadable.py", 0), ("readonly.py", 0o444)):
        (folder / name).write_bytes(b"b = (1\n")
        (folder / name).chmod(mode)
    monkeypatch.chdir(folder)
    with as_nobody():
        outcome = run("fix", "--write", ".")
    assert outcome.code == 2
    assert "skipped: unreadable.py cannot be read: Permission denied" in outcome.err
    assert "failed: readonly.py is read-only" in outcome.err
    assert (folder / "readonly.py").read_bytes() == b"b = (1\n"
