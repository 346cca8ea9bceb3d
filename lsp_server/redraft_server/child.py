"""A program of the user's that is run to its end or to a time limit; whatever it has started ends with it."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

_SECONDS_TO_END = 5


@dataclass(frozen=True)
class Finished:
    """How a program ended: with an exit code, by a signal (below 0), or not within its time (None); and what it printed."""

    code: int | None
    out: bytes
    err: bytes


def run(words: Sequence[str], time_limit: float, *, max_bytes: int, is_merged: bool = False) -> Finished:
    """Run a program in the current folder, without a shell and without input; raises OSError if it cannot be started.

    The last `max_bytes` of what it prints are kept; `is_merged` puts stderr into stdout.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT if is_merged else err,
            # Compiled files go by seconds and sizes: one of a fix must not be taken for that of the old file.
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            start_new_session=True,
        )
        code: int | None = None
        try:
            with suppress(subprocess.TimeoutExpired):
                code = process.wait(time_limit)
        finally:
            # What the program has started, too: it would work on files that are put back.
            _end(process)
        return Finished(code, _last_bytes(out, max_bytes), _last_bytes(err, max_bytes))


def _end(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL if sys.platform != "win32" else signal.SIGTERM):
        try:
            if sys.platform == "win32":
                process.terminate()
            else:
                os.killpg(process.pid, number)
        except (ProcessLookupError, PermissionError):
            break
        with suppress(subprocess.TimeoutExpired):
            process.wait(_SECONDS_TO_END)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_SECONDS_TO_END)


def _last_bytes(file: IO[bytes], n_bytes: int) -> bytes:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - n_bytes))
    return file.read()
