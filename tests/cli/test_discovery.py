"""Discovery: which files a list of paths means."""

import os
import subprocess
from pathlib import Path

import pytest
from redraft_server.discovery import discover


@pytest.fixture
def tree(folder: Path):
    """Make files below the current folder."""

    def tree(*names: str, **texts: str) -> None:
        for name in names:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()

    return tree


def check(paths: list[str], expected: list[str]) -> None:
    assert [str(file.path) for file in discover(Path(path) for path in paths).files] == expected


def test_only_python_counts_in_folders_and_the_order_is_fixed(tree) -> None:
    tree("b.py", "a.pyi", "c.txt", "sub/d.py", "Makefile", "e.pyc")
    check(["."], ["a.pyi", "b.py", "sub/d.py"])


def test_a_python_file_that_is_named_is_taken_wherever_it_is(tree) -> None:
    tree("a.pyw", "B.PY", ".hidden/a.py", "node_modules/b.py")
    names = ["a.pyw", "B.PY", ".hidden/a.py"]
    check([*names, "node_modules"], [*names, "node_modules/b.py"])
    check(["."], [])


@pytest.mark.parametrize(
    "first_line",
    [
        "#!/usr/bin/env python3",
        "#!/usr/bin/python3.11 -u",
        "#! /usr/local/bin/pypy",
        "#!/usr/bin/env -S python -u",
        "#!/usr/bin/env python\r",
        "#!python",
    ],
)
def test_a_named_file_is_python_by_its_first_line(first_line: str, tree) -> None:
    tree("script")
    Path("script").write_text(first_line + "\nx = 1\n")
    check(["script"], ["script"])
    check(["."], [])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x7fELF\0\0#!/usr/bin/python",
        b"#!/bin/sh\n# python\n",
        b"#!/opt/python-tools/bin/ruby\n",
        b"# x\n#!/usr/bin/python\n",
        b"x = 1\n",
    ],
)
def test_a_named_file_that_is_not_python_is_refused_unless_forced(data: bytes, tree) -> None:
    tree("a.py", "script")
    Path("script").write_bytes(data)
    found = discover([Path("script"), Path("a.py")])
    assert [str(file.path) for file in found.files] == ["a.py"]
    (refused,) = found.refused
    assert str(refused.path) == "script"
    assert refused.reason.startswith("script is not Python")
    forced = discover([Path("script"), Path("a.py")], is_forced=True)
    assert [str(file.path) for file in forced.files] == ["script", "a.py"]
    assert forced.refused == ()


def test_a_link_is_python_by_its_name_or_that_of_its_file(tree) -> None:
    tree("tool.py", "notes.txt")
    Path("tool").symlink_to("tool.py")
    Path("notes.py").symlink_to("notes.txt")
    check(["tool", "notes.py"], ["tool", "notes.py"])


def test_what_cannot_be_opened_is_left_to_whoever_reads_it(tree) -> None:
    os.mkfifo("pipe")
    check(["pipe"], ["pipe"])


def test_folders_with_other_peoples_code_are_left_out(tree) -> None:
    tree("a.py", ".venv/b.py", ".git/c.py", "node_modules/d.py", "__pycache__/e.py")
    tree("env/pyvenv.cfg", "env/lib/f.py")
    check(["."], ["a.py"])


def test_each_file_is_found_once(tree) -> None:
    tree("a.py", "sub/b.py")
    Path("link.py").symlink_to("a.py")
    check(["a.py", ".", "sub", "./sub/b.py"], ["a.py", "sub/b.py"])


def test_linked_folders_are_not_entered_unless_named(tree) -> None:
    tree("real/a.py")
    Path("link").symlink_to("real")
    Path("loop.py").symlink_to("loop.py")
    Path("nowhere.py").symlink_to("missing.py")
    check(["."], ["real/a.py"])
    check(["link"], ["link/a.py"])


def test_gitignore_files_are_respected_and_inner_ones_decide(tree) -> None:
    tree("a.py", "gen/b.py", "sub/c_gen.py", "sub/keep_gen.py", "build/d.py", "sub/build.py")
    Path(".gitignore").write_text("*_gen.py\n/gen/\nbuild/\n")
    Path("sub/.gitignore").write_text("!keep_gen.py\n")
    check(["."], ["a.py", "sub/build.py", "sub/keep_gen.py"])
    assert discover([Path()]).n_ignored == 3


def test_gitignore_files_above_count_within_the_working_tree(tree) -> None:
    tree("top/.gitignore", "top/sub/a_gen.py", "top/sub/b.py", "top/repository/c_gen.py")
    Path("top/.gitignore").write_text("*_gen.py\n")
    check(["top/sub"], ["top/sub/a_gen.py", "top/sub/b.py"])
    subprocess.run(["git", "init", "-q", "top"], check=True)
    check(["top/sub"], ["top/sub/b.py"])
    subprocess.run(["git", "init", "-q", "top/repository"], check=True)
    check(["top/repository"], ["top/repository/c_gen.py"])


def test_an_ignored_folder_or_file_that_is_named_is_taken(tree) -> None:
    tree("build/a.py", "build/sub/b.py", "c.py")
    Path(".gitignore").write_text("build/\nc.py\n")
    subprocess.run(["git", "init", "-q"], check=True)
    check(["build"], ["build/a.py", "build/sub/b.py"])
    check(["build/sub", "c.py"], ["build/sub/b.py", "c.py"])


def test_a_malformed_pattern_is_overlooked(tree) -> None:
    tree("a.py", "b_gen.py")
    Path(".gitignore").write_bytes(b"!\n/\n[\nfoo\xff\n*_gen.py\n")
    check(["."], ["a.py"])


def test_git_agrees_about_what_is_ignored(tree) -> None:
    tree("a.py", "b/a.py", "b/c/a.py", "doc/frotz/a.py", "frotz/a.py", "x/y/z/a.py", "d/e.py", "foo.py")
    Path(".gitignore").write_text("doc/frotz/\nx/**/z\nd/*\n!d/e.py\n\\#a.py\n/b/*.py\nfoo.p?\n")
    subprocess.run(["git", "init", "-q"], check=True)
    listed = subprocess.run(
        ["git", "ls-files", "--others", "--exclude-standard", "*.py"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert sorted(str(file.path) for file in discover([Path()]).files) == sorted(listed.stdout.split())


def test_what_is_missing_or_empty_is_said(tree) -> None:
    tree("a.py", "empty/readme.md")
    found = discover([Path("a.py"), Path("empty"), Path("missing.py")])
    assert [str(file.path) for file in found.files] == ["a.py"]
    assert [(str(path.path), path.reason) for path in found.skipped] == [
        ("empty", "there is no Python file in empty")
    ]
    assert [(str(path.path), path.reason) for path in found.refused] == [
        ("missing.py", "missing.py does not exist")
    ]
