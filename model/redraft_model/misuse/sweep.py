"""The sweep: which tokens of a text the model did not expect, and the few edits that would satisfy it.

Edits are proposed by the labels, and by the cloze over names, operators and literals; the calibration decides.
"""

# T tokens of a region and its end marker, V vocabulary

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from redraft_model.decode.proposer import (
    Opened,
    Proposer,
    forbid_controls,
    pseudo_log_likelihood,
    shown_labels,
)
from redraft_model.misuse.cloze import Guess, guesses, renewed
from redraft_model.misuse.judging import MisuseJudge
from redraft_model.misuse.ranking import LabelEditFeatures, MisuseWeights
from redraft_model.misuse.slots import Slot, slots
from redraft_model.passage import Doubt, Span
from redraft_model.text.bounds import Bounds
from redraft_model.text.comments import is_faithful
from redraft_model.text.diff import common_ends, n_lost, whole_words
from redraft_model.text.identifiers import n_unknown_identifiers, names
from redraft_model.text.parser import parses, problem
from redraft_model.tokens.alignment import ANCHOR_ID, DELETE_ID, INSERT_IDS, insert_size
from redraft_model.tokens.window import Limits, Window, cut, tiles, with_masks


@dataclass(frozen=True)
class Sweep:
    """When the model's doubt is worth an edit."""

    gain: float = 4.0  # nats of log p(label) - log p(KEEP) before an edit is tried
    # Nats by which an edit must raise the log-likelihood of keeping the text, where no calibration says what it must reach.
    improvement: float = 8.0
    n_candidates: int = 4  # edits tried per window that the labels propose
    # Without a calibration: how many edits are tried that put another word into a slot, and by how many nats such a word must lead.
    n_words: int = 4
    lead: float = 1.0
    n_rows: int = 8  # copies of a window among which its slots are shared out
    n_edits: int = 4  # edits accepted per window
    limits: Limits = Limits()


@dataclass(frozen=True)
class EditCandidate:
    """An edit of a window: the window over the text after it, and the nats by which keeping the text becomes more likely.

    `features` are those of what the labels propose; another word in a slot has its own.
    """

    window: Window
    improvement: float
    likely: float  # how likely it is right; 1 if nobody knows
    features: LabelEditFeatures | None


@dataclass(frozen=True)
class WindowResult:
    """What was seen in a window: the words that could stand in its slots by function, and the edits that were tried.

    `shares` says how likely words are right, of those that were judged; nothing without weights.
    """

    window: Window
    words: Sequence[Sequence[Guess]]
    edits: Sequence[EditCandidate]
    shares: Sequence[tuple[Guess, float]] = ()


@dataclass(frozen=True)
class SweepResult:
    """A text after the sweep: the nats it gained, its edits, and how likely all of them are right (1 if nobody knows)."""

    source: str
    score: float
    n_edits: int
    probability: float


def doubts(
    proposer: Proposer,
    source: str,
    threshold: float,
    within: Span | None,
    sweep: Sweep,
    weights: MisuseWeights | None = None,
    judge: MisuseJudge | None = None,
) -> list[Doubt]:
    """Tokens that should, with a probability of more than `threshold`, not be as they are; in order.

    Of a text that parses a calibration tells how likely edits are right; elsewhere the labels have the last word.
    """
    windows = tiles(proposer.tokenizer, source, limits=sweep.limits, within=within)
    trouble = problem(source)
    if weights is not None and trouble is None:
        bounds = Bounds.of(source, within)

        def is_possible(text: str) -> bool:
            return (bounds is None or bounds.hold(source, text)) and is_faithful(source, text)

        looks = [_look(proposer, window, sweep, is_possible, weights, judge) for window in windows]
        return [doubt for looked in looks for doubt in _likely_wrong(looked, threshold)]
    if trouble is not None:
        windows = [window.marked(trouble.span.start, trouble.kind) for window in windows]
    return [
        doubt
        for window in windows
        for doubt in _unexpected(proposer, window, threshold, is_last=window is windows[-1])
    ]


def _unexpected(proposer: Proposer, window: Window, threshold: float, *, is_last: bool) -> list[Doubt]:
    """The tokens of a window for which the labels expect something else."""
    (log_p_TV,) = proposer.log_p([window])
    shown = torch.from_numpy(shown_labels(window).astype(np.int64))
    log_p_TV = log_p_TV.cpu()
    keep_T = log_p_TV[torch.arange(len(shown)), shown].exp()
    forbid_controls(log_p_TV)
    log_p_TV[torch.arange(len(shown)), shown] = -torch.inf
    best_T = log_p_TV.argmax(-1).tolist()
    borders = [*window.borders().tolist(), window.span.end]
    if not is_last:
        # What is missing behind this window is what is missing before the next one's first token.
        keep_T[-1] = 1.0
    found = []
    for i in np.flatnonzero(keep_T.numpy() < 1.0 - threshold).tolist():
        kind, proposal = _described(best_T[i], proposer)
        span = Span(borders[i], max(borders[i], borders[i + 1]))
        found.append(Doubt(span, float(keep_T[i]), kind, proposal))
    return found


