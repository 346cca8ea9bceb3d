"""The base's own text from left to right, in fewer forward passes: the adapter drafts a block, the base verifies it.

A block of masks is filled in one step through base and adapter, given what stands before and behind. The base then reads the draft
in one causal pass, and as much of it is kept as the base would have written itself, with one token of its own behind that. So the
text is the base's greedy one, whatever the drafts are worth; the better they are, the more tokens a pass. This is speculative
decoding (Leviathan et al., arXiv 2211.17192) in which the drafts come from the same weights under an adapter.
"""

# T tokens, V vocabulary

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from redraft_model.decode.reading import Reader
from redraft_model.decode.region_forward import ContextReader, RegionForward
from redraft_model.network.base import Base
from redraft_model.network.region import RegionNetwork
from redraft_model.passage import UNWATCHED, Watch
from redraft_model.tokens.alignment import MASK_ID
from redraft_model.tokens.canvas import Canvas
from redraft_model.tokens.tokenizer import SPECIALS

Ids = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class LosslessText:
    """What was written, ids of the base, and the passes it took."""

    tokens: Ids
    n_verified: int  # passes of the base, the first one over the prefix not counted
    n_drafted: int  # passes through base and adapter
    accepted: tuple[int, ...]  # drafted tokens that were kept, of each block

    @property
    def tokens_per_pass(self) -> float:
        """Tokens a pass of either kind; one for a text that is written from left to right."""
        return len(self.tokens) / max(1, self.n_verified + self.n_drafted)


class Lossless:
    """A base and an adapter that write together. Not thread-safe: it shares what has been read with whoever shares the reader."""

    def __init__(self, base: Base, network: RegionNetwork, reader: Reader, n_masks: int = 8) -> None:
        self._base = base
        self._network = network
        self._reader = reader
        self._contexts = ContextReader(network, reader)
        self._n_masks = n_masks

    @torch.inference_mode()
    def text(
        self,
        prefix: Ids,
        suffix: Ids,
        n_tokens: int,
        ends: frozenset[int] = frozenset(),
        watch: Watch = UNWATCHED,
    ) -> LosslessText:
        """At most `n_tokens` tokens behind `prefix`, ids of the base, up to one of `ends`. Raises Cancelled.

        With no masks in a block the base alone writes, a token a pass.
        """
        written: list[int] = []
        accepted: list[int] = []
        n_drafted = n_verified = 0
        following = int(self._greedy(prefix, 1, watch)[0])
        while len(written) < n_tokens:
            written.append(following)
            n_left = n_tokens - len(written)
            if following in ends or not n_left:
                break
            so_far = np.concatenate([prefix, np.array(written, np.int32)])
            draft = self._drafted(so_far, suffix, min(self._n_masks, n_left), watch)
            n_drafted += len(draft) > 0
            answers = self._greedy(np.concatenate([so_far, draft]), len(draft) + 1, watch)
            n_verified += 1
            n_agreed = int(np.cumprod(draft == answers[:-1]).sum())
            kept = _up_to_end(draft[:n_agreed].tolist(), ends)
            written += kept
            accepted.append(len(kept))
            if kept and kept[-1] in ends:
                break
            following = int(answers[n_agreed])
        return LosslessText(np.array(written, np.int32), n_verified, n_drafted, tuple(accepted))

    def _greedy(self, tokens: Ids, n: int, watch: Watch) -> Ids:
        """What the base would write behind each of the last `n` tokens: (n,)."""
        read = self._reader.read(tokens, watch)
        # A network may have rows that no token has.
        logits_TV = self._base.model.logits(read.hidden_1TW[0, -n:])[:, : self._base.tokenizer.n_vocabulary]
        return logits_TV.argmax(-1).cpu().numpy().astype(np.int32)

    def _drafted(self, so_far: Ids, suffix: Ids, n: int, watch: Watch) -> Ids:
        """The likeliest token at each of `n` masks, up to the first that is to be deleted."""
        if not n:
            return np.zeros(0, np.int32)
        shift = np.int32(len(SPECIALS))
        canvas = Canvas(so_far + shift, np.full(n, MASK_ID, np.int32), suffix + shift)
        forward = RegionForward(self._network, self._contexts, watch=watch)
        (log_p_TV,) = forward.refresh([canvas])
        answers = log_p_TV[:-1].argmax(-1).cpu().numpy().astype(np.int32) - shift
        is_control = answers < 0
        return answers[: int(is_control.argmax())] if is_control.any() else answers


def _up_to_end(tokens: list[int], ends: frozenset[int]) -> list[int]:
    """`tokens` up to the first of `ends`, which is kept."""
    at = next((i for i, token in enumerate(tokens) if token in ends), len(tokens))
    return tokens[: at + 1]
