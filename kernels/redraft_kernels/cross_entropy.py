"""Cross entropy per position, with ids that cannot be answered and a weight per position."""

# N positions, V vocabulary
from typing import Any, no_type_check

import torch
from torch import Tensor
from torch.nn import functional as F

from redraft_kernels.dispatch import TRITON_CAN_RUN, on_device_of, use_triton


def cross_entropy_reference(
    logits: Tensor, targets: Tensor, *, weights: Tensor | None = None, forbidden: Tensor | None = None
) -> Tensor:
    """What `cross_entropy` computes, in float32."""
    logits = logits.float()
    if forbidden is not None:
        logits = logits.index_fill(-1, forbidden, -torch.inf)
    loss_N = F.cross_entropy(logits, targets, reduction="none")
    if weights is None:
        return loss_N
    # An infinite loss at a position that is left out would make the plain product NaN.
    return loss_N.masked_fill(weights == 0, 0.0) * weights.float()


if TRITON_CAN_RUN:
    import triton
    import triton.language as tl

    @triton.jit
    @no_type_check
    def _cross_entropy_kernel(
        logits_ptr,
        targets_ptr,
        weights_ptr,
        is_forbidden_ptr,
        loss_ptr,
        log_total_ptr,
        n_vocabulary,
        row_stride,
        HAS_WEIGHTS: tl.constexpr,
        HAS_FORBIDDEN: tl.constexpr,
        BLOCK_V: tl.constexpr,
    ):
        row = tl.program_id(0).to(tl.int64)
        # Finite, so that the difference to the first maximum is never -inf - -inf.
        best = -1e30
        total = 0.0
        for start in range(0, n_vocabulary, BLOCK_V):
            tokens = start + tl.arange(0, BLOCK_V)
            inside = tokens < n_vocabulary
            if HAS_FORBIDDEN:
                inside = inside & (tl.load(is_forbidden_ptr + tokens, mask=inside, other=1) == 0)
            logits = tl.load(logits_ptr + row * row_stride + tokens, mask=inside, other=float("-inf"))
            logits = logits.to(tl.float32)
            new_best = tl.maximum(best, tl.max(logits, axis=0))
            total = total * tl.exp(best - new_best) + tl.sum(tl.exp(logits - new_best), axis=0)
            best = new_best
        log_total = best + tl.log(total)

        target = tl.load(targets_ptr + row)
        target_logit = tl.load(logits_ptr + row * row_stride + target).to(tl.float32)
        if HAS_FORBIDDEN:
            target_is_forbidden = tl.load(is_forbidden_ptr + target) != 0
            target_logit = tl.where(target_is_forbidden, float("-inf"), target_logit)
        loss = log_total - target_logit
        if HAS_WEIGHTS:
            weight = tl.load(weights_ptr + row).to(tl.float32)
            loss = tl.where(weight == 0.0, 0.0, loss) * weight
        tl.store(loss_ptr + row, loss)
        tl.store(log_total_ptr + row, log_total)

    @triton.jit
    @no_type_check
    def _cross_entropy_backward_kernel(
        logits_ptr,
        targets_ptr,
        weights_ptr,
        is_forbidden_ptr,
        log_total_ptr,
        grad_loss_ptr,
        grad_logits_ptr,
        n_vocabulary,
        row_stride,
        HAS_WEIGHTS: tl.constexpr,
        HAS_FORBIDDEN: tl.constexpr,
        BLOCK_V: tl.constexpr,
    ):
        row = tl.program_id(0).to(tl.int64)
        tokens = tl.program_id(1) * BLOCK_V + tl.arange(0, BLOCK_V)
        inside = tokens < n_vocabulary
        allowed = inside
        if HAS_FORBIDDEN:
            allowed = inside & (tl.load(is_forbidden_ptr + tokens, mask=inside, other=1) == 0)
        logits = tl.load(logits_ptr + row * row_stride + tokens, mask=allowed, other=float("-inf"))
        probabilities = tl.exp(logits.to(tl.float32) - tl.load(log_total_ptr + row))
        is_target = (tokens == tl.load(targets_ptr + row)) & allowed
        factor = tl.load(grad_loss_ptr + row)
        if HAS_WEIGHTS:
            factor = factor * tl.load(weights_ptr + row).to(tl.float32)
        grad_logits = (probabilities - tl.where(is_target, 1.0, 0.0)) * factor
        # Rows of the gradient are contiguous, those of the logits need not be.
        at = row * n_vocabulary + tokens
        tl.store(grad_logits_ptr + at, grad_logits.to(grad_logits_ptr.dtype.element_ty), mask=inside)


