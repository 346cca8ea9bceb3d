"""Operations on tensors, each a PyTorch reference and a Triton twin. Knows no text, files or models."""

from redraft_kernels.block_attention import block_attention, block_causal_mask
from redraft_kernels.cross_entropy import cross_entropy
from redraft_kernels.dispatch import use_triton
from redraft_kernels.region_attention import KeySegment, region_attention
from redraft_kernels.rms_norm import rms_norm
from redraft_kernels.rotary import rotary, rotary_angles

__all__ = [
    "KeySegment",
    "block_attention",
    "block_causal_mask",
    "cross_entropy",
    "region_attention",
    "rms_norm",
    "rotary",
    "rotary_angles",
    "use_triton",
]
