"""Which text for the rest of a line is meant, and how likely: the features of a text and their fitted weights. No torch."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from redraft_model.calibration.logistic import Logistic, bounded, logit_share, weighted
from redraft_model.calibration.weights import Section, named, named_logistic
from redraft_model.complete.retrieval import RETRIEVAL_FEATURES
from redraft_model.complete.surroundings import Surroundings
from redraft_model.passage import Passage
from redraft_model.text.identifiers import NAME, n_unknown_identifiers, read

_RETURNS_SOMETHING = re.compile(r"(?:return|yield|raise)\b[ \t]*[^\s#;]")
SECTION = "completion"
SHARE = "share"  # of a text, as a logit: a weight of the likelihood besides those of the features


@dataclass(frozen=True)
class CompletionFeatures:
    """What is known of one text. An answer of the network is a token of it, or its end."""

    mean: float  # nats of an answer
    total: float  # nats of all answers
    lead: float  # nats by which an answer is likelier than one of the best other text, between -NO_RIVAL and NO_RIVAL
    begins_line: float  # 1 where nothing but blanks stands before it on its line
    in_word: float  # 1 behind a letter or digit: the tokens there are seldom those of the whole word
    unknown_identifiers: float  # names that are neither Python's nor anywhere else in the file
    words_again: float  # words that the text itself has already
    binds: float  # names it gives a value to that the code reads and that have none
    reads: float  # names it reads that have a value and that nothing else reads
    line_again: float  # 1 if the line, with it, stands elsewhere in the file
    returns: float  # 1 if it returns something at the end of a function that has not returned, raised or yielded yet
    binds_again: float  # names it imports or defines that the file has already
    result: float  # 1 if it is the last line of a function and returns a name that got a value there, and nothing else

    def values(self, names: Sequence[str] | None = None) -> tuple[float, ...]:
        """The features called `names`, by default in the order of `COMPLETION_FEATURES`."""
        return tuple(getattr(self, name) for name in names or COMPLETION_FEATURES)


COMPLETION_FEATURES = tuple(field.name for field in fields(CompletionFeatures))


@dataclass(frozen=True)
class CompletionWeights:
    """The fitted weights of the rest of a line.

    Of the score, as COMPLETION_FEATURES; of the likelihood, as COMPLETION_FEATURES and then the share; of the interpolation weight
    of what retrieval says, as RETRIEVAL_FEATURES.
    """

    ranking: tuple[float, ...]
    likelihood: Logistic
    interpolation: Logistic

    def judged(self, texts: Sequence[CompletionFeatures]) -> list[tuple[float, float]]:
        """The score of each text for one place, the best has the highest, and how likely it is right."""
        scores = [weighted(self.ranking, text.values()) for text in texts]
        return [
            (score, self.likelihood((*text.values(), logit_share(scores, i))))
            for i, (score, text) in enumerate(zip(scores, texts, strict=True))
        ]

    @classmethod
    def of(cls, section: Section) -> "CompletionWeights":
        """The weights in a section of a calibration file; CheckpointError when one is missing."""
        return cls(
            section.section("ranking").numbers(COMPLETION_FEATURES),
            section.section("likelihood").logistic((*COMPLETION_FEATURES, SHARE)),
            section.section("interpolation").logistic(RETRIEVAL_FEATURES),
        )

    def to_json(self) -> dict[str, Any]:
        """The section of the calibration file."""
        return {
            "ranking": named(self.ranking, COMPLETION_FEATURES),
            "likelihood": named_logistic(self.likelihood, (*COMPLETION_FEATURES, SHARE)),
            "interpolation": named_logistic(self.interpolation, RETRIEVAL_FEATURES),
        }


@dataclass(frozen=True)
class JudgedCompletionFeatures:
    """What is known of a text that a pretrained base has judged together with what follows it."""

    share: float  # logit of its share of the likelihood among all texts judged
    length: float  # logarithm of its characters and one more
    begins_line: float  # 1 where nothing but blanks stands before it on its line
    in_word: float  # 1 behind a letter or digit
    agreed: float  # 1 if both the network and the base proposed it
    unknown_identifiers: float  # names that are neither Python's nor anywhere else in the file
    line_again: float  # 1 if the line, with it, stands elsewhere in the file

    def values(self) -> tuple[float, ...]:
        """The features in the order of `JUDGED_COMPLETION_FEATURES`."""
        return tuple(getattr(self, name) for name in JUDGED_COMPLETION_FEATURES)


JUDGED_COMPLETION_FEATURES = tuple(field.name for field in fields(JudgedCompletionFeatures))


@dataclass(frozen=True)
class JudgedCompletionWeights:
    """The fitted weights of how likely a judged text is right; the likelihood alone puts the texts into an order."""

    likelihood: Logistic

    def confidence(self, text: JudgedCompletionFeatures) -> float:
        """How likely it is right."""
        return self.likelihood(text.values())

    @classmethod
    def of(cls, section: Section) -> "JudgedCompletionWeights":
        """The weights in a section of a calibration file; CheckpointError when one is missing."""
        return cls(section.section("likelihood").logistic(JUDGED_COMPLETION_FEATURES))

    def to_json(self) -> dict[str, Any]:
        """The section of the calibration file."""
        return {"likelihood": named_logistic(self.likelihood, JUDGED_COMPLETION_FEATURES)}


def completion_features(
    texts: Sequence[tuple[str, float, int]], passage: Passage
) -> list[CompletionFeatures]:
    """The features of all texts for one place, each given with its nats and its number of answers."""
    around = Surroundings(passage)
    begins_line = float(not passage.before.rpartition("\n")[2].strip())
    in_word = float(re.fullmatch(r"\w", passage.before[-1:]) is not None)
    means = [total / max(1, n_answers) for _, total, n_answers in texts]
    found = []
    for i, (text, total, _) in enumerate(texts):
        rival = max((mean for j, mean in enumerate(means) if j != i), default=-math.inf)
        lead = bounded(means[i] - rival)
        words = Counter(NAME.findall(text))
        found.append(
            CompletionFeatures(
                mean=means[i],
                total=total,
                lead=lead,
                begins_line=begins_line,
                in_word=in_word,
                unknown_identifiers=n_unknown_identifiers(around.known, text),
                words_again=words.total() - len(words),
                binds=around.binds(text),
                reads=len(around.unread & set(read(text))),
                line_again=float(around.line_with(text) in around.lines),
                returns=float(around.lacks_return and _RETURNS_SOMETHING.match(text.strip()) is not None),
                binds_again=around.binds_again(text),
                result=float(around.returns_result(text)),
            )
        )
    return found
