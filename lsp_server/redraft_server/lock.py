"""A lock file that at most one living process holds. When the process dies, however it dies, the lock is free."""

import os
import sys
from pathlib import Path

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


class Lock:
    """The lock on one file; the file has the owner's process id in it and is gone when nobody holds the lock."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor

    @classmethod
    def taken(cls, path: Path) -> "Lock | None":
        """The lock on `path`, None if another process holds it."""
        while True:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            if not _try(descriptor):
                os.close(descriptor)
                return None
            # The last owner may have deleted the file between our opening and our locking it.
            if _is_at(descriptor, path):
                break
            os.close(descriptor)
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        return cls(path, descriptor)

    def release(self) -> None:
        """Let others have the lock."""
        if sys.platform == "win32":
            # There an open file cannot be deleted; it is locked again by the next owner.
            os.close(self._descriptor)
            return
        self._path.unlink(missing_ok=True)
        os.close(self._descriptor)


def owner(path: Path) -> int | None:
    """The process that holds the lock on `path`, None if none does."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return None
    try:
        if _try(descriptor):
            return None
        text = os.read(descriptor, 32).strip()
        return int(text) if text.isdigit() else None
    finally:
        os.close(descriptor)


def _try(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            # One byte far behind the text, so that others can still read who holds the lock.
            os.lseek(descriptor, 2**20, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            os.lseek(descriptor, 0, os.SEEK_SET)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
