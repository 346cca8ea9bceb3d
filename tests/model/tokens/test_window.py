"""Windows: what the network sees of a text is exactly that text, never more than fits, and never beyond what may change."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from redraft_model.passage import Span
from redraft_model.tokens.tokenizer import FILE_END, FILE_START, Tokenizer
from redraft_model.tokens.window import Limits, Window, around, cut, tiles, with_masks

CONTEXT = 512  # tokens the shipped networks were trained with
SMALL = Limits(region=12, before=6, after=5)

MODULE = "".join(f"def area_{i}(width, height):\n    return width * height + {i}\n\n\n" for i in range(60))
TEXTS = {
    "a module": MODULE,
    "empty": "",
    "one line": "x = 1",
    "no final line break": "def f():\n    return 1",
    "only line breaks": "\n\n\n\n",
    "emoji": "s = '👍🏽 👨‍👩‍👧'  # 😀😀\nprint(s)\n" * 12,
    "combining marks": "naïve = 'e\u0301a\u0308'\n" * 12,
    "Chinese and Japanese": "名前 = '日本語の文字列'  # 说明\n" * 12,
    "carriage returns": "if x:\r\n    y = 1\r\n" * 20,
    "tabs and form feeds": "if x:\n\ty = 1\n\x0c\nz\x0b= 2\n" * 8,
    "one huge line": "x = [" + ", ".join(str(i) for i in range(1500)) + "]\n",
    "one huge line of emoji": "x = '" + "😀" * 900 + "'\n",
    "one huge word": "a" * 4000,
    "a huge line between short ones": "a = 1\nb = 2\nx = '" + "é" * 1500 + "'\nc = 3\n",
}


def check(window: Window, limits: Limits) -> None:
    """What holds for every window, however it was made."""
    tokenizer, source, span, canvas = window.tokenizer, window.source, window.span, window.canvas
    assert tokenizer.decode(canvas.region) == span.of(source)
    assert window.source_with(canvas.region) == source
    before = tokenizer.decode_bytes(canvas.head)
    behind = tokenizer.decode_bytes(canvas.tail)
    assert source[: span.start].encode().endswith(before)
    assert source[span.end :].encode().startswith(behind)
    assert (tokenizer.id_of(FILE_START) in canvas.head) == (before == source[: span.start].encode())
    assert (tokenizer.id_of(FILE_END) in canvas.tail) == (behind == source[span.end :].encode())
    n_before, n_behind = (int((part >= tokenizer.n_specials).sum()) for part in (canvas.head, canvas.tail))
    assert len(canvas.region) <= limits.region
    assert n_before <= limits.before
    assert n_behind <= limits.after


def focuses(source: str) -> list[Span]:
    n = len(source)
    return [Span(0, 0), Span(n, n), Span(n // 2, n // 2), Span(n // 3, min(n, n // 3 + 5)), Span(0, n)]


@pytest.mark.parametrize("source", TEXTS.values(), ids=TEXTS.keys())
@pytest.mark.parametrize("limits", [Limits(), SMALL])
def test_a_window_shows_its_text_and_fits_whatever_the_text_is(
    tokenizer: Tokenizer, source: str, limits: Limits
) -> None:
    for focus in focuses(source):
        window = around(tokenizer, source, focus, limits=limits)
        check(window, limits)
        assert window.span.start <= focus.start <= window.span.end
        if limits == Limits():
            assert len(window.canvas) <= CONTEXT


@pytest.mark.parametrize("source", TEXTS.values(), ids=TEXTS.keys())
@pytest.mark.parametrize("limits", [Limits(), SMALL])
def test_tiles_cover_the_text_without_gap_or_overlap(
    tokenizer: Tokenizer, source: str, limits: Limits
) -> None:
    windows = tiles(tokenizer, source, limits=limits)
    assert "".join(window.span.of(source) for window in windows) == source
    borders = [0, *(window.span.end for window in windows)]
    assert [window.span.start for window in windows] == borders[:-1]
    for window in windows:
        check(window, limits)


def test_a_region_begins_and_ends_with_lines_when_they_are_short(tokenizer: Tokenizer) -> None:
    at = MODULE.index("area_30")
    window = around(tokenizer, MODULE, Span(at, at))
    assert window.span.of(MODULE).startswith("\n")
    assert MODULE[window.span.end] == "\n"
    assert window.span.start < at - 200 < at + 100 < window.span.end  # lines on both sides of the focus
    for tile in tiles(tokenizer, MODULE)[1:]:
        assert tile.span.of(MODULE).startswith("\n")


def test_of_a_long_line_the_region_holds_both_sides_of_the_focus(tokenizer: Tokenizer) -> None:
    source = TEXTS["one huge line"]
    at = source.index("750")
    window = around(tokenizer, source, Span(at, at + 3))
    assert window.span.start < at - 50
    assert window.span.end > at + 50


def test_a_long_problem_does_not_make_a_long_region(tokenizer: Tokenizer) -> None:
    # An unterminated string, or nesting too deep for the parser, is reported for the whole rest of the text.
    window = around(tokenizer, MODULE, Span(10, len(MODULE)))
    check(window, Limits())
    assert window.span.start <= 10


def test_text_far_from_the_focus_is_not_tokenised(tokenizer: Tokenizer) -> None:
    lengths: list[int] = []

    class Counting(Tokenizer):
        def encode(self, text: str) -> np.ndarray:
            lengths.append(len(text))
            return super().encode(text)

    counting = Counting(tokenizer._bpe)
    for source in (MODULE * 100, "x = " + "1 + " * 100_000):
        lengths.clear()
        around(counting, source, Span(200_000, 200_000))
        cut(counting, source, Span(200_000, 200_010), action="repair")
        assert sum(lengths) < 25_000


@pytest.mark.parametrize(
    ("source", "within", "region"),
    [
        ("a = 1\nb = 2\nc = 3\n", Span(6, 11), "b = 2"),
        ("a = 1\nb = 2\nc = 3\n", Span(0, 18), "a = 1\nb = 2\nc = 3\n"),
        ("a = 1\nb = 2\nc = 3\n", Span(18, 18), ""),
        ("a = 1\nb = 2\nc = 3\n", Span(5, 5), ""),
        ("x = '😀😀😀'\n", Span(6, 7), "😀"),  # one of several characters that are several tokens each
        ("x = '😀😀😀'\n", Span(5, 5), ""),
        (
            "if x:\n    y = 1\n",
            Span(6, 15),
            "\n    y = 1",
        ),  # a line break and the indentation behind it are one token
        ("x = (name)\n", Span(4, 4), " ("),
        (MODULE, Span(3000, 3000), "width"),
    ],
)
def test_a_region_holds_the_tokens_that_touch_what_may_change(
    tokenizer: Tokenizer, source: str, within: Span, region: str
) -> None:
    if region == "width":
        within = Span(source.index("width") + 1, source.index("width") + 2)
    for focus in focuses(source):
        window = around(tokenizer, source, focus, within=within)
        check(window, Limits())
        assert window.span.of(source) == region
    assert "".join(tile.span.of(source) for tile in tiles(tokenizer, source, within=within)) == region


pieces = [
    "x = 1\n",
    "\n    ",
    "é",
    "日本語",
    "e\u0301",
    "👨‍👩‍👧",
    "😀",
    "\r\n",
    "\t",
    " ",
    "name",
    "0" * 5,
    "(",
    '"""',
    "\x0c",
]
sources = st.lists(st.sampled_from(pieces), max_size=60).map("".join)
offsets = st.integers(0, 400)
anywhere = settings(max_examples=150, deadline=None)


