"""Span samples: a piece of a text is to be written, as completion asks for it, and surplus masks have to go."""

import random

import numpy as np

from redraft_model.data.samples.kinds import Drawing, sample_kind
from redraft_model.data.samples.sample import IGNORED, Corrupted, Ids
from redraft_model.data.samples.unit import draw_shown
from redraft_model.noise import MaskNoise, span_process
from redraft_model.passage import Span
from redraft_model.tokens.alignment import DELETE_ID, MASK_ID

CANVAS_SIZES = (8, 16, 24, 32, 48, 64)  # masks offered for a text of unknown length


@sample_kind("span")
def span_sample(process: str, drawing: Drawing) -> Corrupted | None:
    """A span to be written: masks for all or part of it, and surplus masks that have to go."""
    shown = draw_shown(drawing)
    if shown is None or not shown.unit.code:
        return None
    tokenizer, rng, code = drawing.tokenizer, drawing.rng, shown.unit.code
    span = span_process(process).cut(code, rng)
    text = shown.text_of(tokenizer, code)
    span = Span(*(shown.offset(tokenizer, code, at) for at in (span.start, span.end)))
    if drawing.source.cuts_at_tokens:
        borders = tokenizer.borders(shown.clean)
        start, end = (len(text[:at].encode()) for at in (span.start, span.end))
        first, last = (
            int(np.searchsorted(borders, start, side="right")) - 1,
            int(np.searchsorted(borders, end)),
        )
        before, middle, after = shown.clean[:first], shown.clean[first:last], shown.clean[last:]
    else:
        before = tokenizer.encode(text[: span.start])
        middle = tokenizer.encode(span.of(text))
        after = tokenizer.encode(text[span.end :])
    n_free = shown.room - len(before) - len(middle) - len(after)
    if n_free < 0:
        return None
    n_surplus = _draw_surplus(len(middle), n_free, rng)
    x_t = _partly_written(middle, n_surplus, drawing)
    rate = max(0.1, float((x_t == MASK_ID).mean()))
    weights = np.where(x_t == MASK_ID, min(1.0, 0.3 / rate), 0.0).astype(np.float32)
    # Half for the first surplus mask, at which a text that is written from the left ends.
    surplus_weights = np.full(n_surplus, 0.5 / max(1, n_surplus), np.float32)
    surplus_weights[:1] += 0.5
    surplus = np.full(n_surplus, MASK_ID, np.int32), np.full(n_surplus, DELETE_ID, np.int32)
    frozen = [np.full(n, IGNORED, np.int32) for n in (len(before), len(after) + 1)]
    unasked = [np.zeros(len(part), np.float32) for part in frozen]
    return Corrupted(
        process,
        "complete",
        shown.context,
        np.concatenate([before, x_t, surplus[0], after]).astype(np.int32),
        np.concatenate([frozen[0], middle, surplus[1], frozen[1]]).astype(np.int32),
        np.concatenate([unasked[0], weights, surplus_weights, unasked[1]]),
        (len(before), len(before) + len(x_t) + n_surplus),
    )


def _partly_written(middle: Ids, n_surplus: int, drawing: Drawing) -> Ids:
    """`middle` as sampling meets it on its way; with surplus masks it may be all there, and only its end is asked."""
    x_t, rng = middle.copy(), drawing.rng
    state = rng.random()
    if state < 0.3:
        x_t[:] = MASK_ID
    elif state < 0.75:
        # Written from the left.
        is_whole = n_surplus > 0 and rng.random() < 0.3
        x_t[len(x_t) if is_whole else rng.randrange(len(x_t)) :] = MASK_ID
    else:
        x_t = MaskNoise(MASK_ID).corrupt(middle, rng.random(), drawing.generator)
    return x_t


def _draw_surplus(n_tokens: int, n_free: int, rng: random.Random) -> int:
    """Masks beyond the text's own length, at most `n_free`.

    Mostly the canvas has one of the usual sizes, whatever the text's length: a canvas must not tell how long its text is.
    """
    sizes = [size for size in CANVAS_SIZES if n_tokens <= size <= n_tokens + n_free]
    if sizes and rng.random() < 0.8:
        return rng.choice(sizes) - n_tokens
    return rng.randint(0, min(8, n_free))
