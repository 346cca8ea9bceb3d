"""Attention of a region's tokens over themselves and over cached contexts, which several copies of the region may share.

A cached context stays where it is: nothing is joined, moved or repeated. Scores of rotary positions depend on distances only. So a
context that was read at other positions than those it has now is met by queries that are turned for it. The Triton twin takes one
key segment after the other into the online softmax of FlashAttention-2 (Dao 2023, https://arxiv.org/abs/2307.08691).
"""

# B contexts, C copies of a region over each, N = B * C regions, Q tokens of a region, S cached tokens
# H query heads, G key heads, M = H / G heads that share a key head, D head width
from collections.abc import Sequence
from dataclasses import dataclass
from typing import no_type_check

import torch
from torch import Tensor

from redraft_kernels.dispatch import IS_INTERPRETED, TRITON_CAN_RUN, on_device_of, use_triton

MAX_CONTEXTS = 2


@dataclass(frozen=True)
class KeySegment:
    """Cached keys and values, and the region's queries as they are turned for these keys."""

    q: Tensor  # (N, Q, H, D)
    k: Tensor  # (B, S, G, D); quickest where it is a view of (B, G, S, D)
    v: Tensor  # (B, S, G, D)
    lengths: Tensor | None = None  # (B,), keys at and after this count are not seen


