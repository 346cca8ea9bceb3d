"""What the hardware is good at. It knows nothing of the network."""

from collections.abc import Mapping

import torch

from redraft_model.errors import CheckpointError


def fast_dtype(device: torch.device) -> torch.dtype:
    """bfloat16 where the hardware multiplies it; elsewhere it would be emulated, many times slower than float32."""
    if device.type != "cpu":
        return torch.bfloat16
    # Not every supported torch can tell; float32 is right everywhere.
    has: Mapping[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return torch.bfloat16 if has.get("avx512_bf16") or has.get("amx_bf16") else torch.float32


def device_named(name: str) -> torch.device:
    """The device of that name, "auto" for a graphics card if there is one; CheckpointError when it is not here."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).item()  # "meta" has no values to read
    except (RuntimeError, AssertionError, ImportError) as error:
        raise CheckpointError(f"there is no device {name!r} here; use --device cpu") from error
    return device
