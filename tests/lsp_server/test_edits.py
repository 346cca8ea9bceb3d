"""Edits: the smallest replacements between two texts."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redraft_model.passage import Span
from redraft_server.edits import Edit, apply, between


def check(before: str, after: str, expected: list[Edit]) -> None:
    assert between(before, after) == expected
    assert apply(before, expected) == after


def test_equal_texts_need_no_edit() -> None:
    check("", "", [])
    check("x = 1\n", "x = 1\n", [])


def test_only_the_characters_that_differ_are_replaced() -> None:
    check("x = 1\n", "x = 2\n", [Edit(Span(4, 5), "2")])


def test_a_missing_character_is_an_insertion() -> None:
    check("f(1\n", "f(1)\n", [Edit(Span(3, 3), ")")])


def test_a_surplus_character_is_a_deletion() -> None:
    check("f(1))\n", "f(1)\n", [Edit(Span(4, 5), "")])


def test_changes_far_apart_are_separate_edits() -> None:
    check("a\nb\nc\nd\n", "A\nb\nc\nD\n", [Edit(Span(0, 1), "A"), Edit(Span(6, 7), "D")])


def test_neighbouring_changed_lines_are_edited_one_by_one() -> None:
    check("if a\nif b\n", "if a:\nif b:\n", [Edit(Span(4, 4), ":"), Edit(Span(9, 9), ":")])


def test_a_new_line_is_inserted_whole() -> None:
    check("a\nc\n", "a\nb\nc\n", [Edit(Span(2, 2), "b\n")])


def test_a_line_is_deleted_whole() -> None:
    check("a\nb\nc\n", "a\nc\n", [Edit(Span(2, 4), "")])


def test_everything_can_appear_and_vanish() -> None:
    check("", "a\n", [Edit(Span(0, 0), "a\n")])
    check("a\n", "", [Edit(Span(0, 2), "")])


def test_a_final_newline_can_appear() -> None:
    check("a", "a\n", [Edit(Span(1, 1), "\n")])


def test_a_carriage_return_is_never_parted_from_its_newline() -> None:
    check("a\n", "a\r\n", [Edit(Span(1, 2), "\r\n")])
    check("a\r", "a\r\n", [Edit(Span(1, 2), "\r\n")])
    check("a\r\nb\r\n", "a;\r\nb\r\n", [Edit(Span(1, 1), ";")])


def test_form_feeds_do_not_end_lines() -> None:
    check("\fa = 1\n", "\fa = 2\n", [Edit(Span(5, 6), "2")])


def test_a_character_is_never_parted_from_its_marks() -> None:
    check("'e\u0301'\n", "'e\u0300'\n", [Edit(Span(1, 3), "e\u0300")])
    check("'e'\n", "'e\u0301'\n", [Edit(Span(1, 2), "e\u0301")])


def test_joined_emoji_flags_and_skin_tones_stay_whole() -> None:
    family, couple = "👩\u200d👧", "👩\u200d👦"
    check(f"'{family}'", f"'{couple}'", [Edit(Span(1, 4), couple)])
    check("'🇩🇪'", "'🇩🇰'", [Edit(Span(1, 3), "🇩🇰")])
    check("'👍🏻'", "'👍🏿'", [Edit(Span(1, 3), "👍🏿")])


def test_emoji_outside_the_change_are_left_alone() -> None:
    check("'👍' + a", "'👍' + b", [Edit(Span(6, 7), "b")])


def test_a_thousand_changed_lines_give_a_thousand_edits() -> None:
    before = "".join(f"x{n} = {n}\n" for n in range(5000))
    after = "".join(f"x{n} = {n}{'  # fifth' if n % 5 == 0 else ''}\n" for n in range(5000))
    edits = between(before, after)
    assert len(edits) == 1000
    assert {edit.text for edit in edits} == {"  # fifth"}


def test_overlapping_edits_cannot_be_applied() -> None:
    with pytest.raises(ValueError, match="overlaps"):
        apply("abcd", [Edit(Span(0, 2), "x"), Edit(Span(1, 3), "y")])
    with pytest.raises(ValueError, match="leaves the text"):
        apply("ab", [Edit(Span(1, 3), "x")])


_PIECES = st.sampled_from(
    [
        "a",
        "b",
        " ",
        "\n",
        "\r",
        "\r\n",
        "\f",
        "\u0301",
        "e\u0301",
        "\u200d",
        "👩",
        "👧",
        "🇩",
        "🇪",
        "🏻",
        "\ud800",
    ]
)
_TEXTS = st.lists(_PIECES, max_size=15).map("".join)


@given(_TEXTS, _TEXTS)
def test_applying_the_edits_gives_the_new_text(before: str, after: str) -> None:
    assert apply(before, between(before, after)) == after


@given(_TEXTS, _TEXTS)
def test_edits_are_ordered_apart_and_change_something(before: str, after: str) -> None:
    edits = between(before, after)
    for left, right in pairwise(edits):
        assert left.span.end <= right.span.start
    for edit in edits:
        assert edit.span.of(before) != edit.text


@given(_TEXTS, _TEXTS)
def test_edits_never_begin_or_end_between_carriage_return_and_newline(before: str, after: str) -> None:
    for edit in between(before, after):
        for border in (edit.span.start, edit.span.end):
            assert before[max(border - 1, 0) : border + 1] != "\r\n"
