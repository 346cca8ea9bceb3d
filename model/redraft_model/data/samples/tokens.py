"""Samples of forward processes on token ids other than masking: random edits, and the labels that undo them."""

import numpy as np

from redraft_model.data.samples.kinds import Drawing, sample_kind
from redraft_model.data.samples.repair import repair_sample
from redraft_model.data.samples.sample import Corrupted
from redraft_model.data.samples.unit import draw_shown
from redraft_model.noise import token_process


@sample_kind("edit")
def token_sample(process: str, drawing: Drawing) -> Corrupted | None:
    """A text some of whose tokens were edited at random."""
    shown = draw_shown(drawing)
    if shown is None:
        return None
    tokenizer = drawing.tokenizer
    noise = token_process(process, low=tokenizer.n_specials, high=tokenizer.n_vocabulary)
    x_t = noise.corrupt(shown.clean, drawing.rng.random(), drawing.generator)
    if np.array_equal(x_t, shown.clean):
        return None
    return repair_sample(drawing, process, shown.context, x_t, shown.clean, shown.room)
