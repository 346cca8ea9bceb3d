"""Replacing a file's bytes in one step: the whole new file or the whole old one, never anything between."""

import os
import stat
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from redraft_server.document import UnwritableDocument


def replace(path: Path, data: bytes, *, expected: bytes, roots: Sequence[Path]) -> None:
    """Put `data` in the place of the bytes `expected` of the file `path`, keeping its permissions.

    A symbolic link is followed only to a file inside one of the folders `roots`; it stays a link. Raises
    UnwritableDocument, with the file left as it was, if the link leads elsewhere, the file is read-only or no
    longer holds `expected`, or the disk is full.
    """
    try:
        path.stat()  # names a loop of links an OSError; resolve() would not
        target = path.resolve(strict=True)
        if path.is_symlink() and not any(target.is_relative_to(root.resolve()) for root in roots):
            raise UnwritableDocument(f"{path} is a link to {target}, outside the folders to work on")
        if not os.access(target, os.W_OK):
            raise UnwritableDocument(f"{path} is read-only")
        if target.read_bytes() != expected:
            raise UnwritableDocument(f"{path} was changed by somebody else in the meantime; run again")
        _replace(target, data)
    except OSError as error:
        raise UnwritableDocument(
            f"{path} cannot be written and was left as it was: {error.strerror or error}"
        ) from error


def _replace(target: Path, data: bytes) -> None:
    # A rename is atomic only within one file system, hence the same folder.
    descriptor, name = tempfile.mkstemp(prefix=".redraft-", dir=target.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        _take_owner_and_mode(temporary, target.stat())
        temporary.replace(target)
    except BaseException:
        # Ctrl+C as well must not leave the temporary file behind.
        temporary.unlink(missing_ok=True)
        raise


def _take_owner_and_mode(path: Path, wanted: os.stat_result) -> None:
    status = path.stat()
    if (status.st_uid, status.st_gid) != (wanted.st_uid, wanted.st_gid):
        # Only a superuser may give files away; without that the file is simply ours.
        with suppress(PermissionError):
            os.chown(path, wanted.st_uid, wanted.st_gid)
    path.chmod(stat.S_IMODE(wanted.st_mode))
