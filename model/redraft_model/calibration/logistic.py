"""Probabilities from weighted sums: the arithmetic that every fitted ranking shares. No torch, no feature."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

NO_RIVAL = 6.0  # nats: the lead of a candidate that has no rival


@dataclass(frozen=True)
class Logistic:
    """A probability: the sigmoid of a weighted sum."""

    bias: float
    weights: tuple[float, ...]

    def __call__(self, values: Sequence[float]) -> float:
        """The probability for `values`, one for each weight."""
        return sigmoid(self.score(values))

    def score(self, values: Sequence[float]) -> float:
        """The logit of that probability."""
        return self.bias + weighted(self.weights, values)


def weighted(weights: Sequence[float], values: Sequence[float]) -> float:
    """The sum of `values`, each with its weight."""
    return math.fsum(weight * value for weight, value in zip(weights, values, strict=True))


def logit_share(scores: Sequence[float], i: int) -> float:
    """The logit of number `i`'s share in the softmax of `scores`, between -NO_RIVAL and NO_RIVAL."""
    others = [score - scores[i] for j, score in enumerate(scores) if j != i]
    if not others:
        return NO_RIVAL
    largest = max(others)
    rivals = largest + math.log(math.fsum(math.exp(score - largest) for score in others))
    return bounded(-rivals)


def bounded(nats: float) -> float:
    """`nats`, no less than -NO_RIVAL and no more than NO_RIVAL."""
    return min(NO_RIVAL, max(-NO_RIVAL, nats))


def sigmoid(x: float) -> float:
    """1 / (1 + exp(-x)), for any x."""
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))
