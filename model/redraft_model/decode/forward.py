"""One forward pass over canvases: whole sequences (`Full`), or a block with the rest of the sequence in a cache (`Cached`).

A network with full attention makes the cache an approximation: its states have not seen what has been written since the last
refresh. `Full` is the slow twin that recomputes everything at every step.
"""

# B drafts, T positions, A wanted positions, S cached positions, V vocabulary

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch

from redraft_model.network.cache import Cache
from redraft_model.network.transformer import Transformer
from redraft_model.tokens.alignment import MASK_ID, PAD_ID
from redraft_model.tokens.canvas import Canvas

Ids = npt.NDArray[np.int32]
Blocks = Sequence[tuple[int, int]]


class Forward(Protocol):
    """Log-probabilities of parts of some sequences, given the rest of them."""

    def refresh(self, canvases: Sequence[Canvas]) -> list[torch.Tensor]:
        """Look at whole sequences; returns (region + 1, V) for each."""
        ...

    def block(self, rows: Sequence[int], canvases: Sequence[Canvas], blocks: Blocks) -> list[torch.Tensor]:
        """Log-probabilities (end - start + 1, V) of one block of some of the sequences last refreshed."""
        ...

    def at_first_mask(self, rows: Sequence[int], canvases: Sequence[Canvas]) -> torch.Tensor:
        """Log-probabilities (N, V) at the first mask of each canvas, made from sequence number `row` of the last refresh."""
        ...


class Full:
    """The slow twin: every step looks at the whole sequences."""

    def __init__(self, model: Transformer) -> None:
        self._model = model

    def refresh(self, canvases: Sequence[Canvas]) -> list[torch.Tensor]:
        """Log-probabilities of every region and its end marker."""
        device = _device(self._model)
        tokens_BT, lengths_B = padded([canvas.tokens for canvas in canvases], device)
        hidden_BAW = self._model(
            tokens_BT,
            lengths_B=lengths_B,
            wanted_BA=_of_regions(canvases, device),
            marks_BT=_marks([canvas.marks for canvas in canvases], device),
        )
        return _regions(self._model, hidden_BAW, canvases)

    def block(self, rows: Sequence[int], canvases: Sequence[Canvas], blocks: Blocks) -> list[torch.Tensor]:
        """The block's part of what `refresh` says."""
        del rows
        regions = self.refresh(canvases)
        return [log_p_TV[start : end + 1] for log_p_TV, (start, end) in zip(regions, blocks, strict=True)]

    def at_first_mask(self, rows: Sequence[int], canvases: Sequence[Canvas]) -> torch.Tensor:
        """The first mask's part of what `refresh` says: (N, V)."""
        del rows
        regions = zip(self.refresh(canvases), canvases, strict=True)
        return torch.stack([log_p_TV[_first_mask(canvas)] for log_p_TV, canvas in regions])


class Cached:
    """Recomputes only the block; everything else is as it was at the last refresh, moved to where it is now."""

    def __init__(self, model: Transformer) -> None:
        self._model = model
        self._cache: Cache | None = None
        self._canvases: list[Canvas] = []

    def refresh(self, canvases: Sequence[Canvas]) -> list[torch.Tensor]:
        """Log-probabilities of every region and its end marker; fills the cache."""
        device = _device(self._model)
        tokens_BT, lengths_B = padded([canvas.tokens for canvas in canvases], device)
        hidden_BAW, self._cache = self._model.encode(
            tokens_BT,
            lengths_B=lengths_B,
            wanted_BA=_of_regions(canvases, device),
            marks_BT=_marks([canvas.marks for canvas in canvases], device),
        )
        self._canvases = list(canvases)
        return _regions(self._model, hidden_BAW, canvases)

    def block(self, rows: Sequence[int], canvases: Sequence[Canvas], blocks: Blocks) -> list[torch.Tensor]:
        """One forward pass over the block and the token behind it."""
        hidden_BTW, pieces = self._pass(rows, canvases, blocks)
        return [
            self._model.log_probabilities(hidden_TW[: len(piece)])
            for hidden_TW, piece in zip(hidden_BTW, pieces, strict=True)
        ]

    def at_masks(self, rows: Sequence[int], canvases: Sequence[Canvas], blocks: Blocks) -> list[torch.Tensor]:
        """As `block`, of the masks in each block only: (n_masks, V)."""
        masks = [
            np.flatnonzero(canvas.region[start:end] == MASK_ID)
            for canvas, (start, end) in zip(canvases, blocks, strict=True)
        ]
        hidden_BAW, _ = self._pass(rows, canvases, blocks, padded(masks, _device(self._model))[0])
        hidden_NW = torch.cat(
            [hidden_AW[: len(found)] for hidden_AW, found in zip(hidden_BAW, masks, strict=True)]
        )
        return list(torch.split(self._model.log_probabilities(hidden_NW), [len(found) for found in masks]))

    def at_first_mask(self, rows: Sequence[int], canvases: Sequence[Canvas]) -> torch.Tensor:
        """As `block` with the whole region as block, of each region's first mask only: (N, V)."""
        blocks = [(0, len(canvas.region)) for canvas in canvases]
        first_N1 = torch.tensor([[_first_mask(canvas)] for canvas in canvases], device=_device(self._model))
        hidden_N1W, _ = self._pass(rows, canvases, blocks, first_N1)
        return self._model.log_probabilities(hidden_N1W[:, 0])

    def _pass(
        self,
        rows: Sequence[int],
        canvases: Sequence[Canvas],
        blocks: Blocks,
        wanted_BA: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, list[Ids]]:
        """Hidden states of the blocks and the tokens behind them (B, T, W), or of the wanted ones; and these tokens."""
        assert self._cache is not None, "refresh comes first"
        device = _device(self._model)
        # A shifted network answers for a token at the one before it, which is then computed as well.
        shift = self._model.config.logit_shift
        starts = [
            canvas.region_start + start - shift for canvas, (start, _) in zip(canvases, blocks, strict=True)
        ]
        # The token behind the block answers for a gap at the block's end, so it is computed with it.
        pieces = [
            canvas.tokens[first : first + shift + end - start + 1]
            for canvas, first, (start, end) in zip(canvases, starts, blocks, strict=True)
        ]
        n = self._model.config.n_neighbours
        cuts = list(zip(canvases, starts, map(len, pieces), strict=True))
        wide_BT, lengths_B = padded(
            [_widened(canvas.tokens, first, size, n) for canvas, first, size in cuts], device
        )
        marks_BT = _marks(
            [_widened(canvas.marks, first, size, n, fill=0) for canvas, first, size in cuts], device
        )
        longest = wide_BT.shape[1] - 2 * n
        positions_BT = torch.arange(longest, device=device) + torch.tensor(starts, device=device)[:, None]
        visible_BS = torch.zeros(len(rows), len(self._cache), dtype=torch.bool, device=device)
        moves: list[tuple[int, int]] = []
        for i, (row, canvas, first, piece) in enumerate(zip(rows, canvases, starts, pieces, strict=True)):
            growth = len(canvas) - len(self._canvases[row])
            # In the cached sequence the block and the token behind it ended here.
            end = first + len(piece) - growth
            moves.append((end, growth))
            visible_BS[i, :first] = True
            visible_BS[i, end : len(self._canvases[row])] = True
        past = self._cache.moved(rows, moves, self._model.config)
        hidden = self._model(
            wide_BT,
            positions_BT,
            past=past,
            past_visible_BS=visible_BS,
            lengths_B=None if lengths_B is None else lengths_B - 2 * n,
            wanted_BA=None if wanted_BA is None else wanted_BA + shift,
            marks_BT=marks_BT,
            is_widened=True,
        )
        return hidden if wanted_BA is not None else hidden[:, shift:], [piece[shift:] for piece in pieces]


