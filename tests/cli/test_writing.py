"""Writing: the whole new file or the whole old one."""

import itertools
import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from redraft_server.document import UnwritableDocument
from redraft_server.writing import replace

OLD, NEW = b"old\n" * 1000, b"new\n" * 5000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "app.py"
    path.write_bytes(OLD)
    return path


@pytest.fixture
def full_disk() -> Iterator[None]:
    """No file may grow beyond 8 kB; the kernel then refuses to write, as on a full disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def check_untouched(path: Path, expected: bytes = OLD) -> None:
    assert path.read_bytes() == expected
    assert list(path.parent.iterdir()) == [path]


def test_the_new_bytes_replace_the_old_ones(path: Path) -> None:
    replace(path, NEW, expected=OLD, roots=[path.parent])
    check_untouched(path, NEW)


def test_a_full_disk_leaves_the_old_file(path: Path, full_disk: None) -> None:
    with pytest.raises(UnwritableDocument, match="cannot be written and was left as it was: File too large"):
        replace(path, NEW, expected=OLD, roots=[path.parent])
    check_untouched(path)


@pytest.mark.parametrize("moment", ["fsync", "replace"])
def test_ctrl_c_leaves_the_old_file(path: Path, moment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, moment, interrupt)
    monkeypatch.setattr(Path, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        replace(path, NEW, expected=OLD, roots=[path.parent])
    check_untouched(path)


def test_a_file_somebody_else_changed_meanwhile_is_left_alone(path: Path) -> None:
    path.write_bytes(b"theirs\n")
    with pytest.raises(UnwritableDocument, match="was changed by somebody else in the meantime"):
        replace(path, NEW, expected=OLD, roots=[path.parent])
    check_untouched(path, b"theirs\n")


def test_a_file_that_vanished_is_not_made_again(path: Path) -> None:
    path.unlink()
    with pytest.raises(UnwritableDocument, match="No such file"):
        replace(path, NEW, expected=OLD, roots=[path.parent])
    assert not path.exists()


def test_the_owner_is_kept_if_we_may(path: Path) -> None:
    if os.geteuid() == 0:
        os.chown(path, 1234, 1234)
    owner = (path.stat().st_uid, path.stat().st_gid)
    replace(path, NEW, expected=OLD, roots=[path.parent])
    assert (path.stat().st_uid, path.stat().st_gid) == owner


def test_a_loop_of_links_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.py").symlink_to("b.py")
    (tmp_path / "b.py").symlink_to("a.py")
    with pytest.raises(UnwritableDocument):
        replace(tmp_path / "a.py", NEW, expected=OLD, roots=[tmp_path])


@pytest.fixture
def other(path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another name of the same file."""
    other = tmp_path_factory.mktemp("elsewhere") / "same.py"
    other.hardlink_to(path)
    return other


@pytest.mark.parametrize("data", [NEW, b"", b"short\n", OLD[:-1], b"#" + OLD], ids=len)
def test_a_file_with_several_names_keeps_them(data: bytes, path: Path, other: Path) -> None:
    path.chmod(0o640)
    before = path.stat()
    replace(path, data, expected=OLD, roots=[path.parent])
    check_untouched(path, data)
    assert (other.read_bytes(), other.stat().st_ino) == (data, before.st_ino)
    after = path.stat()
    assert (after.st_ino, after.st_nlink, after.st_mode) == (before.st_ino, 2, before.st_mode)


def test_a_link_to_a_file_with_several_names_stays_a_link(path: Path, other: Path) -> None:
    link = path.with_name("link.py")
    link.symlink_to(path.name)
    replace(link, NEW, expected=OLD, roots=[path.parent])
    assert link.readlink() == Path(path.name)
    assert (other.read_bytes(), other.stat().st_nlink) == (NEW, 2)


def test_a_full_disk_leaves_a_file_with_several_names(path: Path, other: Path, full_disk: None) -> None:
    with pytest.raises(UnwritableDocument, match="was left as it was"):
        replace(path, NEW, expected=OLD, roots=[path.parent])
    check_untouched(path)
    assert other.samefile(path)


@pytest.mark.parametrize("moment", [1, 2, None])
def test_ctrl_c_leaves_a_file_with_several_names(
    moment: int | None, path: Path, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new bytes reach the disk twice, in a copy and in the file; afterwards it is too late."""
    fsync, moments = os.fsync, itertools.count(1)

    def interrupt(descriptor: int) -> None:
        if next(moments) == moment:
            raise KeyboardInterrupt
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt) if moment else nullcontext():
        replace(path, NEW, expected=OLD, roots=[path.parent])
    check_untouched(path, OLD if moment else NEW)
    assert other.samefile(path)


PAGE = 4096


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk with sixteen pages, of which eight are taken."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={16 * PAGE}", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a small disk")
    (disk / "taken").write_bytes(b"x" * 8 * PAGE)
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_disk_that_fills_up_while_a_file_grows_leaves_the_old_bytes(small_disk: Path) -> None:
    path, other = small_disk / "app.py", small_disk / "same.py"
    old, new = b"o" * PAGE, b"n" * 6 * PAGE
    path.write_bytes(old)
    other.hardlink_to(path)
    # Seven pages are free: enough for a copy of the new bytes, and not for five more.
    with pytest.raises(UnwritableDocument, match="was left as it was: No space left on device"):
        replace(path, new, expected=old, roots=[small_disk])
    assert (path.read_bytes(), other.samefile(path)) == (old, True)
    assert {found.name for found in small_disk.iterdir()} == {"app.py", "same.py", "taken"}


def test_where_the_old_bytes_do_not_fit_any_more_the_new_ones_are_kept(small_disk: Path) -> None:
    path, other = small_disk / "app.py", small_disk / "same.py"
    old, new = bytes(6 * PAGE), b"n" * 6 * PAGE
    # A file full of holes takes no room until something is written into it.
    with path.open("wb") as file:
        file.truncate(len(old))
    other.hardlink_to(path)
    with pytest.raises(UnwritableDocument, match="could only be written in part") as caught:
        replace(path, new, expected=old, roots=[small_disk])
    (kept,) = (found for found in small_disk.iterdir() if ".redraft-" in found.name)
    assert kept.read_bytes() == new
    assert f"{kept} holds all of the new text" in str(caught.value)
