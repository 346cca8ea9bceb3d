import math
from typing import Any

import pytest
import torch
from redraft_kernels.token_confidence import (
    token_confidence,
    token_confidence_reference,
    token_confidence_triton,
)
from torch import Tensor

# Both sides read the same logits and compute in float32, whatever the logits' type.
TOLERANCES: dict[torch.dtype, Any] = {
    torch.float32: {"rtol": 1e-5, "atol": 1e-5},
    torch.bfloat16: {"rtol": 1e-5, "atol": 1e-5},
}
SHAPES = [(1, 1), (63, 111), (3, 1000), (2, 5, 4097), (2, 3, 9000), (0, 5)]
TWINS = [token_confidence_reference, token_confidence_triton]


def check(
    found: tuple[Tensor, Tensor, Tensor], expected: tuple[Tensor, Tensor, Tensor], dtype: torch.dtype
) -> None:
    assert [x.dtype for x in found] == [torch.int64, torch.float32, torch.float32]
    assert torch.equal(found[0], expected[0])
    torch.testing.assert_close(found[1], expected[1], **TOLERANCES[dtype])
    torch.testing.assert_close(found[2], expected[2], **TOLERANCES[dtype])


@pytest.mark.parametrize("dtype", TOLERANCES, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: "x".join(map(str, shape)))
@pytest.mark.parametrize("spread", [0.1, 20.0])
def test_triton_agrees_with_the_reference(
    device: torch.device, shape: tuple[int, ...], dtype: torch.dtype, spread: float
) -> None:
    logits = (torch.randn(shape, device=device) * spread).to(dtype)
    check(token_confidence_triton(logits), token_confidence_reference(logits), dtype)


def test_triton_forbids_what_the_reference_forbids(device: torch.device) -> None:
    logits = torch.randn(7, 9000, device=device)
    # The whole first tile and the last token, so that a tile without any allowed token comes first.
    forbidden = torch.cat((torch.arange(4096), torch.tensor([8999]))).to(device)
    logits[:, 17] = logits[:, 8999] = 50.0
    found = token_confidence_triton(logits, forbidden=forbidden)
    assert not torch.isin(found[0], forbidden).any()
    check(found, token_confidence_reference(logits, forbidden=forbidden), torch.float32)


@pytest.mark.parametrize("twin", TWINS)
def test_forbidden_tokens_lend_their_probability_to_the_rest(device: torch.device, twin: Any) -> None:
    logits = torch.tensor([[0.5, 0.2, 0.2, 0.1]], device=device).log()
    proposals, confidences, entropies = twin(logits, forbidden=torch.tensor([0, 3], device=device))
    assert proposals.tolist() == [1]
    torch.testing.assert_close(confidences.cpu(), torch.tensor([0.5]))
    torch.testing.assert_close(entropies.cpu(), torch.tensor([math.log(2)]))


@pytest.mark.parametrize("twin", TWINS)
def test_the_answers_are_those_of_softmax(device: torch.device, twin: Any) -> None:
    logits = torch.randn(63, 111, device=device) * 3
    probabilities = logits.double().softmax(-1)
    proposals, confidences, entropies = twin(logits)
    best, expected = probabilities.max(-1)
    assert torch.equal(proposals, expected)
    torch.testing.assert_close(confidences.double(), best, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(
        entropies.double(), torch.special.entr(probabilities).sum(-1), rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize("twin", TWINS)
def test_the_lowest_of_equal_tokens_is_proposed(device: torch.device, twin: Any) -> None:
    logits = torch.zeros(2, 9000, device=device)
    logits[1, [70, 4095, 4096, 8000]] = 1.0
    assert twin(logits)[0].tolist() == [0, 70]
    forbidden = torch.tensor([0, 70], device=device)
    assert twin(logits, forbidden=forbidden)[0].tolist() == [1, 4095]


@pytest.mark.parametrize("twin", TWINS)
def test_certainty_has_no_entropy(device: torch.device, twin: Any) -> None:
    logits = torch.full((1, 63), -torch.inf, device=device)
    logits[0, 5] = -1000.0
    proposals, confidences, entropies = twin(logits)
    assert (proposals.item(), confidences.item(), entropies.item()) == (5, 1.0, 0.0)


@pytest.mark.parametrize("twin", TWINS)
def test_strided_logits_are_read_as_they_are_seen(device: torch.device, twin: Any) -> None:
    logits = torch.randn(111, 6, device=device)
    check(twin(logits.T), token_confidence_reference(logits.T.contiguous()), torch.float32)
    wide = torch.randn(5, 200, device=device)
    check(twin(wide[:, :111]), token_confidence_reference(wide[:, :111].clone()), torch.float32)


def test_the_logits_are_left_as_they_were() -> None:
    logits = torch.randn(3, 111, requires_grad=True)
    before = logits.detach().clone()
    _, confidences, _ = token_confidence(logits, forbidden=torch.tensor([1]))
    assert torch.equal(logits, before)
    assert not confidences.requires_grad