def at_places(
    model: Transformer, canvases: Sequence[Canvas], places: Sequence[npt.NDArray[np.integer[Any]]]
) -> list[torch.Tensor]:
    """Log-probabilities (A, V) of some tokens of each region, by their index in it; one forward pass over whole sequences."""
    device = _device(model)
    tokens_BT, lengths_B = padded([canvas.tokens for canvas in canvases], device)
    wanted_BA, _ = padded(
        [place + canvas.region_start for place, canvas in zip(places, canvases, strict=True)], device
    )
    hidden_BAW = model(
        tokens_BT,
        lengths_B=lengths_B,
        wanted_BA=wanted_BA,
        marks_BT=_marks([canvas.marks for canvas in canvases], device),
    )
    counts = [len(place) for place in places]
    chosen_NW = torch.cat([row_AW[:n] for row_AW, n in zip(hidden_BAW, counts, strict=True)])
    return list(torch.split(model.log_probabilities(chosen_NW), counts))


def padded(
    rows: Sequence[npt.NDArray[np.integer[Any]]], device: torch.device
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Rows of ids as (B, T) int64 with PAD behind the short ones, and their lengths (None when all are equal)."""
    longest = max(len(row) for row in rows)
    tokens = np.full((len(rows), longest), PAD_ID, np.int64)
    for i, row in enumerate(rows):
        tokens[i, : len(row)] = row
    lengths = [len(row) for row in rows]
    lengths_B = torch.tensor(lengths, device=device) if min(lengths) < longest else None
    return torch.from_numpy(tokens).to(device), lengths_B


def _marks(rows: Sequence[Ids], device: torch.device) -> torch.Tensor | None:
    """What is marked in the sequences, as (B, T) int64; None if nothing is."""
    if not any(row.any() for row in rows):
        return None
    marks = np.zeros((len(rows), max(map(len, rows))), np.int64)
    for padded_row, row in zip(marks, rows, strict=True):
        padded_row[: len(row)] = row
    return torch.from_numpy(marks).to(device)


def _widened(tokens: Ids, start: int, size: int, n: int, fill: int = PAD_ID) -> Ids:
    """tokens[start : start + size] and the n tokens on each side, `fill` where there are none: (size + 2n,)."""
    found = np.full(size + 2 * n, fill, np.int32)
    first, end = max(0, start - n), min(len(tokens), start + size + n)
    found[first - start + n : end - start + n] = tokens[first:end]
    return found


def _first_mask(canvas: Canvas) -> int:
    """Index in the region of its first mask."""
    return int((canvas.region == MASK_ID).argmax())


def _of_regions(canvases: Sequence[Canvas], device: torch.device) -> torch.Tensor:
    """Where in each sequence its region and end marker are, (B, A)."""
    return padded([np.arange(c.region_start, c.region_end + 1) for c in canvases], device)[0]


def _regions(model: Transformer, hidden_BAW: torch.Tensor, canvases: Sequence[Canvas]) -> list[torch.Tensor]:
    return [
        model.log_probabilities(hidden_AW[: len(canvas.region) + 1])
        for hidden_AW, canvas in zip(hidden_BAW, canvases, strict=True)
    ]


def _device(model: Transformer) -> torch.device:
    return model.embedding.weight.device
