"""Mask samples: the first term of Seed Diffusion's loss (arXiv 2508.02193, eq. 6), each mask weighted by about 1 / gamma_t."""

import numpy as np

from redraft_model.data.samples.kinds import Drawing, sample_kind
from redraft_model.data.samples.sample import IGNORED, Corrupted
from redraft_model.data.samples.unit import draw_shown
from redraft_model.noise import MaskNoise
from redraft_model.tokens.alignment import MASK_ID

BLOCK_SIZE = 32


@sample_kind("mask")
def mask_sample(process: str, drawing: Drawing) -> Corrupted | None:
    """A text some of whose tokens are masked."""
    shown = draw_shown(drawing)
    if shown is None:
        return None
    t = drawing.rng.uniform(0.02, 1.0)
    noise = MaskNoise(MASK_ID, block_size=BLOCK_SIZE)
    x_t = noise.corrupt(shown.clean, t, drawing.generator)
    scale = drawing.source.mask_scale / noise.gamma(t)
    weights = np.where(x_t == MASK_ID, scale, 0.0).astype(np.float32)
    return Corrupted(
        process,
        "repair",
        shown.context,
        x_t,
        np.append(shown.clean, IGNORED),
        np.append(weights, np.float32(0)),
        (0, len(x_t)),
    )
