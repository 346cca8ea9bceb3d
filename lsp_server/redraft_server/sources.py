"""The texts an editor has open, kept in step with it. Knows nothing of what is done with them.

pygls' own documents split lines at form feeds and clamp one character short. An edit must stay cheap in a
long file, so a source keeps its lines and joins them only when somebody asks for the text.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from urllib.parse import unquote

from lsprotocol import types
from redraft_model.passage import Span

from redraft_server.document import Document
from redraft_server.edits import between
from redraft_server.lines import ending, split_lines
from redraft_server.magics import hidden, revealed
from redraft_server.positions import characters, content, units

BYTE_ORDER_MARK = "\ufeff"

_DRIVE = re.compile(r"^(file:///)([A-Za-z])(?=:)")


@dataclass(frozen=True, eq=False)
class Source:
    """One version of one open document; an edit gives a new one. Equal only to itself.

    `uri` is spelled as the client spells it. `lines` keep their line ends, the last one has none. Positions
    are LSP positions in `encoding` units; offsets count characters of `document.text`, which is what the
    engine sees.
    """

    uri: str
    language: str
    version: int
    lines: tuple[str, ...]
    encoding: types.PositionEncodingKind
    is_cell: bool = False

    @classmethod
    def opened(
        cls, item: types.TextDocumentItem, encoding: types.PositionEncodingKind, *, is_cell: bool = False
    ) -> "Source":
        """The document as the client opened it, perhaps as a cell of a notebook."""
        return cls(item.uri, str(item.language_id), item.version, _lines(item.text), encoding, is_cell)

    def edited(self, changes: Sequence[types.TextDocumentContentChangeEvent], version: int) -> "Source":
        """The next version, after `changes` in their order."""
        lines = self.lines
        for change in changes:
            if isinstance(change, types.TextDocumentContentChangePartial):
                lines = _spliced(lines, change.range, change.text, self.encoding)
            else:
                lines = _lines(change.text)
        return replace(self, lines=lines, version=version)

    @cached_property
    def original(self) -> str:
        """The text as the editor has it, with its line ends and byte order mark."""
        return "".join(self.lines)

    @cached_property
    def document(self) -> Document:
        """The text as the engine wants it; raises UnreadableDocument if it is too long."""
        return Document.from_text(self.original.removeprefix(BYTE_ORDER_MARK), name=self.uri)

    @cached_property
    def code(self) -> str:
        """`document.text` as Python's parser and the model may see it: IPython's lines in a cell are hidden.

        Both have the same offsets.
        """
        return hidden(self.document.text) if self.is_cell else self.document.text

    def hides(self, line: int) -> bool:
        """Whether only IPython understands line number `line`."""
        if not self.is_cell or line >= len(self.lines):
            return False
        return self.code.split("\n")[line] != content(self.lines[line])

    def revealed(self, new_code: str) -> str | None:
        """`new_code`, a rewrite of `code`, with IPython's lines again; None if it changed one of them."""
        return revealed(self.document.text, new_code) if self.is_cell else new_code

    def offset(self, position: types.Position) -> int:
        """Where `position` is in `document.text`."""
        line, column = _place(self.lines, position, self.encoding)
        offset = self._starts[line] + column
        # Only "\r\n" is shorter in `document.text`, and no position is inside one.
        return max(offset - self._n_mark, 0) - self.original.count("\r\n", 0, offset)

    def span(self, range_: types.Range) -> Span:
        """Which characters of `document.text` are in `range_`."""
        start, end = sorted((self.offset(range_.start), self.offset(range_.end)))
        return Span(start, end)

    def around(self, position: types.Position) -> tuple[str, str]:
        """The text of the line at `position`: before it and after it, without the line end."""
        line, column = _place(self.lines, position, self.encoding)
        text = content(self.lines[line])
        return text[:column], text[column:]

    def on_line(self, position: types.Position, before: str, after: str) -> types.Range:
        """The range of the characters `before` and `after` that touch `position` on its line."""
        line, column = _place(self.lines, position, self.encoding)
        start, end = column - len(before), column + len(after)
        return types.Range(
            types.Position(line, units(self.lines[line], start, self.encoding)),
            types.Position(line, units(self.lines[line], end, self.encoding)),
        )

    def range(self, span: Span) -> types.Range:
        """Where characters of `document.text` are."""
        return types.Range(self._text_position(span.start), self._text_position(span.end))

    def text_edits(self, new_text: str) -> list[types.TextEdit]:
        """The smallest edits that turn `document.text` into `new_text`, with the document's own line ends."""
        edits = between(self.document.original, self.document.restore(new_text))
        return [
            types.TextEdit(
                types.Range(self._position(edit.span.start), self._position(edit.span.end)), edit.text
            )
            for edit in edits
        ]

    def _position(self, offset: int) -> types.Position:
        """The position of an offset into `document.original`."""
        offset += self._n_mark
        line = bisect_right(self._starts, offset, hi=len(self.lines)) - 1
        return types.Position(line, units(self.lines[line], offset - self._starts[line], self.encoding))

    def _text_position(self, offset: int) -> types.Position:
        """The position of an offset into `document.text`, where every line end is one character."""
        offset += self._n_mark
        line = bisect_right(self._text_starts, offset, hi=len(self.lines)) - 1
        return types.Position(line, units(self.lines[line], offset - self._text_starts[line], self.encoding))

    @cached_property
    def _text_starts(self) -> list[int]:
        return list(accumulate((len(content(line)) + 1 for line in self.lines), initial=0))

    @cached_property
    def _starts(self) -> list[int]:
        return list(accumulate(map(len, self.lines), initial=0))

    @property
    def _n_mark(self) -> int:
        return len(BYTE_ORDER_MARK) if self.lines[0].startswith(BYTE_ORDER_MARK) else 0


