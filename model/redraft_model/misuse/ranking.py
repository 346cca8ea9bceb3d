"""Which word of a text that parses is wrong, and how likely: features of candidate edits and their fitted weights. No torch.

All words that could stand in the slots of one function share a softmax, in which one more entry, of score 0, means that nothing is
wrong. An edit that the labels propose has a likelihood of its own, a logistic function.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from difflib import SequenceMatcher
from typing import Any

from redraft_model.calibration.logistic import Logistic, bounded
from redraft_model.calibration.weights import Section, named_logistic
from redraft_model.misuse.slots import KINDS, Slot, Word
from redraft_model.passage import Span
from redraft_model.text.scopes import OWN_NAMES

MANY = 5  # reads or uses; more count as so many
_PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+")


@dataclass(frozen=True)
class MisuseFeatures:
    """What is known of another word for a slot, for which the network sees neither.

    Of two that differ in `old` and `new` one is of the word that is there, one of the other. An operator or literal counts as
    read as often as it stands in the same function elsewhere, and is nowhere near or beside itself.
    """

    group: str  # of GROUPS: words of one have weights of their own
    lead: float  # nats by which it is likelier than what is there and than any other word for its slot, from -NO_RIVAL to NO_RIVAL
    front: float  # nats by which it is further ahead than any word for another slot of its function is, from -NO_RIVAL to NO_RIVAL
    is_literal: float  # 1 for a number or a truth value
    is_attribute: float
    is_called: float
    has_dot: float  # 1 if an attribute of it is meant
    in_module: float  # 1 if the text imports something, so is more than a fragment
    old_capital: float  # 1 if it has a capital letter in front, as a class or a constant has
    spelt_alike: float  # for a name from nowhere how alike, from 0 to 1, both are spelt
    old_own: float  # 1 for self and cls; all below that count how often a name is elsewhere are 0 for them
    new_own: float
    old_own_whole: float  # 1 for self and cls of which no attribute is meant
    new_own_dot: float  # 1 for self and cls of which an attribute is meant
    old_reads: float  # elsewhere, at most MANY
    new_reads: float
    old_unread: float  # 1 if nothing else reads the variable or attribute that is there
    new_unread: float  # 1 if nothing reads the other one
    new_unread_parameter: float  # 1 if that is a parameter: these are more often left unread
    old_unbound: float  # 1 if the function gives it no value
    new_unbound: float
    old_late: float  # 1 if the function gives it a value further down only
    old_near: float  # 1 if it stands in the same statement once more
    new_near: float
    old_beside: float  # 1 if it is once more an argument of the same call or an operand of the same operator
    new_beside: float
    old_alike: float  # other places where an attribute or item of it is wanted, as it is here; at most MANY
    new_alike: float
    old_same: float  # 1 if the attribute that is meant here is meant of it elsewhere, also of self and cls
    new_same: float
    old_around: (
        float  # words and signs around the slot that are the same where it stands elsewhere, from 0 to 6
    )
    new_around: float
    old_like: float  # share of their parts that it and the word which the value is given to have in common
    new_like: float

    def values(self) -> tuple[float, ...]:
        """The features in the order of `MISUSE_FEATURES`."""
        return tuple(getattr(self, name) for name in MISUSE_FEATURES)


MISUSE_FEATURES = tuple(field.name for field in fields(MisuseFeatures) if field.name != "group")
UNKNOWN = "unknown"  # the group of names and attributes from nowhere
GROUPS = (*KINDS, UNKNOWN)
SECTION = "misuse"


@dataclass(frozen=True)
class LabelEditFeatures:
    """What is known of an edit that the labels propose for a text that parses. Nats come from the network."""

    improvement: float  # nats by which keeping the text becomes more likely
    keep_mean: float  # nats a token of keeping the text as it was
    unknown_identifiers: float  # names gained that are neither Python's nor anywhere else in the text
    words_lost: float
    signs_lost: float

    def values(self) -> tuple[float, ...]:
        """The features in the order of `LABEL_EDIT_FEATURES`."""
        return tuple(getattr(self, name) for name in LABEL_EDIT_FEATURES)


LABEL_EDIT_FEATURES = tuple(field.name for field in fields(LabelEditFeatures))


@dataclass(frozen=True)
class MisuseWeights:
    """The fitted weights, and the probability an edit must have to be made.

    `words` has a logistic function of MISUSE_FEATURES for each of GROUPS, `label_edit` is one of LABEL_EDIT_FEATURES.
    """

    words: Mapping[str, Logistic]
    label_edit: Logistic
    threshold: float

    def word_shares(self, words: Sequence[MisuseFeatures]) -> list[float]:
        """How likely each of the words for the slots of one function is right; what is left is for nothing being wrong."""
        return word_shares(self.words, words)

    @classmethod
    def of(cls, section: Section) -> "MisuseWeights":
        """The weights in a section of a calibration file; CheckpointError when one is missing."""
        return cls(
            {group: section.section("words").section(group).logistic(MISUSE_FEATURES) for group in GROUPS},
            section.section("label_edit").logistic(LABEL_EDIT_FEATURES),
            section.number("threshold"),
        )

    def to_json(self) -> dict[str, Any]:
        """The section of the calibration file."""
        return {
            "words": {group: named_logistic(self.words[group], MISUSE_FEATURES) for group in GROUPS},
            "label_edit": named_logistic(self.label_edit, LABEL_EDIT_FEATURES),
            "threshold": self.threshold,
        }


@dataclass(frozen=True)
class JudgedMisuseFeatures:
    """What is known of another word for a slot once a pretrained base has judged the text with it."""

    gain: float  # nats by which the base finds the text likelier with it than as it is
    lead: float  # nats by which that is more than the gain of any other word judged in its function, or of changing nothing
    prior: float  # the logit that the unjudged features give it against changing nothing
    offered: float  # logarithm of how many words were offered for the slots of the function
    unknown: float  # 1 for a word in the place of a name or attribute from nowhere
    sign: float  # 1 for an operator or literal
    attribute: float

    def values(self) -> tuple[float, ...]:
        """The features in the order of `JUDGED_MISUSE_FEATURES`."""
        return tuple(getattr(self, name) for name in JUDGED_MISUSE_FEATURES)


JUDGED_MISUSE_FEATURES = tuple(field.name for field in fields(JudgedMisuseFeatures))
LARGEST_GAIN = 20.0  # nats; more counts as so many


@dataclass(frozen=True)
class JudgedMisuseWeights:
    """The fitted weights of words that a base has judged, and the probability an edit must have to be made."""

    word: Logistic
    threshold: float

    def word_shares(self, words: Sequence[JudgedMisuseFeatures]) -> list[float]:
        """How likely each of the words judged in one function is right; what is left is for nothing being wrong."""
        return shares_beside_nothing([self.word.score(word.values()) for word in words])

    @classmethod
    def of(cls, section: Section) -> "JudgedMisuseWeights":
        """The weights in a section of a calibration file; CheckpointError when one is missing."""
        return cls(section.section("word").logistic(JUDGED_MISUSE_FEATURES), section.number("threshold"))

    def to_json(self) -> dict[str, Any]:
        """The section of the calibration file."""
        return {"word": named_logistic(self.word, JUDGED_MISUSE_FEATURES), "threshold": self.threshold}


def judged_misuse_features(
    words: Sequence[MisuseFeatures], gains: Sequence[float], priors: Sequence[float], n_offered: int
) -> list[JudgedMisuseFeatures]:
    """The features of the words judged in one function, of `n_offered` that could stand there."""
    found = []
    for i, (word, gain, prior) in enumerate(zip(words, gains, priors, strict=True)):
        rival = max([0.0, *(other for j, other in enumerate(gains) if j != i)])
        found.append(
            JudgedMisuseFeatures(
                gain=_clamped(gain),
                lead=_clamped(gain - rival),
                prior=_clamped(prior),
                offered=math.log(n_offered),
                unknown=float(word.group == UNKNOWN),
                sign=float(word.group == "sign"),
                attribute=word.is_attribute,
            )
        )
    return found


def _clamped(nats: float) -> float:
    return min(LARGEST_GAIN, max(-LARGEST_GAIN, nats))


def shares_beside_nothing(scores: Sequence[float]) -> list[float]:
    """The softmax over `scores` and one more entry of score 0."""
    largest = max([0.0, *scores])
    total = math.exp(-largest) + math.fsum(math.exp(score - largest) for score in scores)
    return [math.exp(score - largest) / total for score in scores]


def word_shares(weights: Mapping[str, Logistic], words: Sequence[MisuseFeatures]) -> list[float]:
    """The softmax over the words for the slots of one function and, with score 0, nothing being wrong."""
    return shares_beside_nothing([weights[word.group].score(word.values()) for word in words])


def misuse_features(words: Sequence[tuple[Slot, Word, float]]) -> list[MisuseFeatures]:
    """The features of all words for the slots of a function, each with the nats by which it is likelier than what is there."""
    best: dict[Span, list[float]] = {}
    for slot, _, gain in words:
        best.setdefault(slot.span, []).append(gain)
    # What is there may be the best of its slot.
    best = {span: sorted([0.0, *gains], reverse=True) for span, gains in best.items()}
    fronts = sorted((gains[0] for gains in best.values()), reverse=True)
    found = []
    for slot, word, gain in words:
        rival = best[slot.span][1] if gain == best[slot.span][0] else best[slot.span][0]
        others = fronts[1:] if best[slot.span][0] == fronts[0] else fronts
        found.append(_features_of(slot, word, gain - rival, gain - max(others, default=0.0)))
    return found


def _features_of(slot: Slot, word: Word, lead: float, front: float) -> MisuseFeatures:
    old = slot.now
    old_own, new_own = (slot.kind == "name" and name in OWN_NAMES for name in (old.text, word.text))
    old_counts, new_counts = float(not old_own), float(not new_own)
    new_unread = new_counts * (word.is_bound and word.n_reads == 0)
    return MisuseFeatures(
        group=slot.kind if old.is_known else UNKNOWN,
        lead=bounded(lead),
        front=bounded(front),
        is_literal=float(slot.kind == "sign" and old.text[0].isalnum() and old.text not in {"and", "or"}),
        is_attribute=float(slot.kind == "attribute"),
        is_called=float(slot.is_called),
        has_dot=float(slot.has_dot),
        in_module=float(slot.is_in_module),
        old_capital=old_counts * old.text[0].isupper(),
        spelt_alike=0.0 if old.is_known else SequenceMatcher(None, old.text, word.text).ratio(),
        old_own=float(old_own),
        new_own=float(new_own),
        old_own_whole=float(old_own and not slot.has_dot),
        new_own_dot=float(new_own and slot.has_dot),
        old_reads=old_counts * min(MANY, old.n_reads),
        new_reads=new_counts * min(MANY, word.n_reads),
        old_unread=old_counts * (old.is_bound and old.n_reads == 0),
        new_unread=new_unread,
        new_unread_parameter=new_unread * word.is_parameter,
        old_unbound=float(not old.is_bound),
        new_unbound=float(not word.is_bound),
        old_late=float(old.is_late),
        old_near=old_counts * (old.n_near > 0),
        new_near=new_counts * (word.n_near > 0),
        old_beside=old_counts * (old.n_beside > 0),
        new_beside=new_counts * (word.n_beside > 0),
        old_alike=old_counts * min(MANY, old.n_alike),
        new_alike=new_counts * min(MANY, word.n_alike),
        old_same=float(old.n_same > 0),
        new_same=float(word.n_same > 0),
        old_around=float(old.n_around),
        new_around=float(word.n_around),
        old_like=_likeness(old.text, slot.given_to),
        new_like=_likeness(word.text, slot.given_to),
    )


def _likeness(name: str, other: str) -> float:
    """The share of the parts of two names, whatever case they are in, that both have."""
    parts, others = ({part.lower() for part in _PART.findall(each)} for each in (name, other))
    return len(parts & others) / len(parts | others) if parts and others else 0.0
