"""The network as searches use it: labels of windows, masks filled, and how surely a text would be kept."""

# T tokens of a region and its end marker, V vocabulary

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from redraft_model.decode.forward import Cached, Full, at_places
from redraft_model.decode.selection import forbid_controls_at_masks
from redraft_model.network.transformer import Transformer
from redraft_model.passage import UNWATCHED, DenoiseStep, Watch
from redraft_model.tokens.alignment import ANCHOR_ID, DELETE_ID, INSERT_IDS, MASK_ID
from redraft_model.tokens.tokenizer import SPECIALS, Tokenizer
from redraft_model.tokens.window import Window

Ids = npt.NDArray[np.int32]

WINDOWS_AT_ONCE = 8
_NOT_LABELS = [i for i in range(len(SPECIALS)) if i not in (DELETE_ID, *INSERT_IDS)]


@dataclass
class Effort:
    """What a search has cost so far."""

    n_forward: int = 0
    n_tokens: int = 0


@dataclass(frozen=True, eq=False)
class Opened:
    """A window with masks, made from window number `row` of the last forward pass."""

    row: int
    window: Window


class Proposer:
    """The network as the search uses it: label log-probabilities of windows, and filled masks."""

    def __init__(self, model: Transformer, tokenizer: Tokenizer, watch: Watch = UNWATCHED) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.effort = Effort()
        self._watch = watch
        self._forward = Cached(model)

    def log_p(self, windows: Sequence[Window]) -> list[torch.Tensor]:
        """Log-probabilities (T, V) of the labels of each window's region and of its end marker; one forward pass.

        The windows stay in the cache, so that `fill` can be asked about them.
        """
        self._count(sum(len(window.canvas.region) for window in windows))
        return self._forward.refresh([window.canvas for window in windows])

    def log_p_uncached(self, windows: Sequence[Window]) -> list[torch.Tensor]:
        """As `log_p`, but the cache stays as it was."""
        self._count(sum(len(window.canvas.region) for window in windows))
        return Full(self.model).refresh([window.canvas for window in windows])

    def log_p_at(
        self, windows: Sequence[Window], places: Sequence[npt.NDArray[np.integer[Any]]]
    ) -> list[torch.Tensor]:
        """As `log_p`, of some tokens of each window's region only, by their index in it: (len(places[i]), V). Fills no cache."""
        self._count(sum(len(window.canvas.region) for window in windows))
        return at_places(self.model, [window.canvas for window in windows], places)

    def check(self) -> None:
        """Raise Cancelled or OutOfTime; to be called by whoever works for long between two forward passes."""
        self._watch.check()

    def tell(self, index: int, limit: int, text: str) -> None:
        """Report a step to whoever watches."""
        self._watch.on_step(DenoiseStep(index, limit, text))

    def fill(self, opened: Sequence[Opened], n_fills: int) -> list[list[tuple[Ids, float]]]:
        """Regions without masks, and the log-probability of what was filled in, for each window with masks.

        A single mask gets its `n_fills` most likely tokens; several masks are filled one after the other, surest first.
        No part of a character is filled in. Only the masks and their neighbours are computed, the rest is as it was in the last
        `log_p`.
        """
        fragments_V = torch.from_numpy(self.tokenizer.fragments)
        answers: list[list[tuple[Ids, float]]] = [[] for _ in opened]
        scores = [0.0] * len(opened)
        current = [entry.window.canvas for entry in opened]
        open_rows = list(range(len(opened)))
        while open_rows:
            places = [_around_masks(current[i].region) for i in open_rows]
            self._count(sum(end - start for start, end in places))
            found = self._forward.at_masks(
                [opened[i].row for i in open_rows], [current[i] for i in open_rows], places
            )
            still_open = []
            for i, at_masks in zip(open_rows, found, strict=True):
                region = current[i].region
                masks = np.flatnonzero(region == MASK_ID)
                forbid_controls_at_masks(at_masks)
                at_masks[:, fragments_V.to(at_masks.device)] = -torch.inf
                if len(masks) == 1:
                    best = at_masks[0].topk(n_fills)
                    for value, token in zip(best.values.tolist(), best.indices.tolist(), strict=True):
                        answers[i].append((_with_fill(region, int(masks[0]), token), scores[i] + value))
                    continue
                confidence, token_M = at_masks.max(-1)
                surest = int(confidence.argmax())
                scores[i] += float(confidence[surest])
                current[i] = current[i].with_region(
                    _with_fill(region, int(masks[surest]), int(token_M[surest]))
                )
                still_open.append(i)
            open_rows = still_open
        return answers

    def _count(self, n_tokens: int) -> None:
        self.check()
        self.effort.n_forward += 1
        self.effort.n_tokens += n_tokens


def pseudo_log_likelihood(proposer: Proposer, windows: Sequence[Window]) -> list[float]:
    """Log-probability that the model would keep every token of each region as it is.

    Works through a few windows at a time, without a cache: a search can have dozens of solutions.
    """
    found = []
    for first in range(0, len(windows), WINDOWS_AT_ONCE):
        some = windows[first : first + WINDOWS_AT_ONCE]
        for window, log_p_TV in zip(some, proposer.log_p_uncached(some), strict=True):
            shown = shown_labels(window)
            found.append(float(log_p_TV[torch.arange(len(shown)), shown].sum()))
    return found


def shown_labels(window: Window) -> Ids:
    """The region's tokens and its end marker: what KEEP means at every position."""
    return np.append(window.canvas.region, np.int32(ANCHOR_ID))


def forbid_controls(scores_TV: torch.Tensor) -> None:
    """Leave only answers that do something, in place: text tokens, deletions and insertions; at the end marker only insertions."""
    scores_TV[:, _NOT_LABELS] = -torch.inf
    insertions = scores_TV[-1, list(INSERT_IDS)].clone()
    scores_TV[-1] = -torch.inf
    scores_TV[-1, list(INSERT_IDS)] = insertions


def _around_masks(region: Ids, margin: int = 4) -> tuple[int, int]:
    """The stretch of a region that holds its masks and their neighbours."""
    masks = np.flatnonzero(region == MASK_ID)
    return max(0, int(masks[0]) - margin), min(len(region), int(masks[-1]) + 1 + margin)


def _with_fill(region: Ids, at: int, token: int) -> Ids:
    if token == DELETE_ID:
        return np.delete(region, at)
    region = region.copy()
    region[at] = token
    return region