class Sources:
    """The open documents of one client, found by any spelling of their URI."""

    def __init__(self) -> None:
        self.on_change: Callable[[str, Source | None], None] = lambda uri, source: None
        """Called with the URI of a document and its new version, None if it was closed."""
        self._sources: dict[str, Source] = {}

    def __iter__(self) -> Iterator[Source]:
        """The newest versions of all open documents, those first that have not changed for long."""
        return iter(list(self._sources.values()))

    def put(self, source: Source) -> None:
        """Remember `source` in place of older versions."""
        self._sources.pop(canonical(source.uri), None)
        self._sources[canonical(source.uri)] = source
        self.on_change(source.uri, source)

    def get(self, uri: str) -> Source | None:
        """The newest version of a document, None if it is not open."""
        return self._sources.get(canonical(uri))

    def forget(self, uri: str) -> None:
        """Drop a document that was closed, if it was open."""
        if self._sources.pop(canonical(uri), None) is not None:
            self.on_change(uri, None)


def canonical(uri: str) -> str:
    """One spelling for all URIs of a document: `file:///C%3A/a.py` and `file:///c:/a.py` are one file."""
    # Names in other encodings than UTF-8 must not all become the same question marks.
    text = unquote(uri, errors="surrogateescape")
    return _DRIVE.sub(lambda match: match[1] + match[2].lower(), text)


def _lines(text: str) -> tuple[str, ...]:
    lines = split_lines(text)
    return (*lines, "") if not lines or ending(lines[-1]) else tuple(lines)


def _spliced(
    lines: tuple[str, ...], range_: types.Range, text: str, encoding: types.PositionEncodingKind
) -> tuple[str, ...]:
    """`lines` with `text` in place of `range_`; only the lines it touches are looked at."""
    start, end = sorted((range_.start, range_.end))
    first, before, _ = _cut(lines, start, encoding)
    last, _, after = _cut(lines, end, encoding)
    text = _with_whole_characters(before + text + after)
    if first > 0 and text.startswith("\n") and lines[first - 1].endswith("\r"):
        # The edit put the second half of a "\r\n" behind the first one.
        first -= 1
        text = lines[first] + text
    is_end = last == len(lines) - 1
    return lines[:first] + (_lines(text) if is_end else tuple(split_lines(text))) + lines[last + 1 :]


def _cut(
    lines: tuple[str, ...], position: types.Position, encoding: types.PositionEncodingKind
) -> tuple[int, str, str]:
    """The line of a position, what is before it there, and what is after it.

    Unlike a question, an edit in UTF-16 units may fall between the halves of a character.
    """
    line, column = _place(lines, position, encoding)
    before, after = lines[line][:column], lines[line][column:]
    if (
        encoding == types.PositionEncodingKind.Utf16
        and after[:1] > "\uffff"
        and units(lines[line], column, encoding) < position.character
    ):
        high, low = divmod(ord(after[0]) - 0x10000, 0x400)
        return line, before + chr(0xD800 + high), chr(0xDC00 + low) + after[1:]
    return line, before, after


def _place(
    lines: tuple[str, ...], position: types.Position, encoding: types.PositionEncodingKind
) -> tuple[int, int]:
    """Line and column in characters; a line past the end means the end of the text."""
    if position.line >= len(lines):
        return len(lines) - 1, len(lines[-1])
    return position.line, characters(lines[position.line], position.character, encoding)


def _with_whole_characters(text: str) -> str:
    """`text` with surrogate pairs that arrived in two edits put together."""
    if text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
