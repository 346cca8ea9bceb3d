r"""A text file as the engine wants to see it, and the way back to the file's own bytes.

The engine works on `str` with "\n" line ends. A file has an encoding, perhaps a byte order mark, and line
ends that may be mixed; `Document` remembers them, so that what an edit leaves alone is written back byte for
byte.
Knows nothing of models, of editors' positions, or of how files are written.
"""

import io
import re
import stat
import tokenize
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from redraft_model.errors import RedraftError

from redraft_server.lines import ending, hunks, split_lines

MAX_BYTES = 1_000_000
MAX_LINES = 20_000

_FOREIGN_ENDING = re.compile(r"\r\n?")


class UnreadableDocument(RedraftError):  # noqa: N818  (a fact about a file)
    """A file cannot be worked on: it is not text, not decodable, not readable, or too large."""


class UnwritableDocument(RedraftError):  # noqa: N818  (a fact about a file)
    """A new text cannot be put in the place of the old one."""


@dataclass(frozen=True)
class Document:
    r"""One source text. `name` is the path or URI people know it by, `text` has "\n" line ends only.

    `original` is the decoded text with the file's own line ends, `encoding` the codec that gives the file's
    bytes back ("utf-8-sig" with a byte order mark), `mode` the permission bits or None if there is no file.
    """

    name: str
    text: str
    original: str
    encoding: str = "utf-8"
    mode: int | None = None

    @classmethod
    def read(cls, path: Path) -> "Document":
        """The document in the file `path`; raises UnreadableDocument."""
        data, mode = file_bytes(path, limit=MAX_BYTES)
        return cls.from_bytes(data, name=str(path), mode=mode)

    @classmethod
    def from_bytes(cls, data: bytes, *, name: str = "<stdin>", mode: int | None = None) -> "Document":
        """The document in `data`, decoded as Python would (PEP 263).

        Raises UnreadableDocument.
        """
        if len(data) > MAX_BYTES:
            raise UnreadableDocument(_too_many_bytes(name, len(data), MAX_BYTES))
        if b"\0" in data:
            raise UnreadableDocument(f"{name} is binary: it contains NUL bytes")
        encoding = _encoding_of(data, name)
        try:
            original = data.decode(encoding)
            is_faithful = original.encode(encoding) == data
        except (UnicodeError, LookupError) as error:
            raise UnreadableDocument(f"{name} is not valid {encoding} text: {_reason(error)}") from error
        if not is_faithful:
            raise UnreadableDocument(f"{name} would change if it were read and written as {encoding}")
        return cls.from_text(original, name=name, encoding=encoding, mode=mode)

    @classmethod
    def from_text(
        cls, original: str, *, name: str = "<text>", encoding: str = "utf-8", mode: int | None = None
    ) -> "Document":
        """The document with the decoded text `original`, any line ends; raises UnreadableDocument."""
        if len(original) > MAX_BYTES:
            raise UnreadableDocument(_too_many_bytes(name, len(original), MAX_BYTES))
        text = _FOREIGN_ENDING.sub("\n", original)
        n_lines = text.count("\n") + 1
        if n_lines > MAX_LINES:
            raise UnreadableDocument(
                f"{name} has {n_lines:,} lines, more than the {MAX_LINES:,} Redraft works on"
            )
        return cls(name, text, original, encoding, mode)

    @cached_property
    def newline(self) -> str:
        r"""The line end most lines have (the first seen among equals); "\n" if there is none."""
        counts = Counter(ending(line) for line in self._lines)
        counts.pop("", None)
        return max(counts, key=counts.__getitem__, default="\n")

    def restore(self, new_text: str) -> str:
        r"""`new_text` (with "\n" line ends) with this document's line ends.

        A line that is kept or changed in place keeps its own end; an additional line gets the dominant one.
        """
        if "\r" not in self.original:
            return new_text
        new_lines = new_text.split("\n")
        old_lines = self.text.split("\n")
        ends: list[str] = []
        n_done = 0
        for hunk in hunks(old_lines, new_lines):
            ends += self._ends(n_done, hunk.before_start)
            n_new = hunk.after_end - hunk.after_start
            kept = self._ends(hunk.before_start, hunk.before_end)[:n_new]
            ends += kept + [self.newline] * (n_new - len(kept))
            n_done = hunk.before_end
        ends += self._ends(n_done, len(old_lines))
        # The last piece of a split has no end.
        ends = [*ends[: len(new_lines) - 1], ""]
        for index in range(1, len(ends)):
            # Two line ends must not grow together when the line between them becomes empty.
            if ends[index - 1] == "\r" and ends[index] == "\n" and not new_lines[index]:
                ends[index] = "\r"
        return "".join(line + end for line, end in zip(new_lines, ends, strict=True))

    def encode(self, new_text: str) -> bytes:
        """The bytes of the file with `new_text` for its text.

        Raises UnwritableDocument if the file's encoding lacks a character, or would no longer be declared.
        """
        restored = self.restore(new_text)
        try:
            data = restored.encode(self.encoding)
        except UnicodeEncodeError as error:
            character = error.object[error.start]
            raise UnwritableDocument(
                f"{self.name} is written in {self.encoding}, which has no {character!a}"
            ) from error
        if data and _encoding_of(data, self.name) != self.encoding:
            raise UnwritableDocument(f"{self.name} would no longer declare its encoding {self.encoding}")
        return data

    @cached_property
    def _lines(self) -> list[str]:
        return split_lines(self.original)

    def _ends(self, start: int, end: int) -> list[str]:
        # An unfinished last line that is no longer the last one gets an end like any new line.
        return [ending(line) or self.newline for line in self._lines[start:end]] + [self.newline] * max(
            0, end - max(start, len(self._lines))
        )


def file_bytes(path: Path, *, limit: int) -> tuple[bytes, int]:
    """What the file `path` holds, at most `limit` bytes, and its permission bits; raises UnreadableDocument."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            # Opening a pipe or a device could block for ever.
            raise UnreadableDocument(f"{path} is not a regular file")
        if status.st_size > limit:
            raise UnreadableDocument(_too_many_bytes(str(path), status.st_size, limit))
        return path.read_bytes(), stat.S_IMODE(status.st_mode)
    except OSError as error:
        raise UnreadableDocument(f"{path} cannot be read: {error.strerror or error}") from error


def _encoding_of(data: bytes, name: str) -> str:
    # A cookie counts in the first two lines; a lone "\r" ends a line for Python, but not for a bytes stream.
    head = io.BytesIO(data.replace(b"\r\n", b"\n").replace(b"\r", b"\n"))
    try:
        return tokenize.detect_encoding(head.readline)[0]
    except SyntaxError as error:
        raise UnreadableDocument(f"{name} cannot be decoded: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    return str(error).rstrip(".")


def _too_many_bytes(name: str, n_bytes: int, limit: int) -> str:
    return f"{name} is too large: {n_bytes:,} bytes, more than the {limit:,} Redraft works on"
