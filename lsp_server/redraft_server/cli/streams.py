"""Stdin, stdout and stderr, whatever they are connected to: a closed descriptor, a full disk, a reader that leaves.

The result of a command goes to stdout. If it cannot be written, the command fails with one sentence; a reader that
leaves has had enough, and gets no more. What goes to stderr is only said: where nobody can hear it, it is dropped and
the work goes on. Loads nothing but the standard library: an editor waits for it.
"""

import errno
import io
import os
import sys
from typing import TYPE_CHECKING, TextIO

from redraft_model.errors import RedraftError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class StreamError(RedraftError):
    """Stdin cannot be read, or stdout cannot be written."""


def prepare() -> None:
    """Make sys.stdin, sys.stdout and sys.stderr usable, each as well as it can be; to be called first.

    Python has none of those whose descriptors are closed. The next file to be opened would get such a descriptor,
    and be read or written as if it were the stream: a file in its place keeps it from that.
    """
    # /dev/null is opened the wrong way round for stdin and stdout, so that using them is an error.
    for name, mode in (("stdin", os.O_WRONLY), ("stdout", os.O_RDONLY), ("stderr", os.O_WRONLY)):
        if getattr(sys, name) is None:
            # The streams before this one are open, so that this gets the lowest number that is free: its own.
            descriptor = os.open(os.devnull, mode)
            os.set_inheritable(descriptor, True)
            stream = io.TextIOWrapper(io.FileIO(descriptor, "r" if name == "stdin" else "w"), "utf-8")
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)
    sys.stdout, sys.stderr = _guarded("stdout", _Result), _guarded("stderr", _Talk)


def has_reader() -> bool:
    """Whether, as far as is known, somebody still reads what is written to stdout."""
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return not (isinstance(raw, _Result) and raw.is_over)


def read(n_bytes: int) -> bytes:
    """At most `n_bytes` of stdin; raises StreamError."""
    try:
        return sys.stdin.buffer.read(n_bytes)
    except OSError as error:
        raise StreamError(
            f"stdin {_trouble(error, 'read')}; send the source there, or name a file"
        ) from error


def can_converse() -> bool:
    """Whether both stdin and stdout are open for somebody who talks with this process."""
    try:
        os.read(0, 0)
        os.write(1, b"")
    except OSError:
        return False
    return True


def require_conversation() -> None:
    """Raise StreamError unless both stdin and stdout are open."""
    if not can_converse():
        raise StreamError("stdin or stdout is closed; an editor starts this command with both of them open")


class _Result(io.FileIO):
    """Stdout. What is written after it failed once is dropped: at its end, Python flushes what is left."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self.is_over = False

    def write(self, data: "ReadableBuffer", /) -> int:
        if self.is_over:
            return memoryview(data).nbytes
        try:
            return super().write(data)
        except ConnectionError:
            self.is_over = True
            return memoryview(data).nbytes
        except OSError as error:
            self.is_over = True
            raise StreamError(f"stdout {_trouble(error, 'written')}; send the output elsewhere") from error


class _Talk(io.FileIO):
    """Stderr."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor, "w", closefd=False)

    def write(self, data: "ReadableBuffer", /) -> int:
        try:
            return super().write(data)
        except OSError:
            return memoryview(data).nbytes


def _guarded(name: str, kind: type[_Result] | type[_Talk]) -> TextIO:
    stream: TextIO = getattr(sys, name)
    # Whoever has put something else there is left alone, and so is a console that does not take bytes.
    if stream is not getattr(sys, f"__{name}__") or not isinstance(stream, io.TextIOWrapper):
        return stream
    if not isinstance(getattr(stream.buffer, "raw", stream.buffer), io.FileIO):
        return stream
    return io.TextIOWrapper(
        io.BufferedWriter(kind(stream.fileno())),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


def _trouble(error: OSError, done: str) -> str:
    if error.errno == errno.EBADF:
        return "is closed"
    return f"cannot be {done}: {error.strerror or error}"
