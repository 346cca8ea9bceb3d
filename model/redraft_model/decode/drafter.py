"""Drafts for a place of a text, denoised in parallel by a pretrained base under its adapter.

The place becomes a canvas of masks of several lengths, because nobody knows how much is missing: all are one batch, and after the
first step only the lengths go on of which the network is surest (CAL, arXiv 2602.00476). Masks that are too many are deleted
(DreamOn, arXiv 2602.01326). The prefix is cut where any text can be cut (`BaseTokenizer.settled`); the drafts begin there and have
to agree with what was cut. This is the diffusion side of `left_to_right`: the same weights, the same cache, the same judge.
"""

# T positions, V vocabulary with control tokens

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch

from redraft_model.decode.reading import CHARACTERS_A_TOKEN, N_PREFIX, Reader, pieces, window_start
from redraft_model.decode.region_forward import ContextReader, RegionForward
from redraft_model.decode.sampler import NEVER, Draw, Observer, Sampling, Trace, denoise
from redraft_model.decode.selection import Thresholds, forbid_controls_at_masks
from redraft_model.network.base import Base
from redraft_model.network.region import RegionNetwork
from redraft_model.passage import UNWATCHED, DenoiseStep, Watch
from redraft_model.tokens.alignment import MASK_ID
from redraft_model.tokens.canvas import Canvas
from redraft_model.tokens.tokenizer import SPECIALS, Tokenizer

Ids = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]

N_SUFFIX = 64  # tokens behind a place that are looked at


@dataclass(frozen=True)
class Drafting:
    """How a place is filled."""

    lengths: tuple[int, ...] = (4, 8, 16, 32)  # masks of the canvases
    n_lengths: int = 2  # of them, those that go on after the first step
    n_drafts: int = 2  # of each of these: the likeliest, and sampled ones
    sampling: Sampling = Sampling(Thresholds(fill=0.7, edit=NEVER), steps_per_block=16)


@dataclass(frozen=True)
class RegionDraft:
    """A text for a place; `log_p` in nats adds up what was committed, each token when it was."""

    text: str
    log_p: float
    n_tokens: int
    n_forward: int


