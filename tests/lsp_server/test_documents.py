"""Documents: bytes in, LF text for the engine, the file's own bytes back."""

import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redraft_server.document import MAX_BYTES, MAX_LINES, Document, UnreadableDocument, UnwritableDocument


def check(before: bytes, change: tuple[str, str], after: bytes) -> None:
    """Replacing one piece of the text changes `before` to `after`."""
    document = Document.from_bytes(before)
    assert document.encode(document.text) == before
    old, new = change
    assert old in document.text
    assert document.encode(document.text.replace(old, new)) == after


def test_lf_is_kept() -> None:
    check(b"a\nb\n", ("b", "c"), b"a\nc\n")


def test_crlf_is_kept_on_changed_and_on_new_lines() -> None:
    check(b"a\r\nb\r\n", ("b", "c\nd"), b"a\r\nc\r\nd\r\n")


def test_each_line_keeps_its_own_end_in_a_mixed_file() -> None:
    check(b"a\nb\r\nc\rd\r\n", ("c", "x"), b"a\nb\r\nx\rd\r\n")


def test_a_new_line_gets_the_end_that_most_lines_have() -> None:
    check(b"a\nb\r\nc\r\n", ("a\n", "a\nnew\n"), b"a\nnew\r\nb\r\nc\r\n")


def test_lone_carriage_returns_are_line_ends() -> None:
    check(b"a\rb\r", ("b", "c"), b"a\rc\r")


def test_emptying_a_line_does_not_join_its_end_with_the_one_before() -> None:
    check(b"a\rb\nc\n", ("b", ""), b"a\r\rc\n")


def test_form_feeds_and_unicode_separators_are_not_line_ends() -> None:
    text = "a\fb\x0bc\x1cd\x85e\u2028f\u2029g\n"
    assert Document.from_bytes(text.encode()).text == text
    check(text.encode(), ("b", "B"), text.replace("b", "B").encode())


def test_a_missing_final_newline_stays_missing() -> None:
    check(b"a\r\nb", ("b", "c"), b"a\r\nc")


def test_the_end_of_a_last_line_that_is_no_longer_last_is_the_dominant_one() -> None:
    check(b"a\r\nb", ("b", "b\nc"), b"a\r\nb\r\nc")


def test_a_byte_order_mark_is_kept_and_not_shown_to_the_engine() -> None:
    document = Document.from_bytes(b"\xef\xbb\xbfa = 1\n")
    assert (document.text, document.encoding) == ("a = 1\n", "utf-8-sig")
    check(b"\xef\xbb\xbfa = 1\n", ("1", "2"), b"\xef\xbb\xbfa = 2\n")


def test_a_coding_cookie_decides_the_encoding() -> None:
    latin = "# -*- coding: latin-1 -*-\nname = 'é'\n".encode("latin-1")
    assert Document.from_bytes(latin).text.endswith("'é'\n")
    check(latin, ("é", "ü"), "# -*- coding: latin-1 -*-\nname = 'ü'\n".encode("latin-1"))


def test_a_cookie_counts_in_the_second_line_even_if_lines_end_in_carriage_returns() -> None:
    data = "#!/usr/bin/python\r# coding: cp1252\rx = '€'\r".encode("cp1252")
    assert Document.from_bytes(data).encoding == "cp1252"
    late = b"a = 1\rb = 2\r# coding: cp1252\r"
    assert Document.from_bytes(late).encoding == "utf-8"


def test_an_empty_file_is_an_empty_text() -> None:
    document = Document.from_bytes(b"")
    assert (document.text, document.newline, document.encode("")) == ("", "\n", b"")
    assert document.encode("a\n") == b"a\n"


def test_a_character_the_encoding_lacks_is_refused() -> None:
    document = Document.from_bytes(b"# coding: latin-1\na = ''\n")
    with pytest.raises(UnwritableDocument, match=r"iso-8859-1, which has no '\\u20ac'"):
        document.encode("# coding: latin-1\na = '€'\n")


def test_a_text_that_no_longer_declares_its_encoding_is_refused() -> None:
    document = Document.from_bytes("# coding: latin-1\na = 'é'\n".encode("latin-1"))
    with pytest.raises(UnwritableDocument, match="would no longer declare its encoding"):
        document.encode("# coding: cp1252\na = 'é'\n")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"a\0b", "is binary"),
        (b"a = '\xff'\n", "cannot be decoded|is not valid"),
        (b"# coding: klingon\n", "cannot be decoded: unknown encoding"),
        (b"\xef\xbb\xbf# coding: latin-1\n", "cannot be decoded"),
        (b"# coding: hex\n", "is not valid hex text"),
        (b"# coding: utf-7\na = '+ADw-'\n", "would change if it were read and written as utf-7"),
        (b"#" * (MAX_BYTES + 1), "too large: 1,000,001 bytes"),
        (b"\n" * MAX_LINES, "has 20,001 lines"),
    ],
)
def test_unreadable_bytes_are_refused_in_one_sentence(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableDocument, match=reason) as refusal:
        Document.from_bytes(data, name="a.py")
    assert str(refusal.value).startswith("a.py ")
    assert "\n" not in str(refusal.value)


def test_the_largest_allowed_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "large.py"
    path.write_bytes(b"#" * MAX_BYTES)
    assert len(Document.read(path).text) == MAX_BYTES
    assert Document.from_bytes(b"\n" * (MAX_LINES - 1)).text.count("\n") == MAX_LINES - 1


def test_reading_remembers_name_and_mode(tmp_path: Path) -> None:
    path = tmp_path / "tool.py"
    path.write_bytes(b"a = 1\r\n")
    path.chmod(0o750)
    document = Document.read(path)
    assert (document.name, document.text, document.mode) == (str(path), "a = 1\n", 0o750)


def test_what_is_not_a_regular_file_is_refused_without_opening_it(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.py"
    os.mkfifo(pipe)
    for path in (pipe, tmp_path):
        with pytest.raises(UnreadableDocument, match="is not a regular file"):
            Document.read(path)
    with pytest.raises(UnreadableDocument, match="cannot be read: No such file or directory"):
        Document.read(tmp_path / "missing.py")


@pytest.mark.skipif(sys.platform == "win32", reason="there files are without write permission at most")
def test_a_file_without_read_permission_is_refused(
    folder_of_nobody: Path, as_nobody: Callable[[], AbstractContextManager[None]]
) -> None:
    path = folder_of_nobody / "secret.py"
    path.write_bytes(b"")
    path.chmod(0)
    with as_nobody(), pytest.raises(UnreadableDocument, match="cannot be read: Permission denied"):
        Document.read(path)


_TEXTS = st.lists(st.sampled_from(["a", "b", "é", "\n", "\r", "\r\n", "\f", " "]), max_size=20).map("".join)


@given(_TEXTS)
def test_an_unchanged_text_gives_the_same_characters(original: str) -> None:
    document = Document.from_text(original)
    assert document.restore(document.text) == original


@given(_TEXTS, _TEXTS)
def test_no_new_text_gains_or_loses_lines_on_the_way_to_the_file(original: str, new: str) -> None:
    new_text = Document.from_text(new).text
    restored = Document.from_text(original).restore(new_text)
    assert Document.from_text(restored).text == new_text
