import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from redraft_kernels.rotary import rotary, rotary_angles, rotary_reference, rotary_triton
from torch import Tensor

Rotary = Callable[[Tensor, Tensor, Tensor], Tensor]

TOLERANCES: dict[torch.dtype, Any] = {
    torch.float32: {"rtol": 1e-5, "atol": 1e-5},
    torch.bfloat16: {"rtol": 8e-3, "atol": 1e-2},
}
SHAPES = [(1, 1, 1, 2), (2, 63, 3, 24), (1, 111, 5, 64), (2, 0, 3, 8)]


def check(turn: Rotary, x: Tensor, positions: Tensor) -> None:
    cos, sin = rotary_angles(positions, x.shape[-1], 10_000.0)
    grad_y = torch.randn(x.shape, device=x.device).to(x.dtype)
    x = x.detach().requires_grad_()
    y = turn(x, cos, sin)
    (grad_x,) = torch.autograd.grad(y, x, grad_y)
    x_float = x.detach().float().requires_grad_()
    expected = rotary_reference(x_float, cos, sin)
    (expected_grad,) = torch.autograd.grad(expected, x_float, grad_y.float())
    assert y.dtype == grad_x.dtype == x.dtype
    torch.testing.assert_close(y.float(), expected, **TOLERANCES[x.dtype])
    torch.testing.assert_close(grad_x.float(), expected_grad, **TOLERANCES[x.dtype])


@pytest.mark.parametrize("dtype", TOLERANCES, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: "B{}-T{}-H{}-D{}".format(*shape))
def test_triton_agrees_with_the_reference(
    device: torch.device, shape: tuple[int, ...], dtype: torch.dtype
) -> None:
    x = torch.randn(shape, device=device).to(dtype)
    check(rotary_triton, x, torch.arange(shape[1], device=device))


def test_positions_may_differ_within_a_batch(device: torch.device) -> None:
    x = torch.randn(3, 7, 2, 8, device=device)
    check(rotary_triton, x, torch.randint(0, 1000, (3, 7), device=device))


def test_a_slice_of_a_wider_projection_is_read_in_place(device: torch.device) -> None:
    x = torch.randn(2, 7, 9, 8, device=device)[:, :, 3:5]
    check(rotary_triton, x, torch.arange(7, device=device))
    check(rotary_triton, torch.randn(2, 7, 8, 4, device=device).mT, torch.arange(7, device=device))


def test_bfloat16_is_turned_in_float32() -> None:
    check(rotary, torch.randn(1, 63, 2, 16).bfloat16(), torch.arange(63))


def test_a_quarter_turn_swaps_the_halves() -> None:
    cos, sin = rotary_angles(torch.tensor([1]), 2, 1.0)
    torch.testing.assert_close((cos, sin), (torch.tensor([[math.cos(1)]]), torch.tensor([[math.sin(1)]])))
    x = torch.tensor([[[[2.0, 3.0]]]])
    turned = rotary(x, torch.tensor([[0.0]]), torch.tensor([[1.0]]))
    assert turned.tolist() == [[[[-3.0, 2.0]]]]


def test_angles_slow_down_along_the_head() -> None:
    cos, _ = rotary_angles(torch.tensor([[5]]), 4, 100.0)
    torch.testing.assert_close(cos, torch.tensor([[[math.cos(5), math.cos(0.5)]]]))


@pytest.mark.parametrize("turn", [rotary_reference, rotary_triton])
@pytest.mark.parametrize("offset", [-40, 0, 1, 1000])
def test_turns_add_up(device: torch.device, turn: Rotary, offset: int) -> None:
    k = torch.randn(2, 63, 3, 24, device=device)
    positions = torch.arange(100, 163, device=device)
    here = turn(k, *rotary_angles(positions, 24, 10_000.0))
    there = turn(k, *rotary_angles(positions + offset, 24, 10_000.0))
    # Angles are float32: at position 1000 they are right to about 1e-4.
    moved = turn(here, *rotary_angles(torch.full_like(positions, offset), 24, 10_000.0))
    torch.testing.assert_close(moved, there, rtol=0, atol=5e-4)


def test_scores_depend_on_distance_only() -> None:
    q, k = torch.randn(1, 1, 1, 64), torch.randn(1, 1, 1, 64)

    def turned(x: Tensor, position: int) -> Tensor:
        return rotary(x, *rotary_angles(torch.tensor([position]), 64)).flatten()

    def score(q_position: int, k_position: int) -> Tensor:
        return turned(q, q_position) @ turned(k, k_position)

    torch.testing.assert_close(score(3, 10), score(203, 210), rtol=1e-3, atol=1e-3)
    assert abs(score(3, 10) - score(3, 11)) > 1e-2
