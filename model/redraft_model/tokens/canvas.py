"""The canvas: the tokens of one sequence, frozen around a region that is being denoised. Knows nothing of text or network."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from redraft_model.tokens.alignment import ANCHOR_ID, DELETE_ID, INSERT_IDS, MASK_ID, apply
from redraft_model.tokens.tokenizer import REGION, REGION_END, SPECIALS

Ids = npt.NDArray[np.int32]

_REGION = np.array([SPECIALS.index(REGION)], np.int32)
_REGION_END = np.array([SPECIALS.index(REGION_END)], np.int32)


@dataclass(frozen=True, eq=False)
class Canvas:
    """`head` (language, action, text before) and `tail` (text after) never change; `region` does."""

    head: Ids
    region: Ids
    tail: Ids
    mark: tuple[int, int] | None = None  # index of a token of the region, and the kind of mark that it has

    def __len__(self) -> int:
        return len(self.head) + len(self.region) + len(self.tail) + 2

    @property
    def tokens(self) -> Ids:
        """The whole sequence as the network sees it."""
        return np.concatenate([self.head, _REGION, self.region, _REGION_END, self.tail]).astype(np.int32)

    @property
    def marks(self) -> Ids:
        """What is marked in `tokens`: 0 is no mark, i one of kind i - 1."""
        marks = np.zeros(len(self), np.int32)
        if self.mark is not None:
            index, kind = self.mark
            marks[self.region_start + index] = kind + 1
        return marks

    @property
    def region_start(self) -> int:
        """Index of the region's first token in `tokens`."""
        return len(self.head) + 1

    @property
    def region_end(self) -> int:
        """Index of the region's end marker in `tokens`."""
        return self.region_start + len(self.region)

    @property
    def n_masks(self) -> int:
        """Masks left in the region."""
        return int((self.region == MASK_ID).sum())

    def with_region(self, region: Ids) -> "Canvas":
        """The same surroundings with another region, in which nothing is marked."""
        return replace(self, region=region.astype(np.int32), mark=None)

    def edited(self, start: int, end: int, answer: Ids) -> "Canvas":
        """Execute labels on the region's tokens start:end; `answer` has one more entry, for the token behind them.

        That token itself is not touched: only an insertion in front of it counts.
        """
        if answer[-1] not in INSERT_IDS:
            answer = np.append(answer[:-1], np.int32(ANCHOR_ID))
        return self.with_region(
            np.concatenate([self.region[:start], apply(self.region[start:end], answer), self.region[end:]])
        )


def broadcast_deletion(region: Ids, answer: Ids) -> Ids:
    """Labels in which a deleted mask with nothing but masks to its right deletes those as well (DreamOn, 2602.01326)."""
    visible = np.flatnonzero(region != MASK_ID)
    tail = int(visible[-1]) + 1 if len(visible) else 0
    deleted = np.flatnonzero((answer[: len(region)] == DELETE_ID) & (np.arange(len(region)) >= tail))
    if not len(deleted):
        return answer
    answer = answer.copy()
    answer[int(deleted[0]) : len(region)] = DELETE_ID
    return answer
