"""The learning rate over a run."""

import itertools

import pytest
from redraft_model.train.schedule import WarmupStableDecay


@pytest.mark.parametrize(
    ("progress", "factor"),
    [
        (0.0, 0.0),
        (0.005, 0.5),
        (0.01, 1.0),
        (0.3, 1.0),
        (0.75, 1.0),
        (0.875, 0.5),
        (0.95, 0.2),
        (1.0, 0.0),
        (1.7, 0.0),
        (-1, 0),
    ],
)
def test_the_rate_rises_stays_and_falls(progress: float, factor: float) -> None:
    assert WarmupStableDecay().factor(progress) == pytest.approx(factor)


def test_the_rate_never_jumps() -> None:
    schedule = WarmupStableDecay(warmup=0.1, decay=0.4)
    factors = [schedule.factor(i / 1000) for i in range(1001)]
    assert max(abs(b - a) for a, b in itertools.pairwise(factors)) < 0.0101
    # A trapezium: half of the warm-up, the plateau, half of the decay.
    assert sum(factors) / 1000 == pytest.approx(0.05 + 0.5 + 0.2, abs=1e-3)


def test_without_warm_up_and_decay_the_rate_is_constant() -> None:
    constant = WarmupStableDecay(warmup=0.0, decay=0.0)
    assert {constant.factor(i / 10) for i in range(11)} == {1.0}
