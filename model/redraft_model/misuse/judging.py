"""What the pretrained base says of other words for the slots of a text: by how much each makes the text likelier."""

from collections.abc import Sequence
from dataclasses import dataclass

from redraft_model.decode.judge import Judge
from redraft_model.misuse.cloze import Guess
from redraft_model.misuse.ranking import (
    JudgedMisuseFeatures,
    JudgedMisuseWeights,
    MisuseWeights,
    judged_misuse_features,
)

N_JUDGED = 8  # words of one function, the likeliest by what else is known of them
N_BEHIND = 48  # tokens behind a slot that are looked at; further on the likelihoods have mostly met again


@dataclass(frozen=True)
class MisuseJudge:
    """A base and the weights that were fitted to what it says; `prior` chooses the words that it is asked about."""

    judge: Judge
    weights: JudgedMisuseWeights

    def shares(self, source: str, words: Sequence[Guess], prior: MisuseWeights) -> list[tuple[Guess, float]]:
        """How likely each of the words judged in one function of `source` is right; the others are not."""
        chosen, features = self._judged(source, words, prior)
        return list(zip(chosen, self.weights.word_shares(features), strict=True))

    def scores(self, source: str, words: Sequence[Guess], prior: MisuseWeights) -> list[tuple[Guess, float]]:
        """The same as logits against nothing being wrong."""
        chosen, features = self._judged(source, words, prior)
        return [
            (word, self.weights.word.score(each.values()))
            for word, each in zip(chosen, features, strict=True)
        ]

    def _judged(
        self, source: str, words: Sequence[Guess], prior: MisuseWeights
    ) -> tuple[list[Guess], list[JudgedMisuseFeatures]]:
        chosen = preselected(prior, words)
        features = judged_misuse_features(
            [word.features for word in chosen],
            gains(self.judge, source, chosen),
            [prior.words[word.features.group].score(word.features.values()) for word in chosen],
            len(words),
        )
        return chosen, features


def preselected(prior: MisuseWeights, words: Sequence[Guess], n: int = N_JUDGED) -> list[Guess]:
    """The `n` likeliest words of one function before any has been judged, the likeliest first."""
    shares = prior.word_shares([word.features for word in words])
    order = sorted(range(len(words)), key=lambda i: -shares[i])
    return [words[i] for i in order[:n]]


def gains(judge: Judge, source: str, words: Sequence[Guess], n_behind: int = N_BEHIND) -> list[float]:
    """Nats by which the base finds `source` likelier with each word in its slot than as it is."""
    by_slot: dict[tuple[int, int], list[int]] = {}
    for number, word in enumerate(words):
        by_slot.setdefault((word.slot.span.start, word.slot.span.end), []).append(number)
    found = [0.0] * len(words)
    # From the first slot to the last: what stands before one has mostly been read for the one before.
    for (start, end), numbers in sorted(by_slot.items()):
        texts = [source[start:end], *(words[number].word.text for number in numbers)]
        now, *others = judge.log_likelihood(source[:start], texts, source[end:], n_suffix=n_behind)
        for number, other in zip(numbers, others, strict=True):
            found[number] = other - now
    return found
