"""How likely a repair or a line is right: a few weights that were fitted to one network and lie beside it. Without torch.

A search finds several solutions. Their features give each a score; a softmax over the scores of one search is each one's share,
and the first is taken. How likely that one is right is a logistic function of its features and of the logit of its share. The
same goes for the texts that were found for the rest of a line, where what stands elsewhere in the file counts as much as it is
to be trusted. All words that could stand in the slots of a function have a
share each, beside one for nothing being wrong: that is how likely each of them is right.
The package `calibrate` fits the weights; what they were fitted to is code that no benchmark holds.
"""

import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from redraft_model.complete.ranking import LONE, WRITTEN, Written
from redraft_model.complete.retrieval import RECALLED
from redraft_model.errors import CheckpointError
from redraft_model.misuse.ranking import GROUPS, GUESSED, Guessed

FILE = "calibration.json"
FORMAT = 10

_WORD = re.compile(r"\w+")
_SIGN = re.compile(r"[^\w\s]")


@dataclass(frozen=True)
class Features:
    """What is known of one solution. Nats come from the network; words and signs are counted in the text."""

    gain: float  # nats by which its labels beat KEEP on the way
    keep: float  # nats by which keeping the text has become more likely
    keep_mean: float  # nats a token of keeping the text as it is now
    parses: float  # 1, or 0 if another problem follows
    edits: float
    lines_away: float  # from where the parser stopped to the first change, at most a few
    words_lost: float
    words_gained: float
    names_coined: float  # words gained that are neither Python's nor anywhere else in the text
    signs_lost: float
    signs_gained: float
    closers_quoted: float  # brackets that close nothing and have come into a string
    characters: float  # written or removed
    unpaired: float  # brackets gained that are not one of a pair, wherever they stand
    uncompiled: float  # 1 if it parses and does not compile
    idle: float  # statements around the problem that do nothing

    def values(self) -> tuple[float, ...]:
        """The features in the order of `FEATURES`."""
        return tuple(getattr(self, name) for name in FEATURES)


@dataclass(frozen=True)
class Doubted:
    """What is known of an edit of a text that parses, which the labels propose. Nats come from the network."""

    improvement: float  # nats by which keeping the text becomes more likely
    keep_mean: float  # nats a token of keeping the text as it was
    names_coined: float  # as in `Features`
    words_lost: float
    signs_lost: float

    def values(self) -> tuple[float, ...]:
        """The features in the order of `DOUBTED`."""
        return tuple(getattr(self, name) for name in DOUBTED)


FEATURES = tuple(field.name for field in fields(Features))
DOUBTED = tuple(field.name for field in fields(Doubted))
SHARE = "share"  # of a solution or text, as a logit: a weight of `repair` and `line` besides those of the features


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


@dataclass(frozen=True)
class Calibration:
    """The weights of one checkpoint, and the probability a semantic edit must have."""

    ranking: tuple[float, ...]  # as FEATURES
    repair: Logistic  # as FEATURES, then the share
    # Of each of GROUPS, as GUESSED; a sum is a word's score, where nothing being wrong scores 0.
    words: Mapping[str, Logistic]
    sweep: Logistic  # as DOUBTED
    sweep_threshold: float
    line_ranking: tuple[float, ...]  # as WRITTEN
    line: Logistic  # as WRITTEN, then the share
    recall: Logistic  # as RECALLED: how much to trust what stands elsewhere in the file

    def best(self, solutions: Sequence[Features]) -> tuple[int, float]:
        """The index of the best of the solutions of one search, and the logit of its share."""
        scores = [weighted(self.ranking, solution.values()) for solution in solutions]
        best = max(range(len(scores)), key=lambda i: scores[i])
        return best, logit_share(scores, best)

    def probability(self, solution: Features, share: float) -> float:
        """How likely a solution is right whose share has this logit."""
        return self.repair((*solution.values(), share))

    def lines(self, texts: Sequence[Written]) -> list[tuple[float, float]]:
        """The score of each text for one place, the best has the highest, and how likely it is right."""
        scores = [weighted(self.line_ranking, text.values()) for text in texts]
        return [
            (score, self.line((*text.values(), logit_share(scores, i))))
            for i, (score, text) in enumerate(zip(scores, texts, strict=True))
        ]

    def to_json(self, fingerprint: str) -> dict[str, Any]:
        """The object in the `calibration.json` of the checkpoint with that fingerprint: every weight by its name."""
        return {
            "format": FORMAT,
            "config_sha256": fingerprint,
            "ranking": dict(zip(FEATURES, map(_short, self.ranking), strict=True)),
            "repair": _named(self.repair, (*FEATURES, SHARE)),
            "words": {group: _named(self.words[group], GUESSED) for group in GROUPS},
            "sweep": _named(self.sweep, DOUBTED),
            "sweep_threshold": self.sweep_threshold,
            "line_ranking": dict(zip(WRITTEN, map(_short, self.line_ranking), strict=True)),
            "line": _named(self.line, (*WRITTEN, SHARE)),
            "recall": _named(self.recall, RECALLED),
        }

    def save(self, folder: Path) -> Path:
        """Write the file into a checkpoint's folder; returns it."""
        path = folder / FILE
        path.write_text(json.dumps(self.to_json(_fingerprint(folder)), indent=1) + "\n", "utf-8")
        return path


