"""The processes that train one network together, as torchrun starts them, and this one's place among them."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import nn


@dataclass(frozen=True)
class ProcessGroup:
    """`size` processes that hold the same weights and see different batches; alone by default."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0  # place among the processes of this machine, which is the place of its card

    @classmethod
    def from_environment(cls) -> "ProcessGroup":
        """What torchrun says; alone without it."""
        return cls(*(int(os.environ.get(name, default)) for name, default in _VARIABLES))

    def device(self, name: str) -> torch.device:
        """The device `name`; of several processes that ask for plain "cuda", each gets the card of its local rank."""
        return torch.device(f"cuda:{self.local_rank}" if self.size > 1 and name == "cuda" else name)

    @contextmanager
    def joined(self, device: torch.device) -> Iterator[None]:
        """Connected to the other processes while inside, unless the caller has done that."""
        if self.size == 1 or dist.is_initialized():
            yield
            return
        if device.type == "cuda":
            torch.cuda.set_device(device)
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
        try:
            yield
        finally:
            dist.destroy_process_group()

    def sums(self, values: Sequence[float], device: torch.device) -> list[float]:
        """Each of `values` summed over all processes: the same numbers in every one of them."""
        if self.size == 1:
            return list(values)
        # Token counts stay exact in float64.
        total = torch.tensor(values, dtype=torch.float64, device=device)
        dist.all_reduce(total)
        return [float(value) for value in total.tolist()]

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace every gradient by its mean over all processes."""
        if self.size == 1:
            return
        gradients = [p.grad for p in parameters if p.grad is not None]
        flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
        dist.all_reduce(flat)
        flat /= self.size
        means = torch.split(flat, [gradient.numel() for gradient in gradients])
        for gradient, mean in zip(gradients, means, strict=True):
            gradient.copy_(mean.view_as(gradient))


ALONE = ProcessGroup()
_VARIABLES = (("RANK", "0"), ("WORLD_SIZE", "1"), ("LOCAL_RANK", "0"))
