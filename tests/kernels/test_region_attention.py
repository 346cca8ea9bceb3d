from dataclasses import replace
from typing import Any

import pytest
import torch
from redraft_kernels.region_attention import (
    KeySegment,
    region_attention,
    region_attention_reference,
    region_attention_triton,
)
from torch import Tensor

TOLERANCES: dict[torch.dtype, Any] = {
    torch.float32: {"rtol": 1e-5, "atol": 1e-5},
    torch.bfloat16: {"rtol": 8e-3, "atol": 2e-2},
}
# B, C, Q, S_1, S_2, H, G, D
SHAPES = [
    (1, 1, 1, 1, 1, 1, 1, 8),
    (2, 3, 9, 63, 17, 4, 2, 24),
    (1, 2, 35, 130, 1, 9, 3, 64),
    (3, 1, 66, 5, 111, 3, 1, 63),
]
CPU = torch.device("cpu")
SMALL = SHAPES[1]


def inputs(
    shape: tuple[int, ...], device: torch.device, dtype: torch.dtype = torch.float32, n_contexts: int = 2
) -> tuple[Tensor, Tensor, Tensor, list[KeySegment]]:
    B, C, Q, *sizes, H, G, D = shape

    def random(*shape: int) -> Tensor:
        return torch.randn(*shape, device=device).to(dtype)

    contexts = [
        KeySegment(random(B * C, Q, H, D), random(B, S, G, D), random(B, S, G, D)) for S in sizes[:n_contexts]
    ]
    return random(B * C, Q, H, D), random(B * C, Q, G, D), random(B * C, Q, G, D), contexts


def attend_slowly(
    q: Tensor, k: Tensor, v: Tensor, contexts: list[KeySegment], key_lengths: Tensor | None, scale: float
) -> Tensor:
    """One query of one head after the other, in float64, over a list of all the keys that it sees."""
    N, Q, H, _ = q.shape
    n_shared = H // k.shape[2]
    y = torch.empty(q.shape, dtype=torch.float64)
    for n in range(N):
        for t in range(Q):
            for h in range(H):
                g = h // n_shared
                length = Q if key_lengths is None else int(key_lengths[n])
                scores = [k[n, :length, g].double() @ q[n, t, h].double()]
                values = [v[n, :length, g].double()]
                for context in contexts:
                    b = n // (N // len(context.k))
                    length = context.k.shape[1] if context.lengths is None else int(context.lengths[b])
                    scores.append(context.k[b, :length, g].double() @ context.q[n, t, h].double())
                    values.append(context.v[b, :length, g].double())
                y[n, t, h] = (torch.cat(scores) * scale).softmax(0) @ torch.cat(values)
    return y


def check(q: Tensor, k: Tensor, v: Tensor, contexts: list[KeySegment], **options: Any) -> None:
    found = region_attention_triton(q, k, v, contexts, **options)
    wide = [replace(c, q=c.q.float(), k=c.k.float(), v=c.v.float()) for c in contexts]
    expected = region_attention_reference(q.float(), k.float(), v.float(), wide, **options)
    assert found.dtype == q.dtype
    torch.testing.assert_close(found.float(), expected, **TOLERANCES[q.dtype])


def name(shape: tuple[int, ...]) -> str:
    return "B{}-C{}-Q{}-S{}-S{}-H{}-G{}-D{}".format(*shape)


@pytest.mark.parametrize("dtype", TOLERANCES, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=name)
def test_triton_agrees_with_the_reference(
    device: torch.device, shape: tuple[int, ...], dtype: torch.dtype
) -> None:
    check(*inputs(shape, device, dtype))


@pytest.mark.parametrize("n_contexts", [0, 1])
def test_triton_agrees_with_fewer_contexts(device: torch.device, n_contexts: int) -> None:
    check(*inputs(SMALL, device, n_contexts=n_contexts), scale=0.3)


@pytest.mark.parametrize("lengths", [(63, 17), (40, 0), (1, 16)])
def test_triton_does_not_see_padding(device: torch.device, lengths: tuple[int, int]) -> None:
    q, k, v, contexts = inputs(SMALL, device)
    key_lengths = torch.tensor([9, 1, 4, 8, 9, 2], device=device)
    for row, length in enumerate(key_lengths.tolist()):
        v[row, length:] = 1e4
    cut = []
    for context, length in zip(contexts, lengths, strict=True):
        context.v[0, length:] = 1e4
        cut.append(replace(context, lengths=torch.tensor([length, 1000], device=device)))
    check(q, k, v, cut, key_lengths=key_lengths)


def test_triton_reads_a_cache_of_heads_in_place(device: torch.device) -> None:
    q, k, v, contexts = inputs(SMALL, device)
    by_heads = [
        replace(
            context,
            k=context.k.transpose(1, 2).contiguous().transpose(1, 2),
            v=torch.cat([context.v, context.v], 3)[..., : context.v.shape[3]],
        )
        for context in contexts
    ]
    found = region_attention_triton(q, k, v, by_heads)
    torch.testing.assert_close(found, region_attention_reference(q, k, v, contexts), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("n_contexts", [0, 1, 2])
def test_the_reference_is_attention_written_out(n_contexts: int) -> None:
    q, k, v, contexts = inputs((2, 2, 5, 7, 3, 4, 2, 8), CPU, n_contexts=n_contexts)
    contexts = [replace(context, lengths=torch.tensor([2, 3])) for context in contexts]
    key_lengths = torch.tensor([5, 1, 3, 5]) if n_contexts else None
    found = region_attention_reference(q, k, v, contexts, key_lengths=key_lengths, scale=0.3)
    expected = attend_slowly(q, k, v, contexts, key_lengths, 0.3)
    torch.testing.assert_close(found.double(), expected, rtol=0, atol=1e-5)


def test_gradients_flow_whatever_is_chosen(choose: Any, device: torch.device) -> None:
    q, k, v, contexts = inputs(SMALL, device)
    grads = []
    for choice in ("reference", "triton"):
        choose(choice)
        wanted = [x.detach().requires_grad_() for x in (q, k, v, contexts[0].q)]
        own = [replace(contexts[0], q=wanted[3]), contexts[1]]
        y = region_attention(*wanted[:3], own, key_lengths=torch.tensor([9, 1, 4, 8, 9, 2], device=device))
        grads.append(torch.autograd.grad(y.square().sum(), wanted))
    for a, b in zip(*grads, strict=True):
        torch.testing.assert_close(a, b)
        assert a.abs().max() > 0


def test_the_public_operation_takes_the_twin_that_is_chosen(choose: Any, device: torch.device) -> None:
    q, k, v, contexts = inputs(SMALL, device)
    found = []
    for choice in ("reference", "triton"):
        choose(choice)
        found.append(region_attention(q, k, v, contexts))
    torch.testing.assert_close(found[0], found[1], rtol=1e-5, atol=1e-5)


def test_more_contexts_than_two_are_refused() -> None:
    q, k, v, contexts = inputs(SMALL, CPU)
    with pytest.raises(ValueError, match="2 contexts at most, got 3"):
        region_attention(q, k, v, [*contexts, contexts[0]])
