"""Which labels the repair search tries, one by one and together."""

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import given
from redraft_model.passage import Span
from redraft_model.repair.candidates import LabelEdit, candidates, together
from redraft_model.repair.settings import Search
from redraft_model.text.comments import CommentsAndStrings
from redraft_model.tokens.alignment import DELETE_ID, INSERT_IDS, MASK_ID
from redraft_model.tokens.tokenizer import Tokenizer
from redraft_model.tokens.window import around

LINES = np.array([0, 0, 0, 0, 1, 1, 1, 2, 2, 2])


@pytest.mark.parametrize(
    ("places", "groups"),
    [
        ([], []),
        ([3], []),
        ([1, 2], [(1, 2)]),
        ([0, 2], [(0, 2)]),
        ([0, 2, 3], [(2, 3), (0, 2, 3)]),
        ([0, 3, 4, 6], [(3, 4), (0, 3), (4, 6), (0, 3, 4, 6)]),
        ([2, 5, 8], [(2, 5, 8)]),
    ],
)
def test_neighbours_lines_and_all_are_groups(places: list[int], groups: list[tuple[int, ...]]) -> None:
    assert together(places, LINES) == groups


@given(st.sets(st.integers(0, len(LINES) - 1)))
def test_no_group_comes_twice_and_none_is_of_one(places: set[int]) -> None:
    groups = together(sorted(places), LINES)
    assert len(set(groups)) == len(groups)
    assert all(len(group) > 1 and set(group) <= places for group in groups)
    assert (tuple(sorted(places)) in groups) == (len(places) > 1)


def test_no_single_label_leaves_a_part_of_a_character_or_goes_between_two(tokenizer: Tokenizer) -> None:
    source = 'имя = "€ 名前"\n'
    window = around(tokenizer, source, Span(0, 0))
    shape = len(window.canvas.region) + 1, tokenizer.n_vocabulary
    log_p_TV = torch.randn(shape, generator=seeded(1)).log_softmax(-1)
    untouched = CommentsAndStrings(source, ())
    search = Search(n_labels=40, n_candidates=2000, sure=1.0)
    edits = candidates(source, [Span(0, 6)], window, log_p_TV, untouched, search, 8)
    assert len(edits) > 200
    for edit in edits:
        after = edit.applied(window)
        written = tokenizer.decode_bytes(after.canvas.region).decode()  # raises where a character is torn
        if after.canvas.n_masks:
            at = int(np.flatnonzero(after.canvas.region == MASK_ID)[0])
            before = tokenizer.decode_bytes(after.canvas.region[:at]).decode()
            assert not (before[-1:] > "\x7f" and written[len(before) :][:1] > "\x7f")


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_labels_of_an_edit_are_executed_together(tokenizer: Tokenizer) -> None:
    window = around(tokenizer, "x = = 1\n", Span(0, 0))
    before = window.canvas.region
    edit = LabelEdit((0, 2, 3), (int(before[3]), DELETE_ID, INSERT_IDS[1]), 1.0)
    after = edit.applied(window).canvas
    assert (edit.n_replaced, edit.n_tokens) == (2, 4)
    assert after.n_masks == 2
    assert len(after.region) == len(before) - 1 + 2
    assert after.region[[0, 1, 4]].tolist() == before[[3, 1, 3]].tolist()
