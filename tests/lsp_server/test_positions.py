"""Documents stay in step with the editor in all three encodings, whatever they contain."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lsprotocol import types
from redraft_model.passage import Span
from redraft_server.positions import characters, units
from redraft_server.sources import Source, Sources

UTF8, UTF16, UTF32 = (
    types.PositionEncodingKind.Utf8,
    types.PositionEncodingKind.Utf16,
    types.PositionEncodingKind.Utf32,
)

# Line ends, what str.splitlines takes for line ends, a byte order mark, wide and combining characters.
HOSTILE = [
    "a",
    "b",
    " ",
    "\t",
    "é",
    "界",
    "😀",
    "e\u0301",
    "👩\u200d💻",
    "\ufeff",
    "\n",
    "\r\n",
    "\r",
    "\f",
    "\v",
    "\x1c",
    "\x85",
    "\u2028",
    "\u2029",
    "\0",
]
texts = st.lists(st.sampled_from(HOSTILE), max_size=24).map("".join)
encodings = st.sampled_from([UTF8, UTF16, UTF32])
positions = st.builds(types.Position, st.integers(0, 8), st.integers(0, 12))
ranges = st.tuples(positions, positions).map(lambda pair: types.Range(*sorted(pair)))

# The references are stateless, so hypothesis may use one fixture for all examples.
with_reference = settings(
    max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)


def source_of(text: str, encoding: types.PositionEncodingKind) -> Source:
    return Source.opened(types.TextDocumentItem("file:///a.py", "python", 1, text), encoding)


def as_json(range_: types.Range) -> dict[str, dict[str, int]]:
    return {
        "start": {"line": range_.start.line, "character": range_.start.character},
        "end": {"line": range_.end.line, "character": range_.end.character},
    }


@given(text=texts, edits=st.lists(st.tuples(ranges, texts), max_size=6), encoding=encodings)
@with_reference
def test_edits_give_the_text_that_a_plain_model_gives(
    text: str,
    edits: list[tuple[types.Range, str]],
    encoding: types.PositionEncodingKind,
    apply_text_edits: Callable[..., str],
) -> None:
    source = source_of(text, encoding)
    for version, (range_, new_text) in enumerate(edits, 2):
        source = source.edited([types.TextDocumentContentChangePartial(range_, new_text)], version)
        text = apply_text_edits(text, [{"range": as_json(range_), "newText": new_text}], encoding.value)
        assert source.original == text
        assert source.version == version
        assert source.lines == source_of(text, encoding).lines


@given(text=texts, position=positions, encoding=encodings)
@with_reference
def test_offsets_count_the_characters_the_engine_sees(
    text: str, position: types.Position, encoding: types.PositionEncodingKind, offset_at: Callable[..., int]
) -> None:
    json = {"line": position.line, "character": position.character}
    before = text[: offset_at(text, json, encoding.value)].removeprefix("\ufeff")
    expected = len(before.replace("\r\n", "\n"))
    asked = types.Position(position.line, position.character)
    assert source_of(text, encoding).offset(asked) == expected
    assert asked == position, "the position of the client was changed"


@given(text=texts, new_text=texts, encoding=encodings)
@with_reference
def test_text_edits_turn_the_editors_text_into_the_new_one(
    text: str, new_text: str, encoding: types.PositionEncodingKind, apply_text_edits: Callable[..., str]
) -> None:
    source = source_of(text, encoding)
    new_text = new_text.replace("\r\n", "\n").replace("\r", "\n")
    edits = [{"range": as_json(edit.range), "newText": edit.new_text} for edit in source.text_edits(new_text)]
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    changed = apply_text_edits(text, edits, encoding.value)
    assert changed == mark + source.document.restore(new_text)


@given(text=texts, encoding=encodings, column=st.integers(0, 24))
def test_columns_survive_the_way_there_and_back(
    text: str, encoding: types.PositionEncodingKind, column: int
) -> None:
    line = source_of(text, encoding).lines[0]
    column = min(column, len(line.rstrip("\r\n")))
    assert characters(line, units(line, column, encoding), encoding) == column


@pytest.mark.parametrize(
    ("encoding", "column", "expected"),
    [(UTF8, 4, 1), (UTF8, 3, 0), (UTF8, 5, 2), (UTF16, 2, 1), (UTF16, 1, 0), (UTF16, 99, 2), (UTF32, 1, 1)],
)
def test_a_column_inside_a_character_means_its_start(
    encoding: types.PositionEncodingKind, column: int, expected: int
) -> None:
    assert characters("😀x\n", column, encoding) == expected


def test_a_form_feed_ends_no_line() -> None:
    change = types.TextDocumentContentChangePartial(
        types.Range(types.Position(1, 0), types.Position(1, 1)), "ZZ"
    )
    assert source_of("a\fb\nc\nd", UTF16).edited([change], 2).original == "a\fb\nZZ\nd"


def test_text_behind_the_end_of_the_last_line_is_appended() -> None:
    end = types.Position(0, 99)
    change = types.TextDocumentContentChangePartial(types.Range(end, end), "X")
    assert source_of("def", UTF16).edited([change], 2).original == "defX"


def test_a_surrogate_pair_that_comes_in_two_edits_is_one_character() -> None:
    source = source_of("", UTF16)
    for column, half in enumerate("\ud83d\ude00"):
        place = types.Position(0, column)
        source = source.edited(
            [types.TextDocumentContentChangePartial(types.Range(place, place), half)], column + 2
        )
    assert source.original == "😀"


def test_an_edit_between_the_halves_of_a_character_parts_them_until_they_meet_again() -> None:
    middle = types.Range(types.Position(0, 2), types.Position(0, 2))
    parted = source_of("a😀b", UTF16).edited([types.TextDocumentContentChangePartial(middle, "xy")], 2)
    assert parted.original == "a\ud83dxy\ude00b"
    between = types.Range(types.Position(0, 4), types.Position(0, 2))
    assert parted.edited([types.TextDocumentContentChangePartial(between, "")], 3).original == "a😀b"


def test_a_source_of_the_past_does_not_change() -> None:
    source = source_of("a\nb\n", UTF16)
    source.edited([types.TextDocumentContentChangeWholeDocument("c")], 2)
    assert (source.original, source.version) == ("a\nb\n", 1)


def test_spans_leave_out_the_byte_order_mark_and_the_carriage_returns() -> None:
    source = source_of("\ufeffa\r\nbc\r\n", UTF16)
    assert source.document.text == "a\nbc\n"
    assert source.span(types.Range(types.Position(1, 1), types.Position(2, 0))) == Span(3, 5)
    assert source.span(types.Range(types.Position(0, 0), types.Position(0, 2))) == Span(0, 1)


@pytest.mark.parametrize(
    ("opened", "asked"),
    [
        ("file:///C%3A/a.py", "file:///c:/a.py"),
        ("file:///c:/a.py", "file:///C%3A/a.py"),
        ("file:///with%20space/%23.py", "file:///with space/#.py"),
        ("untitled:Untitled-1", "untitled:Untitled-1"),
    ],
)
def test_a_document_is_found_by_any_spelling_and_keeps_its_own(opened: str, asked: str) -> None:
    sources = Sources()
    sources.put(Source.opened(types.TextDocumentItem(opened, "python", 1, "x"), UTF16))
    found = sources.get(asked)
    assert found is not None
    assert found.uri == opened


def test_one_character_in_a_long_file_leaves_all_other_lines_as_they_are() -> None:
    source = source_of("    value = compute_something(argument)\n" * 20_000, UTF16)
    place: Any = types.Range(types.Position(10_000, 4), types.Position(10_000, 4))
    before = source.lines
    for version in range(2, 22):
        source = source.edited([types.TextDocumentContentChangePartial(place, "x")], version)
    # The same objects, so the text was neither joined nor split; pygls' own document does both for each edit.
    assert [n for n, (old, new) in enumerate(zip(before, source.lines, strict=True)) if old is not new] == [
        10_000
    ]
    assert source.lines[10_000] == "    " + "x" * 20 + "value = compute_something(argument)\n"


def test_the_code_of_a_cell_hides_what_only_ipython_understands() -> None:
    item = types.TextDocumentItem("vscode-notebook-cell:/n.ipynb#1", "python", 1, "%time f(\r\nx = 1\r\n")
    cell = Source.opened(item, UTF16, is_cell=True)
    assert cell.code == "0#ime f(\nx = 1\n"
    assert cell.revealed("0#ime f(\nx = 2\n") == "%time f(\nx = 2\n"
    assert cell.revealed("0#ime f()\nx = 1\n") is None
    assert source_of("%time f(\n", UTF16).code == "%time f(\n"
