"""Selection: which answers are committed, on probabilities written down by hand."""

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from redraft_model.decode.selection import (
    Proposals,
    Thresholds,
    commit,
    forbid_controls_at_masks,
    is_settled,
    propose,
)
from redraft_model.tokens.alignment import ANCHOR_ID, DELETE_ID, INSERT_IDS, MASK_ID

VOCABULARY = 60
A, B, C = 50, 51, 52  # text
I1, I2, *_ = INSERT_IDS


def log_p(*rows: dict[int, float]) -> torch.Tensor:
    """Log-probabilities with the given ids at the given values and the rest spread over all others."""
    table = torch.zeros(len(rows), VOCABULARY)
    for row, given_ in zip(table, rows, strict=True):
        row.fill_((1 - sum(given_.values())) / (VOCABULARY - len(given_)))
        for id_, value in given_.items():
            row[id_] = value
    return table.log()


def ids(*values: int) -> np.ndarray:
    return np.array(values, np.int32)


def check(
    shown: np.ndarray,
    answer: np.ndarray,
    confidence: list[float],
    expected: list[int],
    *,
    threshold: float = 0.9,
) -> None:
    found = commit(
        shown, Proposals(answer, np.array(confidence, np.float32)), Thresholds(threshold, threshold)
    )
    assert found.tolist() == expected


def test_the_likeliest_answer_is_proposed_with_its_probability() -> None:
    found = propose(log_p({A: 0.7, B: 0.2}, {C: 0.6}), ids(A, B), 0.0, None)
    assert found.answer.tolist() == [A, C]
    assert found.confidence.tolist() == pytest.approx([0.7, 0.6])


def test_a_mask_is_never_answered_with_an_insertion() -> None:
    table = log_p({I1: 0.9, A: 0.05}, {I1: 0.9, A: 0.05})
    kept = table.clone()
    found = propose(table, ids(MASK_ID, B), 0.0, None)
    assert found.answer.tolist() == [A, I1]
    assert torch.equal(table, kept)
    generator = torch.Generator().manual_seed(0)
    for _ in range(50):
        assert propose(table, ids(MASK_ID, B), 2.0, generator).answer[0] not in INSERT_IDS


def test_a_sample_has_the_probability_the_network_gave_it() -> None:
    generator = torch.Generator().manual_seed(1)
    found = [propose(log_p({A: 0.5, B: 0.4}), ids(C), 1.0, generator) for _ in range(600)]
    share = np.mean([f.answer[0] == A for f in found])
    assert 0.42 < share < 0.58
    assert {round(float(f.confidence[0]), 3) for f in found if f.answer[0] == B} == {0.4}


def test_the_same_generator_draws_the_same_answers() -> None:
    table = log_p(*[{A: 0.3, B: 0.3}] * 20)
    shown = ids(*[MASK_ID] * 20)
    first, again = (propose(table, shown, 1.0, torch.Generator().manual_seed(5)) for _ in range(2))
    other = propose(table, shown, 1.0, torch.Generator().manual_seed(6))
    assert first.answer.tolist() == again.answer.tolist() != other.answer.tolist()


def test_sure_masks_are_filled() -> None:
    check(
        ids(MASK_ID, MASK_ID, A, ANCHOR_ID),
        ids(B, C, A, ANCHOR_ID),
        [0.95, 0.5, 1, 1],
        [B, MASK_ID, A, ANCHOR_ID],
    )
    check(
        ids(MASK_ID, MASK_ID, A, ANCHOR_ID), ids(B, C, A, ANCHOR_ID), [0.95, 0.95, 1, 1], [B, C, A, ANCHOR_ID]
    )


def test_when_no_mask_is_sure_the_surest_is_filled() -> None:
    check(ids(MASK_ID, MASK_ID, ANCHOR_ID), ids(B, C, ANCHOR_ID), [0.2, 0.3, 1], [MASK_ID, C, ANCHOR_ID])


