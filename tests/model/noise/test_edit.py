import numpy as np
import pytest
from rapidfuzz.distance import Levenshtein
from redraft_model.noise import EditNoise
from redraft_model.noise.registry import TokenIds

NOISE = EditNoise(low=50, high=1000)


def tokens(n_tokens: int) -> TokenIds:
    return np.random.default_rng(n_tokens).integers(50, 1000, n_tokens).astype(np.int32)


def distance(x_0: TokenIds, x_t: TokenIds) -> int:
    return Levenshtein.distance(x_0.tolist(), x_t.tolist())


@pytest.mark.parametrize("n_tokens", [1, 2, 63, 111, 256, 1000])
@pytest.mark.parametrize("t", [0.01, 0.5, 1.0])
def test_no_more_edits_than_the_rate_allows(n_tokens: int, t: float) -> None:
    x_0 = tokens(n_tokens)
    for seed in range(20):
        assert distance(x_0, NOISE.corrupt(x_0, t, np.random.default_rng(seed))) <= max(
            1, int(n_tokens * 0.1 * t)
        )


def test_most_of_the_edits_asked_for_are_there() -> None:
    x_0 = tokens(256)
    distances = [distance(x_0, NOISE.corrupt(x_0, 1.0, np.random.default_rng(seed))) for seed in range(50)]
    assert np.mean(distances) > 0.85 * 25


def test_alpha_max_sets_the_rate() -> None:
    noise = EditNoise(low=50, high=1000, alpha_max=0.4)
    x_0 = tokens(200)
    assert noise.n_edits(200, 1.0) == 80
    assert distance(x_0, noise.corrupt(x_0, 1.0, np.random.default_rng(0))) > 40


@pytest.mark.parametrize("n_tokens", [1, 2, 5, 40])
def test_one_edit_at_least_shows(n_tokens: int) -> None:
    x_0 = tokens(n_tokens)
    for seed in range(300):
        assert distance(x_0, NOISE.corrupt(x_0, 1e-6, np.random.default_rng(seed))) == 1


def test_every_operation_happens() -> None:
    x_0 = np.array([60, 61, 62, 63, 64, 65], dtype=np.int32)
    noise = EditNoise(low=900, high=1000, alpha_max=0.5)
    seen = {tuple(noise.corrupt(x_0, 1.0, np.random.default_rng(seed)).tolist()) for seed in range(5000)}
    assert (60, 62, 61, 63, 64, 65) in {tuple(sorted(s[:3])) and s for s in seen}
    assert any(len(s) == 3 for s in seen)
    assert any(len(s) > 6 and len(set(s)) == 6 for s in seen)
    assert any(len(s) > 6 and max(s) >= 900 for s in seen)


def test_half_of_the_new_tokens_come_from_the_passage() -> None:
    x_0 = np.full(400, 60, dtype=np.int32)
    x_0[::2] = 61
    noise = EditNoise(low=500, high=1000, delete=0, insert=1, substitute=0, repeat=0, swap=0)
    new = np.concatenate([noise.corrupt(x_0, 1.0, np.random.default_rng(seed)) for seed in range(50)])
    n_foreign = np.count_nonzero(new >= 500)
    assert n_foreign / (50 * 40) == pytest.approx(0.5, abs=0.05)


def test_only_ordinary_ids_appear() -> None:
    x_0 = tokens(300)
    for seed in range(30):
        x_t = NOISE.corrupt(x_0, 1.0, np.random.default_rng(seed))
        assert x_t.dtype == np.int32
        assert x_t.min() >= 50
        assert x_t.max() < 1000


def test_the_input_is_untouched() -> None:
    x_0 = tokens(100)
    NOISE.corrupt(x_0, 1.0, np.random.default_rng(0))
    assert np.array_equal(x_0, tokens(100))


def test_nothing_happens_at_time_zero_or_to_nothing() -> None:
    rng = np.random.default_rng(0)
    assert np.array_equal(NOISE.corrupt(tokens(50), 0.0, rng), tokens(50))
    assert NOISE.corrupt(tokens(0), 1.0, rng).tolist() == []


def test_a_single_token_is_never_deleted() -> None:
    noise = EditNoise(low=50, high=1000, delete=1, insert=0, substitute=0, repeat=0, swap=0)
    for seed in range(50):
        assert len(noise.corrupt(tokens(1), 1.0, np.random.default_rng(seed))) == 1


def test_equal_seeds_edit_equally() -> None:
    first, second = (NOISE.corrupt(tokens(200), 0.7, np.random.default_rng(9)) for _ in range(2))
    assert np.array_equal(first, second)


def test_settings_are_checked() -> None:
    with pytest.raises(ValueError, match="two ordinary ids"):
        EditNoise(low=5, high=6)
    with pytest.raises(ValueError, match="weights"):
        EditNoise(low=5, high=50, delete=-1)
