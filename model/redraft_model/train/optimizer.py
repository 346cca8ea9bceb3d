"""Optimisers: for a network Muon on the matrices inside the layers and AdamW on everything else; for an adapter AdamW, twice."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import torch
from torch.optim import AdamW, Optimizer

from redraft_model.network.adapter import Adapter
from redraft_model.network.hardware import fast_dtype
from redraft_model.network.transformer import Transformer
from redraft_model.train.muon import Muon


def build_optimizers(model: Transformer, matrix_rate: float, other_rate: float) -> list[Optimizer]:
    """Muon (update scaled to AdamW's RMS, arXiv 2502.16982) and AdamW; rates are peak learning rates."""
    matrices = [p for p in model.layers.parameters() if p.ndim == 2]
    ids = {id(p) for p in matrices}
    others = [p for p in model.parameters() if id(p) not in ids]
    fused = others[0].is_cuda or others[0].device.type == "cpu"
    return [
        Muon(matrices, lr=matrix_rate, dtype=fast_dtype(matrices[0].device)),
        AdamW(others, lr=other_rate, betas=(0.9, 0.95), weight_decay=0.0, fused=fused),
    ]


def build_adapter_optimizers(adapter: Adapter, rate: float) -> tuple[list[Optimizer], list[float]]:
    """AdamW on the matrices, and on the norms and the rows of control tokens at a third of the rate; and the peak rates."""
    own = [p for name, p in adapter.named_parameters() if name.endswith((".a", ".b")) or "head" in name]
    ids = {id(p) for p in own}
    begun_as_the_bases = [p for p in adapter.parameters() if id(p) not in ids]
    optimizers: list[Optimizer] = [
        AdamW(parameters, lr=rate, betas=(0.9, 0.98), weight_decay=0.0, fused=True)
        for parameters in (own, begun_as_the_bases)
    ]
    return optimizers, [rate, rate / 3]


BatchT = TypeVar("BatchT")


def backward(loss_of: Callable[[BatchT], torch.Tensor], batches: Sequence[BatchT]) -> torch.Tensor:
    """Add the gradients of the mean loss of `batches`; returns that loss, without a gradient."""
    total: torch.Tensor | None = None
    for batch in batches:
        loss = loss_of(batch) / len(batches)
        loss.backward()  # type: ignore[no-untyped-call]
        total = loss.detach() if total is None else total + loss.detach()
    assert total is not None
    return total


def take_step(optimizers: Iterable[Optimizer], parameters: Iterable[torch.nn.Parameter]) -> None:
    """Clip the gradients, let every optimiser take a step, and forget them."""
    torch.nn.utils.clip_grad_norm_(parameters, 1.0)
    for optimizer in optimizers:
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)


def set_rate(optimizers: Iterable[Optimizer], peaks: Iterable[float], factor: float) -> None:
    """Set every optimiser's learning rate to its peak times `factor`."""
    for optimizer, peak in zip(optimizers, peaks, strict=True):
        for group in optimizer.param_groups:
            group["lr"] = peak * factor


def state_tensors(optimizers: Iterable[Optimizer]) -> dict[str, torch.Tensor]:
    """The optimisers' state as named tensors, for a file without pickles: "optimizer.parameter.key"."""
    tensors = {}
    for i, optimizer in enumerate(optimizers):
        for j, state in optimizer.state_dict()["state"].items():
            for key, value in state.items():
                tensors[f"{i}.{j}.{key}"] = value if isinstance(value, torch.Tensor) else torch.tensor(value)
    return tensors


def load_state_tensors(optimizers: Iterable[Optimizer], tensors: dict[str, torch.Tensor]) -> None:
    """Inverse of `state_tensors`."""
    for i, optimizer in enumerate(optimizers):
        state: dict[int, dict[str, torch.Tensor]] = {}
        for name, value in tensors.items():
            owner, index, key = name.split(".", 2)
            if int(owner) == i:
                state.setdefault(int(index), {})[key] = value
        groups = optimizer.state_dict()["param_groups"]
        optimizer.load_state_dict({"state": state, "param_groups": groups})
