"""The sampler: denoises a region block by block, with the rest of the sequence in a cache.

One forward pass over the whole sequence (the sweep) says where there is something to do and fills the cache. Then every block with
masks or doubt is denoised: confident edits are executed and masks filled, most confident first, until nothing changes. Within a block only
the block is recomputed; the keys of what follows are rotated along when the block's length changes. When a block is done the cache is
refreshed. A network with full attention makes this an approximation (its cached states have not seen the block's new
content), which `refresh_every` bounds; `Full` is the slow twin that recomputes everything at every step.
"""

# B drafts, T positions, S cached positions, V vocabulary

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch

from redraft_model.alignment import DELETE_ID, MASK_ID
from redraft_model.cache import Cache
from redraft_model.canvas import Canvas
from redraft_model.errors import Cancelled
from redraft_model.selection import Thresholds, commit, is_settled, propose
from redraft_model.tokenizer import PAD, SPECIALS
from redraft_model.transformer import Transformer

Ids = npt.NDArray[np.int32]
Blocks = list[tuple[int, int]]


@dataclass(frozen=True)
class Sampling:
    """How to denoise."""

    thresholds: Thresholds = Thresholds()
    temperature: float = 0.7  # of all drafts but the first, which is the most likely one
    steps_per_block: int = 48
    edit_rounds: int = 4  # steps without a mask left that may still edit visible tokens
    refresh_every: int = 0  # recompute the cache every so many steps; 0: only when a block is done
    may_empty: bool = False  # whether the whole region may be deleted


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


def denoise(
    forward: Forward,
    canvases: Sequence[Canvas],
    blocks: Blocks,
    sampling: Sampling,
    *,
    seed: int = 0,
    is_cancelled: Callable[[], bool] = lambda: False,
    on_step: Callable[[int, Sequence[Trace]], None] = lambda step, traces: None,
) -> list[Trace]:
    """Denoise copies of one canvas, in one batch; the first is the most likely draft, the others are sampled.

    `blocks` are stretches of the region from left to right that cover it. Raises Cancelled between two steps.
    """
    traces = [Trace(canvas) for canvas in canvases]
    generators = [torch.Generator().manual_seed(seed * 1000 + row) for row in range(len(traces))]
    log_p = forward.refresh(canvases)
    _count(traces, range(len(traces)))
    moved = [0] * len(traces)
    step = 0
    for start, end in blocks:
        places = [(start + offset, end + offset) for offset in moved]
        active = [
            row for row, trace in enumerate(traces) if _has_work(trace, log_p[row], places[row], sampling.thresholds)
        ]
        was_active = bool(active)
        quiet = [0] * len(traces)
        for block_step in range(sampling.steps_per_block):
            if not active:
                break
            if is_cancelled():
                raise Cancelled
            step += 1
            if sampling.refresh_every and block_step and block_step % sampling.refresh_every == 0:
                forward.refresh([trace.canvas for trace in traces])
            rows_log_p = forward.block(active, [traces[row].canvas for row in active], [places[row] for row in active])
            _count(traces, active)
            still_active = []
            for row, row_log_p in zip(active, rows_log_p, strict=True):
                trace, (block_start, block_end) = traces[row], places[row]
                temperature = sampling.temperature if row else 0.0
                size = _step(trace, row_log_p, block_start, block_end, sampling, temperature, generators[row])
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


def _step(
    trace: Trace,
    log_p_TV: torch.Tensor,
    start: int,
    end: int,
    sampling: Sampling,
    temperature: float,
    generator: torch.Generator,
) -> int | None:
    """Commit one step of one draft on region[start:end]; the block's new size, None when it is settled."""
    region = trace.canvas.region
    tokens = trace.canvas.tokens
    first = trace.canvas.region_start
    shown = tokens[first + start : first + end + 1]
    proposals = propose(log_p_TV, shown, temperature, generator)
    labels = commit(shown, proposals, sampling.thresholds)
    if not sampling.may_empty and _would_empty(region, start, end, labels):
        labels = _keep_best_mask(shown, log_p_TV, labels)
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


def _keep_best_mask(shown: Ids, log_p_TV: torch.Tensor, labels: Ids) -> Ids:
    """Instead of deleting everything, fill the first position with its most likely token."""
    labels = labels.copy()
    log_p_V = log_p_TV[0].clone()
    log_p_V[: len(SPECIALS)] = -torch.inf
    labels[0] = int(log_p_V.argmax())
    del shown
    return labels


def _count(traces: Sequence[Trace], rows: Sequence[int]) -> None:
    for row in rows:
        traces[row].n_forward += 1