def span_in(source: str, a: int, b: int) -> Span:
    a, b = sorted((a % (len(source) + 1), b % (len(source) + 1)))
    return Span(a, b)


@anywhere
@given(sources, offsets, offsets, offsets, offsets)
def test_no_window_leaves_what_may_change(
    tokenizer: Tokenizer, source: str, a: int, b: int, c: int, d: int
) -> None:
    focus, within = span_in(source, a, b), span_in(source, c, d)
    window = around(tokenizer, source, focus, limits=SMALL, within=within)
    check(window, SMALL)
    check_inside(window, within)
    found = tiles(tokenizer, source, limits=SMALL, within=within)
    for tile in found:
        check(tile, SMALL)
        check_inside(tile, within)
    if within.start < within.end:
        assert found[0].span.start <= within.start
        assert found[-1].span.end >= within.end
        assert [tile.span.start for tile in found[1:]] == [tile.span.end for tile in found[:-1]]


def check_inside(window: Window, within: Span) -> None:
    """No token of the region is outside `within`: the first one ends and the last one begins inside."""
    borders = sorted(set(window.borders().tolist()))
    if len(borders) == 1:
        assert within.start <= borders[0] <= within.end
    elif within.start < within.end:
        assert borders[1] > within.start
        assert borders[-2] < within.end


