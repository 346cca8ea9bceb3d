"""Attention over blocks of tokens: full within a block and to earlier blocks, or whatever a mask allows.

The Triton twin is the online-softmax forward pass of FlashAttention-2 (Dao 2023, https://arxiv.org/abs/2307.08691);
block-causal visibility is that of block diffusion (Arriola et al. 2025, https://arxiv.org/abs/2503.09573).
"""

# B batch, Q query tokens, K key tokens, H query heads, G key heads (H is a multiple of G), D head width
from collections.abc import Callable
from typing import no_type_check

import torch
from torch import Tensor
from torch.nn import functional as F

from redraft_kernels.dispatch import IS_INTERPRETED, TRITON_CAN_RUN, on_device_of, use_triton


def block_attention_reference(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    *,
    visible: Tensor | None = None,
    scale: float | None = None,
    key_lengths: Tensor | None = None,
    block_size: int | None = None,
    query_start: int = 0,
) -> Tensor:
    """What `block_attention` computes, as PyTorch's own attention over a mask. Differentiable."""
    is_causal = block_size == 1 and query_start == 0 and q.shape[1] == k.shape[1]
    is_causal = is_causal and visible is None and key_lengths is None
    if not is_causal:
        visible = _visible(q, k, visible, key_lengths, block_size, query_start)
    y_BHQD = F.scaled_dot_product_attention(
        q.transpose(1, 2),
        k.transpose(1, 2),
        v.transpose(1, 2),
        attn_mask=visible,
        is_causal=is_causal,
        scale=scale,
        enable_gqa=q.shape[2] != k.shape[2],
    )
    return y_BHQD.transpose(1, 2)


def block_attention_products(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    *,
    visible: Tensor | None = None,
    scale: float | None = None,
    key_lengths: Tensor | None = None,
    block_size: int | None = None,
    query_start: int = 0,
) -> Tensor:
    """What `block_attention` computes, as two matrix products with all weights between them in memory. Differentiable.

    For processors that multiply bfloat16: forward and backward take half of the time that PyTorch's own attention needs, which
    multiplies small tiles in float32 there.
    """
    visible = _visible(q, k, visible, key_lengths, block_size, query_start)
    scale = q.shape[-1] ** -0.5 if scale is None else scale
    n_shared = q.shape[2] // k.shape[2]
    k_BHKD, v_BHKD = (x.repeat_interleave(n_shared, 2).transpose(1, 2) for x in (k, v))
    scores_BHQK = (q.transpose(1, 2) * scale) @ k_BHKD.mT
    if visible is not None:
        scores_BHQK = scores_BHQK.masked_fill(~visible, torch.finfo(q.dtype).min)
    y_BHQD = scores_BHQK.softmax(-1) @ v_BHKD
    if visible is not None:
        y_BHQD = y_BHQD * visible.any(-1, keepdim=True)
    return y_BHQD.transpose(1, 2)


def _visible(
    q: Tensor,
    k: Tensor,
    visible: Tensor | None,
    key_lengths: Tensor | None,
    block_size: int | None,
    query_start: int,
) -> Tensor | None:
    """All restrictions as one mask that broadcasts to (B, 1, Q, K) and has its query axis; None when there are none."""
    n_queries, n_keys = q.shape[1], k.shape[1]
    if key_lengths is not None:
        is_real_BQK = torch.arange(n_keys, device=k.device) < key_lengths[:, None, None]
        visible = _both(visible, is_real_BQK[:, None])
    if block_size is not None:
        query_positions = torch.arange(query_start, query_start + n_queries, device=q.device)
        key_positions = torch.arange(n_keys, device=q.device)
        visible = _both(visible, block_causal_mask(query_positions, key_positions, block_size))
    if visible is not None and visible.ndim == 1:
        visible = visible[None]  # PyTorch wants the query axis spelt out.
    return visible


def _both(visible: Tensor | None, also: Tensor) -> Tensor:
    return also if visible is None else visible & also


def block_causal_mask(query_positions: Tensor, key_positions: Tensor, block_size: int) -> Tensor:
    """Which keys each query sees when blocks see themselves and the blocks before them.

    Args:
        query_positions: Integers (..., Q).
        key_positions: Integers (..., K).
        block_size: Positions per block, at least 1; with 1 this is causal attention.

    Returns:
        Booleans (..., Q, K). For `block_attention` give a batched mask a head axis: `mask[:, None]`.
    """
    query_blocks = query_positions.div(block_size, rounding_mode="floor")
    key_blocks = key_positions.div(block_size, rounding_mode="floor")
    return key_blocks[..., None, :] <= query_blocks[..., :, None]


