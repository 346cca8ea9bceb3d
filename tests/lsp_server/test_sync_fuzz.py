"""Long random sessions against plain models: documents, edits back to the editor, frames.

REDRAFT_FUZZ_EDITS is how many edits are tried over all (`make fuzz` tries a million), REDRAFT_FUZZ_SEED the first
of the seeds. The models are written to be believed at a glance; they share no code with the server.
"""

import os
import random
import struct
from itertools import pairwise
from typing import Any

import pytest
from lsprotocol import types
from redraft_server.framing import MAX_HEADER, Frames, Garbage, framed
from redraft_server.sources import Source

N_EDITS = int(os.environ.get("REDRAFT_FUZZ_EDITS", "100000"))
FIRST_SEED = int(os.environ.get("REDRAFT_FUZZ_SEED", "0"))
N_EDITS_OF_A_SESSION = 100
LONGEST = 160

ENCODINGS = list(types.PositionEncodingKind)

# Line ends and what other programs take for some, halves of characters, characters of every width.
PIECES = [
    *("a", "b", "(", " ", "\t", "\0", "é", "ß", "界", "😀", "𝔘", "e\u0301", "👩\u200d💻", "🇩🇪", "\ufeff"),
    *("\n", "\r\n", "\r", "\n", "\r\n", "\r", "\n\r", "\r\r\n"),
    *("\f", "\v", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"),
    *("\ud83d", "\ude00", "\ud83d", "\ude00"),
]


class PlainText:
    """A document as the specification describes it, found by counting from its beginning."""

    def __init__(self, text: str, encoding: types.PositionEncodingKind) -> None:
        self.text = text
        self.encoding = encoding

    def offset(self, line: int, column: int) -> int:
        """How many characters lie before a position."""
        text, index = self.text, 0
        while line > 0:
            if index == len(text):
                return index
            if text[index] == "\r" and text[index + 1 : index + 2] == "\n":
                index += 1
            if text[index] in "\r\n":
                line -= 1
            index += 1
        while index < len(text) and text[index] not in "\r\n":
            column -= self.width(text[index])
            if column < 0:
                break
            index += 1
        return index

    def width(self, character: str) -> int:
        if self.encoding == types.PositionEncodingKind.Utf8:
            return 1 + sum(ord(character) > last for last in (0x7F, 0x7FF, 0xFFFF))
        if self.encoding == types.PositionEncodingKind.Utf16:
            return 1 + (ord(character) > 0xFFFF)
        return 1

    def replace(self, start: tuple[int, int], end: tuple[int, int], new_text: str) -> None:
        plain = self
        if self.encoding == types.PositionEncodingKind.Utf16:
            # An edit may fall between the halves of a character.
            plain = PlainText(halved(self.text), types.PositionEncodingKind.Utf32)
        first, last = sorted((plain.offset(*start), plain.offset(*end)))
        self.text = whole(plain.text[:first] + new_text + plain.text[last:])


def whole(text: str) -> str:
    """`text` with the halves of characters that have met put together; a JSON decoder does the same."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def halved(text: str) -> str:
    """One character for each UTF-16 unit of `text`."""
    data = text.encode("utf-16-be", "surrogatepass")
    return "".join(map(chr, struct.unpack(f">{len(data) // 2}H", data)))


def random_text(dice: random.Random, n_pieces: int) -> str:
    return whole("".join(dice.choices(PIECES, k=n_pieces)))


def random_place(dice: random.Random, text: str) -> tuple[int, int]:
    """A position, mostly in `text`, sometimes beyond the end of the line or of the text."""
    n_lines = text.count("\n") + text.count("\r") + 1
    line = dice.randrange(n_lines + 2) if dice.random() < 0.98 else 2**31 - 1
    longest = 4 * len(text) // n_lines + 4
    return line, (dice.randrange(longest) if dice.random() < 0.98 else 2**31 - 1)


def as_range(start: tuple[int, int], end: tuple[int, int]) -> types.Range:
    return types.Range(types.Position(*start), types.Position(*end))


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_document_stays_in_step_through_any_edits(encoding: types.PositionEncodingKind) -> None:
    n_sessions = N_EDITS // len(ENCODINGS) // N_EDITS_OF_A_SESSION + 1
    for seed in range(FIRST_SEED, FIRST_SEED + n_sessions):
        follow_a_session(random.Random(f"{seed} {encoding.value}"), encoding)


def follow_a_session(dice: random.Random, encoding: types.PositionEncodingKind) -> None:
    plain = PlainText(random_text(dice, dice.choice([0, 1, 5, 40])), encoding)
    source = Source.opened(types.TextDocumentItem("file:///a.py", "python", 0, plain.text), encoding)
    n_done, version = 0, 0
    while n_done < N_EDITS_OF_A_SESSION:
        before, version = plain.text, version + 1
        changes: list[types.TextDocumentContentChangeEvent] = []
        for _ in range(dice.choice([1, 1, 1, 2, 4])):
            if dice.random() < 0.02:
                plain.text = random_text(dice, dice.choice([0, 1, 40]))
                changes.append(types.TextDocumentContentChangeWholeDocument(plain.text))
            else:
                start, end = random_place(dice, plain.text), random_place(dice, plain.text)
                if len(plain.text) < LONGEST and dice.random() < 0.6:
                    end = start
                new_text = random_text(dice, dice.choice([0, 1, 1, 2, 6]))
                plain.replace(start, end, new_text)
                changes.append(types.TextDocumentContentChangePartial(as_range(start, end), new_text))
        source = source.edited(changes, version)
        n_done += len(changes)
        assert source.original == plain.text, (before, changes)
        assert source.version == version
    # Not only the text has to be right, but also the lines it is kept in, and what is found in them.
    again = Source.opened(types.TextDocumentItem("file:///a.py", "python", version, plain.text), encoding)
    assert source.lines == again.lines
    for _ in range(10):
        line, column = random_place(dice, plain.text)
        position = types.Position(line, column)
        offset = plain.offset(line, column)
        assert source.offset(position) == len(as_the_engine_sees(plain.text[:offset])), (plain.text, position)
        head, tail = source.around(position)
        assert plain.text[:offset].endswith(head)
        assert plain.text[offset:].startswith(tail)
        assert (plain.text[offset - len(head) - 1 : offset - len(head)] or "\n") in "\r\n"
        assert (plain.text[offset + len(tail) : offset + len(tail) + 1] or "\n") in "\r\n"


def as_the_engine_sees(text: str) -> str:
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_edits_back_to_the_editor_carry_it_to_any_new_text(encoding: types.PositionEncodingKind) -> None:
    # Each is worth some edits, and takes as long.
    n_texts = N_EDITS // len(ENCODINGS) // 10 + 1
    dice = random.Random(f"{FIRST_SEED} {encoding.value}")
    for _ in range(n_texts):
        send_back(dice, encoding)


def send_back(dice: random.Random, encoding: types.PositionEncodingKind) -> None:
    text = random_text(dice, dice.choice([0, 1, 8, 30]))
    source = Source.opened(types.TextDocumentItem("file:///a.py", "python", 1, text), encoding)
    old_text = source.document.text
    new_text = PlainText(old_text, encoding)
    for _ in range(dice.choice([0, 1, 1, 3])):
        start, end = random_place(dice, old_text), random_place(dice, old_text)
        new_text.replace(start, end, as_the_engine_sees(random_text(dice, dice.choice([0, 1, 3]))))
    plain = PlainText(text, encoding)
    edits = source.text_edits(new_text.text)
    spans = [span_of(edit, plain) for edit in edits]
    assert all(start <= end for start, end in spans), (text, edits)
    assert all(one[1] <= other[0] for one, other in pairwise(spans)), (text, edits)
    for border in {border for span in spans for border in span}:
        assert text[border - 1 : border + 1] != "\r\n" or border == 0, (text, edits)
    changed = text
    for edit, (start, end) in reversed(list(zip(edits, spans, strict=True))):
        changed = changed[:start] + edit.new_text + changed[end:]
    # The new text may begin with a byte order mark of its own, so it is the old one that is taken away.
    changed = changed[text.startswith("\ufeff") :].replace("\r\n", "\n").replace("\r", "\n")
    assert changed == new_text.text, (text, edits)


def span_of(edit: types.TextEdit, plain: PlainText) -> tuple[int, int]:
    """Where `edit` begins and ends; its positions must be the exact ones, for no editor needs to clamp them."""
    start, end = edit.range.start, edit.range.end
    for position in (start, end):
        if position.character > 0:
            offset = plain.offset(position.line, position.character)
            assert plain.offset(position.line, position.character - 1) == offset - 1, (plain.text, edit)
    return plain.offset(start.line, start.character), plain.offset(end.line, end.character)


def test_frames_are_the_same_however_the_stream_is_cut() -> None:
    dice = random.Random(FIRST_SEED)
    for _ in range(N_EDITS // 50 + 1):
        stream, expected = random_stream(dice)
        found: list[bytes | Garbage] = []
        frames, done = Frames(), 0
        while done < len(stream):
            n_bytes = dice.choice([1, 2, 3, 7, 50, 4_000, 70_000])
            found += frames.feed(stream[done : done + n_bytes])
            done += n_bytes
        assert [frame if isinstance(frame, bytes) else Garbage for frame in found] == expected
        assert found == Frames().feed(stream)


def random_stream(dice: random.Random) -> tuple[bytes, list[Any]]:
    """Messages and other things, and what is to be made of them."""
    pieces, expected = [], []
    for _ in range(dice.randrange(6)):
        body = dice.randbytes(dice.choice([0, 1, 30, 3_000]))
        kind = dice.randrange(5)
        if kind == 0:
            rubbish = dice.choice(
                [b"", b"Content-Length: -1", b"Content-Length: 1e3", b"GET / HTTP/1.1", b"\xff: \r"]
            )
            pieces.append(rubbish + b"\r\n\r\n")
            expected.append(Garbage)
        elif kind == 1:
            # A header that never ends is given up, and what comes behind it is read.
            pieces.append(b"y" * MAX_HEADER + b"\r\n" + framed(body))
            expected += [Garbage, body]
        else:
            more = dice.choice(
                [b"", b"Content-Type: application/vscode-jsonrpc; charset=utf-8\r\n", b"X:\r\n"]
            )
            pieces.append(
                more + framed(body)
                if kind < 4
                else framed(body).replace(b"Content-Length", b"CONTENT-length")
            )
            expected.append(body)
    return b"".join(pieces), expected
