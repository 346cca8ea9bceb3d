"""The loss of asked region tokens, without ever holding the logits of all of them.

The vocabulary is wide and most tokens are not asked. So the hidden states of asked tokens are gathered first, and their logits are
computed a chunk at a time, with the gradient beside the loss: when a chunk is done its logits are gone.
"""

# A asked tokens, N rows, R tokens of a row, W width, V vocabulary, F control tokens
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from redraft_kernels import cross_entropy

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
        rows = rows_FW.to(hidden_AW.dtype)
        n, n_all = len(table_VW), len(table_VW) + len(rows)
        is_cpu = hidden_AW.device.type == "cpu"
        n_chunk = max(16, (LOGITS_ON_CPU if is_cpu else LOGITS_ON_CARD) // n_all)
        n_chunk = max(1, min(n_chunk, len(hidden_AW)))
        buffer = hidden_AW.new_empty((n_chunk, -(-n_all // _GRAIN) * _GRAIN))
        loss = torch.zeros((), device=hidden_AW.device)
        grad_hidden_AW, grad_rows = torch.empty_like(hidden_AW), torch.zeros_like(rows_FW)
        for start in range(0, len(hidden_AW), n_chunk):
            part = slice(start, start + n_chunk)
            hidden, targets, weights = hidden_AW[part], targets_A[part], weights_A[part]
            logits = buffer[: len(hidden), :n_all]
            torch.mm(hidden, table_VW.T, out=logits[:, :n])
            logits[:, n:] = network.control_logits(hidden)
            with torch.enable_grad():
                leaf = logits.detach().requires_grad_(wants_gradient)
                chunk_loss = cross_entropy(leaf, targets, weights=weights).sum()
            loss += chunk_loss.detach()
            if wants_gradient:
                (grad,) = torch.autograd.grad(chunk_loss, leaf)
                torch.mm(grad[:, :n], table_VW, out=grad_hidden_AW[part])
                grad_hidden_AW[part] += grad[:, n:] @ rows
                grad_rows += grad[:, n:].T @ hidden
        ctx.save_for_backward(grad_hidden_AW, grad_rows)
        return loss

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, None, None, None]:
        grad_hidden_AW, grad_rows = ctx.saved_tensors
        return grad_hidden_AW * grads[0].to(grad_hidden_AW.dtype), grad_rows * grads[0], None, None, None
