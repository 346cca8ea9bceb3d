"""Replacing a file's bytes in one step: the whole new file or the whole old one, never anything between.

A file that has several names (hard links) cannot be replaced: the others would keep the old text. Its bytes are written
over, while a file beside it holds the new ones, and the old ones are put back if that fails.
"""

import os
import stat
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path

from redraft_server.document import UnwritableDocument


def replace(path: Path, data: bytes, *, expected: bytes, roots: Sequence[Path]) -> None:
    """Put `data` in the place of the bytes `expected` of the file `path`, keeping its permissions and all its names.

    A symbolic link is followed only to a file inside one of the folders `roots`; it stays a link. Raises
    UnwritableDocument, with the file left as it was, if the link leads elsewhere, the file is read-only or no
    longer holds `expected`, or the disk is full. Only a file with several names is ever seen half written; should
    neither the new bytes nor the old ones fit into it, the message names a file that holds the new ones.
    """
    with _told(path):
        target = _target(path, expected, roots)
        if target.stat().st_nlink > 1:
            _overwrite(target, data, expected)
        else:
            _replace(target, data)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Whatever the system has against writing `path`, as one sentence."""
    try:
        yield
    except OSError as error:
        raise UnwritableDocument(
            f"{path} cannot be written and was left as it was: {error.strerror or error}"
        ) from error


def attempt(
    path: Path, data: bytes, *, expected: bytes, roots: Sequence[Path], is_good: Callable[[], bool]
) -> bool:
    """As `replace`, but for good only if `is_good` says so afterwards; else, and if it raises, the old bytes are put back.

    Should that fail, the message names a file that holds the old bytes.
    """
    with _told(path), _saved(expected, _target(path, expected, roots)) as saved:
        replace(path, data, expected=expected, roots=roots)
        stays = False
        try:
            stays = is_good()
            return stays
        finally:
            if not stays:
                _put_back(path, expected, data, roots, saved)


def _target(path: Path, expected: bytes, roots: Sequence[Path]) -> Path:
    """The file to write for `path`; raises UnwritableDocument if that is not to be done, and OSError."""
    path.stat()  # names a loop of links an OSError; resolve() would not
    target = path.resolve(strict=True)
    if path.is_symlink() and not any(target.is_relative_to(root.resolve()) for root in roots):
        raise UnwritableDocument(f"{path} is a link to {target}, outside the folders to work on")
    if not os.access(target, os.W_OK):
        raise UnwritableDocument(f"{path} is read-only")
    if target.read_bytes() != expected:
        raise UnwritableDocument(f"{path} was changed by somebody else in the meantime; run again")
    return target


def _put_back(path: Path, old: bytes, new: bytes, roots: Sequence[Path], saved: Path) -> None:
    try:
        replace(path, old, expected=new, roots=roots)
    except UnwritableDocument as error:
        saved.rename(kept := path.with_name(path.name + saved.name))
        raise UnwritableDocument(f"{error}; {kept} holds the text that was there before") from error


def _replace(target: Path, data: bytes) -> None:
    with _saved(data, target) as temporary:
        _take_owner_and_mode(temporary, target.stat())
        temporary.replace(target)


def _overwrite(target: Path, data: bytes, old: bytes) -> None:
    """Write `data` over the bytes `old` of a file with several names."""
    with _saved(data, target) as saved, target.open("r+b", buffering=0) as file:
        try:
            _fill(file, data, n_before=len(old))
        except BaseException as error:
            # There was room for the old bytes, and on most disks there still is.
            try:
                _fill(file, old, n_before=len(old))
            except (OSError, KeyboardInterrupt):
                saved.rename(kept := target.with_name(target.name + saved.name))
                raise UnwritableDocument(
                    f"{target} could only be written in part; {kept} holds all of the new text"
                ) from error
            raise


def _fill(file: FileIO, data: bytes, *, n_before: int) -> None:
    """Make `data` all that the file holds; it has held `n_before` bytes."""
    # What lies behind them is written first: only that needs room on the disk that may not be there.
    for start, part in ((n_before, data[n_before:]), (0, data[:n_before])):
        file.seek(start)
        while part:
            part = part[file.write(part) or 0 :]
    file.truncate(len(data))
    os.fsync(file.fileno())


@contextmanager
def _saved(data: bytes, target: Path) -> Iterator[Path]:
    """A new file beside `target` that holds `data` and is gone in the end."""
    # A rename is atomic only within one file system, hence the same folder.
    descriptor, name = tempfile.mkstemp(prefix=".redraft-", dir=target.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        yield temporary
    finally:
        # Ctrl+C as well must not leave it behind.
        temporary.unlink(missing_ok=True)


def _take_owner_and_mode(path: Path, wanted: os.stat_result) -> None:
    status = path.stat()
    if (status.st_uid, status.st_gid) != (wanted.st_uid, wanted.st_gid):
        # Only a superuser may give files away; without that the file is simply ours.
        with suppress(PermissionError):
            os.chown(path, wanted.st_uid, wanted.st_gid)
    path.chmod(stat.S_IMODE(wanted.st_mode))
