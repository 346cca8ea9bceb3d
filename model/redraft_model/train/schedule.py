"""How things change over time: learning rate over a training run. alpha_t (edit rate) and gamma_t (mask probability)
live with their forward processes in `noise/`; alpha_t is never a keep probability here."""

from dataclasses import dataclass


@dataclass(frozen=True)
class WarmupStableDecay:
    """Learning-rate factor over progress in [0, 1]: linear rise, plateau, linear fall to `floor` (arXiv 2405.18392)."""

    warmup: float = 0.01
    decay: float = 0.25
    floor: float = 0.0

    def factor(self, progress: float) -> float:
        """Multiplier of the peak learning rate; progress beyond 1 counts as 1."""
        progress = min(1.0, max(0.0, progress))
        if progress < self.warmup:
            return progress / self.warmup
        if progress > 1.0 - self.decay:
            return self.floor + (1.0 - self.floor) * (1.0 - progress) / self.decay
        return 1.0
