"""The training loss: cross-entropy of labels, weighted per position.

Both terms of Seed Diffusion's eq. 6 (arXiv 2508.02193) are this one sum; they differ in targets and weights, which the
samples carry:

1. the mask term, -(gamma'_t / gamma_t) sum_i 1[x_t[i] = mask] log p(x_0[i] | x_t): weight ~ 1 / gamma_t on masks
2. the edit term, -log p(x_0 | x_t) on all positions: the targets are the labels of the alignment; positions that are
   KEEP are sub-sampled (they are easy and many), and visible tokens are predicted too: no carry-over
"""

# N asked positions, W width, V vocabulary

from dataclasses import dataclass

import torch
from redraft_kernels import cross_entropy

from redraft_model.network.transformer import Transformer


@dataclass(frozen=True)
class Asked:
    """The positions of a batch that carry loss."""

    index_N: torch.Tensor  # into the flattened hidden states, of a whole batch or of its wanted tokens
    targets_N: torch.Tensor
    weights_N: torch.Tensor


def label_loss(model: Transformer, hidden_BTW: torch.Tensor, asked: Asked) -> torch.Tensor:
    """Weighted mean over the asked positions, a differentiable scalar."""
    hidden_NW = hidden_BTW.flatten(0, 1)[asked.index_N]
    # The mask is never an answer: its logit is minus infinity.
    losses_N = cross_entropy(
        model.logits(hidden_NW), asked.targets_N, weights=asked.weights_N, forbidden=model.forbidden_F
    )
    return losses_N.sum() / asked.weights_N.sum().clamp_min(1e-6)
