"""The best token of every position, how sure it is, and how spread the alternatives are. Inference only."""

# N positions, V vocabulary
from typing import no_type_check

import torch
from torch import Tensor

from redraft_kernels.dispatch import TRITON_CAN_RUN, on_device_of, use_triton


def token_confidence_reference(
    logits: Tensor, *, forbidden: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """What `token_confidence` computes, in float32.

    With m the largest logit, e_i = logit_i - m and Z = sum exp(e_i): the proposal's probability is 1 / Z, the
    entropy log Z - sum exp(e_i) e_i / Z.
    """
    logits = logits.float()
    if forbidden is not None:
        logits = logits.index_fill(-1, forbidden, -torch.inf)
    best, proposals = logits.max(-1)
    # Held above -inf, because exp(-inf) * -inf would not be the 0 that a token of no probability adds.
    shifted = (logits - best[..., None]).clamp_(min=-1e4)
    weights = shifted.exp()
    total = weights.sum(-1)
    entropy = total.log() - torch.linalg.vecdot(weights, shifted) / total
    return proposals, total.reciprocal(), entropy


if TRITON_CAN_RUN:
    import triton
    import triton.language as tl

    @triton.jit
    @no_type_check
    def _token_confidence_kernel(
        logits_ptr,
        is_forbidden_ptr,
        proposals_ptr,
        confidences_ptr,
        entropies_ptr,
        n_vocabulary,
        row_stride,
        HAS_FORBIDDEN: tl.constexpr,
        BLOCK_V: tl.constexpr,
    ):
        row = tl.program_id(0).to(tl.int64)
        # Finite, so that the difference to the first maximum is never -inf - -inf.
        best = -1e30
        proposal = 0
        total = 0.0
        weighted = 0.0
        for start in range(0, n_vocabulary, BLOCK_V):
            tokens = start + tl.arange(0, BLOCK_V)
            inside = tokens < n_vocabulary
            if HAS_FORBIDDEN:
                inside = inside & (tl.load(is_forbidden_ptr + tokens, mask=inside, other=1) == 0)
            logits = tl.load(logits_ptr + row * row_stride + tokens, mask=inside, other=float("-inf"))
            logits = logits.to(tl.float32)
            chunk_best, chunk_proposal = tl.max(
                logits, axis=0, return_indices=True, return_indices_tie_break_left=True
            )
            proposal = tl.where(chunk_best > best, start + chunk_proposal, proposal)
            new_best = tl.maximum(best, chunk_best)

            # The sums so far were taken relative to the old maximum; move them to the new one.
            moved = best - new_best
            shrink = tl.exp(moved)
            weighted = shrink * (weighted + total * moved)
            total = shrink * total

            # Held above -inf for the same reason as in the reference.
            shifted = tl.maximum(logits - new_best, -1e4)
            weights = tl.exp(shifted)
            total += tl.sum(weights, axis=0)
            weighted += tl.sum(weights * shifted, axis=0)
            best = new_best
        tl.store(proposals_ptr + row, proposal.to(tl.int64))
        tl.store(confidences_ptr + row, 1.0 / total)
        tl.store(entropies_ptr + row, tl.log(total) - weighted / total)


# Large enough to keep the memory busy, small enough for one program's registers.
_BLOCK_V = 4096


def token_confidence_triton(
    logits: Tensor, *, forbidden: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """`token_confidence` by a Triton kernel that reads the logits once."""
    V = logits.shape[-1]
    logits_NV = logits.reshape(-1, V)
    if logits_NV.stride(1) != 1:
        logits_NV = logits_NV.contiguous()
    N, device = logits_NV.shape[0], logits.device
    is_forbidden_V = None
    if forbidden is not None:
        is_forbidden_V = torch.zeros(V, dtype=torch.int8, device=device).index_fill_(0, forbidden, 1)
    proposals_N = torch.empty(N, dtype=torch.int64, device=device)
    confidences_N = torch.empty(N, dtype=torch.float32, device=device)
    entropies_N = torch.empty(N, dtype=torch.float32, device=device)
    if N:
        with on_device_of(logits_NV):
            _token_confidence_kernel[(N,)](
                logits_NV,
                is_forbidden_V,
                proposals_N,
                confidences_N,
                entropies_N,
                V,
                logits_NV.stride(0),
                HAS_FORBIDDEN=is_forbidden_V is not None,
                BLOCK_V=min(_BLOCK_V, triton.next_power_of_2(V)),
            )
    shape = logits.shape[:-1]
    return proposals_N.view(shape), confidences_N.view(shape), entropies_N.view(shape)


@torch.no_grad()
def token_confidence(logits: Tensor, *, forbidden: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """The proposal at every position, its confidence, and the entropy of the distribution it came from.

    Args:
        logits: (..., V), any float type.
        forbidden: int64 ids (F,) that are never proposed (the mask token, say), fewer than V. Their
            probability is removed before normalising, so the rest sums to 1.

    Returns:
        Proposals (...) int64, the lowest id where several are best; confidences (...) float32, the proposals'
        probabilities; entropies (...) float32, in nats.
    """
    if use_triton(logits):
        return token_confidence_triton(logits, forbidden=forbidden)
    return token_confidence_reference(logits, forbidden=forbidden)
