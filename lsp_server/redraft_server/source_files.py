"""A file as what can be repaired: a document, or a notebook with its cells; and lines of it as a span."""

import re
from dataclasses import dataclass
from pathlib import Path, PurePath

from redraft_model.errors import RedraftError
from redraft_model.passage import Span
from redraft_model.text.parser import line_starts

from redraft_server.discovery import is_notebook
from redraft_server.document import MAX_BYTES, Document, file_bytes
from redraft_server.notebook_files import MAX_NOTEBOOK_BYTES, Notebook

_LINE_RANGE = re.compile(r"([1-9]\d{0,8})(?:-([1-9]\d{0,8}))?")


class LineRangeError(RedraftError):
    """Lines that are asked for cannot be had."""


@dataclass(frozen=True)
class LineRange:
    """The lines `first` to `last` of a file, counted from 1, both included."""

    first: int
    last: int

    @classmethod
    def of(cls, text: str) -> "LineRange":
        """The range that the user calls `text`: "3-7", or "3" for one line; raises LineRangeError."""
        match = _LINE_RANGE.fullmatch(text)
        if match is None:
            raise LineRangeError(f"--lines takes a line or two, as in --lines 3-7, not {text!r}")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first:
            raise LineRangeError(f"--lines {text} ends before it begins; put the smaller number first")
        return cls(first, last)

    def span(self, document: Document) -> Span:
        """The characters of these lines of `document`, without the last line end; raises LineRangeError."""
        starts = line_starts(document.text)
        n_lines = len(starts) - (document.text.endswith("\n") and len(starts) > 1)
        if self.last > n_lines:
            raise LineRangeError(
                f"{document.name} has {n_lines} lines, and --lines asks for line {self.last}"
            )
        end = starts[self.last] - 1 if self.last < len(starts) else len(document.text)
        return Span(starts[self.first - 1], end)


def read(path: Path) -> bytes:
    """What the file `path` holds; raises UnreadableDocument if it is none, or too large."""
    return file_bytes(path, limit=largest(path))[0]


def largest(path: PurePath) -> int:
    """How many bytes a file of this name may have."""
    return MAX_NOTEBOOK_BYTES if is_notebook(path) else MAX_BYTES


def opened(data: bytes, path: PurePath, name: str) -> Document | Notebook:
    """The bytes of the file `path`, which is called `name` where something is said; raises UnreadableDocument."""
    if is_notebook(path):
        return Notebook.from_bytes(data, name=name)
    return Document.from_bytes(data, name=name)
