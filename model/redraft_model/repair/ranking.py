"""Which solution of a repair search is meant, and how likely: the features of a solution and their fitted weights. No torch.

A search finds several solutions. The features of each give it a score; the softmax over the scores of one search gives each its
share, and the solution with the largest share is taken. How likely it is right is a logistic function of its features and of the
logit of its share.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from redraft_model.calibration.logistic import Logistic, logit_share, weighted
from redraft_model.calibration.weights import Section, named, named_logistic

SECTION = "repair"
SHARE = "share"  # of a solution, as a logit: a weight of the likelihood besides those of the features


@dataclass(frozen=True)
class RepairFeatures:
    """What is known of one solution. Nats come from the network; words and signs are counted in the text."""

    gain: float  # nats by which its labels beat KEEP on the way
    keep: float  # nats by which keeping the text has become more likely
    keep_mean: float  # nats a token of keeping the text as it is now
    parses: float  # 1, or 0 if another problem follows
    edits: float
    lines_away: float  # from where the parser stopped to the first change, at most a few
    words_lost: float
    words_gained: float
    unknown_identifiers: float  # words gained that are neither Python's nor anywhere else in the text
    signs_lost: float
    signs_gained: float
    closers_quoted: float  # brackets that close nothing and have come into a string
    characters: float  # written or removed
    unpaired: float  # brackets gained that are not one of a pair, wherever they stand
    uncompiled: float  # 1 if it parses and does not compile
    no_ops: float  # statements around the problem that do nothing
    # Nats by which the pretrained base finds it less likely than the likeliest solution that was judged; 0 where none judges.
    base_likelihood: float = 0.0

    def values(self, names: Sequence[str] | None = None) -> tuple[float, ...]:
        """The features called `names`, by default in the order of `REPAIR_FEATURES`."""
        return tuple(getattr(self, name) for name in names or REPAIR_FEATURES)


# What is known of a solution that a base has judged, and of one that none has.
JUDGED_REPAIR_FEATURES = tuple(field.name for field in fields(RepairFeatures))
REPAIR_FEATURES = tuple(name for name in JUDGED_REPAIR_FEATURES if name != "base_likelihood")


@dataclass(frozen=True)
class RepairWeights:
    """The fitted weights: of the score, as `names`; of the likelihood, as `names` and then the share."""

    ranking: tuple[float, ...]
    likelihood: Logistic
    names: tuple[str, ...] = REPAIR_FEATURES

    def score(self, solution: RepairFeatures) -> float:
        """The best solution of a search has the highest."""
        return weighted(self.ranking, solution.values(self.names))

    def best(self, solutions: Sequence[RepairFeatures]) -> tuple[int, float]:
        """The index of the best of the solutions of one search, and the logit of its share."""
        scores = [self.score(solution) for solution in solutions]
        best = max(range(len(scores)), key=lambda i: scores[i])
        return best, logit_share(scores, best)

    def probability(self, solution: RepairFeatures, share: float) -> float:
        """How likely a solution is right whose share has this logit."""
        return self.likelihood((*solution.values(self.names), share))

    @classmethod
    def of(cls, section: Section, names: tuple[str, ...] = REPAIR_FEATURES) -> "RepairWeights":
        """The weights in a section of a calibration file; CheckpointError when one is missing."""
        return cls(
            section.section("ranking").numbers(names),
            section.section("likelihood").logistic((*names, SHARE)),
            names,
        )

    def to_json(self) -> dict[str, Any]:
        """The section of the calibration file."""
        return {
            "ranking": named(self.ranking, self.names),
            "likelihood": named_logistic(self.likelihood, (*self.names, SHARE)),
        }
