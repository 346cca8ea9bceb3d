"""The rest of a line as the pretrained base writes it: from left to right, several texts side by side (a beam).

This is the autoregressive peer of the denoised drafts: the same weights, the same cache, the same judge. What stands before the
hole is read once and kept, so the next keystroke costs the new tokens only. The prefix is cut where any text can be cut
(`BaseTokenizer.settled`): the texts begin there and have to agree with what was cut, because a word or a line break with its
indentation is one token.
"""

# N texts in the making, V vocabulary

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch

from redraft_model.decode.reading import N_PREFIX, Read, Reader, on_device, pieces, positions, window_start
from redraft_model.errors import Cancelled
from redraft_model.network.base import Base
from redraft_model.network.cache import Cache
from redraft_model.passage import UNWATCHED, Watch

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class LeftToRightSettings:
    """How hard to look."""

    beam: int = 6  # texts that are written on
    n_tokens: int = 24  # of a text, at most
    lead: float = 6.0  # nats by which a text that has ended is likelier than one that is given up


@dataclass(frozen=True)
class Continuation:
    """A text up to the end of its line; `log_p` in nats is that of its tokens and of the end."""

    text: str
    log_p: float
    n_tokens: int

    @property
    def score(self) -> float:
        """Mean log-probability of a token and of the end."""
        return self.log_p / (self.n_tokens + 1)


@dataclass(frozen=True, eq=False)
class _Draft:
    """A text in the making: its tokens behind the cut, and the bytes of the cut that they have not yet repeated."""

    tokens: tuple[int, ...]
    log_p: float
    pending: bytes


class LeftToRight:
    """A base that goes on with texts. Not thread-safe: it shares what has been read with whoever shares the reader."""

    def __init__(
        self, base: Base, reader: Reader, settings: LeftToRightSettings = LeftToRightSettings()
    ) -> None:
        self._base = base
        self._reader = reader
        self._settings = settings

    @torch.inference_mode()
    def lines(self, prefix: str, watch: Watch = UNWATCHED) -> list[Continuation]:
        """Texts for the rest of the line that `prefix` ends in, best first. Raises Cancelled."""
        tokenizer = self._base.tokenizer
        near = prefix[window_start(tokenizer, prefix, N_PREFIX) :]
        cut = tokenizer.settled(near)
        start = np.array([self._base.start_id], np.int32)
        read = self._reader.read(np.concatenate([start, tokenizer.encode(near[:cut])]), watch)
        drafts = [_Draft((), 0.0, near[cut:].encode())]
        n_cut = len(drafts[0].pending)
        ended: dict[str, Continuation] = {}
        written: Cache | None = None
        log_p_NV = self._base.model.log_probabilities(read.hidden_1TW[:, -1]).cpu()
        for _ in range(self._settings.n_tokens):
            drafts, rows = self._step(drafts, log_p_NV, n_cut, ended)
            if not drafts:
                break
            if watch.is_cancelled():
                raise Cancelled
            log_p_NV, written = self._read_on(read, written, rows, [draft.tokens[-1] for draft in drafts])
        return sorted(ended.values(), key=lambda text: -text.score)

    def _step(
        self, drafts: Sequence[_Draft], log_p_NV: torch.Tensor, n_cut: int, ended: dict[str, Continuation]
    ) -> tuple[list[_Draft], list[int]]:
        """Every text one token further on, with the row it comes from; those whose line can end here are added to `ended`."""
        tokenizer = self._base.tokenizer
        breaks_line, is_empty = torch.from_numpy(self._breaks_line), torch.from_numpy(self._is_empty)
        further: list[tuple[float, int, _Draft]] = []
        for row, draft in enumerate(drafts):
            log_p_V = log_p_NV[row]
            if draft.pending:
                log_p_V = log_p_V.masked_fill(torch.from_numpy(~self._agreeing(draft.pending)), -torch.inf)
            else:
                end = float(log_p_V[breaks_line].logsumexp(0))
                text = tokenizer.decode_bytes(draft.tokens)[n_cut:].decode("utf-8", "replace").rstrip()
                found = Continuation(text, draft.log_p + end, len(draft.tokens))
                if "\ufffd" not in text and (text not in ended or ended[text].log_p < found.log_p):
                    ended[text] = found
                log_p_V = log_p_V.masked_fill(breaks_line | is_empty, -torch.inf)
            best = log_p_V.topk(self._settings.beam)
            for log_p, token in zip(best.values.tolist(), best.indices.tolist(), strict=True):
                if log_p > -np.inf:
                    pending = draft.pending[len(tokenizer.decode_bytes([token])) :]
                    longer = _Draft((*draft.tokens, token), draft.log_p + log_p, pending)
                    further.append((longer.log_p, row, longer))
        further.sort(key=lambda entry: -entry[0])
        floor = (
            max((text.log_p for text in ended.values() if text.text), default=-np.inf) - self._settings.lead
        )
        kept = [(row, draft) for log_p, row, draft in further[: self._settings.beam] if log_p >= floor]
        return [draft for _, draft in kept], [row for row, _ in kept]

    def _read_on(
        self, read: Read, written: Cache | None, rows: Sequence[int], tokens: Sequence[int]
    ) -> tuple[torch.Tensor, Cache]:
        """Log-probabilities (N, V) behind one more token of each text, and the cache of all that was written."""
        model = self._base.model
        past = read.cache.expanded(len(rows))
        if written is not None:
            written = written.selected(rows)
            past = past.followed_by(written)
        at = positions(len(past), 1, model)
        hidden_N1W, new = model.encode(on_device(np.array(tokens, np.int32)[:, None], model), at, past=past)
        written = new if written is None else written.followed_by(new)
        return model.log_probabilities(hidden_N1W[:, 0]).cpu(), written

    @cached_property
    def _pieces(self) -> list[bytes]:
        return pieces(self._base)

    @cached_property
    def _breaks_line(self) -> Mask:
        """Which ids end a line, shape (V,)."""
        return np.array([b"\n" in piece or b"\r" in piece for piece in self._pieces])

    @cached_property
    def _is_empty(self) -> Mask:
        """Which ids are no text, shape (V,)."""
        return np.array([not piece for piece in self._pieces])

    def _agreeing(self, pending: bytes) -> Mask:
        """Which ids repeat what was cut, or the beginning of it, and may go on behind it on the same line; shape (V,)."""
        return np.array(
            [
                bool(piece)
                and (
                    pending.startswith(piece)
                    or (piece.startswith(pending) and b"\n" not in piece[len(pending) :])
                )
                for piece in self._pieces
            ]
        )
