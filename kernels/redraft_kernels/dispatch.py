"""Which twin of an operation runs: the PyTorch reference or the Triton kernel. Knows no operation.

The environment variable `REDRAFT_KERNELS` decides, and is read once per process:

- `auto`, the default: Triton for tensors on a GPU that Triton supports, the reference everywhere else.
- `reference`: the reference everywhere.
- `triton`: Triton for every tensor on a GPU, or an error if it is not installed. On the CPU too if
  `TRITON_INTERPRET=1` was set before this package was imported: Triton then runs its kernels in Python,
  which is slow and good for finding mistakes.

What `torch.compile` compiles is made of references, whatever is chosen: it fuses them, and cannot look into a kernel.
"""

import os
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from importlib.util import find_spec

import torch
from torch import Tensor

CHOICES = ("auto", "reference", "triton")

IS_INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
"""Triton runs kernels in Python. It looks at the variable when a kernel is defined, so it is read once."""

TRITON_IS_INSTALLED = find_spec("triton") is not None

TRITON_CAN_RUN = TRITON_IS_INSTALLED and (IS_INTERPRETED or torch.cuda.is_available())
"""Operation files import Triton and define their kernels only then; elsewhere that time would be wasted."""

# The oldest NVIDIA generation that Triton supports and that computes in bfloat16.
_OLDEST_CAPABILITY = (8, 0)


@cache
def kernel_choice() -> str:
    """The value of `REDRAFT_KERNELS`, `auto` when it is not set.

    Raises:
        ValueError: The value is none of `CHOICES`.
    """
    choice = os.environ.get("REDRAFT_KERNELS", "auto")
    if choice not in CHOICES:
        raise ValueError(
            f"REDRAFT_KERNELS is {choice!r}; set it to auto, reference or triton, or leave it unset."
        )
    return choice


def use_triton(*tensors: Tensor) -> bool:
    """Whether an operation on `tensors` runs its Triton twin.

    Raises:
        ValueError: `REDRAFT_KERNELS` has an unknown value.
        RuntimeError: `REDRAFT_KERNELS=triton`, the tensors are on a GPU, and Triton is not installed.
    """
    if torch.compiler.is_compiling():
        return False
    choice = kernel_choice()
    if choice == "reference":
        return False
    if not all(tensor.is_cuda for tensor in tensors):
        return choice == "triton" and IS_INTERPRETED and TRITON_IS_INSTALLED
    if choice == "auto":
        return TRITON_IS_INSTALLED and all(_triton_supports(tensor.device) for tensor in tensors)
    if not TRITON_IS_INSTALLED:
        raise RuntimeError(
            "REDRAFT_KERNELS is triton, but Triton is not installed; install it with `pip install triton` "
            "or set REDRAFT_KERNELS=auto."
        )
    return True


def on_device_of(tensor: Tensor) -> AbstractContextManager[object]:
    """Kernels launched inside run on `tensor`'s GPU; by itself Triton takes the current one."""
    return torch.cuda.device(tensor.device) if tensor.is_cuda else nullcontext()


@cache
def _triton_supports(device: torch.device) -> bool:
    return torch.cuda.get_device_capability(device) >= _OLDEST_CAPABILITY
