"""Messages in a stream of bytes: `Content-Length` headers and bodies. Knows nothing of JSON."""

from dataclasses import dataclass, field

MAX_HEADER = 16 * 2**10
MAX_BODY = 256 * 2**20

_END = b"\r\n\r\n"


@dataclass(frozen=True)
class Garbage:
    """Bytes that are no message, and why."""

    reason: str


@dataclass
class Frames:
    """Takes bytes as they come and gives the bodies they complete, none longer than `max_body`."""

    max_body: int = MAX_BODY
    _pending: bytearray = field(default_factory=bytearray)
    _length: int | None = None
    _n_skip: int = 0

    def feed(self, data: bytes) -> list[bytes | Garbage]:
        """The messages that `data` completes, in order."""
        self._pending += data
        found: list[bytes | Garbage] = []
        while (frame := self._next()) is not None:
            found.append(frame)
        return found

    def _next(self) -> bytes | Garbage | None:
        if self._n_skip:
            n_dropped = min(self._n_skip, len(self._pending))
            del self._pending[:n_dropped]
            self._n_skip -= n_dropped
        if self._length is None:
            # What is found must not depend on how much of what follows has arrived already.
            longest = MAX_HEADER + len(_END)
            end = self._pending.find(_END, 0, longest)
            if end < 0:
                if len(self._pending) < longest:
                    return None
                del self._pending[:MAX_HEADER]
                return Garbage(f"no end of a header within {MAX_HEADER} bytes")
            header = bytes(self._pending[:end])
            del self._pending[: end + len(_END)]
            length = content_length(header)
            if length is None:
                return Garbage("a header without a valid Content-Length")
            if length > self.max_body:
                self._n_skip = length
                return Garbage(f"a message of {length} bytes, more than {self.max_body}")
            self._length = length
        if len(self._pending) < self._length:
            return None
        body = bytes(self._pending[: self._length])
        del self._pending[: self._length]
        self._length = None
        return body


def framed(body: bytes) -> bytes:
    """`body` with the header that announces it."""
    return b"Content-Length: %d\r\n\r\n" % len(body) + body


def content_length(header: bytes) -> int | None:
    """The length that `header` announces, None if it announces none. Names may be in any case, as in HTTP."""
    for line in header.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            text = value.strip()
            return int(text) if text.isdigit() and len(text) < 19 else None
    return None
