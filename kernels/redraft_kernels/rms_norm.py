"""Root-mean-square normalisation of the last axis (Zhang & Sennrich 2019, https://arxiv.org/abs/1910.07467)."""

# N rows, D width
from typing import Any, no_type_check

import torch
from torch import Tensor

from redraft_kernels.dispatch import TRITON_CAN_RUN, on_device_of, use_triton


def rms_norm_reference(x: Tensor, weight: Tensor, eps: float = 1e-6) -> Tensor:
    """What `rms_norm` computes, step by step in float32."""
    x_float = x.float()
    inverse_rms = torch.rsqrt(x_float.square().mean(-1, keepdim=True) + eps)
    return (x_float * inverse_rms * weight.float()).to(x.dtype)


if TRITON_CAN_RUN:
    import triton
    import triton.language as tl

    @triton.jit
    @no_type_check
    def _rms_norm_kernel(
        x_ptr,
        weight_ptr,
        y_ptr,
        inverse_rms_ptr,
        n_rows,
        width,
        eps,
        BLOCK_N: tl.constexpr,
        BLOCK_D: tl.constexpr,
    ):
        rows = tl.program_id(0).to(tl.int64) * BLOCK_N + tl.arange(0, BLOCK_N)
        columns = tl.arange(0, BLOCK_D)
        inside = (rows[:, None] < n_rows) & (columns[None, :] < width)
        at = rows[:, None] * width + columns[None, :]
        x = tl.load(x_ptr + at, mask=inside, other=0.0).to(tl.float32)
        weight = tl.load(weight_ptr + columns, mask=columns < width, other=0.0).to(tl.float32)
        inverse_rms = tl.rsqrt(tl.sum(x * x, axis=1) / width + eps)
        y = x * inverse_rms[:, None] * weight[None, :]
        tl.store(y_ptr + at, y.to(y_ptr.dtype.element_ty), mask=inside)
        tl.store(inverse_rms_ptr + rows, inverse_rms, mask=rows < n_rows)

    @triton.jit
    @no_type_check
    def _rms_norm_backward_kernel(
        x_ptr,
        weight_ptr,
        inverse_rms_ptr,
        grad_y_ptr,
        grad_x_ptr,
        grad_weight_ptr,
        n_rows,
        width,
        BLOCK_N: tl.constexpr,
        BLOCK_D: tl.constexpr,
    ):
        # Each program walks over many tiles of rows, so that the sums for the weight stay in registers:
        # one partial sum per program is written, and the caller adds those up.
        program = tl.program_id(0).to(tl.int64)
        columns = tl.arange(0, BLOCK_D)
        is_column = columns < width
        weight = tl.load(weight_ptr + columns, mask=is_column, other=0.0).to(tl.float32)
        grad_weight = tl.zeros((BLOCK_D,), dtype=tl.float32)
        for tile in range(program, tl.cdiv(n_rows, BLOCK_N), tl.num_programs(0)):
            rows = tile * BLOCK_N + tl.arange(0, BLOCK_N)
            inside = (rows[:, None] < n_rows) & is_column[None, :]
            at = rows[:, None] * width + columns[None, :]
            x = tl.load(x_ptr + at, mask=inside, other=0.0).to(tl.float32)
            grad_y = tl.load(grad_y_ptr + at, mask=inside, other=0.0).to(tl.float32)
            inverse_rms = tl.load(inverse_rms_ptr + rows, mask=rows < n_rows, other=0.0)
            x_normed = x * inverse_rms[:, None]
            grad_weight += tl.sum(grad_y * x_normed, axis=0)
            grad_normed = grad_y * weight[None, :]
            along = tl.sum(grad_normed * x_normed, axis=1) / width
            grad_x = (grad_normed - x_normed * along[:, None]) * inverse_rms[:, None]
            tl.store(grad_x_ptr + at, grad_x.to(grad_x_ptr.dtype.element_ty), mask=inside)
        tl.store(grad_weight_ptr + program * width + columns, grad_weight, mask=is_column)


class _RmsNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, eps: float) -> Tensor:
        x_ND = x.reshape(-1, x.shape[-1]).contiguous()
        n_rows, width = x_ND.shape
        weight = weight.contiguous()
        y_ND = torch.empty_like(x_ND)
        inverse_rms_N = torch.empty(n_rows, dtype=torch.float32, device=x.device)
        block_n, block_d = _tile(width)
        if n_rows:
            with on_device_of(x_ND):
                _rms_norm_kernel[(triton.cdiv(n_rows, block_n),)](
                    x_ND, weight, y_ND, inverse_rms_N, n_rows, width, eps, BLOCK_N=block_n, BLOCK_D=block_d
                )
        ctx.save_for_backward(x_ND, weight, inverse_rms_N)
        return y_ND.view(x.shape)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None]:
        (grad_y,) = grads
        x_ND, weight, inverse_rms_N = ctx.saved_tensors
        n_rows, width = x_ND.shape
        grad_y_ND = grad_y.reshape(n_rows, width).contiguous()
        grad_x_ND = torch.empty_like(x_ND)
        block_n, block_d = _tile(width)
        n_programs = min(triton.cdiv(n_rows, block_n), _MOST_PARTIAL_SUMS)
        partial_PD = torch.empty(n_programs, width, dtype=torch.float32, device=x_ND.device)
        if n_rows:
            with on_device_of(x_ND):
                _rms_norm_backward_kernel[(n_programs,)](
                    x_ND,
                    weight,
                    inverse_rms_N,
                    grad_y_ND,
                    grad_x_ND,
                    partial_PD,
                    n_rows,
                    width,
                    BLOCK_N=block_n,
                    BLOCK_D=block_d,
                )
        return grad_x_ND.view(grad_y.shape), partial_PD.sum(0).to(weight.dtype), None


# Enough programs to fill a large GPU, few enough that adding up their partial sums costs nothing.
_MOST_PARTIAL_SUMS = 512
# Elements of one tile: short rows (a head of 64) share a program, or each would be mostly launch cost.
_TILE_ELEMENTS = 2048


def _tile(width: int) -> tuple[int, int]:
    block_d = triton.next_power_of_2(width)
    return max(1, _TILE_ELEMENTS // block_d), block_d


def rms_norm_triton(x: Tensor, weight: Tensor, eps: float = 1e-6) -> Tensor:
    """`rms_norm` by Triton kernels, forward and backward."""
    y: Tensor = _RmsNorm.apply(x, weight, eps)  # type: ignore[no-untyped-call]
    return y


def rms_norm(x: Tensor, weight: Tensor, eps: float = 1e-6) -> Tensor:
    """`x` divided by the root of its mean square along the last axis, times `weight`. Differentiable.

    Args:
        x: (..., D), any float type; the arithmetic is float32.
        weight: (D,).
        eps: Added to the mean square, so that a row of zeros stays a row of zeros.

    Returns:
        (..., D), of `x`'s type.
    """
    if use_triton(x, weight):
        return rms_norm_triton(x, weight, eps)
    return rms_norm_reference(x, weight, eps)
