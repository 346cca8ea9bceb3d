"""The sampler: denoises a region block by block, with the rest of the sequence in a cache.

One forward pass over the whole sequence (the sweep) says where there is something to do and fills the cache. Then every
block with masks or doubt is denoised: confident edits are executed and masks filled, most confident first, until nothing
changes. Within a block only the block is recomputed; the keys of what follows are rotated along when the block's length
changes. When a block is done the cache is refreshed. A network with full attention makes this an approximation (its cached
states have not seen the block's new content), which `refresh_every` bounds; `Full` is the slow twin that recomputes
everything at every step.
"""

# B drafts, T positions, S cached positions, V vocabulary

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch

from redraft_model.decode.selection import Thresholds, commit, is_settled, propose
from redraft_model.errors import Cancelled
from redraft_model.network.cache import Cache
from redraft_model.network.transformer import Transformer
from redraft_model.tokens.alignment import DELETE_ID, MASK_ID, PAD_ID
from redraft_model.tokens.canvas import Canvas
from redraft_model.tokens.tokenizer import SPECIALS

Ids = npt.NDArray[np.int32]
NEVER = 2.0  # a threshold no probability reaches
Blocks = list[tuple[int, int]]


@dataclass(frozen=True)
class Sampling:
    """How to denoise."""

    thresholds: Thresholds = Thresholds()
    temperature: float = 0.7  # of all drafts but the first, which is the most likely one
    steps_per_block: int = 48  # the last one fills all masks that are left
    growth: int = 64  # tokens a block may grow by before it may only fill masks
    edit_rounds: int = 4  # steps without a mask left that may still edit visible tokens
    refresh_every: int = 0  # recompute the cache every so many steps; 0: only when a block is done
    forbidden: tuple[int, ...] = ()  # ids that are never written


@dataclass(frozen=True)
class Draw:
    """Which of the drafts of a canvas a row is: number 0 is the most likely one, the others are sampled after `seed`."""

    seed: int = 0
    number: int = 0

    def generator(self) -> torch.Generator:
        """The source of this draft's random numbers."""
        return torch.Generator().manual_seed(self.seed * 1000 + self.number)


@dataclass
class Trace:
    """One draft in the making: its canvas, and what it has cost."""

    canvas: Canvas
    log_p: float = 0.0  # sum of the log-probabilities of what was committed
    n_committed: int = 0
    n_forward: int = 0
    n_tokens: int = 0
    confidences: list[float] = field(default_factory=list)


class Forward(Protocol):
    """Log-probabilities of a block and of the token behind it, given the rest of the sequence."""

    def refresh(self, canvases: Sequence[Canvas]) -> list[torch.Tensor]:
        """Look at whole sequences; returns (region + 1, V) for each."""
        ...

    def block(self, rows: Sequence[int], canvases: Sequence[Canvas], blocks: Blocks) -> list[torch.Tensor]:
        """Log-probabilities (end - start + 1, V) of one block of some of the sequences last refreshed."""
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


def generate(
    model: Transformer, canvases: Sequence[Canvas], blocks: Blocks, sampling: Sampling, **watched: Any
) -> list[Trace]:
    """`denoise` with the cache."""
    return denoise(Cached(model), canvases, blocks, sampling, **watched)


def generate_reference(
    model: Transformer, canvases: Sequence[Canvas], blocks: Blocks, sampling: Sampling, **watched: Any
) -> list[Trace]:
    """`denoise` without a cache: what `generate` computes when it refreshes at every step."""
    return denoise(Full(model), canvases, blocks, sampling, **watched)


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