if TRITON_CAN_RUN:
    import triton
    import triton.language as tl

    @triton.jit
    @no_type_check
    def _block_attention_kernel(
        q_ptr,
        k_ptr,
        v_ptr,
        y_ptr,
        visible_ptr,
        key_lengths_ptr,
        n_queries,
        n_keys,
        n_heads,
        head_width,
        heads_per_key_head,
        scale,
        query_start,
        block_size,
        q_stride_b,
        q_stride_t,
        q_stride_h,
        k_stride_b,
        k_stride_t,
        k_stride_h,
        v_stride_b,
        v_stride_t,
        v_stride_h,
        visible_stride_b,
        visible_stride_q,
        visible_stride_k,
        HAS_VISIBLE: tl.constexpr,
        HAS_KEY_LENGTHS: tl.constexpr,
        IS_BLOCK_CAUSAL: tl.constexpr,
        WIDEN: tl.constexpr,
        BLOCK_Q: tl.constexpr,
        BLOCK_K: tl.constexpr,
        BLOCK_D: tl.constexpr,
    ):
        first_query = tl.program_id(0) * BLOCK_Q
        b = tl.program_id(1).to(tl.int64) // n_heads
        h = tl.program_id(1).to(tl.int64) % n_heads
        queries = (first_query + tl.arange(0, BLOCK_Q)).to(tl.int64)
        columns = tl.arange(0, BLOCK_D)
        is_query = queries < n_queries
        is_column = columns < head_width

        q_at = b * q_stride_b + queries[:, None] * q_stride_t + h * q_stride_h + columns[None, :]
        q = tl.load(q_ptr + q_at, mask=is_query[:, None] & is_column[None, :], other=0.0)
        if WIDEN:
            q = q.to(tl.float32)
        k_head_ptr = k_ptr + b * k_stride_b + h // heads_per_key_head * k_stride_h
        v_head_ptr = v_ptr + b * v_stride_b + h // heads_per_key_head * v_stride_h

        n_seen = n_keys
        if HAS_KEY_LENGTHS:
            n_seen = tl.minimum(n_seen, tl.load(key_lengths_ptr + b).to(tl.int32))
        query_blocks = (query_start + queries) // block_size
        if IS_BLOCK_CAUSAL:
            # No query of this tile sees a key after the block of its last real query.
            last_query = query_start + tl.minimum(first_query + BLOCK_Q, n_queries) - 1
            n_seen = tl.minimum(n_seen, (last_query // block_size + 1) * block_size)

        best = tl.full((BLOCK_Q,), float("-inf"), dtype=tl.float32)
        total = tl.zeros((BLOCK_Q,), dtype=tl.float32)
        y = tl.zeros((BLOCK_Q, BLOCK_D), dtype=tl.float32)
        for start in range(0, n_seen, BLOCK_K):
            keys = (start + tl.arange(0, BLOCK_K)).to(tl.int64)
            is_key = keys < n_seen
            inside = is_key[:, None] & is_column[None, :]
            k = tl.load(k_head_ptr + keys[:, None] * k_stride_t + columns[None, :], mask=inside, other=0.0)
            v = tl.load(v_head_ptr + keys[:, None] * v_stride_t + columns[None, :], mask=inside, other=0.0)
            if WIDEN:
                k, v = k.to(tl.float32), v.to(tl.float32)

            seen = is_query[:, None] & is_key[None, :]
            if IS_BLOCK_CAUSAL:
                seen = seen & ((keys // block_size)[None, :] <= query_blocks[:, None])
            if HAS_VISIBLE:
                visible_at = (
                    b * visible_stride_b
                    + queries[:, None] * visible_stride_q
                    + keys[None, :] * visible_stride_k
                )
                seen = seen & (tl.load(visible_ptr + visible_at, mask=seen, other=0) != 0)

            # "ieee" keeps float32 inputs exact; the default would round them to TF32.
            scores = tl.dot(q, tl.trans(k), input_precision="ieee") * scale
            scores = tl.where(seen, scores, float("-inf"))
            new_best = tl.maximum(best, tl.max(scores, axis=1))
            # A query that has seen nothing yet has best -inf, and -inf - -inf is not a number.
            pivot = tl.where(new_best == float("-inf"), 0.0, new_best)
            shrink = tl.exp(best - pivot)
            weights = tl.exp(scores - pivot[:, None])
            total = total * shrink + tl.sum(weights, axis=1)
            y = y * shrink[:, None] + tl.dot(weights.to(v.dtype), v, input_precision="ieee")
            best = new_best

        y = y / tl.where(total == 0.0, 1.0, total)[:, None]
        y_at = ((b * n_queries + queries[:, None]) * n_heads + h) * head_width + columns[None, :]
        tl.store(y_ptr + y_at, y.to(y_ptr.dtype.element_ty), mask=is_query[:, None] & is_column[None, :])


def block_attention_triton(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    *,
    visible: Tensor | None = None,
    scale: float | None = None,
    key_lengths: Tensor | None = None,
    block_size: int | None = None,
    query_start: int = 0,
) -> Tensor:
    """`block_attention` by a Triton kernel; no gradients."""
    q, k, v = (tensor if tensor.stride(-1) == 1 else tensor.contiguous() for tensor in (q, k, v))
    B, n_queries, n_heads, head_width = q.shape
    n_keys, n_key_heads = k.shape[1], k.shape[2]
    y_BQHD = torch.empty((B, n_queries, n_heads, head_width), dtype=q.dtype, device=q.device)
    visible_strides: tuple[int, ...] = (0, 0, 0)
    if visible is not None:
        visible_BQK = visible.expand(B, 1, n_queries, n_keys)[:, 0]
        visible, visible_strides = visible_BQK.view(torch.int8), visible_BQK.stride()
    if y_BQHD.numel():
        block_q, block_k, block_d = _tile(n_queries, head_width, q.element_size())
        with on_device_of(q):
            _block_attention_kernel[(triton.cdiv(n_queries, block_q), B * n_heads)](
                q,
                k,
                v,
                y_BQHD,
                visible,
                key_lengths if key_lengths is None else key_lengths.contiguous(),
                n_queries,
                n_keys,
                n_heads,
                head_width,
                n_heads // n_key_heads,
                head_width**-0.5 if scale is None else scale,
                query_start,
                1 if block_size is None else block_size,
                *q.stride()[:3],
                *k.stride()[:3],
                *v.stride()[:3],
                *visible_strides,
                HAS_VISIBLE=visible is not None,
                HAS_KEY_LENGTHS=key_lengths is not None,
                IS_BLOCK_CAUSAL=block_size is not None,
                # Triton's interpreter has no bfloat16 products: tl.dot would multiply the bit patterns.
                WIDEN=IS_INTERPRETED,
                BLOCK_Q=block_q,
                BLOCK_K=block_k,
                BLOCK_D=block_d,
            )
    return y_BQHD


def _tile(n_queries: int, head_width: int, element_size: int) -> tuple[int, int, int]:
    # tl.dot needs sides of at least 16. The upper bounds keep the tiles of q, k and v within the 99 KiB of
    # shared memory of the smallest supported cards; a block of a few queries gets a small tile.
    block_d = max(16, triton.next_power_of_2(head_width))
    row_bytes = block_d * element_size
    block_q = max(16, min(64, 32_768 // row_bytes, triton.next_power_of_2(n_queries)))
    block_k = max(16, min(64, 8_192 // row_bytes))
    return block_q, block_k, block_d


def block_attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    *,
    visible: Tensor | None = None,
    scale: float | None = None,
    key_lengths: Tensor | None = None,
    block_size: int | None = None,
    query_start: int = 0,
) -> Tensor:
    """Softmax attention; a query sees the keys that every given restriction allows. Differentiable.

    Args:
        q: (B, Q, H, D).
        k: (B, K, G, D) with H a multiple of G: query heads i * H / G up to (i + 1) * H / G share key head i.
        v: (B, K, G, D).
        visible: Booleans that broadcast to (B, 1, Q, K); None lets every query see every key.
        scale: Factor of the scores, 1 / sqrt(D) when not given.
        key_lengths: Integers (B,); keys at and after this count are padding that nothing sees.
        block_size: Block-causal visibility: key j sits at position j, query i at `query_start` + i, and a
            query sees its own block and those before it. The Triton twin skips the rest and builds no mask.
        query_start: Position of the first query, the number of cached keys before it.

    Returns:
        (B, Q, H, D), of `q`'s type. A query that sees no key gets zeros.
    """
    wants_gradient = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in (q, k, v))
    attend: Callable[..., Tensor] = block_attention_reference
    if wants_gradient:
        # The kernel has no backward pass; PyTorch's own attention is fast at training shapes on a GPU, and in float32.
        if q.device.type == "cpu" and q.dtype == torch.bfloat16:
            attend = block_attention_products
    elif use_triton(q, k, v):
        attend = block_attention_triton
    return attend(
        q,
        k,
        v,
        visible=visible,
        scale=scale,
        key_lengths=key_lengths,
        block_size=block_size,
        query_start=query_start,
    )
