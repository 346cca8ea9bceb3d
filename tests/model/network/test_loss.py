"""The loss: what one gets by hand."""

import numpy as np
import pytest
import torch
from redraft_model.network.config import ModelConfig
from redraft_model.network.loss import Asked, label_loss
from redraft_model.network.transformer import Transformer
from redraft_model.tokens.alignment import DELETE_ID, MASK_ID

V = 40


@pytest.fixture
def model() -> Transformer:
    network = Transformer(ModelConfig(V, 16, 1, 2, 2, 24, mask_id=MASK_ID))
    generator = torch.Generator().manual_seed(0)
    for parameter in network.parameters():
        parameter.data.normal_(0, 0.5, generator=generator)
    return network


TOKENS = torch.tensor([[3, MASK_ID, 30, 31], [32, 33, MASK_ID, 34]])
ASKED = Asked(
    torch.tensor([1, 2, 5, 6]), torch.tensor([25, DELETE_ID, 33, 39]), torch.tensor([2.0, 1.0, 0.25, 1.5])
)


def test_the_loss_is_the_weighted_mean_of_minus_log_p(model: Transformer) -> None:
    hidden = model(TOKENS)
    logits = (hidden.detach().reshape(-1, 16) @ model.embedding.weight.detach().T).double().numpy()
    total = 0.0
    rows = zip(ASKED.index_N.tolist(), ASKED.targets_N.tolist(), ASKED.weights_N.tolist(), strict=True)
    for index, target, weight in rows:
        e = np.exp(logits[index])
        e[MASK_ID] = 0.0  # the mask is never an answer
        total += weight * -np.log(e[target] / e.sum())
    assert label_loss(model, hidden, ASKED).item() == pytest.approx(total / 4.75, rel=1e-5)


def test_the_loss_is_that_of_the_log_probabilities(model: Transformer) -> None:
    hidden = model(TOKENS)
    log_p = model.log_probabilities(hidden.flatten(0, 1)[ASKED.index_N])
    expected = -(log_p[torch.arange(4), ASKED.targets_N] * ASKED.weights_N).sum() / 4.75
    torch.testing.assert_close(label_loss(model, hidden, ASKED), expected)


def test_the_mask_learns_nothing_as_an_answer(model: Transformer) -> None:
    # No token of this batch is a mask, so the mask's embedding is used as an output row only.
    label_loss(model, model(TOKENS.clamp_min(3)), ASKED).backward()
    gradient = model.embedding.weight.grad
    assert gradient is not None
    assert (gradient[MASK_ID] == 0).all()
    assert (gradient[25] != 0).any()


def test_positions_that_are_not_asked_do_not_count(model: Transformer) -> None:
    hidden = model(TOKENS).detach().requires_grad_()
    label_loss(model, hidden, ASKED).backward()
    assert hidden.grad is not None
    moved = hidden.grad.flatten(0, 1).abs().sum(-1) > 0
    assert np.flatnonzero(moved.numpy()).tolist() == ASKED.index_N.tolist()


def test_scaling_all_weights_changes_nothing(model: Transformer) -> None:
    hidden = model(TOKENS)
    scaled = Asked(ASKED.index_N, ASKED.targets_N, ASKED.weights_N * 7)
    torch.testing.assert_close(label_loss(model, hidden, scaled), label_loss(model, hidden, ASKED))


def test_a_batch_that_asks_nothing_has_no_loss(model: Transformer) -> None:
    nothing = Asked(
        torch.tensor([], dtype=torch.int64), torch.tensor([], dtype=torch.int64), torch.tensor([])
    )
    assert label_loss(model, model(TOKENS), nothing).item() == 0.0
