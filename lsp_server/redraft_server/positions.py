"""Columns as the editor counts them (UTF-8, UTF-16 or UTF-32 units) and as Python does (characters).

A column past the end of a line means the end of that line, before its line end; one inside a character means
the start of that character. Knows nothing of documents.
"""

from lsprotocol.types import PositionEncodingKind

from redraft_server.lines import ending

_UTF8, _UTF32 = PositionEncodingKind.Utf8, PositionEncodingKind.Utf32


def content(line: str) -> str:
    """`line` without its line end."""
    return line[: len(line) - len(ending(line))]


def characters(line: str, units: int, encoding: PositionEncodingKind) -> int:
    """How many characters of `line` lie before column `units` of the editor."""
    text = content(line)
    if encoding == _UTF32 or text.isascii():
        return min(units, len(text))
    if encoding == _UTF8:
        data = text.encode("utf-8", "surrogatepass")
        cut = min(units, len(data))
        # 0b10xxxxxx continues a character.
        while cut < len(data) and data[cut] & 0xC0 == 0x80:
            cut -= 1
        return len(data[:cut].decode("utf-8", "surrogatepass"))
    data = text.encode("utf-16-le", "surrogatepass")
    cut = 2 * min(units, len(data) // 2)
    if _is_low_surrogate(data, cut) and _is_high_surrogate(data, cut - 2):
        cut -= 2
    return len(data[:cut].decode("utf-16-le", "surrogatepass"))


def units(line: str, characters: int, encoding: PositionEncodingKind) -> int:
    """The editor's column before which `characters` characters of `line` lie."""
    text = content(line)[:characters]
    if encoding == _UTF32 or text.isascii():
        return len(text)
    if encoding == _UTF8:
        return len(text.encode("utf-8", "surrogatepass"))
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _is_high_surrogate(data: bytes, index: int) -> bool:
    return 0 <= index < len(data) and 0xD8 <= data[index + 1] <= 0xDB


def _is_low_surrogate(data: bytes, index: int) -> bool:
    return 0 <= index < len(data) and 0xDC <= data[index + 1] <= 0xDF
