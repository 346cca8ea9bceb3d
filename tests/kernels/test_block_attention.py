from typing import Any

import pytest
import torch
from redraft_kernels.block_attention import (
    block_attention,
    block_attention_products,
    block_attention_reference,
    block_attention_triton,
    block_causal_mask,
)
from torch import Tensor

TOLERANCES: dict[torch.dtype, Any] = {
    torch.float32: {"rtol": 1e-5, "atol": 1e-5},
    torch.bfloat16: {"rtol": 8e-3, "atol": 2e-2},
}
# B, Q, K, H, G, D
SHAPES = [
    (1, 1, 1, 1, 1, 8),
    (2, 63, 63, 2, 2, 16),
    (1, 63, 111, 4, 2, 24),
    (1, 111, 63, 3, 1, 63),
    (2, 7, 1000, 2, 1, 64),
]


def attend_slowly(
    q: Tensor, k: Tensor, v: Tensor, visible: Tensor | None = None, scale: float | None = None
) -> Tensor:
    """Attention written out, in float64, for the reference itself to be compared with."""
    q, k, v = q.double(), k.double(), v.double()
    k, v = (x.repeat_interleave(q.shape[2] // x.shape[2], dim=2) for x in (k, v))
    scores = torch.einsum("bqhd,bkhd->bhqk", q, k) * (q.shape[-1] ** -0.5 if scale is None else scale)
    if visible is not None:
        scores = scores.masked_fill(~visible, -torch.inf)
    return torch.einsum("bhqk,bkhd->bqhd", scores.softmax(-1).nan_to_num(0.0), v)


def check(q: Tensor, k: Tensor, v: Tensor, **options: Any) -> None:
    found = block_attention_triton(q, k, v, **options)
    expected = block_attention_reference(q.float(), k.float(), v.float(), **options)
    assert found.dtype == q.dtype
    torch.testing.assert_close(found.float(), expected, **TOLERANCES[q.dtype])


def inputs(
    shape: tuple[int, int, int, int, int, int], device: torch.device, dtype: torch.dtype = torch.float32
) -> tuple[Tensor, Tensor, Tensor]:
    B, Q, K, H, G, D = shape
    q = torch.randn(B, Q, H, D, device=device).to(dtype)
    k = torch.randn(B, K, G, D, device=device).to(dtype)
    return q, k, torch.randn(B, K, G, D, device=device).to(dtype)


CPU = torch.device("cpu")
SMALL = (2, 63, 111, 4, 2, 24)


@pytest.mark.parametrize("dtype", TOLERANCES, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: "B{}-Q{}-K{}-H{}-G{}-D{}".format(*shape))
def test_triton_agrees_with_the_reference(
    device: torch.device, shape: tuple[int, int, int, int, int, int], dtype: torch.dtype
) -> None:
    check(*inputs(shape, device, dtype))


@pytest.mark.parametrize("dtype", TOLERANCES, ids=str)
@pytest.mark.parametrize(
    ("block_size", "query_start"), [(1, 48), (8, 48), (8, 45), (16, 0), (1000, 0), (5, 200)]
)
def test_triton_block_causal_agrees_with_the_reference(
    device: torch.device, block_size: int, query_start: int, dtype: torch.dtype
) -> None:
    check(*inputs(SMALL, device, dtype), block_size=block_size, query_start=query_start)


@pytest.mark.parametrize(
    "shape", [(63, 111), (1, 111), (111,), (2, 1, 63, 111), (2, 1, 1, 111), (1, 1, 63, 1)]
)
def test_triton_broadcasts_masks_as_the_reference_does(device: torch.device, shape: tuple[int, ...]) -> None:
    check(*inputs(SMALL, device), visible=torch.rand(shape, device=device) < 0.4)


@pytest.mark.parametrize("lengths", [[111, 111], [1, 70], [64, 0], [500, 110]])
def test_triton_does_not_see_padding(device: torch.device, lengths: list[int]) -> None:
    q, k, v = inputs(SMALL, device)
    for row, length in enumerate(lengths):
        v[row, length:] = 1e4
    check(q, k, v, key_lengths=torch.tensor(lengths, device=device))


def test_triton_obeys_every_restriction_at_once(device: torch.device) -> None:
    check(
        *inputs(SMALL, device),
        visible=torch.rand(2, 1, 63, 111, device=device) < 0.5,
        key_lengths=torch.tensor([90, 40], device=device),
        block_size=16,
        query_start=20,
        scale=0.7,
    )


def test_triton_reads_slices_and_transposes_in_place(device: torch.device) -> None:
    qkv = torch.randn(2, 63, 8, 16, device=device)
    check(qkv[:, :, :4], qkv[:, :, 4:6], qkv[:, :, 6:])
    q, k, v = (torch.randn(2, 16, 3, 63, device=device).transpose(1, 3) for _ in range(3))
    check(q, k, v)


def test_large_scores_do_not_overflow(device: torch.device) -> None:
    # Whole numbers, so that both sides have the very same scores, up to 200 000.
    q, k = (torch.randint(-3, 4, (2, 63, 2, 24), device=device) * 30.0 for _ in range(2))
    check(q, k, torch.randn(2, 63, 2, 24, device=device), scale=1.0)


@pytest.mark.parametrize(
    "attend", [block_attention_reference, block_attention_products, block_attention_triton]
)
def test_a_query_that_sees_nothing_gets_zeros(device: torch.device, attend: Any) -> None:
    q, k, v = inputs((2, 3, 5, 2, 2, 16), device)
    visible = torch.ones(2, 1, 3, 5, dtype=torch.bool, device=device)
    visible[1, 0, 2] = False
    y = attend(q, k, v, visible=visible)
    assert y[1, 2].abs().max() == 0
    assert y[1, :2].abs().min() > 0


def test_the_reference_is_attention_written_out() -> None:
    q, k, v = inputs(SMALL, CPU)
    torch.testing.assert_close(block_attention(q, k, v).double(), attend_slowly(q, k, v), rtol=0, atol=1e-5)
    lengths, positions = torch.tensor([100, 7]), torch.arange(111)
    visible = block_causal_mask(torch.arange(40, 103), positions, 8) & (
        positions < lengths[:, None, None, None]
    )
    found = block_attention(q, k, v, key_lengths=lengths, block_size=8, query_start=40, scale=0.3)
    torch.testing.assert_close(found.double(), attend_slowly(q, k, v, visible, 0.3), rtol=0, atol=1e-5)


def test_gradients_flow_through_the_public_operation_whatever_is_chosen(
    choose: Any, device: torch.device
) -> None:
    q, k, v = inputs(SMALL, device)
    grads = []
    for choice in ("reference", "triton"):
        choose(choice)
        wanted = [x.detach().requires_grad_() for x in (q, k, v)]
        y = block_attention(*wanted, key_lengths=torch.tensor([100, 7], device=device))
        grads.append(torch.autograd.grad(y.square().sum(), wanted))
    for a, b in zip(*grads, strict=True):
        torch.testing.assert_close(a, b)
        assert a.abs().max() > 0


def test_padded_keys_get_no_gradient() -> None:
    q, k, v = (x.requires_grad_() for x in inputs(SMALL, CPU))
    y = block_attention(q, k, v, key_lengths=torch.tensor([100, 7]))
    grad_k, grad_v = torch.autograd.grad(y.square().sum(), (k, v))
    for grad in (grad_k, grad_v):
        assert grad[0, 100:].abs().max() == grad[1, 7:].abs().max() == 0
        assert grad[0, :100].abs().amax((1, 2)).min() > 0


def test_blocks_in_turn_equal_all_blocks_at_once(device: torch.device) -> None:
    # What a prefix cache relies on: a block's queries see the same whether later blocks exist or not.
    q, k, v = inputs((1, 60, 60, 2, 1, 16), device)
    at_once = block_attention_triton(q, k, v, block_size=16)
    for start in range(0, 60, 16):
        end = min(start + 16, 60)
        block = block_attention_triton(
            q[:, start:end], k[:, :end], v[:, :end], block_size=16, query_start=start
        )
        torch.testing.assert_close(block, at_once[:, start:end], rtol=1e-5, atol=1e-5)


def test_block_causal_mask_by_hand() -> None:
    mask = block_causal_mask(torch.tensor([1, 2, 5]), torch.arange(6), 2)
    assert mask.int().tolist() == [[1, 1, 0, 0, 0, 0], [1, 1, 1, 1, 0, 0], [1, 1, 1, 1, 1, 1]]
    assert torch.equal(
        block_causal_mask(torch.arange(63), torch.arange(63), 1), torch.ones(63, 63).tril().bool()
    )
    batched = block_causal_mask(torch.tensor([[0], [3]]), torch.tensor([[0, 1, 2], [0, 1, 2]]), 2)
    assert batched.tolist() == [[[True, True, False]], [[True, True, True]]]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: "B{}-Q{}-K{}-H{}-G{}-D{}".format(*shape))
def test_products_agree_with_the_reference(shape: tuple[int, int, int, int, int, int]) -> None:
    q, k, v = inputs(shape, CPU)
    torch.testing.assert_close(
        block_attention_products(q, k, v), block_attention_reference(q, k, v), **TOLERANCES[q.dtype]
    )


def test_products_obey_every_restriction_at_once() -> None:
    q, k, v = inputs(SMALL, CPU)
    options: dict[str, Any] = {
        "visible": torch.rand(2, 1, 63, 111) < 0.5,
        "key_lengths": torch.tensor([90, 40]),
        "block_size": 16,
        "query_start": 20,
        "scale": 0.7,
    }
    torch.testing.assert_close(
        block_attention_products(q, k, v, **options),
        block_attention_reference(q, k, v, **options),
        **TOLERANCES[q.dtype],
    )


@pytest.mark.parametrize("dtype", TOLERANCES, ids=str)
def test_gradients_are_those_of_the_reference_in_float32(dtype: torch.dtype) -> None:
    q, k, v = inputs(SMALL, CPU)
    lengths = torch.tensor([111, 50])
    weights = torch.randn(q.shape)

    def gradients(attend: Any, *given: Tensor) -> tuple[Tensor, ...]:
        given = tuple(tensor.clone().requires_grad_() for tensor in given)
        total: Tensor = (attend(*given, key_lengths=lengths).float() * weights).sum()
        return torch.autograd.grad(total, given)

    exact = gradients(block_attention_reference, q, k, v)
    found = gradients(block_attention, q.to(dtype), k.to(dtype), v.to(dtype))
    tolerances = TOLERANCES[torch.float32] if dtype == torch.float32 else {"rtol": 2e-2, "atol": 3e-2}
    for ours, theirs in zip(found, exact, strict=True):
        torch.testing.assert_close(ours.float(), theirs, **tolerances)