def load_calibration(folder: Path) -> Calibration | None:
    """The calibration of the checkpoint in `folder`; None where there is none, CheckpointError for one that cannot be used."""
    path = folder / FILE
    try:
        data: Any = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read ({error}); delete it or get it again") from error
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise CheckpointError(f"{path} is not of format {FORMAT}; calibrate the checkpoint again")
    if data.get("config_sha256") != _fingerprint(folder):
        raise CheckpointError(
            f"{path} belongs to another network; delete it or calibrate the checkpoint again"
        )
    try:
        found = Calibration(
            ranking=_weights(data["ranking"], FEATURES),
            repair=_logistic(data["repair"], (*FEATURES, SHARE)),
            words={group: _logistic(data["words"][group], GUESSED) for group in GROUPS},
            sweep=_logistic(data["sweep"], DOUBTED),
            sweep_threshold=_finite(data["sweep_threshold"]),
            line_ranking=_weights(data["line_ranking"], WRITTEN),
            line=_logistic(data["line"], (*WRITTEN, SHARE)),
            recall=_logistic(data["recall"], RECALLED),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{path} lacks a weight or has a wrong one ({error}); calibrate the checkpoint again"
        ) from error
    return found


def word_shares(weights: Mapping[str, Logistic], words: Sequence[Guessed]) -> list[float]:
    """How likely each of the words for the slots of one function is right; what is left is for nothing being wrong."""
    scores = [weights[word.group].score(word.values()) for word in words]
    largest = max([0.0, *scores])
    total = math.exp(-largest) + math.fsum(math.exp(score - largest) for score in scores)
    return [math.exp(score - largest) / total for score in scores]


def lost(before: str, after: str) -> tuple[int, int]:
    """How many words and how many signs of `before` are not in `after`."""
    words = Counter(_WORD.findall(before)) - Counter(_WORD.findall(after))
    signs = Counter(_SIGN.findall(before)) - Counter(_SIGN.findall(after))
    return words.total(), signs.total()


def weighted(weights: Sequence[float], values: Sequence[float]) -> float:
    """The sum of `values`, each with its weight."""
    return math.fsum(weight * value for weight, value in zip(weights, values, strict=True))


def logit_share(scores: Sequence[float], i: int) -> float:
    """The logit of number `i`'s share in the softmax of `scores`, between -LONE and LONE: a lone solution has no rival."""
    others = [score - scores[i] for j, score in enumerate(scores) if j != i]
    if not others:
        return LONE
    largest = max(others)
    rivals = largest + math.log(math.fsum(math.exp(score - largest) for score in others))
    return min(LONE, max(-LONE, -rivals))


def sigmoid(x: float) -> float:
    """1 / (1 + exp(-x)), for any x."""
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def _fingerprint(folder: Path) -> str:
    """What tells a checkpoint from others: its config.json holds all about its training."""
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
    except (OSError, ValueError):
        return ""
    return hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()


def _named(logistic: Logistic, names: Sequence[str]) -> dict[str, float]:
    weights = zip(names, map(_short, logistic.weights), strict=True)
    return {"bias": _short(logistic.bias), **dict(weights)}


def _short(weight: float) -> float:
    """What matters of a weight: a file for people has no digits that mean nothing."""
    return float(f"{weight:.6g}")


def _logistic(data: Mapping[str, Any], names: Sequence[str]) -> Logistic:
    return Logistic(_finite(data["bias"]), _weights(data, names))


def _weights(data: Mapping[str, Any], names: Sequence[str]) -> tuple[float, ...]:
    return tuple(_finite(data[name]) for name in names)


def _finite(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r} is no number")
    return float(value)
