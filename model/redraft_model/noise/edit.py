"""Edit noise: tokens deleted, inserted, substituted, repeated, swapped. Lengths change; nothing is masked."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from redraft_model.noise.registry import TOKEN_PROCESSES, TokenIds, register

_LONGEST_RUN = 4


@register(TOKEN_PROCESSES)
@dataclass(frozen=True)
class EditNoise:
    """k_t random operations, one after the other (Seed Diffusion, arXiv 2508.02193, eq. 3-4).

    z_0 = x_0, z_j = o_j(z_{j-1}), x_t = z_k with k_t = floor(|x_0| alpha_t) and alpha_t = `alpha_max` * t.
    New tokens come half from the ordinary ids (`low` <= id < `high`), half from the passage itself, whose
    own tokens are the harder negatives. k_t counts Levenshtein operations: a deleted run of three spends
    three, a swap of neighbours two, so Lev(x_0, x_t) <= k_t, and less when edits cancel.
    """

    name: ClassVar[str] = "edit"
    low: int
    high: int
    alpha_max: float = 0.1
    delete: float = 0.30
    insert: float = 0.20
    substitute: float = 0.32
    repeat: float = 0.08
    swap: float = 0.10
    run_share: float = 0.15

    def __post_init__(self) -> None:
        if not 0 <= self.low < self.high - 1:
            raise ValueError(
                f"edit noise needs at least two ordinary ids, got {self.low} <= id < {self.high}"
            )
        if min(self._weights()) < 0 or sum(self._weights()) <= 0:
            raise ValueError("the weights of the edit operations must not be negative, nor all be zero")

    def n_edits(self, n_tokens: int, t: float) -> int:
        """k_t: Levenshtein operations to spend at `t`; at least one once t > 0 and there is a token."""
        if n_tokens == 0 or t <= 0:
            return 0
        return max(1, int(n_tokens * self.alpha_max * t))

    def corrupt(self, x_0: TokenIds, t: float, rng: np.random.Generator) -> TokenIds:
        """`x_0` after k_t operations, int32; never empty unless `x_0` is."""
        budget = self.n_edits(len(x_0), t)
        if budget == 0:
            return x_0.astype(np.int32, copy=True)
        passage: list[int] = x_0.tolist()
        tokens = list(passage)
        thresholds = np.cumsum(self._weights()) / sum(self._weights())
        # One draw of everything up front: scalar draws would cost more than the edits.
        draws = rng.random((budget, 5))
        operations = np.searchsorted(thresholds, draws[:, 0], side="right").tolist()
        for operation, (_, place, source, choice, extent) in zip(operations, draws.tolist(), strict=True):
            if budget <= 0:
                break
            n_tokens = len(tokens)
            at = int(place * n_tokens)
            if operation == 0 and n_tokens > 1:
                run = 1
                if extent < self.run_share:
                    run = 2 + int(extent / self.run_share * (_LONGEST_RUN - 1))
                run = min(run, budget, n_tokens - 1, n_tokens - at)
                del tokens[at : at + run]
                budget -= run
            elif operation == 1:
                tokens.insert(int(place * (n_tokens + 1)), self._token(passage, source, choice))
                budget -= 1
            elif operation == 3:
                tokens.insert(at, tokens[at])
                budget -= 1
            elif operation == 4 and budget > 1 and at + 1 < n_tokens and tokens[at] != tokens[at + 1]:
                tokens[at], tokens[at + 1] = tokens[at + 1], tokens[at]
                budget -= 2
            else:
                tokens[at] = self._other_token(tokens[at], passage, source, choice)
                budget -= 1
        return np.array(tokens, dtype=np.int32)

    def _weights(self) -> tuple[float, ...]:
        return (self.delete, self.insert, self.substitute, self.repeat, self.swap)

    def _token(self, passage: list[int], source: float, choice: float) -> int:
        if source < 0.5:
            return self.low + int(choice * (self.high - self.low))
        return passage[int(choice * len(passage))]

    def _other_token(self, token: int, passage: list[int], source: float, choice: float) -> int:
        """A token that is not `token`, so that a substitution always shows."""
        other = self._token(passage, source, choice)
        if other != token:
            return other
        other = self.low + int(choice * (self.high - self.low))
        if other != token:
            return other
        return other + 1 if other + 1 < self.high else other - 1
