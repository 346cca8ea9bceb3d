"""Keys and values of tokens that are not being denoised, with their rotary positions baked in."""

# B batch, S cached tokens, H key/value heads, D head width

from dataclasses import dataclass

import torch
from redraft_kernels import rotary, rotary_angles

from redraft_model.config import ModelConfig


@dataclass(frozen=True)
class Cache:
    """K/V of every layer. Full attention does not care in which order cached tokens lie: a position is part of the key."""

    keys: tuple[torch.Tensor, ...]  # each (B, S, H, D), rotated
    values: tuple[torch.Tensor, ...]  # each (B, S, H, D)
    positions: torch.Tensor  # (B, S) int64

    def __len__(self) -> int:
        return self.positions.shape[1]

    def rows(self, index: torch.Tensor) -> "Cache":
        """The caches of some rows of the batch, (n,) int64."""
        return Cache(
            tuple(k[index] for k in self.keys), tuple(v[index] for v in self.values), self.positions[index]
        )

    def moved(self, offsets_BS: torch.Tensor, config: ModelConfig) -> "Cache":
        """The same tokens, each moved by its own offset: rotations compose, so the keys are rotated once more."""
        if not offsets_BS.any():
            return self
        cos, sin = rotary_angles(offsets_BS, config.head_width, config.rotary_base)
        return Cache(tuple(rotary(k, cos, sin) for k in self.keys), self.values, self.positions + offsets_BS)
