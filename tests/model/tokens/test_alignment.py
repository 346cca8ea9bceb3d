"""The labels of a pair of texts, executed, lead from one to the other: for any two texts."""

import math

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import example, given, settings
from redraft_model.tokens.alignment import (
    ANCHOR_ID,
    DELETE_ID,
    INSERT_IDS,
    MASK_ID,
    apply,
    gaps,
    insert_id,
    insert_size,
    labels,
    rounds,
)

FIRST = 100  # ids from here on stand for text
I1, I2, I4, I8, I16 = INSERT_IDS


def ids(text: str) -> np.ndarray:
    """One id per character; "_" is a mask."""
    return np.array([MASK_ID if c == "_" else FIRST + ord(c) for c in text], np.int32)


def check(before: str, after: str, expected: list[int | str]) -> None:
    answer = labels(ids(before), ids(after))
    wanted = [FIRST + ord(label) if isinstance(label, str) else label for label in expected]
    assert answer.tolist() == wanted


def test_equal_texts_keep_everything() -> None:
    check("abc", "abc", ["a", "b", "c", ANCHOR_ID])
    check("", "", [ANCHOR_ID])


def test_another_token_is_a_substitution() -> None:
    check("abc", "axc", ["a", "x", "c", ANCHOR_ID])


def test_a_surplus_token_is_deleted_and_of_equals_the_later_one() -> None:
    check("abxc", "abc", ["a", "b", DELETE_ID, "c", ANCHOR_ID])
    check("aab", "ab", ["a", DELETE_ID, "b", ANCHOR_ID])


def test_a_missing_token_is_announced_by_the_token_behind_the_gap() -> None:
    check("ac", "abc", ["a", I1, ANCHOR_ID])
    check("a", "abc", ["a", I2])
    check("", "abc", [I4])


def test_a_gap_is_substituted_first_and_then_opened_or_deleted() -> None:
    check("axd", "abcd", ["a", "b", I1, ANCHOR_ID])
    check("axyzd", "abd", ["a", "b", DELETE_ID, DELETE_ID, "d", ANCHOR_ID])


def test_insertions_open_at_least_what_is_missing() -> None:
    assert [insert_size(insert_id(n)) for n in (1, 2, 3, 4, 5, 8, 9, 16, 17, 400)] == [
        1,
        2,
        4,
        4,
        8,
        8,
        16,
        16,
        16,
        16,
    ]


def test_masks_take_the_tokens_of_their_gap_and_surplus_masks_are_deleted() -> None:
    check("a__d", "abcd", ["a", "b", "c", "d", ANCHOR_ID])
    check("a____d", "abcd", ["a", "b", "c", DELETE_ID, DELETE_ID, "d", ANCHOR_ID])
    check("____", "ab", ["a", "b", DELETE_ID, DELETE_ID, ANCHOR_ID])
    check("a_d", "abcd", ["a", "b", I1, ANCHOR_ID])


def test_apply_opens_masks_before_the_token_and_at_the_end() -> None:
    assert apply(ids("ab"), np.array([I2, DELETE_ID, I1], np.int32)).tolist() == ids("__a_").tolist()


def test_apply_refuses_labels_of_another_length() -> None:
    with pytest.raises(ValueError, match="3 labels"):
        apply(ids("ab"), ids("ab"))


def test_gaps_are_maximal() -> None:
    found = gaps(ids("abcxyzdef"), ids("abcuvdefg"))
    assert [(g.start, g.end, g.new_start, g.new_end) for g in found] == [(3, 6, 3, 5), (9, 9, 8, 9)]


# A capital letter counts as a variant of the small one.
VARIANTS = np.arange(FIRST + 0x80, dtype=np.int32)
VARIANTS[FIRST + ord("A") : FIRST + ord("Z") + 1] = VARIANTS[FIRST + ord("a") : FIRST + ord("z") + 1]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("pX\n", "p(x)\n", ["p", I1, I1, ANCHOR_ID]),
        ("p(X\n", "p(x\n", ["p", "(", "x", "\n", ANCHOR_ID]),
        ("pX", "p(x", ["p", I1, ANCHOR_ID]),
        ("pXyq", "p(yxq", ["p", "(", "y", I1, ANCHOR_ID]),  # what is the same comes first
        ("p+X", "px", ["p", DELETE_ID, "x", ANCHOR_ID]),
        ("p+X", "p(-x", ["p", "(", I1, ANCHOR_ID]),
        ("p_X_\n", "p(x)\n", ["p", "(", "x", ")", "\n", ANCHOR_ID]),
        ("p__X\n", "p(x)\n", ["p", "(", DELETE_ID, "x", I1, ANCHOR_ID]),
        ("aA", "A", [DELETE_ID, "A", ANCHOR_ID]),
    ],
)
def test_kin_become_each_other_and_are_not_written_again(
    before: str, after: str, expected: list[int | str]
) -> None:
    wanted = [FIRST + ord(label) if isinstance(label, str) else label for label in expected]
    assert labels(ids(before), ids(after), VARIANTS).tolist() == wanted


texts = st.text(alphabet="abcd_\n", max_size=80).map(ids)
wide = st.lists(st.integers(FIRST, FIRST + 6), max_size=120).map(lambda x: np.array(x, np.int32))


@settings(max_examples=400, deadline=None)
@given(texts, wide)
def test_any_text_becomes_any_other_in_a_bounded_number_of_rounds(
    before: np.ndarray, after: np.ndarray
) -> None:
    path = rounds(before, after)
    assert np.array_equal(path[-1], after)
    assert len(path) - 1 <= 2 + math.ceil(len(after) / 16)


cased = st.text(alphabet="abcABC_", max_size=60).map(ids)


@settings(max_examples=400, deadline=None)
@given(cased, cased.map(lambda x: x[x != MASK_ID]))
@example(ids("bCC"), ids("AABABA"))
def test_variants_cost_at_most_two_more_rounds(before: np.ndarray, after: np.ndarray) -> None:
    path = rounds(before, after, VARIANTS)
    assert np.array_equal(path[-1], after)
    assert len(path) - 1 <= 4 + math.ceil(len(after) / 16)


@settings(max_examples=200, deadline=None)
@given(wide, wide)
def test_applying_labels_gives_a_canvas_whose_visible_tokens_are_all_right(
    before: np.ndarray, after: np.ndarray
) -> None:
    canvas = apply(before, labels(before, after))
    answer = labels(canvas, after)[:-1]
    visible = canvas != MASK_ID
    # After one round the only work left is in the masks, or in front of a token (a gap longer than 16).
    kept = (answer == canvas) | np.isin(answer, INSERT_IDS)
    assert kept[visible].all()


@settings(max_examples=100, deadline=None)
@given(wide)
def test_a_text_that_is_right_needs_no_round(text: np.ndarray) -> None:
    assert len(rounds(text, text)) == 1
