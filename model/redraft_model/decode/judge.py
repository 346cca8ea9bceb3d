"""Who says how likely texts are. Features ask it in these words, and know nothing of the network behind it."""

from collections.abc import Sequence
from typing import Protocol


class Judge(Protocol):
    """A language model that reads from left to right; `decode.verify.Verifier` is one."""

    def log_likelihood(
        self, prefix: str, drafts: Sequence[str], suffix: str, *, n_suffix: int = ...
    ) -> list[float]:
        """Nats of each draft and the `n_suffix` tokens behind it, given what stands before it. May raise Cancelled."""
        ...
