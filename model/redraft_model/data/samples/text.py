"""Samples of forward processes on text: code with bugs, and the labels that undo them."""

import numpy as np

from redraft_model.data.samples.kinds import Drawing, sample_kind
from redraft_model.data.samples.repair import Mark, mark_at, repair_sample
from redraft_model.data.samples.sample import Corrupted, Ids
from redraft_model.data.samples.unit import Shown, draw_shown
from redraft_model.noise import TEXT_PROCESSES, text_process
from redraft_model.text.parser import problem
from redraft_model.tokens.tokenizer import Tokenizer

TOKENS_PER_ERROR = 80


@sample_kind(*TEXT_PROCESSES)
def text_sample(process: str, drawing: Drawing) -> Corrupted | None:
    """A text with bugs, marked where the parser stops."""
    shown = draw_shown(drawing)
    if shown is None:
        return None
    code, rng = shown.unit.code, drawing.rng
    noise = text_process(process)
    corrupted = noise.corrupt(code, rng)
    # Longer pieces may be wrong in several places, which is also more to learn from for the same work.
    for _ in range(len(shown.clean) // TOKENS_PER_ERROR):
        if rng.random() < drawing.source.more_errors:
            corrupted = noise.corrupt(corrupted, rng)
    if corrupted == code:
        return None
    x_t = drawing.tokenizer.encode(shown.text_of(drawing.tokenizer, corrupted))
    mark = _mark(drawing.tokenizer, shown, corrupted, x_t)
    if np.array_equal(x_t, shown.clean):
        return None
    return repair_sample(drawing, process, shown.context, x_t, shown.clean, shown.room, mark)


def _mark(tokenizer: Tokenizer, shown: Shown, corrupted: str, x_t: Ids) -> Mark | None:
    """Where the parser stops in `corrupted`, which became `x_t`."""
    trouble = problem(corrupted)
    if trouble is None:
        return None
    text = shown.text_of(tokenizer, corrupted)
    return mark_at(tokenizer, x_t, text, shown.offset(tokenizer, corrupted, trouble.span.start), trouble.kind)
