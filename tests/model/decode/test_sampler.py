"""The sampler: the cached way agrees with the slow one, seeds repeat, frozen text stays, and cancelling stops it."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from redraft_model.decode.forward import Cached, Full, at_places
from redraft_model.decode.sampler import Observer, Sampling, drafts, generate, generate_reference
from redraft_model.decode.selection import Thresholds
from redraft_model.errors import Cancelled
from redraft_model.network.config import ModelConfig
from redraft_model.network.transformer import Transformer
from redraft_model.tokens.alignment import MASK_ID
from redraft_model.tokens.blocks import fixed_blocks
from redraft_model.tokens.canvas import Canvas
from redraft_model.tokens.tokenizer import SPECIALS

VOCABULARY = 96
TEXT = len(SPECIALS)


VARIANTS: dict[str, dict[str, int]] = {
    "plain": {},
    "no neighbours": {"n_neighbours": 0},
    "shifted": {"logit_shift": 1},
}


@pytest.fixture(scope="module", params=VARIANTS.values(), ids=VARIANTS.keys())
def model(request: pytest.FixtureRequest, wild_of: Callable[..., Transformer]) -> Transformer:
    """A network that answers differently everywhere; in its usual shape, and in others that samplers have to know of."""
    return wild_of(VOCABULARY, **request.param)


def canvas(n_head: int, n_region: int, n_tail: int, n_masks: int, seed: int = 0) -> Canvas:
    rng = np.random.default_rng(seed)
    ids = rng.integers(TEXT, VOCABULARY, n_head + n_region + n_tail).astype(np.int32)
    head, region, tail = np.split(ids, [n_head, n_head + n_region])
    region[rng.permutation(n_region)[:n_masks]] = MASK_ID
    return Canvas(head, region, tail)


EAGER = Sampling(Thresholds(fill=0.02, edit=0.02), steps_per_block=12)


@pytest.mark.parametrize("shape", [(5, 20, 7, 20), (0, 33, 0, 10), (9, 40, 3, 0), (3, 1, 3, 1)])
@pytest.mark.parametrize("block_size", [8, 16, 64])
def test_cached_with_a_refresh_at_every_step_is_the_reference(
    model: Transformer, shape: tuple[int, int, int, int], block_size: int
) -> None:
    start = canvas(*shape)
    blocks = fixed_blocks(len(start.region), block_size)
    sampling = Sampling(EAGER.thresholds, steps_per_block=12, refresh_every=1)
    fast = generate(model, [start] * 3, blocks, sampling, drafts(3, seed=3))
    slow = generate_reference(model, [start] * 3, blocks, sampling, drafts(3, seed=3))
    assert [t.canvas.region.tolist() for t in fast] == [t.canvas.region.tolist() for t in slow]
    assert [t.log_p for t in fast] == pytest.approx([t.log_p for t in slow], abs=1e-3)


def test_the_first_cached_step_sees_what_the_reference_sees(model: Transformer) -> None:
    start = canvas(6, 24, 9, 8)
    cached, full = Cached(model), Full(model)
    cached.refresh([start])
    full.refresh([start])
    for block in fixed_blocks(24, 8):
        fast, slow = cached.block([0], [start], [block])[0], full.block([0], [start], [block])[0]
        assert torch.allclose(fast.exp(), slow.exp(), atol=1e-5)


def test_a_mark_is_seen_with_and_without_the_cache(model: Transformer) -> None:
    plain = canvas(6, 24, 9, 8)
    start = replace(plain, mark=(11, 2))
    cached, full = Cached(model), Full(model)
    whole = cached.refresh([start])[0]
    torch.testing.assert_close(whole, full.refresh([start])[0], atol=1e-5, rtol=1e-4)
    assert not torch.allclose(whole, full.refresh([plain])[0], atol=1e-2)
    for block in fixed_blocks(24, 8):
        fast, slow = cached.block([0], [start], [block])[0], full.block([0], [start], [block])[0]
        assert torch.allclose(fast.exp(), slow.exp(), atol=1e-5)
    places = [np.array([0, 11, 24])]
    torch.testing.assert_close(at_places(model, [start], places)[0], whole[places[0]], atol=1e-5, rtol=1e-4)


def test_the_suffix_moves_along_when_the_block_grows() -> None:
    # With one layer a cached token depends on nothing but itself and its position, so a moved cache is exact.
    network = Transformer(ModelConfig(VOCABULARY, 64, 1, 2, 2, 176, mask_id=MASK_ID)).requires_grad_(False)
    network.initialise(torch.Generator().manual_seed(0))
    before = canvas(6, 24, 9, 0)
    grown = before.with_region(np.insert(before.region, 4, [MASK_ID, MASK_ID]))
    shrunk = before.with_region(np.delete(before.region, [2, 3, 5]))
    cached, full = Cached(network), Full(network)
    cached.refresh([before, before])
    places = [(0, 10), (0, 5)]
    fast = cached.block([0, 1], [grown, shrunk], places)
    slow = full.block([0, 1], [grown, shrunk], places)
    for fast_log_p, slow_log_p in zip(fast, slow, strict=True):
        assert torch.allclose(fast_log_p.exp(), slow_log_p.exp(), atol=1e-6)


def test_masks_alone_get_what_they_get_in_their_block(model: Transformer) -> None:
    start = canvas(6, 24, 9, 0)
    opened = [
        start.with_region(np.insert(start.region, 4, [MASK_ID, MASK_ID])),
        start.with_region(np.insert(start.region, 11, MASK_ID)),
    ]
    places = [(1, 9), (6, 16)]
    cached = Cached(model)
    cached.refresh([start])
    blocks = cached.block([0, 0], opened, places)
    masks = cached.at_masks([0, 0], opened, places)
    assert [len(found) for found in masks] == [2, 1]
    assert torch.allclose(masks[0].exp(), blocks[0][[3, 4]].exp(), atol=1e-6)
    assert torch.allclose(masks[1].exp(), blocks[1][[5]].exp(), atol=1e-6)


def test_the_same_seed_gives_the_same_drafts_and_another_seed_others(model: Transformer) -> None:
    start = canvas(4, 24, 4, 24)
    blocks = fixed_blocks(24, 24)
    runs = [
        [t.canvas.region.tolist() for t in generate(model, [start] * 4, blocks, EAGER, drafts(4, seed))]
        for seed in (1, 1, 2)
    ]
    assert runs[0] == runs[1]
    assert runs[0][0] == runs[2][0]  # the first draft is the most likely one, whatever the seed
    assert runs[0][1:] != runs[2][1:]


def test_frozen_tokens_are_never_changed_and_no_mask_is_left(model: Transformer) -> None:
    start = canvas(11, 30, 13, 12)
    for trace in generate(model, [start] * 3, fixed_blocks(30, 8), Sampling(EAGER.thresholds)):
        assert np.array_equal(trace.canvas.head, start.head)
        assert np.array_equal(trace.canvas.tail, start.tail)
        assert trace.canvas.n_masks == 0


def test_a_region_is_never_emptied_unless_that_is_allowed(model: Transformer) -> None:
    for seed in range(8):
        start = canvas(3, 4, 3, 4, seed)
        (trace,) = generate(model, [start], [(0, 4)], EAGER)
        assert len(trace.canvas.region) > 0


def test_forward_passes_are_counted(model: Transformer) -> None:
    calls = 0

    class Counting(Transformer):
        def forward(self, *args: object, **kwargs: object) -> torch.Tensor:
            nonlocal calls
            calls += 1
            return super().forward(*args, **kwargs)

    start = canvas(3, 10, 3, 10)
    network = Counting(model.config)
    network.load_state_dict(model.state_dict())
    (trace,) = generate_reference(network.requires_grad_(False), [start], [(0, 10)], EAGER)
    assert trace.n_forward == calls


def test_a_cancelled_draft_stops_before_its_next_step(model: Transformer) -> None:
    polls = 0

    def is_cancelled() -> bool:
        nonlocal polls
        polls += 1
        return polls > 2

    start = canvas(4, 40, 4, 40)
    with pytest.raises(Cancelled):
        generate(model, [start], [(0, 40)], Sampling(), observer=Observer(is_cancelled))
    assert polls == 3
