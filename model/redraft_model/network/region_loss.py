"""The loss of asked region tokens, without ever holding the logits of all of them.

The vocabulary is wide and most tokens are not asked. So the hidden states of asked tokens are gathered first, and their logits are
computed a chunk at a time, with the gradient beside the loss: when a chunk is done its logits are gone.
"""

# A asked tokens, N rows, R tokens of a row, W width, V vocabulary, F control tokens
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from redraft_kernels import cross_entropy, use_triton

from redraft_model.network.adapter import HEAD_SUBSTITUTE
from redraft_model.network.region import RegionNetwork, head_labels

# Logits held at a time, on a processor and on a card.
LOGITS_ON_CPU, LOGITS_ON_CARD = 1 << 23, 1 << 28
# Rows of logits begin at multiples of this many values, which matrix products like.
_GRAIN = 64


@dataclass(frozen=True)
class AskedTokens:
    """The tokens of rows that carry loss."""

    index_A: torch.Tensor  # into the flattened rows
    targets_A: torch.Tensor  # network ids
    weights_A: torch.Tensor


def region_loss(
    network: RegionNetwork, hidden_NRW: torch.Tensor, tokens_NR: torch.Tensor, asked: AskedTokens
) -> torch.Tensor:
    """Weighted mean over the asked tokens, a differentiable scalar."""
    flat = hidden_NRW.flatten(0, 1)
    total = asked.weights_A.sum().clamp_min(1e-6)
    if network.adapter.config.labels == "vocabulary":
        # The answer for a token is read one token before it.
        return vocabulary_loss(network, flat[asked.index_A - 1], asked.targets_A, asked.weights_A) / total
    labels_A = head_labels(tokens_NR.flatten()[asked.index_A], asked.targets_A, network.config.n_vocabulary)
    label_losses_A = F.cross_entropy(network.head_logits(flat[asked.index_A]), labels_A, reduction="none")
    chosen = (labels_A == HEAD_SUBSTITUTE).nonzero()[:, 0]
    token_loss = vocabulary_loss(
        network, flat[asked.index_A[chosen] - 1], asked.targets_A[chosen], asked.weights_A[chosen]
    )
    return ((label_losses_A * asked.weights_A).sum() + token_loss) / total


def vocabulary_loss(
    network: RegionNetwork, hidden_AW: torch.Tensor, targets_A: torch.Tensor, weights_A: torch.Tensor
) -> torch.Tensor:
    """The weighted sum of minus the log-probabilities of network ids."""
    loss: torch.Tensor = _ChunkedLoss.apply(  # type: ignore[no-untyped-call]
        hidden_AW, network.adapter.control_rows, network, targets_A, weights_A
    )
    return loss


class _ChunkedLoss(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        hidden_AW: torch.Tensor,
        rows_FW: torch.Tensor,
        network: RegionNetwork,
        targets_A: torch.Tensor,
        weights_A: torch.Tensor,
    ) -> torch.Tensor:
        wants_gradient = ctx.needs_input_grad[0]
        table_VW = network.output_table.to(hidden_AW.dtype)
        rows_FW = rows_FW.to(hidden_AW.dtype)
        n, n_all = len(table_VW), len(table_VW) + len(rows_FW)
        is_cpu = hidden_AW.device.type == "cpu"
        n_chunk = max(16, (LOGITS_ON_CPU if is_cpu else LOGITS_ON_CARD) // n_all)
        n_chunk = max(1, min(n_chunk, len(hidden_AW)))
        buffer = hidden_AW.new_empty((n_chunk, -(-n_all // _GRAIN) * _GRAIN))
        buffer[:, n_all:] = -torch.inf
        loss = torch.zeros((), device=hidden_AW.device)
        grad_hidden_AW, grad_rows_FW = (
            torch.empty_like(hidden_AW),
            torch.zeros_like(rows_FW, dtype=torch.float32),
        )
        for start in range(0, len(hidden_AW), n_chunk):
            part = slice(start, start + n_chunk)
            hidden, weights = hidden_AW[part], weights_A[part]
            logits = buffer[: len(hidden)]
            torch.mm(hidden, table_VW.T, out=logits[:, :n])
            logits[:, n:n_all] = network.control_logits(hidden)
            losses, grad = _losses_and_gradients(logits, targets_A[part], wants_gradient=wants_gradient)
            loss += (losses * weights).sum()
            if grad is not None:
                weights = weights[:, None].to(hidden.dtype)
                through = torch.mm(grad[:, :n], table_VW, out=grad_hidden_AW[part])
                through.addmm_(grad[:, n:n_all], rows_FW).mul_(weights)
                grad_rows_FW += (grad[:, n:n_all].T @ (hidden * weights)).float()
        ctx.save_for_backward(grad_hidden_AW, grad_rows_FW)
        return loss

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, None, None, None]:
        grad_hidden_AW, grad_rows_FW = ctx.saved_tensors
        return grad_hidden_AW * grads[0].to(grad_hidden_AW.dtype), grad_rows_FW * grads[0], None, None, None


def _losses_and_gradients(
    logits_AV: torch.Tensor, targets_A: torch.Tensor, *, wants_gradient: bool
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Minus the log-probabilities of the targets, and the gradient of each by its logits, in the logits' dtype."""
    if use_triton(logits_AV, targets_A):
        with torch.enable_grad():
            leaf = logits_AV.detach().requires_grad_(wants_gradient)
            losses_A = cross_entropy(leaf, targets_A)
            grad = torch.autograd.grad(losses_A.sum(), leaf)[0] if wants_gradient else None
        return losses_A.detach(), grad
    # The same without a kernel: one table is log-probabilities first and the gradient then.
    log_p_AV = torch.log_softmax(logits_AV, -1, dtype=torch.float32)
    losses_A = -log_p_AV.gather(1, targets_A[:, None])[:, 0]
    if not wants_gradient:
        return losses_A, None
    grad_AV = log_p_AV.exp_()
    grad_AV[torch.arange(len(targets_A), device=targets_A.device), targets_A] -= 1.0
    return losses_A, grad_AV.to(logits_AV.dtype)