def denoise(
    forward: Forward,
    canvases: Sequence[Canvas],
    blocks: Blocks,
    sampling: Sampling,
    *,
    seed: int = 0,
    draws: Sequence[Draw] | None = None,
    is_cancelled: Callable[[], bool] = lambda: False,
    dropped: Callable[[], Collection[int]] = tuple,
    on_step: Callable[[int, Sequence[Trace]], None] = lambda step, traces: None,
) -> list[Trace]:
    """Denoise canvases with regions of one size, in one batch.

    `draws` says for each row which draft it is; by default the rows are the drafts of one canvas: the first is the most likely
    one, the others are sampled after `seed`. `blocks` are stretches of the region from left to right that cover it. Asked
    between two steps, rows that are `dropped` are left as they are, and Cancelled is raised when `is_cancelled`.
    """
    traces = [Trace(canvas) for canvas in canvases]
    draws = draws or [Draw(seed, number) for number in range(len(traces))]
    generators = [draw.generator() for draw in draws]
    if is_cancelled():
        raise Cancelled
    log_p = forward.refresh(canvases)
    _count(traces, range(len(traces)))
    moved = [0] * len(traces)
    step = 0
    for start, end in blocks:
        places = [(start + offset, end + offset) for offset in moved]
        active = [
            row
            for row, trace in enumerate(traces)
            if _has_work(trace, log_p[row], places[row], sampling.thresholds)
        ]
        was_active = bool(active)
        quiet = [0] * len(traces)
        for block_step in range(sampling.steps_per_block):
            gone = dropped()
            active = [row for row in active if row not in gone]
            if not active:
                break
            if is_cancelled():
                raise Cancelled
            step += 1
            if sampling.refresh_every and block_step and block_step % sampling.refresh_every == 0:
                forward.refresh([trace.canvas for trace in traces])
            rows_log_p = forward.block(
                active, [traces[row].canvas for row in active], [places[row] for row in active]
            )
            _count(traces, active)
            still_active = []
            for row, row_log_p in zip(active, rows_log_p, strict=True):
                trace, (block_start, block_end) = traces[row], places[row]
                grown = block_end - block_start - (end - start)
                now = _at_step(sampling, block_step, grown, greedy=draws[row].number == 0)
                size = _step(trace, row_log_p, block_start, block_end, now, generators[row])
                if size is None:
                    continue
                places[row] = (block_start, block_start + size)
                region = trace.canvas.region[block_start : block_start + size]
                quiet[row] = 0 if (region == MASK_ID).any() else quiet[row] + 1
                if quiet[row] < sampling.edit_rounds:
                    still_active.append(row)
            active = still_active
            on_step(step, traces)
        moved = [place[1] - end for place in places]
        if was_active and (start, end) != blocks[-1]:
            log_p = forward.refresh([trace.canvas for trace in traces])
            _count(traces, range(len(traces)))
    return traces


def _at_step(sampling: Sampling, block_step: int, grown: int, *, greedy: bool) -> Sampling:
    """The settings of one step: a block that has grown enough only fills, and the last step fills everything."""
    thresholds = sampling.thresholds
    if grown > sampling.growth:
        thresholds = replace(thresholds, edit=NEVER)
    if block_step == sampling.steps_per_block - 1:
        thresholds = Thresholds(fill=-1.0, edit=NEVER)
    return replace(sampling, thresholds=thresholds, temperature=0.0 if greedy else sampling.temperature)


def _step(
    trace: Trace,
    log_p_TV: torch.Tensor,
    start: int,
    end: int,
    sampling: Sampling,
    generator: torch.Generator,
) -> int | None:
    """Commit one step of one draft on region[start:end]; the block's new size, None when it is settled."""
    region = trace.canvas.region
    tokens = trace.canvas.tokens
    first = trace.canvas.region_start
    shown = tokens[first + start : first + end + 1]
    if sampling.forbidden:
        log_p_TV = log_p_TV.index_fill(
            1, torch.tensor(sampling.forbidden, device=log_p_TV.device), -torch.inf
        )
    proposals = propose(log_p_TV, shown, sampling.temperature, generator)
    labels = commit(shown, proposals, sampling.thresholds)
    if _would_empty(region, start, end, labels):
        labels = _keep_first(log_p_TV, labels)
    if is_settled(shown, labels):
        return None
    changed = np.flatnonzero(labels[:-1] != shown[:-1])
    trace.confidences.extend(proposals.confidence[changed].tolist())
    trace.log_p += float(np.log(np.maximum(proposals.confidence[changed], 1e-9)).sum())
    trace.n_committed += len(changed)
    trace.n_tokens += len(changed)
    n_before = len(region)
    trace.canvas = trace.canvas.edited(start, end, labels)
    return end - start + len(trace.canvas.region) - n_before


def _has_work(trace: Trace, log_p_TV: torch.Tensor, place: tuple[int, int], thresholds: Thresholds) -> bool:
    """Whether a block holds a mask, or a token that would be edited."""
    start, end = place
    first = trace.canvas.region_start
    shown = trace.canvas.tokens[first + start : first + end + 1]
    if (shown[:-1] == MASK_ID).any():
        return True
    proposals = propose(log_p_TV[start : end + 1], shown, 0.0, None)
    return not is_settled(shown, commit(shown, proposals, thresholds))


def _would_empty(region: Ids, start: int, end: int, labels: Ids) -> bool:
    return bool(len(region)) and start == 0 and end == len(region) and bool((labels[:-1] == DELETE_ID).all())


def _keep_first(log_p_TV: torch.Tensor, labels: Ids) -> Ids:
    """Instead of deleting everything, write the most likely text token at the first position."""
    labels = labels.copy()
    labels[0] = int(log_p_TV[0, len(SPECIALS) :].argmax()) + len(SPECIALS)
    return labels


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


def _count(traces: Sequence[Trace], rows: Sequence[int]) -> None:
    for row in rows:
        traces[row].n_forward += 1
