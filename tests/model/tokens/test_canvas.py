"""The canvas: labels change its region and nothing else."""

from dataclasses import replace

import hypothesis.strategies as st
import numpy as np
from hypothesis import given
from redraft_model.tokens.alignment import ANCHOR_ID, DELETE_ID, INSERT_IDS, MASK_ID, labels
from redraft_model.tokens.canvas import Canvas, broadcast_deletion
from redraft_model.tokens.tokenizer import REGION, REGION_END, SPECIALS

FIRST = 100  # ids from here on stand for text
I1, I2, I4, I8, I16 = INSERT_IDS
REGION_ID = SPECIALS.index(REGION)


def ids(text: str) -> np.ndarray:
    """One id per character; "_" is a mask."""
    return np.array([MASK_ID if c == "_" else FIRST + ord(c) for c in text], np.int32)


def canvas(region: str) -> Canvas:
    return Canvas(ids("head"), ids(region), ids("tail!"))


def check(region: str, start: int, end: int, answer: list[int | str], expected: str) -> None:
    before = canvas(region)
    after = before.edited(
        start, end, np.array([FIRST + ord(a) if isinstance(a, str) else a for a in answer], np.int32)
    )
    assert after.region.tolist() == ids(expected).tolist()
    assert np.array_equal(after.head, before.head)
    assert np.array_equal(after.tail, before.tail)
    assert np.array_equal(before.region, ids(region))


def test_the_network_sees_head_region_and_tail_in_order() -> None:
    shown = canvas("a_c")
    assert SPECIALS.index(REGION_END) == ANCHOR_ID
    assert shown.tokens.tolist() == [*ids("head"), REGION_ID, *ids("a_c"), ANCHOR_ID, *ids("tail!")]
    assert shown.tokens.dtype == np.int32
    assert len(shown) == len(shown.tokens)
    assert shown.tokens[shown.region_start] == ids("a")[0]
    assert shown.tokens[shown.region_end] == ANCHOR_ID
    assert shown.n_masks == 1


def test_a_mark_is_on_a_token_of_the_region_until_that_changes() -> None:
    plain = canvas("abc")
    assert not plain.marks.any()
    marked = replace(plain, mark=(2, 4))
    assert len(marked.marks) == len(marked.tokens)
    assert np.flatnonzero(marked.marks).tolist() == [marked.region_start + 2]
    assert marked.marks[marked.region_start + 2] == 5
    assert marked.with_region(ids("abd")).mark is None


def test_an_empty_region_has_its_end_marker_at_its_start() -> None:
    shown = canvas("")
    assert shown.region_start == shown.region_end
    assert shown.tokens[shown.region_end] == ANCHOR_ID


def test_labels_edit_only_the_tokens_they_are_for() -> None:
    check("abcdef", 2, 4, [DELETE_ID, "x", ANCHOR_ID], "abxef")
    check("abcdef", 0, 6, [*"abcdef", I1], "abcdef_")
    check("abcdef", 6, 6, [I2], "abcdef__")
    check("", 0, 0, [I4], "____")
    check("ab", 0, 2, [DELETE_ID, DELETE_ID, ANCHOR_ID], "")


def test_of_the_token_behind_only_an_insertion_in_front_of_it_counts() -> None:
    check("abcdef", 2, 4, ["c", "d", I1], "abcd_ef")
    check("abcdef", 2, 4, ["c", "d", DELETE_ID], "abcdef")
    check("abcdef", 2, 4, ["c", "d", "x"], "abcdef")
    check("abcdef", 2, 4, ["c", DELETE_ID, DELETE_ID], "abcef")


texts = st.text(alphabet="abc_", max_size=30)


@given(texts, st.integers(0, 30), st.integers(0, 30), st.text(alphabet="abc", max_size=20))
def test_right_labels_of_a_stretch_lead_to_the_wanted_text(region: str, a: int, b: int, wanted: str) -> None:
    start, end = sorted((a % (len(region) + 1), b % (len(region) + 1)))
    before = canvas(region)
    answer = labels(before.region[start:end], ids(wanted))
    after = before.edited(start, end, answer)
    n_behind = len(region) - end
    assert np.array_equal(after.region[:start], before.region[:start])
    assert np.array_equal(after.region[len(after.region) - n_behind :], before.region[end:])
    visible = after.region[start : len(after.region) - n_behind]
    assert set(visible[visible != MASK_ID].tolist()) <= set(ids(wanted).tolist())


def broadcast(region: str, answer: list[int | str]) -> list[int]:
    labels_ = np.array([FIRST + ord(a) if isinstance(a, str) else a for a in answer], np.int32)
    kept = labels_.copy()
    result = broadcast_deletion(ids(region), labels_)
    assert np.array_equal(labels_, kept), "the labels given are left alone"
    return [int(label) for label in result]


def test_a_deleted_mask_takes_the_masks_to_its_right_along() -> None:
    a = FIRST + ord("a")
    assert broadcast("a____", ["a", MASK_ID, DELETE_ID, MASK_ID, "b", ANCHOR_ID]) == [
        a, MASK_ID, DELETE_ID, DELETE_ID, DELETE_ID, ANCHOR_ID,
    ]  # fmt: skip
    assert broadcast("___", [DELETE_ID, "a", "b", ANCHOR_ID]) == [DELETE_ID] * 3 + [ANCHOR_ID]


def test_a_deleted_mask_before_visible_text_goes_alone() -> None:
    answer: list[int | str] = [DELETE_ID, MASK_ID, "a", MASK_ID, ANCHOR_ID]
    assert broadcast("__a_", answer) == [DELETE_ID, MASK_ID, FIRST + ord("a"), MASK_ID, ANCHOR_ID]


def test_a_deleted_token_takes_nothing_along() -> None:
    assert broadcast("a__", [DELETE_ID, MASK_ID, MASK_ID, ANCHOR_ID]) == [
        DELETE_ID,
        MASK_ID,
        MASK_ID,
        ANCHOR_ID,
    ]


def test_without_deletion_labels_stay() -> None:
    assert broadcast("__", ["a", MASK_ID, I1]) == [FIRST + ord("a"), MASK_ID, I1]
    assert broadcast("", [ANCHOR_ID]) == [ANCHOR_ID]
