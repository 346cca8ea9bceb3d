"""Keys and values of tokens that are not being denoised, with their rotary positions baked in."""

# B batch, S cached tokens, H key/value heads, D head width

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from redraft_kernels import rotary, rotary_angles

from redraft_model.network.config import ModelConfig


@dataclass(frozen=True)
class Cache:
    """K/V of every layer. Full attention does not care in which order cached tokens lie: a position is part of the key."""

    keys: tuple[torch.Tensor, ...]  # each (B, S, H, D), rotated
    values: tuple[torch.Tensor, ...]  # each (B, S, H, D)
    positions: torch.Tensor  # (B, S) int64

    def __len__(self) -> int:
        return self.positions.shape[1]

    def cropped(self, n_tokens: int) -> "Cache":
        """The first tokens of every row; a view."""
        return Cache(
            tuple(k[:, :n_tokens] for k in self.keys),
            tuple(v[:, :n_tokens] for v in self.values),
            self.positions[:, :n_tokens],
        )

    def expanded(self, n_rows: int) -> "Cache":
        """A single row for `n_rows` rows that have the same positions; nothing is copied."""
        return Cache(
            tuple(k.expand(n_rows, -1, -1, -1) for k in self.keys),
            tuple(v.expand(n_rows, -1, -1, -1) for v in self.values),
            self.positions,
        )

    def selected(self, rows: Sequence[int]) -> "Cache":
        """Some of the rows, which may repeat and have the same positions."""
        index = torch.tensor(list(rows), device=self.positions.device)
        return Cache(tuple(k[index] for k in self.keys), tuple(v[index] for v in self.values), self.positions)

    def followed_by(self, further: "Cache") -> "Cache":
        """The tokens of both."""
        return Cache(
            tuple(torch.cat(pair, 1) for pair in zip(self.keys, further.keys, strict=True)),
            tuple(torch.cat(pair, 1) for pair in zip(self.values, further.values, strict=True)),
            torch.cat([self.positions, further.positions], 1),
        )

    def moved(self, rows: Sequence[int], moves: Sequence[tuple[int, int]], config: ModelConfig) -> "Cache":
        """For each of `rows`, which may repeat, its tokens with those from the first number of its move on moved by the second.

        Rotations compose, so a moved key is rotated once more; a row that is moved equally far several times is rotated once.
        """
        index = torch.tensor(list(rows), device=self.positions.device)
        positions = self.positions[index]
        keys = [k[index] for k in self.keys]
        turned: dict[tuple[int, int], list[torch.Tensor]] = {}
        for i, (row, (start, by)) in enumerate(zip(rows, moves, strict=True)):
            if not by:
                continue
            if (row, by) not in turned:
                by_1 = torch.full((1,), by, device=self.positions.device)
                angles = rotary_angles(by_1, config.head_width, config.rotary_base)
                turned[row, by] = [rotary(k[row : row + 1], *angles)[0] for k in self.keys]
            for key, further in zip(keys, turned[row, by], strict=True):
                key[i, start:] = further[start:]
            positions[i, start:] += by
        return Cache(tuple(keys), tuple(v[index] for v in self.values), positions)
