"""Muon in the dtype that the hardware multiplies, all matrices of one shape at once. It knows nothing of the network.

PyTorch's own works in bfloat16 always, which a processor without bfloat16 products emulates, and takes one matrix after the other.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable

import torch
from torch import Tensor
from torch.optim import Optimizer

# The odd polynomial of one step, https://kellerjordan.github.io/posts/muon/: steepest at zero, so that a few steps are enough.
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
N_STEPS = 5
EPS = 1e-7


class Muon(Optimizer):
    """Steps of momentum made orthogonal, scaled to the typical size of AdamW's (arXiv 2502.16982), with Nesterov's look ahead."""

    def __init__(
        self,
        matrices: Iterable[Tensor],
        lr: float,
        *,
        momentum: float = 0.95,
        weight_decay: float = 0.01,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__(matrices, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})
        self.dtype = dtype

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """One step for every matrix that has a gradient."""
        loss = None if closure is None else closure()
        for group in self.param_groups:
            of_shape: dict[torch.Size, list[Tensor]] = defaultdict(list)
            for matrix in group["params"]:
                if matrix.grad is not None:
                    of_shape[matrix.shape].append(matrix)
            for shape, matrices in of_shape.items():
                ahead = [self._ahead(matrix, group["momentum"]) for matrix in matrices]
                rate = group["lr"] * 0.2 * max(shape) ** 0.5
                torch._foreach_mul_(matrices, 1.0 - group["lr"] * group["weight_decay"])
                directions = orthogonal(torch.stack(ahead).to(self.dtype))
                for matrix, direction in zip(matrices, directions, strict=True):
                    matrix.add_(direction, alpha=-rate)
        return loss

    def _ahead(self, matrix: Tensor, momentum: float) -> Tensor:
        state, gradient = self.state[matrix], matrix.grad
        assert gradient is not None
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(matrix)
        average = state["momentum_buffer"].lerp_(gradient, 1.0 - momentum)
        return gradient.lerp(average, momentum)


def orthogonal(stacked: Tensor) -> Tensor:
    """(N, rows, columns) -> matrices of the same singular vectors, whose singular values are all about 1 (0.7 to 1.2)."""
    a, b, c = COEFFICIENTS
    is_tall = stacked.shape[1] > stacked.shape[2]
    x = stacked.mT.contiguous() if is_tall else stacked
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp_min(EPS)
    for _ in range(N_STEPS):
        gram = x @ x.mT
        polynomial = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
        x = torch.baddbmm(x, polynomial, x, beta=a)
    return x.mT if is_tall else x
