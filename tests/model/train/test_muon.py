"""Muon: the steps are those of PyTorch's own, for whichever matrices are learnt together and in whichever dtype."""

import pytest
import torch
from redraft_model.train.muon import Muon, orthogonal

SHAPES = [(24, 16), (16, 24), (24, 16), (16, 16)]
RATE = 1e-2


def matrices() -> list[torch.nn.Parameter]:
    generator = torch.Generator().manual_seed(0)
    return [torch.nn.Parameter(torch.randn(shape, generator=generator)) for shape in SHAPES]


def pytorchs(parameters: list[torch.nn.Parameter]) -> torch.optim.Optimizer:
    return torch.optim.Muon(
        parameters, lr=RATE, weight_decay=0.01, momentum=0.95, nesterov=True, adjust_lr_fn="match_rms_adamw"
    )


def learn(optimizer: torch.optim.Optimizer, parameters: list[torch.nn.Parameter], n_steps: int) -> None:
    generator = torch.Generator().manual_seed(1)
    for _ in range(n_steps):
        for parameter in parameters:
            parameter.grad = torch.randn(parameter.shape, generator=generator)
        optimizer.step()


# PyTorch's own rounds to bfloat16, so an update of RATE / 5 is off by some per cent of itself.
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_steps_are_those_of_pytorchs_muon(dtype: torch.dtype) -> None:
    ours, theirs = matrices(), matrices()
    learn(Muon(ours, RATE, dtype=dtype), ours, 4)
    learn(pytorchs(theirs), theirs, 4)
    for before, a, b in zip(matrices(), ours, theirs, strict=True):
        moved, expected = a.detach() - before.detach(), b.detach() - before.detach()
        assert (moved - expected).norm() < 0.03 * expected.norm()


def test_the_momentum_is_the_one_pytorchs_muon_keeps() -> None:
    ours, theirs = matrices(), matrices()
    optimizer, other = Muon(ours, RATE), pytorchs(theirs)
    learn(optimizer, ours, 3)
    learn(other, theirs, 3)
    for a, b in zip(ours, theirs, strict=True):
        assert optimizer.state[a].keys() == other.state[b].keys()
        assert torch.equal(optimizer.state[a]["momentum_buffer"], other.state[b]["momentum_buffer"])


def test_a_matrix_without_gradient_stays_as_it_is() -> None:
    parameters = matrices()
    optimizer = Muon(parameters, RATE)
    parameters[0].grad = torch.randn(SHAPES[0])
    optimizer.step()
    before = matrices()
    assert not torch.equal(parameters[0], before[0])
    assert all(torch.equal(a, b) for a, b in zip(parameters[1:], before[1:], strict=True))


@pytest.mark.parametrize("shape", [(24, 16), (16, 24), (16, 16)])
def test_singular_values_become_about_one_and_their_vectors_stay(shape: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(0)
    stacked = torch.randn(3, *shape, generator=generator)
    found = orthogonal(stacked)
    for matrix, straightened in zip(stacked, found, strict=True):
        left, values, right = torch.linalg.svd(matrix, full_matrices=False)
        in_their_directions = left.T @ straightened @ right.T
        inside = values > 0.05 * matrix.norm()  # smaller ones have not arrived after five steps
        assert ((in_their_directions.diagonal()[inside] - 0.95).abs() < 0.3).all()
        off = in_their_directions - torch.diag(in_their_directions.diagonal())
        assert off.abs().max() < 1e-4


def test_a_gradient_of_zeros_moves_nothing_but_the_decay() -> None:
    parameter = torch.nn.Parameter(torch.ones(4, 4))
    parameter.grad = torch.zeros(4, 4)
    Muon([parameter], RATE, weight_decay=0.1).step()
    torch.testing.assert_close(parameter.detach(), torch.full((4, 4), 1 - RATE * 0.1))
