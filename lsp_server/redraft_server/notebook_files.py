r"""Jupyter notebooks on disk: the Python in their cells, and the way back to the file's own bytes.

A notebook is JSON. It is read with the standard `json` module, which also says where each value ends, so that a changed cell
can be written into the text of the file: outputs, metadata, the order of keys and all formatting stay byte for byte. Knows
nothing of models, nor of how files are written.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from redraft_model.passage import Span

from redraft_server.document import Document, UnreadableDocument, file_bytes
from redraft_server.lines import hunks
from redraft_server.magics import foreign_magic, hidden, revealed

# Outputs hold pictures; the Python in a notebook is bounded like that of any other file.
MAX_NOTEBOOK_BYTES = 50_000_000

_BOM = "\ufeff"
_BLANKS = re.compile(r"[ \t\r\n]*")
_ESCAPED_LETTER = re.compile(r"\\u(?!00[01])[0-9a-fA-F]{4}")
_DECODER = json.JSONDecoder()


@dataclass(frozen=True)
class Cell:
    """A cell with Python in it: its number among all cells, from 1; its text; where its source is in the notebook's JSON.

    `elements` are the strings of the source where it is a list of lines; () where it is one string.
    """

    number: int
    document: Document
    place: Span
    elements: tuple[Span, ...]

    @property
    def code(self) -> str:
        """The text as Python's parser and the model may see it: IPython's lines are hidden. Offsets stay."""
        return hidden(self.document.text)

    def revealed(self, code: str) -> str | None:
        """`code`, a rewrite of the cell's, with IPython's lines again; None if it changed one of them."""
        return revealed(self.document.text, code)


@dataclass(frozen=True)
class Notebook:
    """A notebook: the JSON in its file (without a byte order mark), and the cells that hold Python, in order."""

    name: str
    json_text: str
    cells: tuple[Cell, ...]
    encoding: str = "utf-8"

    @classmethod
    def read(cls, path: Path) -> "Notebook":
        """The notebook in the file `path`; raises UnreadableDocument."""
        data, _ = file_bytes(path, limit=MAX_NOTEBOOK_BYTES)
        return cls.from_bytes(data, name=str(path))

    @classmethod
    def from_bytes(cls, data: bytes, *, name: str = "<stdin>") -> "Notebook":
        """The notebook in `data`; raises UnreadableDocument if it is none, or one whose code is not Python."""
        try:
            text = data.decode("utf-8")
            members = _members(text.removeprefix(_BOM))
            encoding = "utf-8-sig" if text.startswith(_BOM) else "utf-8"
            text = text.removeprefix(_BOM)
            return cls(name, text, tuple(_cells(text, members, name)), encoding)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise UnreadableDocument(f"{name} is not a notebook: {_reason(error)}") from error

    def encode(self, texts: Mapping[int, str]) -> bytes:
        r"""The bytes of the file with `texts` in the cells of these numbers, each with "\n" line ends."""
        pieces: list[str] = []
        done = 0
        for cell in self.cells:
            if cell.number in texts and texts[cell.number] != cell.document.text:
                pieces += self.json_text[done : cell.place.start], self._source(cell, texts[cell.number])
                done = cell.place.end
        return "".join([*pieces, self.json_text[done:]]).encode(self.encoding)

    def line_of(self, cell: Cell, line: int) -> int:
        """The line of the file, from 0, where line `line` (from 0) of a cell is, as far as that can be told."""
        spans = cell.elements or (cell.place,)
        return self.json_text.count("\n", 0, spans[min(line, len(spans) - 1)].start)

    def _source(self, cell: Cell, text: str) -> str:
        """The JSON of the cell's source with `text` in it; lines that stay, stay as they are spelled."""
        restored = cell.document.restore(text)
        if not self.json_text.startswith("[", cell.place.start):
            return self._spelled(restored)
        old, new = _lines(cell.document.original), _lines(restored)
        spans = cell.elements
        before, usual, rest = "", ", ", "]"
        if spans:
            before = self.json_text[cell.place.start + 1 : spans[0].start]
            usual = "," + (before or " ")
            rest = self.json_text[spans[-1].end : cell.place.end]
        # Of each line: the text between it and the one before, "" for the first; and the line in JSON.
        lines = [("", self._spelled(line)) for line in new]
        if [_value(self.json_text, span) for span in spans] == old:
            starts = [spans[0].start, *(span.end for span in spans)] if spans else []
            lines = [
                (self.json_text[start : span.start], span.of(self.json_text))
                for start, span in zip(starts, spans, strict=False)
            ]
            for hunk in reversed(hunks(old, new)):
                gaps = [gap for gap, _ in lines[hunk.before_start : hunk.before_end]]
                written = [self._spelled(line) for line in new[hunk.after_start : hunk.after_end]]
                gaps += [""] * (len(written) - len(gaps))
                lines[hunk.before_start : hunk.before_end] = zip(gaps, written, strict=False)
        pieces = [(before if i == 0 else gap or usual) + line for i, (gap, line) in enumerate(lines)]
        return "[" + "".join(pieces) + rest

    def _spelled(self, text: str) -> str:
        return json.dumps(text, ensure_ascii=self._is_escaped)

    @cached_property
    def _is_escaped(self) -> bool:
        """Whether whoever wrote the file has spelled letters outside of ASCII as escapes."""
        return self.json_text.isascii() and _ESCAPED_LETTER.search(self.json_text) is not None


