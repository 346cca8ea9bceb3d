"""The sampler: denoises a region block by block, with the rest of the sequence in a cache.

One forward pass over the whole sequence (the sweep) says where there is something to do and fills the cache. Then every
block with masks or doubt is denoised: confident edits are executed and masks filled, most confident first, until nothing
changes. Within a block only the block is recomputed; the keys of what follows are rotated along when the block's length
changes. When a block is done the cache is refreshed; `refresh_every` bounds how long it goes without.
"""

# B drafts, T positions, S cached positions, V vocabulary

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import torch

from redraft_model.decode.forward import Blocks, Cached, Forward, Full
from redraft_model.decode.selection import Proposals, Thresholds, commit, is_settled, propose
from redraft_model.errors import Cancelled
from redraft_model.network.transformer import Transformer
from redraft_model.tokens.alignment import DELETE_ID, MASK_ID
from redraft_model.tokens.canvas import Canvas
from redraft_model.tokens.tokenizer import SPECIALS

Ids = npt.NDArray[np.int32]
NEVER = 2.0  # a threshold no probability reaches


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


@dataclass(frozen=True)
class Observer:
    """Whoever waits for drafts: asked and told between two steps.

    Rows that are `dropped` are left as they are; where `is_cancelled`, Cancelled is raised; `on_step` is told the number of the
    step and all traces.
    """

    is_cancelled: Callable[[], bool] = lambda: False
    dropped: Callable[[], Collection[int]] = tuple
    on_step: Callable[[int, Sequence[Trace]], None] = lambda step, traces: None


NOBODY = Observer()


def drafts(n: int, seed: int = 0) -> list[Draw]:
    """`n` drafts of one canvas: the first is the most likely one, the others are sampled after `seed`."""
    return [Draw(seed, number) for number in range(n)]


def generate(
    model: Transformer,
    canvases: Sequence[Canvas],
    blocks: Blocks,
    sampling: Sampling,
    draws: Sequence[Draw] | None = None,
    observer: Observer = NOBODY,
) -> list[Trace]:
    """`denoise` with the cache."""
    return denoise(Cached(model), canvases, blocks, sampling, draws, observer)


def generate_reference(
    model: Transformer,
    canvases: Sequence[Canvas],
    blocks: Blocks,
    sampling: Sampling,
    draws: Sequence[Draw] | None = None,
    observer: Observer = NOBODY,
) -> list[Trace]:
    """`denoise` without a cache: what `generate` computes when it refreshes at every step."""
    return denoise(Full(model), canvases, blocks, sampling, draws, observer)


@dataclass(eq=False)
class _Row:
    """A draft of the batch: where its current block is now, and for how many steps no mask has been left in it."""

    index: int
    trace: Trace
    draw: Draw
    generator: torch.Generator
    blocks: Blocks
    offset: int = 0  # tokens by which the blocks before this one have grown
    block: tuple[int, int] = (0, 0)
    place: tuple[int, int] = (0, 0)
    quiet: int = 0

    def enter(self, number: int) -> None:
        """Begin a block."""
        self.block = self.blocks[number]
        self.place = (self.block[0] + self.offset, self.block[1] + self.offset)
        self.quiet = 0

    def leave(self) -> None:
        """End it: what follows stands so much further on."""
        self.offset = self.place[1] - self.block[1]


def denoise(
    forward: Forward,
    canvases: Sequence[Canvas],
    blocks: Blocks | None,
    sampling: Sampling,
    draws: Sequence[Draw] | None = None,
    observer: Observer = NOBODY,
) -> list[Trace]:
    """Denoise canvases in one batch.

    `draws` says for each row which draft it is; by default the rows are the drafts of one canvas with seed 0. `blocks` are
    stretches of the region from left to right that cover it, the same for all rows; None: each region, of whatever size, is one
    block. Raises Cancelled.
    """
    rows = [
        _Row(index, Trace(canvas), draw, draw.generator(), blocks or [(0, len(canvas.region))])
        for index, (canvas, draw) in enumerate(zip(canvases, draws or drafts(len(canvases)), strict=True))
    ]
    n_blocks = len(blocks or [()])
    if observer.is_cancelled():
        raise Cancelled
    log_p = _refreshed(forward, rows)
    step = 0
    for number in range(n_blocks):
        for row in rows:
            row.enter(number)
        active = [row for row in rows if _has_work(row, log_p[row.index], sampling.thresholds)]
        if active:
            step = _denoise_block(forward, rows, active, sampling, observer, step)
        for row in rows:
            row.leave()
        if active and number + 1 < n_blocks:
            log_p = _refreshed(forward, rows)
    return [row.trace for row in rows]


