"""Doubtful names with a base: it is asked about the likeliest words, and its weights decide."""

import math
from collections.abc import Callable, Sequence

import pytest
from redraft_model.calibration.logistic import Logistic
from redraft_model.decode.proposer import Proposer
from redraft_model.misuse.judging import N_JUDGED, MisuseJudge, gains, preselected
from redraft_model.misuse.ranking import (
    GROUPS,
    JUDGED_MISUSE_FEATURES,
    LABEL_EDIT_FEATURES,
    LARGEST_GAIN,
    MISUSE_FEATURES,
    JudgedMisuseWeights,
    MisuseWeights,
    judged_misuse_features,
)
from redraft_model.misuse.sweep import Sweep, WindowResult, doubts, improve
from redraft_model.network.transformer import Transformer
from redraft_model.tokens.tokenizer import Tokenizer

CLEAN = "def difference(first, second):\n    return first - second\n"
WRONG = CLEAN.replace("- second", "- first")
NEVER = Logistic(-30.0, (0.0,) * len(LABEL_EDIT_FEATURES))
PRIOR = MisuseWeights(
    dict.fromkeys(GROUPS, Logistic(-9.0, (0.0,) * len(MISUSE_FEATURES))), NEVER, threshold=0.9
)


class Likes:
    """A judge that knows one text: others are the less likely, the more they differ from it."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.n_asked = 0

    def log_likelihood(
        self, prefix: str, drafts: Sequence[str], suffix: str, *, n_suffix: int = 64
    ) -> list[float]:
        del n_suffix
        self.n_asked += len(drafts)
        return [0.0 if prefix + draft + suffix == self._text else -12.0 for draft in drafts]


def by_gain(threshold: float = 0.5) -> JudgedMisuseWeights:
    return JudgedMisuseWeights(
        Logistic(-6.0, tuple(float(name == "gain") for name in JUDGED_MISUSE_FEATURES)), threshold
    )


@pytest.fixture(scope="module")
def proposer(tokenizer: Tokenizer, oracle_of: Callable[[str], Transformer]) -> Proposer:
    return Proposer(oracle_of(WRONG), tokenizer)  # the network finds nothing strange


def windows(proposer: Proposer, judge: MisuseJudge | None, source: str = WRONG) -> list[WindowResult]:
    shown: list[WindowResult] = []
    improve(proposer, source, Sweep(n_edits=1), weights=PRIOR, judge=judge, on_window=shown.append)
    return shown


def test_what_the_base_finds_likelier_is_put_in(proposer: Proposer) -> None:
    assert improve(proposer, WRONG, Sweep(), weights=PRIOR).source == WRONG
    judge = MisuseJudge(Likes(CLEAN), by_gain())
    better = improve(proposer, WRONG, Sweep(), weights=PRIOR, judge=judge)
    assert (better.source, better.n_edits) == (CLEAN, 1)
    assert 0.9 < better.probability < 1
    unsure = MisuseJudge(Likes(CLEAN), by_gain(threshold=0.9999))
    assert improve(proposer, WRONG, Sweep(), weights=PRIOR, judge=unsure).source == WRONG


def test_doubts_are_about_what_the_base_judged(proposer: Proposer) -> None:
    (doubt,) = doubts(proposer, WRONG, 0.5, None, Sweep(), PRIOR, MisuseJudge(Likes(CLEAN), by_gain()))
    assert doubt.span.of(WRONG) == "first"
    assert doubt.proposal == "second"
    assert doubts(proposer, CLEAN, 0.5, None, Sweep(), PRIOR, MisuseJudge(Likes(CLEAN), by_gain())) == []


def test_gains_are_over_the_text_as_it_is(proposer: Proposer) -> None:
    (result,) = windows(proposer, None)
    words = [word for group in result.words for word in group]
    found = gains(Likes(CLEAN), WRONG, words)
    right = [gain for gain, word in zip(found, words, strict=True) if word.text(WRONG) == CLEAN]
    assert right == [12.0]
    assert sum(gain != 0 for gain in found) == 1


def test_only_the_likeliest_words_are_judged(proposer: Proposer) -> None:
    source = WRONG.replace("second)", "second, third, fourth)")
    (result,) = windows(proposer, None, source)
    (words,) = result.words
    assert len(words) > N_JUDGED
    assert len(preselected(PRIOR, words)) == N_JUDGED
    likes = Likes(CLEAN)
    windows(proposer, MisuseJudge(likes, by_gain()), source)
    n_slots = len({word.slot.span for word in preselected(PRIOR, words)})
    assert likes.n_asked == N_JUDGED + n_slots, "each slot once more as it is"


def test_features_are_bounded_and_know_their_rivals(proposer: Proposer) -> None:
    (result,) = windows(proposer, None)
    words = [word.features for word in result.words[0][:3]]
    found = judged_misuse_features(words, [5.0, 2.0, -99.0], [1.0, 99.0, -99.0], 40)
    assert [each.lead for each in found] == [3.0, -3.0, -LARGEST_GAIN]
    assert [each.gain for each in found] == [5.0, 2.0, -LARGEST_GAIN]
    assert [each.prior for each in found] == [1.0, LARGEST_GAIN, -LARGEST_GAIN]
    assert found[0].offered == math.log(40)
