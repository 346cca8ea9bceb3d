"""The sweep: which tokens of a text the model did not expect, and the few edits that would satisfy it."""

# T tokens of a region and its end marker, V vocabulary

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from redraft_model.alignment import ANCHOR_ID, DELETE_ID, INSERT_IDS, insert_size
from redraft_model.calibration import Calibration, Doubted, lost
from redraft_model.passage import Doubt, Span
from redraft_model.proposer import Opened, Proposer, forbid_controls, keep_log_likelihood, shown_labels
from redraft_model.repair import Bounds
from redraft_model.verifier import parses
from redraft_model.window import Limits, Window, cut, tiles, with_masks


@dataclass(frozen=True)
class Sweep:
    """When the model's doubt is worth an edit."""

    gain: float = 4.0  # nats of log p(label) - log p(KEEP) before an edit is tried
    # Nats by which an edit must raise the log-likelihood of keeping the text, where no calibration says what it must reach.
    improvement: float = 8.0
    n_candidates: int = 12  # edits tried per window
    n_edits: int = 2  # edits accepted per window
    limits: Limits = Limits()


@dataclass(frozen=True)
class Edit:
    """The best edit of a window: the text after it, the window over it, and what its likelihood of being right comes from."""

    window: Window
    features: Doubted


@dataclass(frozen=True)
class Improved:
    """A text after the sweep: the nats it gained, its edits, and how likely all of them are right (1 if nobody knows)."""

    source: str
    score: float
    n_edits: int
    probability: float


def doubts(
    proposer: Proposer, source: str, threshold: float, within: Span | None, limits: Limits
) -> list[Doubt]:
    """Tokens that should, with a probability of more than `threshold`, not be as they are; in order."""
    found: list[Doubt] = []
    windows = tiles(proposer.tokenizer, source, limits=limits, within=within)
    for window in windows:
        (log_p_TV,) = proposer.log_p([window])
        shown = torch.from_numpy(shown_labels(window).astype(np.int64))
        log_p_TV = log_p_TV.cpu()
        keep_T = log_p_TV[torch.arange(len(shown)), shown].exp()
        forbid_controls(log_p_TV)
        log_p_TV[torch.arange(len(shown)), shown] = -torch.inf
        best_T = log_p_TV.argmax(-1).tolist()
        borders = [*window.borders().tolist(), window.span.end]
        if window is not windows[-1]:
            # What is missing behind this window is what is missing before the next one's first token.
            keep_T[-1] = 1.0
        for i in np.flatnonzero(keep_T.numpy() < 1.0 - threshold).tolist():
            kind, proposal = _described(best_T[i], proposer)
            found.append(
                Doubt(Span(borders[i], max(borders[i], borders[i + 1])), float(keep_T[i]), kind, proposal)
            )
    return found


def improve(
    proposer: Proposer,
    source: str,
    sweep: Sweep,
    *,
    within: Span | None = None,
    is_allowed: Callable[[str], bool] = lambda text: True,
    calibration: Calibration | None = None,
    on_edit: Callable[[Edit], None] = lambda edit: None,
) -> Improved:
    """Edit a text that parses where the model doubts it much.

    An edit is accepted when the text still parses and the edit is likely enough right: by the calibration, or, without one, because
    the model is clearly surer of the text than it was. `on_edit` is shown the best edit of each window before it is judged.
    """
    score, n_edits, probability = 0.0, 0, 1.0
    original, bounds = source, Bounds.of(source, within)

    def is_possible(text: str) -> bool:
        return (bounds is None or bounds.hold(original, text)) and is_allowed(text)

    for window in reversed(tiles(proposer.tokenizer, source, limits=sweep.limits, within=within)):
        # From the end to the start, so that the offsets of the windows still to come stay right.
        window = cut(proposer.tokenizer, source, window.span, action="repair", limits=sweep.limits)
        for _ in range(sweep.n_edits):
            edit = _best_edit(proposer, window, sweep, is_possible)
            if edit is None:
                break
            on_edit(edit)
            likely = 1.0 if calibration is None else calibration.sweep(edit.features.values())
            if calibration is None:
                is_enough = edit.features.improvement >= sweep.improvement
            else:
                is_enough = likely >= calibration.sweep_threshold and edit.features.improvement > 0
            if not is_enough:
                break
            window = edit.window
            score += edit.features.improvement
            n_edits += 1
            probability *= likely
        source = window.source
    return Improved(source, score, n_edits, probability)


def _best_edit(
    proposer: Proposer, window: Window, sweep: Sweep, is_allowed: Callable[[str], bool]
) -> Edit | None:
    """The edit after which the model would most surely keep the text; None when there is none to try."""
    (log_p_TV,) = proposer.log_p([window])
    candidates = _edited(proposer, window, log_p_TV.cpu(), sweep)
    texts: dict[str, Window] = {}
    for candidate in candidates:
        text = candidate.source_with(candidate.canvas.region)
        if text != window.source and text not in texts and parses(text) and is_allowed(text):
            texts[text] = _renewed(proposer, window, text, sweep.limits)
    if not texts:
        return None
    (now, *kept) = keep_log_likelihood(proposer, [window, *texts.values()])
    best = int(np.argmax(kept))
    after = list(texts.values())[best]
    words_lost, signs_lost = lost(window.span.of(window.source), after.span.of(after.source))
    features = Doubted(
        improvement=kept[best] - now,
        lead=_lead(kept, best, now),
        keep_mean=now / (len(window.canvas.region) + 1),
        words_lost=words_lost,
        signs_lost=signs_lost,
    )
    return Edit(after, features)


def _lead(kept: Sequence[float], best: int, now: float) -> float:
    """Nats before the next best edit, or before no edit at all."""
    return kept[best] - max([*kept[:best], *kept[best + 1 :], now])


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


def _renewed(proposer: Proposer, window: Window, text: str, limits: Limits) -> Window:
    """The same window over a changed text, tokenised anew."""
    end = window.span.end + len(text) - len(window.source)
    return cut(proposer.tokenizer, text, Span(window.span.start, end), action="repair", limits=limits)


def _described(label: int, proposer: Proposer) -> tuple[str, str]:
    """Kind and text of an answer that is not KEEP."""
    if label == DELETE_ID:
        return "delete", ""
    if insert_size(label):
        return "insert", ""
    return "substitute", proposer.tokenizer.decode([label])