def _refreshed(forward: Forward, rows: Sequence[_Row]) -> list[torch.Tensor]:
    """Look at all sequences as they are now."""
    log_p = forward.refresh([row.trace.canvas for row in rows])
    for row in rows:
        row.trace.n_forward += 1
    return log_p


def _denoise_block(
    forward: Forward,
    rows: Sequence[_Row],
    active: Sequence[_Row],
    sampling: Sampling,
    observer: Observer,
    step: int,
) -> int:
    """Denoise the current block of the `active` rows until nothing changes; the number of the last step."""
    for block_step in range(sampling.steps_per_block):
        gone = observer.dropped()
        active = [row for row in active if row.index not in gone]
        if not active:
            break
        if observer.is_cancelled():
            raise Cancelled
        step += 1
        if sampling.refresh_every and block_step and block_step % sampling.refresh_every == 0:
            forward.refresh([row.trace.canvas for row in rows])
        answers = forward.block(
            [row.index for row in active],
            [row.trace.canvas for row in active],
            [row.place for row in active],
        )
        for row in active:
            row.trace.n_forward += 1
        active = [
            row
            for row, log_p_TV in zip(active, answers, strict=True)
            if _goes_on(row, log_p_TV, _at_step(row, block_step, sampling))
        ]
        observer.on_step(step, [row.trace for row in rows])
    return step


def _at_step(row: _Row, block_step: int, sampling: Sampling) -> Sampling:
    """The settings of one step: a block that has grown enough only fills, and the last step fills everything."""
    thresholds = sampling.thresholds
    grown = (row.place[1] - row.place[0]) - (row.block[1] - row.block[0])
    if grown > sampling.growth:
        thresholds = replace(thresholds, edit=NEVER)
    if block_step == sampling.steps_per_block - 1:
        thresholds = Thresholds(fill=-1.0, edit=NEVER)
    return replace(
        sampling,
        thresholds=thresholds,
        temperature=0.0 if row.draw.number == 0 else sampling.temperature,
    )


def _goes_on(row: _Row, log_p_TV: torch.Tensor, sampling: Sampling) -> bool:
    """Take one step of one draft; whether its block is to be looked at again."""
    (start, end), trace = row.place, row.trace
    labels, proposals = _chosen(row, log_p_TV, sampling)
    shown = _shown(row)
    if is_settled(shown, labels):
        return False
    changed = np.flatnonzero(labels[:-1] != shown[:-1])
    trace.confidences.extend(proposals.confidence[changed].tolist())
    trace.log_p += float(np.log(np.maximum(proposals.confidence[changed], 1e-9)).sum())
    trace.n_committed += len(changed)
    trace.n_tokens += len(changed)
    n_before = len(trace.canvas.region)
    trace.canvas = trace.canvas.edited(start, end, labels)
    row.place = (start, end + len(trace.canvas.region) - n_before)
    has_masks = bool((trace.canvas.region[slice(*row.place)] == MASK_ID).any())
    row.quiet = 0 if has_masks else row.quiet + 1
    return row.quiet < sampling.edit_rounds


def _chosen(row: _Row, log_p_TV: torch.Tensor, sampling: Sampling) -> tuple[Ids, Proposals]:
    """The labels to execute on a row's block, and the proposals they were chosen from."""
    if sampling.forbidden:
        log_p_TV = log_p_TV.index_fill(
            1, torch.tensor(sampling.forbidden, device=log_p_TV.device), -torch.inf
        )
    shown = _shown(row)
    proposals = propose(log_p_TV, shown, sampling.temperature, row.generator)
    labels = commit(shown, proposals, sampling.thresholds)
    if _would_empty(row, labels):
        labels = _keep_first(log_p_TV, labels)
    return labels, proposals


def _shown(row: _Row) -> Ids:
    """The tokens of a row's block and the one behind it."""
    canvas, (start, end) = row.trace.canvas, row.place
    return canvas.tokens[canvas.region_start + start : canvas.region_start + end + 1]


def _has_work(row: _Row, log_p_TV: torch.Tensor, thresholds: Thresholds) -> bool:
    """Whether a block holds a mask, or a token that would be edited."""
    shown, (start, end) = _shown(row), row.place
    if (shown[:-1] == MASK_ID).any():
        return True
    proposals = propose(log_p_TV[start : end + 1], shown, 0.0, None)
    return not is_settled(shown, commit(shown, proposals, thresholds))


def _would_empty(row: _Row, labels: Ids) -> bool:
    region = row.trace.canvas.region
    return bool(len(region)) and row.place == (0, len(region)) and bool((labels[:-1] == DELETE_ID).all())


def _keep_first(log_p_TV: torch.Tensor, labels: Ids) -> Ids:
    """Instead of deleting everything, write the most likely text token at the first position."""
    labels = labels.copy()
    labels[0] = int(log_p_TV[0, len(SPECIALS) :].argmax()) + len(SPECIALS)
    return labels
