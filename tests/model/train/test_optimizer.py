"""The optimisers: who learns what, and a state that survives a file."""

import copy

import pytest
import torch
from redraft_model.network.config import ModelConfig
from redraft_model.network.transformer import Transformer
from redraft_model.train.optimizer import build_optimizers, load_state_tensors, set_rate, state_tensors
from safetensors.torch import load, save


@pytest.fixture
def model() -> Transformer:
    network = Transformer(ModelConfig(40, 16, 2, 2, 2, 24, qkv_bias=True, tied=False))
    network.initialise(torch.Generator().manual_seed(0))
    return network


def step(model: Transformer, optimizers: list[torch.optim.Optimizer], seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        parameter.grad = torch.randn(parameter.shape, generator=generator)
    for optimizer in optimizers:
        optimizer.step()


def test_matrices_of_the_layers_go_to_muon_and_everything_else_to_adamw(model: Transformer) -> None:
    muon, adamw = build_optimizers(model, 1e-2, 1e-3)
    name_of = {id(p): name for name, p in model.named_parameters()}
    learnt = [[name_of[id(p)] for group in o.param_groups for p in group["params"]] for o in (muon, adamw)]
    assert sorted(learnt[0] + learnt[1]) == sorted(name_of.values())
    assert {name.split(".", 2)[2] for name in learnt[0]} == {
        "attention.qkv.weight",
        "attention.out.weight",
        "feed_forward.gate_up.weight",
        "feed_forward.down.weight",
    }
    assert {"embedding.weight", "head.weight", "norm.weight", "layers.1.attention.qkv.bias"} <= set(learnt[1])


def test_every_parameter_moves_by_about_its_rate(model: Transformer) -> None:
    optimizers = build_optimizers(model, 1e-2, 1e-3)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    step(model, optimizers, 0)
    for name, parameter in model.named_parameters():
        rms = float((parameter.detach() - before[name]).square().mean().sqrt())
        if parameter.ndim == 2 and "layers" in name:
            # Muon's updates are scaled to AdamW's typical size: a fifth of the rate.
            assert rms == pytest.approx(0.2e-2, rel=0.35), name
        else:
            assert rms == pytest.approx(1e-3, rel=0.01), name


def test_rates_are_the_peaks_times_the_factor(model: Transformer) -> None:
    optimizers = build_optimizers(model, 1e-2, 1e-3)
    set_rate(optimizers, (1e-2, 1e-3), 0.25)
    assert [group["lr"] for o in optimizers for group in o.param_groups] == [0.0025, 0.00025]


def test_a_state_that_went_through_a_file_goes_on_to_the_same_weights(model: Transformer) -> None:
    optimizers = build_optimizers(model, 1e-2, 1e-3)
    for seed in range(3):
        step(model, optimizers, seed)
    data = save({name: value.contiguous() for name, value in state_tensors(optimizers).items()})
    twin = copy.deepcopy(model)
    others = build_optimizers(twin, 1e-2, 1e-3)
    load_state_tensors(others, load(data))
    for seed in range(3, 6):
        step(model, optimizers, seed)
        step(twin, others, seed)
    for a, b in zip(model.parameters(), twin.parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_state_has_every_moment_under_its_own_name(model: Transformer) -> None:
    optimizers = build_optimizers(model, 1e-2, 1e-3)
    assert state_tensors(optimizers) == {}
    step(model, optimizers, 0)
    names = set(state_tensors(optimizers))
    assert {"0.0.momentum_buffer", "1.0.exp_avg", "1.0.exp_avg_sq", "1.0.step"} <= names
    n_matrices = sum(p.ndim == 2 for p in model.layers.parameters())
    assert len(names) == n_matrices + 3 * (len(list(model.parameters())) - n_matrices)
