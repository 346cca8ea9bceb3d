"""The cloze: what the network would write into the slots of a text if it did not see what is there.

Asked for labels, a network that is not large hardly ever objects to a name that could be right. Asked to fill the place in, it
has to say how likely each name is, and a name that is much less likely than another one stands out. What else is known of the
names is in `ranking.py`.
"""

# A hidden tokens of a row, M of a place, V vocabulary

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from redraft_model.decode.proposer import Proposer
from redraft_model.misuse.ranking import MisuseFeatures, misuse_features
from redraft_model.misuse.slots import Slot, Word
from redraft_model.passage import Span
from redraft_model.tokens.alignment import MASK_ID
from redraft_model.tokens.tokenizer import Tokenizer
from redraft_model.tokens.window import Limits, Window, cut, with_masks

Ids = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Guess:
    """Another word for a slot, and what is known of it."""

    slot: Slot
    word: Word
    features: MisuseFeatures

    def text(self, source: str) -> str:
        """`source` with this word in its slot."""
        return source[: self.slot.span.start] + self.word.text + source[self.slot.span.end :]


@dataclass(frozen=True)
class _Place:
    """A slot of a window: its tokens start:end, and whether the space before it belongs to them."""

    slot: Slot
    start: int
    end: int
    lead: str


def guesses(
    proposer: Proposer, window: Window, slots: Sequence[Slot], n_rows: int
) -> list[tuple[Guess, ...]]:
    """All other words for the slots of a window, those of every function together; what is outside of all is one group more.

    In a module a name from nowhere is a group by itself: it is wrong whatever else is, and there may be several. In a fragment it
    may well have a value where the fragment is from.

    The slots are shared out among at most `n_rows` copies of the window and masked there together, so that one forward pass
    answers for all of them.
    """
    places = list(_places(window, slots))
    if not places:
        return []
    rows = [places[i::n_rows] for i in range(min(n_rows, len(places)))]
    masked = [_masked(window, [(place.start, place.end) for place in row]) for row in rows]
    hidden = [np.concatenate([np.arange(place.start, place.end) for place in row]) for row in rows]
    found: dict[tuple[int, int], list[tuple[Slot, Word, float]]] = {}
    for row, log_p_AV in zip(rows, proposer.log_p_at(masked, hidden), strict=True):
        sizes = [place.end - place.start for place in row]
        for place, log_p_MV in zip(row, torch.split(log_p_AV.cpu(), sizes), strict=True):
            shown = window.canvas.region[place.start : place.end]
            gains = _gains(proposer.tokenizer, place, shown, log_p_MV)
            group = found.setdefault(_group(place.slot), [])
            group.extend((place.slot, word, gain) for word, gain in gains)
    return [
        tuple(
            Guess(slot, word, features)
            for (slot, word, _), features in zip(group, misuse_features(group), strict=True)
        )
        for _, group in sorted(found.items())
    ]


def _group(slot: Slot) -> tuple[int, int]:
    """What the words of this slot share with those of others: its function, or nothing but itself."""
    is_alone = slot.is_in_module and not slot.now.is_known
    return slot.function, slot.span.start if is_alone else -1


def _gains(
    tokenizer: Tokenizer, place: _Place, shown: Ids, log_p_MV: torch.Tensor
) -> Iterator[tuple[Word, float]]:
    """The other words for a place, and the nats by which each is likelier than what is there.

    How many tokens the place has says something about what belongs there, so words are compared where they first differ. Where
    one is the beginning of the other that is nowhere: 0.
    """
    for word in place.slot.others:
        tokens = tokenizer.encode(place.lead + word.text)
        n_common = min(len(tokens), len(shown))
        differ = np.flatnonzero(tokens[:n_common] != shown[:n_common])[:1].tolist()
        yield word, sum(float(log_p_MV[at, tokens[at]] - log_p_MV[at, shown[at]]) for at in differ)


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