def test_a_visible_token_is_edited_only_when_the_network_is_sure() -> None:
    check(ids(A, B, ANCHOR_ID), ids(C, DELETE_ID, ANCHOR_ID), [0.95, 0.85, 1], [C, B, ANCHOR_ID])
    check(ids(A, B, ANCHOR_ID), ids(I1, DELETE_ID, ANCHOR_ID), [0.95, 0.95, 1], [I1, DELETE_ID, ANCHOR_ID])


def test_of_the_token_behind_the_block_only_an_insertion_counts() -> None:
    check(ids(A, B), ids(A, C), [1, 0.99], [A, ANCHOR_ID])
    check(ids(A, B), ids(A, DELETE_ID), [1, 0.99], [A, ANCHOR_ID])
    check(ids(A, B), ids(A, I2), [1, 0.99], [A, I2])
    check(ids(A, B), ids(A, I2), [1, 0.8], [A, ANCHOR_ID])
    check(ids(A, ANCHOR_ID), ids(A, I2), [1, 0.99], [A, I2])


def test_a_mask_behind_the_block_is_left_alone() -> None:
    check(ids(A, MASK_ID), ids(A, B), [1, 0.99], [A, ANCHOR_ID])


def test_a_surplus_mask_takes_the_masks_to_its_right_along() -> None:
    check(
        ids(A, MASK_ID, MASK_ID, MASK_ID, ANCHOR_ID),
        ids(A, B, DELETE_ID, C, ANCHOR_ID),
        [1, 0.95, 0.95, 0.3, 1],
        [A, B, DELETE_ID, DELETE_ID, ANCHOR_ID],
    )


def test_an_empty_block_can_still_be_opened() -> None:
    check(ids(ANCHOR_ID), ids(I1), [0.95], [I1])
    check(ids(ANCHOR_ID), ids(I1), [0.5], [ANCHOR_ID])


def test_labels_that_change_nothing_are_settled() -> None:
    assert is_settled(ids(A, B), ids(A, ANCHOR_ID))
    assert is_settled(ids(ANCHOR_ID), ids(ANCHOR_ID))
    assert not is_settled(ids(A, B), ids(A, I1))
    assert not is_settled(ids(A, B), ids(C, ANCHOR_ID))


def test_at_a_mask_only_text_and_deletion_are_left() -> None:
    table = log_p({I1: 0.5, A: 0.3, DELETE_ID: 0.1})
    forbid_controls_at_masks(table)
    assert torch.isinf(table[0, list(INSERT_IDS)]).all()
    assert torch.isinf(table[0, MASK_ID])
    assert float(table[0, A].exp()) == pytest.approx(0.3)
    assert float(table[0, DELETE_ID].exp()) == pytest.approx(0.1)


tokens = st.sampled_from([A, B, C, MASK_ID])


@settings(max_examples=200, deadline=None)
@given(
    st.lists(tokens, max_size=20),
    tokens,
    st.integers(0, 2**31),
    st.builds(Thresholds, st.floats(0, 1.1), st.floats(0, 1.1)),
)
def test_every_step_fills_a_mask_if_there_is_one(
    block: list[int], behind: int, seed: int, thresholds: Thresholds
) -> None:
    shown = ids(*block, behind)
    table = torch.randn(len(shown), VOCABULARY, generator=torch.Generator().manual_seed(seed))
    table[:, MASK_ID] = -torch.inf
    proposals = propose(table.log_softmax(-1), shown, 0.0, None)
    labels = commit(shown, proposals, thresholds)
    masks = shown[:-1] == MASK_ID
    assert not np.isin(labels[:-1][masks], INSERT_IDS).any()
    assert labels[-1] == ANCHOR_ID or labels[-1] in INSERT_IDS
    if masks.any():
        assert (labels[:-1][masks] != MASK_ID).any()
        assert not is_settled(shown, labels)
    if thresholds.edit > 1:
        assert np.array_equal(labels[:-1][~masks], shown[:-1][~masks])
