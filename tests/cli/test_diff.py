"""Patches are the ones git writes."""

import subprocess
from pathlib import Path

import pytest
from redraft_server.diff import patch_name, unified


def check(folder: Path, name: str, before: bytes, after: bytes) -> None:
    """Our patch is git's, without the lines about modes and hashes."""
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    (folder / name).write_bytes(before)
    subprocess.run(["git", "add", "."], cwd=folder, check=True)
    (folder / name).write_bytes(after)
    command = ["git", "-c", "core.autocrlf=false", "diff", "--no-color", "--no-ext-diff"]
    theirs = subprocess.run(command, cwd=folder, check=True, capture_output=True).stdout
    assert unified(name, before, after) == theirs[theirs.index(b"--- ") :]


@pytest.mark.parametrize("gap", [0, 1, 5, 6, 7, 8])
def test_hunks_share_a_section_as_long_as_their_context_touches(gap: int, folder: Path) -> None:
    lines = [b"%d\n" % number for number in range(10 + gap)]
    changed = [*lines]
    changed[3], changed[4 + gap] = b"first\n", b"second\n"
    check(folder, "a.py", b"".join(lines), b"".join(changed))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"a\n", b"b\n"),
        (b"a", b"b"),
        (b"a", b"a\n"),
        (b"a\n", b"a"),
        (b"a\r\nb\r\n", b"a\r\nc\r\n"),
        (b"a\rb\r", b"a\rc\r"),
        (b"a\nb\n", b"b\n"),
        (b"b\n", b"a\nb\n"),
        (b"a\n", b""),
        (b"\xff\n", b"\xfe\n"),
        (b"a\x0cb\n", b"a\x0cc\n"),
    ],
)
def test_ends_of_lines_and_of_files(before: bytes, after: bytes, folder: Path) -> None:
    check(folder, "a.py", before, after)


@pytest.mark.parametrize("name", ["a b.py", 'a"b.py', "a\\b.py", "a\tb.py", "a\x7f b.py", "a\x01ü\nb.py"])
def test_odd_names_are_quoted_as_git_does(name: str, folder: Path) -> None:
    check(folder, name, b"a\n", b"b\n")


def test_equal_texts_have_no_diff() -> None:
    assert unified("a.py", b"a\n", b"a\n") == b""


def test_a_patch_names_files_below_the_folder_it_is_made_in(folder: Path, tmp_path_factory) -> None:
    assert patch_name(Path("sub/a.py")) == "sub/a.py"
    assert patch_name(folder / "sub" / ".." / "a.py") == "a.py"
    outside = tmp_path_factory.mktemp("outside") / "a.py"
    assert patch_name(outside) == outside.as_posix().removeprefix("/")