def region_attention_reference(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    contexts: Sequence[KeySegment] = (),
    *,
    key_lengths: Tensor | None = None,
    scale: float | None = None,
) -> Tensor:
    """What `region_attention` computes: all scores beside each other, and one softmax over them. Differentiable."""
    N, Q, H, D = q.shape
    G = k.shape[2]
    B = contexts[0].k.shape[0] if contexts else N
    C = N // B
    scale = D**-0.5 if scale is None else scale

    def grouped(q: Tensor) -> Tensor:
        q_BGCQMD = (q * scale).view(B, C, Q, G, H // G, D).permute(0, 3, 1, 2, 4, 5)
        return q_BGCQMD.reshape(B * G, C * Q * (H // G), D)

    def own(x: Tensor) -> Tensor:
        return x.view(B, C, Q, G, D).permute(0, 3, 1, 2, 4).reshape(B * G * C, Q, D)

    def cached(x: Tensor) -> Tensor:
        return x.transpose(1, 2).reshape(B * G, x.shape[1], D)

    rows = B * G, C * Q * (H // G)
    scores = [torch.bmm(grouped(context.q), cached(context.k).mT) for context in contexts]
    scores.append(torch.bmm(grouped(q).view(B * G * C, -1, D), own(k).mT).view(*rows, Q))
    sizes = [part.shape[2] for part in scores]
    joined = torch.cat(scores, 2)
    hidden = _hidden(contexts, sizes, key_lengths, B, C, q.device)
    if hidden is not None:
        joined.view(B, G, C, -1, sum(sizes)).masked_fill_(hidden, -torch.inf)
    *weights, own_weights = torch.split(joined.softmax(-1), sizes, 2)
    y = torch.bmm(own_weights.reshape(B * G * C, -1, Q), own(v)).view(*rows, D)
    for weight, context in zip(weights, contexts, strict=True):
        y = torch.baddbmm(y, weight, cached(context.v))
    return y.view(B, G, C, Q, H // G, D).permute(0, 2, 3, 1, 4, 5).reshape(N, Q, H, D)


def _hidden(
    contexts: Sequence[KeySegment],
    sizes: Sequence[int],
    key_lengths: Tensor | None,
    B: int,
    C: int,
    device: torch.device,
) -> Tensor | None:
    """Which keys are not seen, (B, 1, C, 1, all keys); None where all are."""
    lengths = [*(context.lengths for context in contexts), key_lengths]
    if all(length is None for length in lengths):
        return None
    parts = []
    for size, length in zip(sizes, lengths, strict=True):
        if length is None:
            parts.append(torch.zeros(B, C, size, dtype=torch.bool, device=device))
        else:
            is_late = torch.arange(size, device=device) >= length.view(B, -1, 1)
            parts.append(is_late.expand(B, C, size))
    return torch.cat(parts, 2)[:, None, :, None]


if TRITON_CAN_RUN:
    import triton
    import triton.language as tl

    @triton.jit
    @no_type_check
    def _see(
        q,
        k_ptr,
        v_ptr,
        n_keys,
        k_stride_t,
        v_stride_t,
        columns,
        is_column,
        scale,
        best,
        total,
        y,
        WIDEN: tl.constexpr,
        BLOCK_K: tl.constexpr,
    ):
        """The softmax so far, (best, total, y), with the keys of one more segment."""
        for start in range(0, n_keys, BLOCK_K):
            keys = (start + tl.arange(0, BLOCK_K)).to(tl.int64)
            is_key = keys < n_keys
            inside = is_key[:, None] & is_column[None, :]
            k = tl.load(k_ptr + keys[:, None] * k_stride_t + columns[None, :], mask=inside, other=0.0)
            v = tl.load(v_ptr + keys[:, None] * v_stride_t + columns[None, :], mask=inside, other=0.0)
            if WIDEN:
                k, v = k.to(tl.float32), v.to(tl.float32)
            # "ieee" keeps float32 inputs exact; the default would round them to TF32.
            scores = tl.dot(q, tl.trans(k), input_precision="ieee") * scale
            scores = tl.where(is_key[None, :], scores, float("-inf"))
            # Each tile has a key that is seen, so the maximum is finite.
            new_best = tl.maximum(best, tl.max(scores, axis=1))
            shrink = tl.exp(best - new_best)
            weights = tl.exp(scores - new_best[:, None])
            total = total * shrink + tl.sum(weights, axis=1)
            y = y * shrink[:, None] + tl.dot(weights.to(v.dtype), v, input_precision="ieee")
            best = new_best
        return best, total, y

    @triton.jit
    @no_type_check
    def _region_attention_kernel(
        q_ptr,
        k_ptr,
        v_ptr,
        y_ptr,
        key_lengths_ptr,
        q_1_ptr,
        k_1_ptr,
        v_1_ptr,
        lengths_1_ptr,
        q_2_ptr,
        k_2_ptr,
        v_2_ptr,
        lengths_2_ptr,
        n_queries,
        n_keys_1,
        n_keys_2,
        n_copies,
        n_key_heads,
        heads_per_key_head,
        head_width,
        scale,
        q_stride_b,
        q_stride_t,
        q_stride_h,
        k_stride_b,
        k_stride_t,
        k_stride_h,
        v_stride_b,
        v_stride_t,
        v_stride_h,
        k_1_stride_b,
        k_1_stride_t,
        k_1_stride_h,
        v_1_stride_b,
        v_1_stride_t,
        v_1_stride_h,
        k_2_stride_b,
        k_2_stride_t,
        k_2_stride_h,
        v_2_stride_b,
        v_2_stride_t,
        v_2_stride_h,
        N_CONTEXTS: tl.constexpr,
        HAS_KEY_LENGTHS: tl.constexpr,
        HAS_LENGTHS_1: tl.constexpr,
        HAS_LENGTHS_2: tl.constexpr,
        WIDEN: tl.constexpr,
        BLOCK_R: tl.constexpr,
        BLOCK_K: tl.constexpr,
        BLOCK_D: tl.constexpr,
    ):
        # A row is a query of one of the heads that share a key head.
        rows = (tl.program_id(0) * BLOCK_R + tl.arange(0, BLOCK_R)).to(tl.int64)
        region = tl.program_id(1).to(tl.int64) // n_key_heads
        g = tl.program_id(1).to(tl.int64) % n_key_heads
        context = region // n_copies
        columns = tl.arange(0, BLOCK_D)
        is_column = columns < head_width
        queries = rows // heads_per_key_head
        heads = g * heads_per_key_head + rows % heads_per_key_head
        inside = (queries < n_queries)[:, None] & is_column[None, :]
        q_at = (region * q_stride_b + queries * q_stride_t + heads * q_stride_h)[:, None] + columns[None, :]

        best = tl.full((BLOCK_R,), -1e30, dtype=tl.float32)
        total = tl.zeros((BLOCK_R,), dtype=tl.float32)
        y = tl.zeros((BLOCK_R, BLOCK_D), dtype=tl.float32)

        q = tl.load(q_ptr + q_at, mask=inside, other=0.0)
        if WIDEN:
            q = q.to(tl.float32)
        n_seen = n_queries
        if HAS_KEY_LENGTHS:
            n_seen = tl.minimum(n_seen, tl.load(key_lengths_ptr + region).to(tl.int32))
        k_at = k_ptr + region * k_stride_b + g * k_stride_h
        v_at = v_ptr + region * v_stride_b + g * v_stride_h
        best, total, y = _see(
            q, k_at, v_at, n_seen, k_stride_t, v_stride_t, columns, is_column, scale, best, total, y,
            WIDEN, BLOCK_K,
        )  # fmt: skip
        if N_CONTEXTS >= 1:
            q = tl.load(q_1_ptr + q_at, mask=inside, other=0.0)
            if WIDEN:
                q = q.to(tl.float32)
            n_seen = n_keys_1
            if HAS_LENGTHS_1:
                n_seen = tl.minimum(n_seen, tl.load(lengths_1_ptr + context).to(tl.int32))
            k_at = k_1_ptr + context * k_1_stride_b + g * k_1_stride_h
            v_at = v_1_ptr + context * v_1_stride_b + g * v_1_stride_h
            best, total, y = _see(
                q, k_at, v_at, n_seen, k_1_stride_t, v_1_stride_t, columns, is_column, scale, best, total, y,
                WIDEN, BLOCK_K,
            )  # fmt: skip
        if N_CONTEXTS >= 2:
            q = tl.load(q_2_ptr + q_at, mask=inside, other=0.0)
            if WIDEN:
                q = q.to(tl.float32)
            n_seen = n_keys_2
            if HAS_LENGTHS_2:
                n_seen = tl.minimum(n_seen, tl.load(lengths_2_ptr + context).to(tl.int32))
            k_at = k_2_ptr + context * k_2_stride_b + g * k_2_stride_h
            v_at = v_2_ptr + context * v_2_stride_b + g * v_2_stride_h
            best, total, y = _see(
                q, k_at, v_at, n_seen, k_2_stride_t, v_2_stride_t, columns, is_column, scale, best, total, y,
                WIDEN, BLOCK_K,
            )  # fmt: skip

        y = y / tl.where(total == 0.0, 1.0, total)[:, None]
        n_heads = n_key_heads * heads_per_key_head
        y_at = (((region * n_queries + queries) * n_heads + heads) * head_width)[:, None] + columns[None, :]
        tl.store(y_ptr + y_at, y.to(y_ptr.dtype.element_ty), mask=inside)


def region_attention_triton(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    contexts: Sequence[KeySegment] = (),
    *,
    key_lengths: Tensor | None = None,
    scale: float | None = None,
) -> Tensor:
    """`region_attention` by a Triton kernel; no gradients."""
    k, v = (tensor if tensor.stride(-1) == 1 else tensor.contiguous() for tensor in (k, v))
    # One set of strides serves the queries of all segments.
    q, *others = (tensor.contiguous() for tensor in (q, *(context.q for context in contexts)))
    N, Q, H, D = q.shape
    G = k.shape[2]
    B = contexts[0].k.shape[0] if contexts else N
    y_NQHD = torch.empty((N, Q, H, D), dtype=q.dtype, device=q.device)
    if not y_NQHD.numel():
        return y_NQHD
    segments = [
        (turned, _last_contiguous(context.k), _last_contiguous(context.v), context.lengths)
        for turned, context in zip(others, contexts, strict=True)
    ]
    # What is not there is never looked at.
    padded = [*segments, *([(q, k, v, None)] * (MAX_CONTEXTS - len(segments)))]
    block_r, block_k, block_d = _tile(Q * (H // G), D, q.element_size())
    with on_device_of(q):
        _region_attention_kernel[(triton.cdiv(Q * (H // G), block_r), N * G)](
            q,
            k,
            v,
            y_NQHD,
            _contiguous(key_lengths),
            *padded[0][:3],
            _contiguous(padded[0][3]),
            *padded[1][:3],
            _contiguous(padded[1][3]),
            Q,
            padded[0][1].shape[1],
            padded[1][1].shape[1],
            N // B,
            G,
            H // G,
            D,
            D**-0.5 if scale is None else scale,
            *q.stride()[:3],
            *k.stride()[:3],
            *v.stride()[:3],
            *padded[0][1].stride()[:3],
            *padded[0][2].stride()[:3],
            *padded[1][1].stride()[:3],
            *padded[1][2].stride()[:3],
            N_CONTEXTS=len(segments),
            HAS_KEY_LENGTHS=key_lengths is not None,
            HAS_LENGTHS_1=padded[0][3] is not None,
            HAS_LENGTHS_2=padded[1][3] is not None,
            # Triton's interpreter has no bfloat16 products: tl.dot would multiply the bit patterns.
            WIDEN=IS_INTERPRETED,
            BLOCK_R=block_r,
            BLOCK_K=block_k,
            BLOCK_D=block_d,
        )
    return y_NQHD


def _last_contiguous(tensor: Tensor) -> Tensor:
    return tensor if tensor.stride(-1) == 1 else tensor.contiguous()


def _contiguous(tensor: Tensor | None) -> Tensor | None:
    return None if tensor is None else tensor.contiguous()


def _tile(n_rows: int, head_width: int, element_size: int) -> tuple[int, int, int]:
    """Rows, keys and columns of a tile: powers of two, at least 16, small enough for shared memory."""
    block_d = max(16, triton.next_power_of_2(head_width))
    row_bytes = block_d * element_size
    block_r = max(16, min(64, 32_768 // row_bytes, triton.next_power_of_2(n_rows)))
    block_k = max(16, min(64, 8_192 // row_bytes))
    return block_r, block_k, block_d


def region_attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    contexts: Sequence[KeySegment] = (),
    *,
    key_lengths: Tensor | None = None,
    scale: float | None = None,
) -> Tensor:
    """Softmax attention of regions, each over its own tokens and over the contexts that it shares. Differentiable.

    Args:
        q: (N, Q, H, D).
        k: (N, Q, G, D) with H a multiple of G, keys of the regions' own tokens.
        v: (N, Q, G, D).
        contexts: At most two; each has B rows, and regions i * N / B up to (i + 1) * N / B share row i.
        key_lengths: Integers (N,), at least 1; tokens at and after this count are padding that nothing sees.
        scale: Factor of the scores, 1 / sqrt(D) when not given.

    Returns:
        (N, Q, H, D), of `q`'s type.
    """
    if len(contexts) > MAX_CONTEXTS:
        raise ValueError(f"a region sees {MAX_CONTEXTS} contexts at most, got {len(contexts)}; join some")
    tensors = (q, k, v, *(context.q for context in contexts))
    wants_gradient = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)
    attend = region_attention_reference
    # The kernel has no backward pass.
    if not wants_gradient and use_triton(q, k, v):
        attend = region_attention_triton
    return attend(q, k, v, contexts, key_lengths=key_lengths, scale=scale)
