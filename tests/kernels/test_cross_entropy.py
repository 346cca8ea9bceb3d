import math
from typing import Any

import pytest
import torch
from redraft_kernels.cross_entropy import cross_entropy, cross_entropy_reference, cross_entropy_triton
from torch import Tensor

# Losses are float32 always; gradients have the logits' type.
TOLERANCES: dict[torch.dtype, Any] = {
    torch.float32: {"rtol": 1e-5, "atol": 1e-6},
    torch.bfloat16: {"rtol": 8e-3, "atol": 1e-6},
}
SHAPES = [(1, 1), (1, 63), (63, 111), (7, 1000), (3, 9000), (0, 5)]
TWINS = [cross_entropy_reference, cross_entropy_triton]


def run(
    twin: Any, logits: Tensor, targets: Tensor, grad_loss: Tensor, **options: Any
) -> tuple[Tensor, Tensor]:
    logits = logits.detach().requires_grad_()
    loss = twin(logits, targets, **options)
    (grad_logits,) = torch.autograd.grad(loss, logits, grad_loss)
    return loss.detach(), grad_logits


def check(logits: Tensor, targets: Tensor, **options: Any) -> None:
    grad_loss = torch.randn(len(targets), device=logits.device)
    loss, grad_logits = run(cross_entropy_triton, logits, targets, grad_loss, **options)
    expected = run(cross_entropy_reference, logits.float(), targets, grad_loss, **options)
    assert (loss.dtype, grad_logits.dtype) == (torch.float32, logits.dtype)
    torch.testing.assert_close(loss, expected[0], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(grad_logits.float(), expected[1], **TOLERANCES[logits.dtype])


@pytest.mark.parametrize("dtype", TOLERANCES, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: "N{}-V{}".format(*shape))
def test_triton_agrees_with_the_reference(
    device: torch.device, shape: tuple[int, int], dtype: torch.dtype
) -> None:
    logits = (torch.randn(shape, device=device) * 4).to(dtype)
    check(logits, torch.randint(shape[1], shape[:1], device=device))


@pytest.mark.parametrize("dtype", TOLERANCES, ids=str)
def test_triton_weighs_and_forbids_as_the_reference_does(device: torch.device, dtype: torch.dtype) -> None:
    logits = (torch.randn(63, 5000, device=device) * 4).to(dtype)
    # All of the first tile, so that nothing has been seen when the first allowed token comes.
    forbidden = torch.cat((torch.arange(4096), torch.tensor([4999]))).to(device)
    targets = torch.randint(4096, 4999, (63,), device=device)
    check(logits, targets, forbidden=forbidden)
    check(logits, targets, weights=torch.rand(63, device=device))
    check(logits, targets, weights=torch.rand(63, device=device).to(dtype), forbidden=forbidden)


def test_triton_reads_strided_inputs_as_they_are_seen(device: torch.device) -> None:
    targets = torch.randint(60, (12,), device=device)[::2]
    check(torch.randn(111, 6, device=device).T, targets)
    check(torch.randn(6, 200, device=device)[:, :63], targets, weights=torch.rand(12, device=device)[::2])


@pytest.mark.parametrize("twin", TWINS)
def test_a_known_loss_and_gradient(device: torch.device, twin: Any) -> None:
    logits = torch.tensor([[0.0, math.log(3.0), 7.0], [0.0, 0.0, -9.0]], device=device)
    loss, grad = run(
        twin,
        logits,
        torch.tensor([0, 1], device=device),
        torch.tensor([1.0, 10.0], device=device),
        weights=torch.tensor([2.0, 0.5], device=device),
        forbidden=torch.tensor([2], device=device),
    )
    torch.testing.assert_close(loss.cpu(), torch.tensor([2 * math.log(4), 0.5 * math.log(2)]))
    torch.testing.assert_close(grad.cpu(), torch.tensor([[-1.5, 1.5, 0.0], [2.5, -2.5, 0.0]]))


@pytest.mark.parametrize("twin", TWINS)
def test_weight_zero_leaves_a_position_out_even_if_its_loss_is_infinite(
    device: torch.device, twin: Any
) -> None:
    logits, targets = torch.randn(3, 63, device=device), torch.tensor([4, 5, 5], device=device)
    weights, forbidden = torch.tensor([1.0, 0.0, 1.0], device=device), torch.tensor([5], device=device)
    loss, grad = run(
        twin, logits, targets, torch.ones(3, device=device), weights=weights, forbidden=forbidden
    )
    assert loss.isinf().tolist() == [False, False, True]
    assert loss[1] == grad[1].abs().max() == 0
    assert grad[0].abs().max() > 0


@pytest.mark.parametrize("twin", TWINS)
def test_large_logits_do_not_overflow(device: torch.device, twin: Any) -> None:
    logits = torch.tensor([[1e4, -1e4, 0.0], [-3e4, -3e4, -3e4]], device=device)
    loss, grad = run(twin, logits, torch.tensor([2, 0], device=device), torch.ones(2, device=device))
    torch.testing.assert_close(loss.cpu(), torch.tensor([1e4, math.log(3)]), rtol=1e-6, atol=3e-3)
    assert grad.isfinite().all()


def test_bfloat16_logits_are_summed_in_float32() -> None:
    logits, targets = (torch.randn(63, 1000) * 4).bfloat16(), torch.randint(1000, (63,))
    expected = torch.nn.functional.cross_entropy(logits.double(), targets, reduction="none")
    torch.testing.assert_close(cross_entropy(logits, targets).double(), expected, rtol=1e-5, atol=1e-5)


def test_the_logits_are_left_as_they_were(device: torch.device) -> None:
    logits = torch.randn(3, 63, device=device)
    before = logits.clone()
    run(cross_entropy_triton, logits, torch.tensor([0, 1, 2], device=device), torch.ones(3, device=device))
    assert torch.equal(logits, before)
