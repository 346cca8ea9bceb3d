"""Mask noise: the forward process of masked diffusion. Each token independently becomes a mask."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from redraft_model.noise.registry import TOKEN_PROCESSES, TokenIds, register


@register(TOKEN_PROCESSES)
@dataclass(frozen=True)
class MaskNoise:
    """q(x_t[i] = mask) = gamma_t with the linear gamma_t = t (Seed Diffusion, arXiv 2508.02193, eq. 1-2).

    With a `block_size` B the rate is clipped to max(gamma_t, 1/B) and every block holds at least one mask,
    so that no block is a wasted one (Stable-DiffCoder, arXiv 2601.15892). The last block may be shorter than
    B.
    """

    name: ClassVar[str] = "mask"
    mask_id: int
    block_size: int | None = None

    def __post_init__(self) -> None:
        if self.block_size is not None and self.block_size < 1:
            raise ValueError(f"block_size must be at least 1, got {self.block_size}")

    def gamma(self, t: float) -> float:
        """Probability that a token is masked at t, clipping included; the loss weight at t is one over it."""
        return t if self.block_size is None else min(1.0, max(t, 1.0 / self.block_size))

    def corrupt(self, x_0: TokenIds, t: float, rng: np.random.Generator) -> TokenIds:
        """`x_0` with at least one mask (one per block, when there are blocks), unless `x_0` is empty."""
        x_t = x_0.astype(np.int32, copy=True)
        n_tokens = len(x_t)
        if n_tokens == 0:
            return x_t
        draw = rng.random(n_tokens)
        chosen = draw < self.gamma(t)
        block_size = min(self.block_size or n_tokens, n_tokens)
        n_blocks = -(-n_tokens // block_size)
        # The token with the lowest draw is a uniform choice, and the first that a higher rate would mask.
        padded = np.full(n_blocks * block_size, 2.0)
        padded[:n_tokens] = draw
        lowest = padded.reshape(n_blocks, block_size).argmin(axis=1)
        chosen[np.arange(n_blocks) * block_size + lowest] = True
        x_t[chosen] = self.mask_id
        return x_t
