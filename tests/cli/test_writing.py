"""Writing: the whole new file or the whole old one."""

import os
import resource
from collections.abc import Iterator
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