def _likely_wrong(looked: WindowResult, threshold: float) -> list[Doubt]:
    """What is likely wrong in a window; where a word and what the labels propose are of the same place, the word counts."""
    source = looked.window.source
    by_labels: list[Doubt] = []
    for edit in sorted(looked.edits, key=lambda edit: -edit.likely):
        if edit.features is not None and edit.likely > threshold:
            doubt = _of_edit(source, edit)
            by_labels += [] if any(_overlap(doubt, other) for other in by_labels) else [doubt]
    by_words = _wrong_words(looked, threshold)
    others = [doubt for doubt in by_labels if not any(_overlap(doubt, word) for word in by_words)]
    return sorted([*others, *by_words], key=lambda doubt: doubt.span)


def _of_edit(source: str, edit: EditCandidate) -> Doubt:
    """An edit as a doubt about the words and signs that it changes; what is missing is missing before the next one."""
    text = edit.window.source
    start, n_tail = whole_words(source, text, *common_ends(source, text))
    old, new = source[start : len(source) - n_tail], text[start : len(text) - n_tail]
    kind = "insert" if not old else "substitute" if new else "delete"
    end = len(source) - n_tail if old else min(start + 1, len(source))
    return Doubt(Span(start, end), max(0.0, 1.0 - edit.likely), kind, new)


def _wrong_words(looked: WindowResult, threshold: float) -> list[Doubt]:
    """The slots of a window in which another word should be, in order; the likeliest one is proposed."""
    shares: dict[Slot, dict[str, float]] = {}
    for guess, share in looked.shares:
        shares.setdefault(guess.slot, {})[guess.word.text] = share
    found = []
    for slot, by_text in sorted(shares.items(), key=lambda pair: pair[0].span):
        doubted = sum(by_text.values())
        if doubted > threshold:
            likeliest = max(by_text, key=lambda text: by_text[text])
            found.append(Doubt(slot.span, max(0.0, 1.0 - doubted), "substitute", likeliest))
    return found


def _overlap(a: Doubt, b: Doubt) -> bool:
    return a.span.start < b.span.end and b.span.start < a.span.end


def improve(
    proposer: Proposer,
    source: str,
    sweep: Sweep,
    *,
    within: Span | None = None,
    is_allowed: Callable[[str], bool] = lambda text: True,
    weights: MisuseWeights | None = None,
    judge: MisuseJudge | None = None,
    on_window: Callable[[WindowResult], None] = lambda looked: None,
) -> SweepResult:
    """EditCandidate a text that parses where the model doubts it much.

    An edit is accepted when the text still parses and the edit is likely enough right: by the weights, or, without one, because
    the model is clearly surer of the text than it was. `on_window` is shown what was seen in each window before it is judged.
    """
    score, n_edits, probability = 0.0, 0, 1.0
    original, bounds = source, Bounds.of(source, within)

    def is_possible(text: str) -> bool:
        return (bounds is None or bounds.hold(original, text)) and is_allowed(text)

    for window in reversed(tiles(proposer.tokenizer, source, limits=sweep.limits, within=within)):
        # From the end to the start, so that the offsets of the windows still to come stay right.
        window = cut(proposer.tokenizer, source, window.span, action="repair", limits=sweep.limits)
        for _ in range(sweep.n_edits):
            looked = _look(proposer, window, sweep, is_possible, weights, judge)
            on_window(looked)
            edit = chosen(looked.edits, sweep, weights, judge)
            if edit is None:
                break
            window = edit.window
            score += edit.improvement
            n_edits += 1
            probability *= edit.likely
        source = window.source
    return SweepResult(source, score, n_edits, probability)


def chosen(
    edits: Sequence[EditCandidate],
    sweep: Sweep,
    weights: MisuseWeights | None,
    judge: MisuseJudge | None = None,
) -> EditCandidate | None:
    """The best of some edits; None when none is likely enough right to be made."""
    if weights is None:
        best = max(edits, key=lambda edit: edit.improvement, default=None)
        return best if best is not None and best.improvement >= sweep.improvement else None
    for_words = judge.weights.threshold if judge else weights.threshold
    likely = [
        edit for edit in edits if edit.likely >= (for_words if edit.features is None else weights.threshold)
    ]
    return max(likely, key=lambda edit: edit.likely, default=None)