def _cells(text: str, members: Mapping[str, Span], name: str) -> Iterator[Cell]:
    version = _value(text, members["nbformat"])
    if version != 4:
        raise UnreadableDocument(
            f"{name} is a notebook of format {version}; convert it with `jupyter nbconvert --to notebook`"
        )
    language = _language(_value(text, members["metadata"]))
    if language not in ("python", "ipython", "python3"):
        raise UnreadableDocument(f"{name} is a notebook in {language}")
    for number, cell in enumerate(_items(text, members["cells"]), 1):
        parts = _members(text, cell)
        if _value(text, parts["cell_type"]) != "code":
            continue
        metadata = _value(text, parts["metadata"]) if "metadata" in parts else {}
        if metadata.get("vscode", {}).get("languageId", "python") != "python":
            continue
        place = parts["source"]
        elements = tuple(_items(text, place)) if text.startswith("[", place.start) else ()
        source = _value(text, place)
        document = Document.from_text(
            source if isinstance(source, str) else "".join(source), name=f"{name}, cell {number}"
        )
        if foreign_magic(document.text) is None:
            yield Cell(number, document, place, elements)


def _language(metadata: Any) -> str:
    """The language of a notebook's code; Python if it does not say."""
    for part, key in (("kernelspec", "language"), ("language_info", "name")):
        found = metadata.get(part, {}).get(key)
        if isinstance(found, str):
            return found.lower()
    return "python"


def _members(text: str, place: Span | None = None) -> dict[str, Span]:
    """Where the values of the JSON object at `place` (default: the whole text) are, by their names."""
    found: dict[str, Span] = {}
    at = _after(text, _skipped(text, 0 if place is None else place.start), "{")
    while not text.startswith("}", at):
        key, at = _DECODER.raw_decode(text, at)
        start = _after(text, _skipped(text, at), ":")
        _, end = _DECODER.raw_decode(text, start)
        found[key] = Span(start, end)
        at = _next(text, end, "}")
    if place is None and _skipped(text, at + 1) != len(text):
        raise ValueError("there is something behind its end")
    return found


def _items(text: str, place: Span) -> Iterator[Span]:
    """Where the items of the JSON list at `place` are."""
    at = _after(text, place.start, "[")
    while not text.startswith("]", at):
        _, end = _DECODER.raw_decode(text, at)
        yield Span(at, end)
        at = _next(text, end, "]")


def _value(text: str, place: Span) -> Any:
    return _DECODER.raw_decode(text, place.start)[0]


def _next(text: str, at: int, closer: str) -> int:
    """Behind the comma at `at`, or at the `closer` there."""
    at = _skipped(text, at)
    return at if text.startswith(closer, at) else _after(text, at, ",")


def _after(text: str, at: int, mark: str) -> int:
    if not text.startswith(mark, at):
        raise json.JSONDecodeError(f"Expecting {mark!r}", text, at)
    return _skipped(text, at + 1)


def _skipped(text: str, at: int) -> int:
    match = _BLANKS.match(text, at)
    return match.end() if match else at


def _lines(text: str) -> list[str]:
    r"""The lines of a cell as Jupyter keeps them: cut behind each "\n"."""
    return [line for line in re.split(r"(?<=\n)", text) if line]


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} in line {error.lineno}"
    if isinstance(error, KeyError):
        return f"there is no {error.args[0]!r} in it"
    if isinstance(error, UnicodeDecodeError):
        return "it is not valid utf-8 text"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return str(error) if isinstance(error, ValueError) else "it is not built like one"
