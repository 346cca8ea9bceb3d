"""What the hardware is good at. It knows nothing of the network."""

from collections.abc import Mapping

import torch


def fast_dtype(device: torch.device) -> torch.dtype:
    """bfloat16 where the hardware multiplies it; elsewhere it would be emulated, many times slower than float32."""
    if device.type != "cpu":
        return torch.bfloat16
    # Not every supported torch can tell; float32 is right everywhere.
    has: Mapping[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return torch.bfloat16 if has.get("avx512_bf16") or has.get("amx_bf16") else torch.float32
