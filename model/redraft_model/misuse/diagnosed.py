"""Words that a tool has found wrong: which other word is meant in the place of each, and how likely.

The tool says where, which is what the network knows least about. So its word is evidence, and a change needs less of its own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from redraft_model.decode.proposer import Proposer
from redraft_model.misuse.cloze import Guess, guesses
from redraft_model.misuse.judging import MisuseJudge
from redraft_model.misuse.ranking import MisuseWeights, shares_beside_nothing
from redraft_model.misuse.slots import Slot, slots_of_diagnosis
from redraft_model.passage import Diagnosis, DiagnosisKind, Span
from redraft_model.text.parser import parses
from redraft_model.tokens.window import Window, around, tiles


@dataclass(frozen=True)
class Trust:
    """Nats by which a diagnosis speaks for some word being wrong, and how likely another word has to be to take its place."""

    nats: float
    threshold: float


# Fitted to held-out packages (docs/log.md): nine of ten words above these bounds are right. That a name comes from nowhere the
# text's own scopes say, too, and a tool nothing new; and where its import is missing, no other word is meant.
TRUST = {
    DiagnosisKind.UNDEFINED: Trust(-0.5, 0.9),
    DiagnosisKind.UNUSED: Trust(3.0, 0.95),
    DiagnosisKind.ATTRIBUTE: Trust(2.0, 0.5),
    DiagnosisKind.ARGUMENT: Trust(2.0, 0.6),
}
# Where a base has judged the words; only undefined names were measured, the others have the bound of words that no tool names.
JUDGED_TRUST = {kind: Trust(0.0, 0.76) for kind in DiagnosisKind} | {DiagnosisKind.UNDEFINED: Trust(0.0, 0.6)}


@dataclass(frozen=True)
class Corrected:
    """A text after its diagnosed words were put right as far as possible.

    `diagnoses` are those because of which a word changed, in order, `score` their logits added up, `probability` how likely all
    of the new words are right.
    """

    source: str
    diagnoses: tuple[Diagnosis, ...] = ()
    score: float = 0.0
    probability: float = 1.0


def correct(
    proposer: Proposer,
    source: str,
    diagnoses: Sequence[Diagnosis],
    weights: MisuseWeights,
    judge: MisuseJudge | None = None,
    *,
    is_allowed: Callable[[str], bool] = lambda text: True,
    trust: Mapping[DiagnosisKind, Trust] | None = None,
) -> Corrected:
    """Put right what tools have found wrong in a text that parses, one word for each diagnosis, where one is likely enough."""
    trust = trust or (TRUST if judge is None else JUDGED_TRUST)
    corrected = Corrected(source)
    shifts: list[tuple[int, int]] = []
    for diagnosis in sorted(diagnoses, reverse=True):
        here = replace(diagnosis, span=_shifted(diagnosis.span, shifts))
        words = offered(proposer, corrected.source, here, weights, judge)
        for word, share, score in _likely(words, trust[diagnosis.kind]):
            text = word.text(corrected.source)
            if parses(text) and is_allowed(text):
                shifts.append((word.slot.span.start, len(text) - len(corrected.source)))
                corrected = Corrected(
                    text,
                    (diagnosis, *corrected.diagnoses),
                    corrected.score + score,
                    corrected.probability * share,
                )
                break
    return corrected


def offered(
    proposer: Proposer,
    source: str,
    diagnosis: Diagnosis,
    weights: MisuseWeights,
    judge: MisuseJudge | None = None,
) -> list[tuple[Guess, float]]:
    """The words that could be meant, each with its logit against nothing being wrong, as if no tool had said anything."""
    asked = slots_of_diagnosis(source, diagnosis)
    words = [
        word
        for window in _windows(proposer, source, asked)
        for group in guesses(proposer, window, asked, n_rows=len(asked))
        for word in group
    ]
    if not words:
        return []
    if judge is not None:
        return judge.scores(source, words, weights)
    return [(word, weights.words[word.features.group].score(word.features.values())) for word in words]


def _likely(words: Sequence[tuple[Guess, float]], trust: Trust) -> list[tuple[Guess, float, float]]:
    """The words that are likely enough, the likeliest first, each with how likely it is and its logit."""
    scores = [score + trust.nats for _, score in words]
    shares = shares_beside_nothing(scores)
    likely = [
        (word, share, score)
        for (word, _), share, score in zip(words, shares, scores, strict=True)
        if share >= trust.threshold
    ]
    return sorted(likely, key=lambda each: -each[1])


def _shifted(span: Span, shifts: Sequence[tuple[int, int]]) -> Span:
    """Where a span is after words have changed one by one, each given as where it began and how much longer it became."""
    for start, n_more in shifts:
        if start < span.start:
            span = Span(span.start + n_more, span.end + n_more)
        elif start < span.end:
            span = Span(span.start, span.end + n_more)
    return span


def _windows(proposer: Proposer, source: str, asked: Sequence[Slot]) -> list[Window]:
    """Windows that hold the slots, with what stands around them."""
    if not asked:
        return []
    span = Span(asked[0].span.start, asked[-1].span.end)
    window = around(proposer.tokenizer, source, span)
    if window.span.start <= span.start and span.end <= window.span.end:
        return [window]
    return tiles(proposer.tokenizer, source, within=span)