def _look(
    proposer: Proposer,
    window: Window,
    sweep: Sweep,
    is_allowed: Callable[[str], bool],
    weights: MisuseWeights | None,
    judge: MisuseJudge | None,
) -> WindowResult:
    """What could be done about a window: other words in its slots, and what the labels propose; each parses."""
    (log_p_TV,) = proposer.log_p([window])
    shown = shown_labels(window)
    now = float(log_p_TV[torch.arange(len(shown)), torch.from_numpy(shown.astype(np.int64))].sum())
    texts: dict[str, float | None] = {}  # how likely a word is right; None for what the labels propose

    def add(text: str, share: float | None) -> None:
        if text != window.source and text not in texts and parses(text) and is_allowed(text):
            texts[text] = share

    proposed = _edited(proposer, window, log_p_TV.cpu(), sweep)
    words = guesses(proposer, window, slots(window.source, window.span), sweep.n_rows)
    shares = [share for group in words for share in _shares(window.source, group, weights, judge)]
    for word, likely in _worth_trying(words, shares, sweep, weights, judge):
        add(word.text(window.source), likely)
    for candidate in proposed:
        add(candidate.source_with(candidate.canvas.region), None)
    if not texts:
        return WindowResult(window, words, [], shares)
    after = [renewed(proposer, window, text, sweep.limits) for text in texts]
    known = names(window.source)
    edits = []
    for edited, share, kept in zip(
        after, texts.values(), pseudo_log_likelihood(proposer, after), strict=True
    ):
        if share is not None:
            edits.append(EditCandidate(edited, kept - now, share, None))
            continue
        new = edited.span.of(edited.source)
        words_lost, signs_lost = n_lost(window.span.of(window.source), new)
        features = LabelEditFeatures(
            improvement=kept - now,
            keep_mean=now / len(shown),
            unknown_identifiers=n_unknown_identifiers(known, new),
            words_lost=words_lost,
            signs_lost=signs_lost,
        )
        likely = 1.0 if weights is None else weights.label_edit(features.values())
        edits.append(EditCandidate(edited, kept - now, likely, features))
    return WindowResult(window, words, edits, shares)


def _worth_trying(
    words: Sequence[Sequence[Guess]],
    shares: Sequence[tuple[Guess, float]],
    sweep: Sweep,
    weights: MisuseWeights | None,
    judge: MisuseJudge | None,
) -> list[tuple[Guess, float]]:
    """The words that may be put into their slots, and how likely each is right: 1 where nobody knows."""
    if weights is None:
        leading = [word for group in words for word in group if word.features.lead >= sweep.lead]
        leading.sort(key=lambda word: -word.features.lead)
        return [(word, 1.0) for word in leading[: sweep.n_words]]
    threshold = judge.weights.threshold if judge else weights.threshold
    return [(word, share) for word, share in shares if share >= threshold]


def _shares(
    source: str, words: Sequence[Guess], weights: MisuseWeights | None, judge: MisuseJudge | None
) -> list[tuple[Guess, float]]:
    """How likely each of the words for the slots of one function is right, of those that were judged."""
    if weights is None:
        return []
    if judge is not None:
        return judge.shares(source, words, weights)
    shares = weights.word_shares([word.features for word in words])
    return list(zip(words, shares, strict=True))


def _edited(proposer: Proposer, window: Window, log_p_TV: torch.Tensor, sweep: Sweep) -> list[Window]:
    shown = torch.from_numpy(shown_labels(window).astype(np.int64))
    rows = torch.arange(len(shown))
    gain_TV = log_p_TV - log_p_TV[rows, shown][:, None]
    forbid_controls(gain_TV)
    gain_TV[rows, shown] = -torch.inf
    best = gain_TV.flatten().topk(sweep.n_candidates)
    ready: list[Window] = []
    to_fill: list[Window] = []
    for gain, index in zip(best.values.tolist(), best.indices.tolist(), strict=True):
        position, label = divmod(index, gain_TV.shape[1])
        if gain < sweep.gain or (position == len(shown) - 1 and label not in INSERT_IDS):
            continue
        answer = np.append(window.canvas.region, np.int32(ANCHOR_ID))
        answer[position] = label
        edited = with_masks(window, window.canvas.edited(0, len(window.canvas.region), answer).region)
        (to_fill if insert_size(label) else ready).append(edited)
    for edited, fills in zip(
        to_fill, proposer.fill([Opened(0, edited) for edited in to_fill], 1), strict=True
    ):
        ready.extend(with_masks(edited, region) for region, _ in fills)
    return ready


def _described(label: int, proposer: Proposer) -> tuple[str, str]:
    """Kind and text of an answer that is not KEEP."""
    if label == DELETE_ID:
        return "delete", ""
    if insert_size(label):
        return "insert", ""
    return "substitute", proposer.tokenizer.decode([label])
