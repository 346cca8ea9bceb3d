import numpy as np
import pytest
from redraft_model.noise import MaskNoise
from redraft_model.noise.registry import TokenIds

MASK = 7


def tokens(n_tokens: int) -> TokenIds:
    return np.arange(100, 100 + n_tokens, dtype=np.int32)


@pytest.mark.parametrize("t", [0.1, 0.5, 0.9])
def test_share_of_masks_is_t(t: float) -> None:
    x_t = MaskNoise(MASK).corrupt(tokens(100_000), t, np.random.default_rng(0))
    assert np.mean(x_t == MASK) == pytest.approx(t, abs=0.01)


@pytest.mark.parametrize("t", [0.05, 0.5])
def test_share_of_masks_in_blocks_is_at_least_one_in_each(t: float) -> None:
    noise = MaskNoise(MASK, block_size=8)
    masks = noise.corrupt(tokens(80_000), t, np.random.default_rng(0)).reshape(-1, 8) == MASK
    rate = max(t, 1 / 8)
    assert noise.gamma(t) == rate
    assert masks.any(axis=1).all()
    # A block that drew none gets one, which adds the chance of that over the block's length.
    assert masks.mean() == pytest.approx(rate + (1 - rate) ** 8 / 8, abs=0.01)


@pytest.mark.parametrize("n_tokens", [1, 2, 63, 1000])
@pytest.mark.parametrize("block_size", [None, 1, 8, 5000])
def test_there_is_always_a_mask(n_tokens: int, block_size: int | None) -> None:
    for seed in range(20):
        x_t = MaskNoise(MASK, block_size).corrupt(tokens(n_tokens), 0.0, np.random.default_rng(seed))
        n_blocks = 1 if block_size is None else -(-n_tokens // block_size)
        assert np.count_nonzero(x_t == MASK) >= n_blocks


def test_the_forced_mask_falls_anywhere() -> None:
    rng = np.random.default_rng(0)
    places = [int(np.argmax(MaskNoise(MASK).corrupt(tokens(4), 0.0, rng) == MASK)) for _ in range(4000)]
    assert np.bincount(places) / 4000 == pytest.approx([0.25] * 4, abs=0.03)


def test_a_short_last_block_has_its_own_mask() -> None:
    for seed in range(50):
        x_t = MaskNoise(MASK, block_size=8).corrupt(tokens(17), 0.0, np.random.default_rng(seed))
        assert x_t[16] == MASK


def test_everything_is_masked_at_the_end_of_time() -> None:
    assert (MaskNoise(MASK).corrupt(tokens(111), 1.0, np.random.default_rng(0)) == MASK).all()


def test_tokens_that_are_not_masked_stay_and_the_input_is_untouched() -> None:
    x_0 = tokens(500)
    x_t = MaskNoise(MASK).corrupt(x_0, 0.5, np.random.default_rng(0))
    assert np.array_equal(x_t[x_t != MASK], x_0[x_t != MASK])
    assert np.array_equal(x_0, tokens(500))
    assert x_t.dtype == np.int32


def test_nothing_stays_nothing() -> None:
    assert MaskNoise(MASK, block_size=4).corrupt(tokens(0), 0.5, np.random.default_rng(0)).tolist() == []


def test_equal_seeds_mask_equally() -> None:
    first, second = (MaskNoise(MASK).corrupt(tokens(99), 0.3, np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(first, second)


def test_a_block_needs_a_size() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        MaskNoise(MASK, block_size=0)
