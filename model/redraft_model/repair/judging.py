"""What the pretrained base says of the solutions of a repair search: how likely each text is."""

from collections.abc import Sequence
from dataclasses import replace

from redraft_model.decode.judge import Judge
from redraft_model.repair.ranking import RepairFeatures, RepairWeights
from redraft_model.text.diff import common_prefix, common_suffix

N_JUDGED = 10  # solutions, the best by what else is known of them
LEAST_LIKELY = -30.0  # nats; what is less likely counts as so likely


def preselected(weights: RepairWeights, solutions: Sequence[RepairFeatures], n: int = N_JUDGED) -> list[int]:
    """The numbers of the `n` best solutions before any has been judged, the best first."""
    return sorted(range(len(solutions)), key=lambda i: -weights.score(solutions[i]))[:n]


def judged(judge: Judge, texts: Sequence[str], features: Sequence[RepairFeatures]) -> list[RepairFeatures]:
    """The features of some solutions with what the base says of their texts, which are alike but for one stretch."""
    if len(texts) < 2:
        return list(features)
    head, tail = _common_ends(texts)
    first = texts[0]
    drafts = [text[head : len(text) - tail] for text in texts]
    nats = judge.log_likelihood(first[:head], drafts, first[len(first) - tail :])
    likeliest = max(nats)
    return [
        replace(known, base_likelihood=max(LEAST_LIKELY, each - likeliest))
        for known, each in zip(features, nats, strict=True)
    ]


def _common_ends(texts: Sequence[str]) -> tuple[int, int]:
    """Lengths of the beginning that all texts have, and of the ending behind it."""
    first, *others = texts
    head = min(common_prefix(first, other) for other in others)
    tail = min(common_suffix(first, other) for other in others)
    return head, min(tail, min(map(len, texts)) - head)
