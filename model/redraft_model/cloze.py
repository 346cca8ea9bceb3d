"""The cloze: what the network would write into the slots of a text if it did not see what is there.

Asked for labels, a network that is not large hardly ever objects to a name that could be right. Asked to fill the place in, it
has to say how likely each name is, and a name that is much less likely than another one stands out.
"""

# A hidden tokens of a row, M of a place, V vocabulary

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from redraft_model.alignment import MASK_ID
from redraft_model.passage import Span
from redraft_model.proposer import Proposer
from redraft_model.slots import Other, Slot
from redraft_model.tokenizer import Tokenizer
from redraft_model.window import Limits, Window, cut, with_masks

Ids = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Guess:
    """Another word for a slot, and the nats by which the network would rather write it than any other word offered."""

    slot: Slot
    other: Other
    lead: float


@dataclass(frozen=True)
class _Place:
    """A slot of a window: its tokens start:end, and whether the space before it belongs to them."""

    slot: Slot
    start: int
    end: int
    lead: str


def guesses(proposer: Proposer, window: Window, slots: Sequence[Slot], n_rows: int) -> list[Guess]:
    """The words that would rather be written than what is there, the best one of each slot, best first.

    The slots of the window are shared out among at most `n_rows` copies of it and masked there together, so that one forward
    pass answers for all of them.
    """
    places = list(_places(window, slots))
    if not places:
        return []
    rows = [places[i::n_rows] for i in range(min(n_rows, len(places)))]
    masked = [_masked(window, [(place.start, place.end) for place in row]) for row in rows]
    hidden = [np.concatenate([np.arange(place.start, place.end) for place in row]) for row in rows]
    found: list[Guess] = []
    for row, log_p_AV in zip(rows, proposer.log_p_at(masked, hidden), strict=True):
        sizes = [place.end - place.start for place in row]
        for place, log_p_MV in zip(row, torch.split(log_p_AV.cpu(), sizes), strict=True):
            guess = _guess(proposer.tokenizer, place, window.canvas.region[place.start : place.end], log_p_MV)
            if guess is not None:
                found.append(guess)
    return sorted(found, key=lambda guess: -guess.lead)


def _guess(tokenizer: Tokenizer, place: _Place, shown: Ids, log_p_MV: torch.Tensor) -> Guess | None:
    """The best other word for a place; None when what is there is better.

    How many tokens the place has says something about what belongs there, so words are compared where they first differ.
    """
    gains: list[tuple[float, Other]] = []
    for other in place.slot.others:
        tokens = tokenizer.encode(place.lead + other.text)
        n_common = min(len(tokens), len(shown))
        differ = np.flatnonzero(tokens[:n_common] != shown[:n_common])
        if len(differ):
            at = int(differ[0])
            gains.append((float(log_p_MV[at, tokens[at]] - log_p_MV[at, shown[at]]), other))
    gains.sort(key=lambda gain: -gain[0])
    if not gains or gains[0][0] <= 0:
        return None
    rival = max(0.0, gains[1][0] if len(gains) > 1 else 0.0)
    return Guess(place.slot, gains[0][1], gains[0][0] - rival)


def log_likelihoods(proposer: Proposer, windows: Sequence[Window], spans: Sequence[Span]) -> list[float]:
    """For one place in each window: the log-probability of what is there, all of its tokens hidden together."""
    places = [window.tokens_of(span) for window, span in zip(windows, spans, strict=True)]
    masked = [_masked(window, [place]) for window, place in zip(windows, places, strict=True)]
    rows = proposer.log_p_at(masked, [np.arange(start, end) for start, end in places])
    found = []
    for window, (start, end), log_p_AV in zip(windows, places, rows, strict=True):
        tokens = window.canvas.region[start:end].astype(np.int64)
        found.append(float(log_p_AV[np.arange(end - start), tokens].sum()))
    return found


def renewed(proposer: Proposer, window: Window, text: str, limits: Limits) -> Window:
    """The same window over a changed text, tokenised anew."""
    end = window.span.end + len(text) - len(window.source)
    return cut(proposer.tokenizer, text, Span(window.span.start, end), action="repair", limits=limits)


def _places(window: Window, slots: Sequence[Slot]) -> Iterator[_Place]:
    """The slots that are whole tokens of the window's region."""
    borders = window.borders()
    for slot in slots:
        if not window.span.start <= slot.span.start <= slot.span.end <= window.span.end:
            continue
        start, end = window.tokens_of(slot.span)
        text = window.source[borders[start] : borders[end]]
        if text.removeprefix(" ") == slot.text:
            yield _Place(slot, start, end, text[: len(text) - len(slot.text)])


def _masked(window: Window, places: Sequence[tuple[int, int]]) -> Window:
    region = window.canvas.region.copy()
    for start, end in places:
        region[start:end] = MASK_ID
    return with_masks(window, region)