# Large enough to keep the memory busy, small enough for one program's registers.
_BLOCK_V = 4096


class _CrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, logits_NV: Tensor, targets_N: Tensor, weights_N: Tensor | None, forbidden: Tensor | None
    ) -> Tensor:
        if logits_NV.stride(1) != 1:
            logits_NV = logits_NV.contiguous()
        N, V = logits_NV.shape
        targets_N = targets_N.contiguous()
        weights_N = None if weights_N is None else weights_N.contiguous()
        is_forbidden_V = None
        if forbidden is not None:
            is_forbidden_V = torch.zeros(V, dtype=torch.int8, device=logits_NV.device)
            is_forbidden_V.index_fill_(0, forbidden, 1)
        loss_N = torch.empty(N, dtype=torch.float32, device=logits_NV.device)
        log_total_N = torch.empty_like(loss_N)
        if N:
            with on_device_of(logits_NV):
                _cross_entropy_kernel[(N,)](
                    logits_NV,
                    targets_N,
                    weights_N,
                    is_forbidden_V,
                    loss_N,
                    log_total_N,
                    V,
                    logits_NV.stride(0),
                    HAS_WEIGHTS=weights_N is not None,
                    HAS_FORBIDDEN=is_forbidden_V is not None,
                    BLOCK_V=min(_BLOCK_V, triton.next_power_of_2(V)),
                )
        ctx.save_for_backward(logits_NV, targets_N, weights_N, is_forbidden_V, log_total_N)
        return loss_N

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None, None]:
        logits_NV, targets_N, weights_N, is_forbidden_V, log_total_N = ctx.saved_tensors
        N, V = logits_NV.shape
        grad_logits_NV = torch.empty((N, V), dtype=logits_NV.dtype, device=logits_NV.device)
        block_v = min(_BLOCK_V, triton.next_power_of_2(V))
        if N:
            with on_device_of(logits_NV):
                _cross_entropy_backward_kernel[(N, triton.cdiv(V, block_v))](
                    logits_NV,
                    targets_N,
                    weights_N,
                    is_forbidden_V,
                    log_total_N,
                    grads[0].float().contiguous(),
                    grad_logits_NV,
                    V,
                    logits_NV.stride(0),
                    HAS_WEIGHTS=weights_N is not None,
                    HAS_FORBIDDEN=is_forbidden_V is not None,
                    BLOCK_V=block_v,
                )
        return grad_logits_NV, None, None, None


def cross_entropy_triton(
    logits: Tensor, targets: Tensor, *, weights: Tensor | None = None, forbidden: Tensor | None = None
) -> Tensor:
    """`cross_entropy` by Triton kernels: the logits are read once forward and once backward."""
    loss_N: Tensor = _CrossEntropy.apply(logits, targets, weights, forbidden)  # type: ignore[no-untyped-call]
    return loss_N


def cross_entropy(
    logits: Tensor, targets: Tensor, *, weights: Tensor | None = None, forbidden: Tensor | None = None
) -> Tensor:
    """Minus the log-probability of each position's target, times its weight. Differentiable in `logits`.

    Args:
        logits: (N, V), any float type; the arithmetic is float32.
        targets: int64 (N,), each in [0, V) and not forbidden (the loss of a forbidden target is infinite).
        weights: (N,), a constant factor of each position's loss and gradient; 0 leaves a position out.
        forbidden: int64 ids (F,) whose logits count as -inf: they get no probability and no gradient.

    Returns:
        (N,) float32. Reduce it as the caller's normalisation asks.
    """
    if use_triton(logits, targets):
        return cross_entropy_triton(logits, targets, weights=weights, forbidden=forbidden)
    return cross_entropy_reference(logits, targets, weights=weights, forbidden=forbidden)