class Drafter:
    """A base under an adapter that fills places. Not thread-safe: it shares what has been read with whoever shares the reader."""

    def __init__(
        self, base: Base, network: RegionNetwork, reader: Reader, drafting: Drafting = Drafting()
    ) -> None:
        self._base = base
        self._network = network
        self._contexts = ContextReader(network, reader)
        self._drafting = drafting

    def lines(
        self, prefix: str, suffix: str, watch: Watch = UNWATCHED, *, seed: int = 0
    ) -> list[RegionDraft]:
        """Texts for the rest of the line between `prefix` and `suffix`, the surest first. Raises Cancelled."""
        return self._texts(prefix, suffix, watch, seed, is_line=True)

    def texts(
        self, prefix: str, suffix: str, watch: Watch = UNWATCHED, *, seed: int = 0
    ) -> list[RegionDraft]:
        """As `lines`, of any number of lines."""
        return self._texts(prefix, suffix, watch, seed, is_line=False)

    @torch.inference_mode()
    def _texts(
        self, prefix: str, suffix: str, watch: Watch, seed: int, *, is_line: bool
    ) -> list[RegionDraft]:
        head, pending, tail = self._surroundings(prefix, suffix)
        never_written = self._is_empty | self._breaks_line if is_line else self._is_empty
        overlap = _Overlap(self._pieces, never_written, pending, is_line=is_line)
        forward = RegionForward(self._network, self._contexts, overlap.restrict, watch)
        canvases = [Canvas(head, np.full(n, MASK_ID, np.int32), tail) for n in self._drafting.lengths]
        chosen = self._surest(forward, canvases)
        rows = [(canvas, Draw(seed, n)) for canvas in chosen for n in range(self._drafting.n_drafts)]
        traces = denoise(
            forward,
            [canvas for canvas, _ in rows],
            None,
            self._drafting.sampling,
            [draw for _, draw in rows],
            Observer(watch.is_cancelled, on_step=self._telling(watch, prefix, suffix, len(pending))),
        )
        found: dict[str, RegionDraft] = {}
        for trace in traces:
            text = overlap.rest(self._tokenizer.decode_bytes(trace.canvas.region))
            if text is not None and text not in found:
                found[text] = RegionDraft(text, trace.log_p, len(trace.canvas.region), trace.n_forward)
        return sorted(found.values(), key=lambda draft: -draft.log_p / max(1, draft.n_tokens))

    def _surroundings(self, prefix: str, suffix: str) -> tuple[Ids, bytes, Ids]:
        """The tokens before the place, the bytes that were cut off behind them, and the tokens behind the place."""
        tokenizer = self._base.tokenizer
        near = prefix[window_start(tokenizer, prefix, N_PREFIX) :]
        cut = tokenizer.settled(near)
        start = np.array([self._base.start_id], np.int32)
        head = np.concatenate([start, tokenizer.encode(near[:cut])])
        tail = tokenizer.encode(suffix[: CHARACTERS_A_TOKEN * N_SUFFIX])[:N_SUFFIX]
        n = np.int32(len(SPECIALS))
        return head + n, near[cut:].encode(), tail + n

    def _surest(self, forward: RegionForward, canvases: Sequence[Canvas]) -> list[Canvas]:
        """The canvases whose first proposals are likeliest in the mean."""
        sure = []
        for canvas, log_p_TV in zip(canvases, forward.refresh(canvases), strict=True):
            forbid_controls_at_masks(log_p_TV)
            sure.append((float(log_p_TV[:-1].amax(-1).mean()), canvas))
        sure.sort(key=lambda entry: -entry[0])
        return [canvas for _, canvas in sure[: self._drafting.n_lengths]]

    def _telling(
        self, watch: Watch, prefix: str, suffix: str, n_cut: int
    ) -> Callable[[int, Sequence[Trace]], None]:
        before = prefix.encode()[: len(prefix.encode()) - n_cut].decode()
        limit = self._drafting.sampling.steps_per_block

        def tell(step: int, traces: Sequence[Trace]) -> None:
            picture = self._tokenizer.picture(traces[0].canvas.region)
            watch.on_step(DenoiseStep(step, max(limit, step), before + picture + suffix))

        return tell

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        return self._base.tokenizer.with_control_tokens()

    @cached_property
    def _pieces(self) -> list[bytes]:
        """The bytes of every id of a canvas, shape (V,)."""
        return [b""] * len(SPECIALS) + pieces(self._base)

    @cached_property
    def _breaks_line(self) -> Mask:
        """Which ids end a line, shape (V,)."""
        return np.array([b"\n" in piece or b"\r" in piece for piece in self._pieces])

    @cached_property
    def _is_empty(self) -> Mask:
        """Which ids are neither text nor control tokens, shape (V,)."""
        empty = np.array([not piece for piece in self._pieces])
        empty[: len(SPECIALS)] = False
        return empty


class _Overlap:
    """What a draft has to repeat before anything new, the bytes that were cut off the prefix; and what it never writes."""

    def __init__(
        self, pieces: Sequence[bytes], never_written: Mask, pending: bytes, *, is_line: bool
    ) -> None:
        self._pieces = pieces
        self._never_written = never_written
        self._pending = pending
        self._is_line = is_line
        self._known: dict[bytes, Mask] = {}

    def restrict(self, region: Ids, log_p_TV: torch.Tensor) -> None:
        """Forbid what is never written; and at the first mask what does not repeat the cut, if more of it is to be repeated."""
        index, pending = self._first_mask(region)
        at_index = log_p_TV[index].clone() if pending else None
        log_p_TV[:, torch.from_numpy(self._never_written).to(log_p_TV.device)] = -torch.inf
        if at_index is not None:
            differs = torch.from_numpy(~self._agreeing(pending)).to(log_p_TV.device)
            log_p_TV[index] = at_index.masked_fill(differs, -torch.inf)

    def rest(self, written: bytes) -> str | None:
        """What is new in a draft; None if it does not repeat what was cut, or is no text."""
        if not written.startswith(self._pending):
            return None
        try:
            return written[len(self._pending) :].decode()
        except UnicodeDecodeError:
            return None

    def _first_mask(self, region: Ids) -> tuple[int, bytes]:
        """The index of the first mask, and what is still to be repeated there."""
        pending = self._pending
        for index, id_ in enumerate(region.tolist()):
            if id_ == MASK_ID:
                return index, pending
            pending = pending[len(self._pieces[id_]) :]
        return len(region), b""

    def _agreeing(self, pending: bytes) -> Mask:
        if pending not in self._known:
            self._known[pending] = np.array(
                [
                    bool(piece)
                    and (
                        pending.startswith(piece)
                        or (
                            piece.startswith(pending)
                            and not (self._is_line and b"\n" in piece[len(pending) :])
                        )
                    )
                    for piece in self._pieces
                ]
            )
        return self._known[pending]
