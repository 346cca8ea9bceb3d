"""Rotary position embedding (Su et al. 2021, https://arxiv.org/abs/2104.09864), the GPT-NeoX way.

Column i of the first half and column i of the second half are one point in the plane, turned by
position * base^(-2i / D). Turns add up, so a cached key that is turned once more has moved to another position.
"""

# B batch, T tokens, H heads, D head width, R = D / 2 rotations
from typing import Any, no_type_check

import torch
from torch import Tensor

from redraft_kernels.dispatch import TRITON_CAN_RUN, on_device_of, use_triton


def rotary_reference(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """What `rotary` computes."""
    first, second = x.chunk(2, -1)
    cos, sin = cos[..., None, :], sin[..., None, :]
    # Products are added as they are made: on a processor this waits for memory.
    turned = torch.addcmul(first * cos, second, sin, value=-1), torch.addcmul(second * cos, first, sin)
    return torch.cat(turned, -1).to(x.dtype)


if TRITON_CAN_RUN:
    import triton
    import triton.language as tl

    @triton.jit
    @no_type_check
    def _rotary_kernel(
        x_ptr,
        cos_ptr,
        sin_ptr,
        y_ptr,
        n_tokens,
        n_heads,
        n_rotations,
        x_stride_b,
        x_stride_t,
        x_stride_h,
        cos_stride_b,
        cos_stride_t,
        direction,
        BLOCK_H: tl.constexpr,
        BLOCK_R: tl.constexpr,
    ):
        token = tl.program_id(0).to(tl.int64)
        b, t = token // n_tokens, token % n_tokens
        heads = tl.arange(0, BLOCK_H)
        rotations = tl.arange(0, BLOCK_R)
        is_rotation = rotations < n_rotations
        inside = (heads[:, None] < n_heads) & is_rotation[None, :]

        angle_at = b * cos_stride_b + t * cos_stride_t + rotations
        cos = tl.load(cos_ptr + angle_at, mask=is_rotation, other=0.0)[None, :]
        sin = tl.load(sin_ptr + angle_at, mask=is_rotation, other=0.0)[None, :] * direction

        x_at = b * x_stride_b + t * x_stride_t + heads[:, None] * x_stride_h + rotations[None, :]
        first = tl.load(x_ptr + x_at, mask=inside, other=0.0).to(tl.float32)
        second = tl.load(x_ptr + x_at + n_rotations, mask=inside, other=0.0).to(tl.float32)

        y_at = (token * n_heads + heads[:, None]) * 2 * n_rotations + rotations[None, :]
        y_type = y_ptr.dtype.element_ty
        tl.store(y_ptr + y_at, (first * cos - second * sin).to(y_type), mask=inside)
        tl.store(y_ptr + y_at + n_rotations, (second * cos + first * sin).to(y_type), mask=inside)


class _Rotary(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        ctx.save_for_backward(cos, sin)
        return _turn(x, cos, sin, 1.0)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        # A rotation's transpose is the rotation back.
        cos, sin = ctx.saved_tensors
        return _turn(grads[0], cos, sin, -1.0), None, None


def _turn(x_BTHD: Tensor, cos: Tensor, sin: Tensor, direction: float) -> Tensor:
    B, T, H, D = x_BTHD.shape
    if x_BTHD.stride(-1) != 1:
        x_BTHD = x_BTHD.contiguous()
    cos_BTR = cos.float().contiguous().expand(B, T, D // 2)
    sin_BTR = sin.float().contiguous().expand(B, T, D // 2)
    y_BTHD = torch.empty((B, T, H, D), dtype=x_BTHD.dtype, device=x_BTHD.device)
    if B * T:
        with on_device_of(x_BTHD):
            _rotary_kernel[(B * T,)](
                x_BTHD,
                cos_BTR,
                sin_BTR,
                y_BTHD,
                T,
                H,
                D // 2,
                *x_BTHD.stride()[:3],
                *cos_BTR.stride()[:2],
                direction,
                BLOCK_H=triton.next_power_of_2(H),
                BLOCK_R=triton.next_power_of_2(D // 2),
            )
    return y_BTHD


def rotary_triton(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """`rotary` by a Triton kernel, forward and backward."""
    y: Tensor = _Rotary.apply(x, cos, sin)  # type: ignore[no-untyped-call]
    return y


def rotary_angles(positions: Tensor, head_width: int, base: float = 10_000.0) -> tuple[Tensor, Tensor]:
    """Cosine and sine of the angle of every position and rotation, for `rotary`.

    Args:
        positions: Integers of any shape; may be negative (an offset backwards).
        head_width: D, even.
        base: The slowest rotation takes about 2 pi * base positions to come round.

    Returns:
        Two float32 tensors of shape positions.shape + (D / 2,).
    """
    exponents = torch.arange(0, head_width, 2, dtype=torch.float32, device=positions.device) / head_width
    angles = positions[..., None].float() * base**-exponents
    return angles.cos(), angles.sin()


def rotary(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """`x` with each head turned by its token's angles. Differentiable in `x`.

    Args:
        x: (B, T, H, D), queries or keys.
        cos: (T, D / 2) or (B, T, D / 2), from `rotary_angles`; treated as a constant.
        sin: Like `cos`.

    Returns:
        (B, T, H, D), of `x`'s type; the arithmetic is float32.
    """
    if use_triton(x, cos, sin):
        return rotary_triton(x, cos, sin)
    return rotary_reference(x, cos, sin)
