import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
from redraft_kernels.rms_norm import rms_norm, rms_norm_reference, rms_norm_triton
from torch import Tensor

RmsNorm = Callable[[Tensor, Tensor, float], Tensor]

# Against float32 arithmetic on the same inputs; bfloat16 keeps 8 bits of each result.
TOLERANCES: dict[torch.dtype, Any] = {
    torch.float32: {"rtol": 1e-5, "atol": 1e-5},
    torch.bfloat16: {"rtol": 8e-3, "atol": 1e-2},
}
SHAPES = [(1, 1), (1, 63), (63, 111), (111, 64), (3, 1000), (2, 5, 3, 24), (0, 8)]


def run(
    norm: RmsNorm, x: Tensor, weight: Tensor, grad_y: Tensor, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    x, weight = x.detach().requires_grad_(), weight.detach().requires_grad_()
    y = norm(x, weight, eps)
    grad_x, grad_weight = torch.autograd.grad(y, (x, weight), grad_y.to(y.dtype))
    return y.detach(), grad_x, grad_weight


def check(norm: RmsNorm, x: Tensor, weight: Tensor, eps: float = 1e-6) -> None:
    grad_y = torch.randn_like(x)
    found = run(norm, x, weight, grad_y, eps)
    expected = run(rms_norm_reference, x.float(), weight.float(), grad_y, eps)
    for name, a, b in zip(("y", "grad_x", "grad_weight"), found, expected, strict=True):
        assert a.dtype == (weight if name == "grad_weight" else x).dtype
        torch.testing.assert_close(a.float(), b, **TOLERANCES[a.dtype])


@pytest.mark.parametrize("dtype", TOLERANCES, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: "x".join(map(str, shape)))
def test_triton_agrees_with_the_reference(
    device: torch.device, shape: tuple[int, ...], dtype: torch.dtype
) -> None:
    x = torch.randn(shape, device=device).to(dtype)
    check(rms_norm_triton, x, torch.randn(shape[-1], device=device).to(dtype))


@pytest.mark.parametrize("dtype", TOLERANCES, ids=str)
def test_pytorchs_own_norm_says_the_same(dtype: torch.dtype) -> None:
    def pytorchs(x: Tensor, weight: Tensor, eps: float) -> Tensor:
        return torch.nn.functional.rms_norm(x, (x.shape[-1],), weight, eps)

    check(pytorchs, torch.randn(63, 111).to(dtype), torch.randn(111).to(dtype))


def test_the_weight_may_be_wider_than_x(device: torch.device) -> None:
    x, weight = torch.randn(5, 63, device=device).bfloat16(), torch.randn(63, device=device)
    check(rms_norm, x, weight)
    check(rms_norm_triton, x, weight)


def test_a_transposed_input_is_read_as_it_is_seen(device: torch.device) -> None:
    check(rms_norm_triton, torch.randn(63, 7, device=device).T, torch.randn(63, device=device))


def test_more_tiles_than_partial_sums_are_all_added(
    device: torch.device, monkeypatch: pytest.MonkeyPatch
) -> None:
    # By name: the package exports the operation under the name of its module.
    monkeypatch.setattr(sys.modules["redraft_kernels.rms_norm"], "_MOST_PARTIAL_SUMS", 2)
    check(rms_norm_triton, torch.randn(111, 200, device=device), torch.randn(200, device=device))


def test_zeros_stay_zeros(device: torch.device) -> None:
    zeros = torch.zeros(2, 8, device=device)
    assert torch.equal(rms_norm_triton(zeros, torch.ones(8, device=device)), zeros)


def test_a_known_row() -> None:
    # The mean square of (3, 4) is 12.5; with eps 12.5 the root is 5.
    y = rms_norm(torch.tensor([3.0, 4.0]), torch.tensor([1.0, 10.0]), 12.5)
    torch.testing.assert_close(y, torch.tensor([0.6, 8.0]))