@anywhere
@given(sources, offsets, offsets)
def test_a_cut_has_exactly_its_target_as_region(tokenizer: Tokenizer, source: str, a: int, b: int) -> None:
    target = span_in(source, a, b)
    window = cut(tokenizer, source, target, action="complete", limits=SMALL)
    check(window, Limits(len(window.canvas.region), SMALL.before, SMALL.after))
    assert window.span == target
    assert tokenizer.id_of("<|complete|>") in window.canvas.head


@anywhere
@given(sources, offsets, offsets)
def test_borders_are_where_the_tokens_are(tokenizer: Tokenizer, source: str, a: int, b: int) -> None:
    window = cut(tokenizer, source, span_in(source, a, b), action="repair")
    region, borders = window.canvas.region, window.borders()
    assert len(borders) == len(region) + 1
    assert (borders[0], borders[-1]) == (window.span.start, window.span.end)
    for i, border in enumerate(borders.tolist()):
        # Of a character that is split between tokens only complete bytes count: the border is where the character starts.
        whole = tokenizer.decode_bytes(region[:i]).decode("utf-8", errors="ignore")
        assert source[window.span.start : border] == whole


def test_the_tokens_of_a_span_are_those_that_touch_it(tokenizer: Tokenizer) -> None:
    source = "a = (1)\n"
    window = cut(tokenizer, source, Span(0, len(source)), action="repair")
    texts = [tokenizer.decode([token]) for token in window.canvas.region]
    assert texts == ["a", " =", " (", "1", ")", "\n"]
    assert window.tokens_of(Span(0, 1)) == (0, 1)
    assert window.tokens_of(Span(4, 6)) == (2, 4)
    assert window.tokens_of(Span(6, 6)) == (4, 5)
    assert window.tokens_of(Span(8, 8)) == (5, 6)
    assert window.tokens_of(Span(0, 8)) == (0, 6)


def test_a_mark_is_on_the_token_that_holds_the_character(tokenizer: Tokenizer) -> None:
    source = "a = 1\nb = (名前 + 2\nc = 3"
    window = cut(tokenizer, source, Span(5, len(source)), action="repair")
    for at in (source.index("("), source.index("前"), source.index("2"), len(source) - 1):
        marked = window.marked(at, 7)
        assert marked.canvas.mark is not None
        index, kind = marked.canvas.mark
        assert kind == 7
        assert window.borders()[index] <= at < window.borders()[index + 1]
        assert marked.canvas.region is window.canvas.region
    end = window.marked(len(source), 0).canvas.mark
    assert end == (len(window.canvas.region) - 1, 0), "what is missing at the end of the text"


def test_nothing_outside_the_region_is_marked(tokenizer: Tokenizer) -> None:
    source = "a = 1\nb = 2\nc = 3\n"
    window = cut(tokenizer, source, Span(5, 11), action="repair")
    assert window.marked(4, 0).canvas.mark is None
    assert window.marked(11, 0).canvas.mark is None, "the token there belongs to the next line"
    empty = cut(tokenizer, source, Span(5, 5), action="repair")
    assert empty.marked(5, 0).canvas.mark is None


def test_tokens_of_an_empty_region_are_none(tokenizer: Tokenizer) -> None:
    assert cut(tokenizer, "x\n", Span(1, 1), action="repair").tokens_of(Span(1, 1)) == (0, 0)


def test_another_region_changes_nothing_else(tokenizer: Tokenizer) -> None:
    source = "a = 1\nb = 2\nc = 3\n"
    window = cut(tokenizer, source, Span(6, 11), action="repair")
    other = with_masks(window, tokenizer.encode("d = (4)"))
    assert other.source_with(other.canvas.region) == "a = 1\nd = (4)\nc = 3\n"
    assert np.array_equal(other.canvas.head, window.canvas.head)
    assert np.array_equal(other.canvas.tail, window.canvas.tail)
