"""Repair samples: a corrupted region with the labels that undo it, whatever corrupted it."""

import random

import numpy as np
import numpy.typing as npt

from redraft_model.data.samples.kinds import Drawing
from redraft_model.data.samples.sample import Context, Corrupted, Ids, Weights
from redraft_model.text.parser import problem
from redraft_model.tokens.alignment import (
    DELETE_ID,
    INSERT_IDS,
    MASK_ID,
    apply,
    insert_id,
    insert_size,
    labels,
)
from redraft_model.tokens.tokenizer import INSERT_SIZES, REGION_END, Tokenizer

Mark = tuple[int, int]  # index of the token at which the parser stops, kind of its message


def repair_sample(
    drawing: Drawing,
    process: str,
    context: Context,
    x_t: Ids,
    clean: Ids,
    room: int,
    mark: Mark | None = None,
) -> Corrupted | None:
    """Labels of x_t; in two samples of five some have been executed already, so that half-repaired canvases are known."""
    tokenizer, rng = drawing.tokenizer, drawing.rng
    answer = labels(x_t, clean, tokenizer.whitespace_variants)
    if process != "keep" and rng.random() < 0.4:
        before, x_t = x_t, _partly_applied(x_t, answer, rng)
        if mark is not None and not np.array_equal(before, x_t):
            mark = _mark_now(tokenizer, mark, before, x_t, context)
        answer = labels(x_t, clean, tokenizer.whitespace_variants)
    if not 0 < len(x_t) <= room:
        return None
    shown = np.append(x_t, np.int32(tokenizer.id_of(REGION_END)))
    changed = answer != shown
    weights = _weights(drawing, answer, changed)
    target = _choose_region(changed, rng)
    return Corrupted(process, "repair", context, x_t, answer, weights, target, mark)


def mark_at(tokenizer: Tokenizer, x_t: Ids, text: str, at: int, kind: int) -> Mark | None:
    """The mark at character `at` of the text that begins with `x_t`; None if that is not in it."""
    borders = tokenizer.borders(x_t)
    n_bytes = len(text[: max(0, at)].encode())
    is_at_end = at == len(text) and n_bytes == int(borders[-1])
    if not len(x_t) or at < 0 or not (n_bytes < int(borders[-1]) or is_at_end):
        return None
    return min(int(np.searchsorted(borders, n_bytes, side="right")) - 1, len(x_t) - 1), kind


def _mark_now(tokenizer: Tokenizer, mark: Mark, before: Ids, x_t: Ids, context: Context) -> Mark | None:
    """The mark once `before` has become `x_t`; None where it is not known, as where a line break has its own indentation."""
    if (x_t == MASK_ID).any():
        # The search shows open masks with the mark of the text they were opened in.
        n_same = mark[0] + 1
        return mark if np.array_equal(before[:n_same], x_t[:n_same]) else None
    if not context.standalone:
        return None
    text = tokenizer.decode(x_t)
    trouble = problem(text)
    return None if trouble is None else mark_at(tokenizer, x_t, text, trouble.span.start, trouble.kind)


def _weights(drawing: Drawing, answer: Ids, changed: npt.NDArray[np.bool_]) -> Weights:
    """How much each label counts; of those that are KEEP a share."""
    weights = changed.astype(np.float32)
    weights[np.isin(answer, INSERT_IDS)] = drawing.source.insert_weight
    weights[answer == DELETE_ID] *= _one_per_run(answer == DELETE_ID)[answer == DELETE_ID]
    kept = ~changed
    weights[kept] = drawing.generator.random(int(kept.sum())) < drawing.kept_share
    return weights


def _partly_applied(x_t: Ids, answer: Ids, rng: random.Random) -> Ids:
    """Execute each change with probability one half; insertions now and then open more masks than they need to."""
    shown = np.append(x_t, answer[-1])
    partial = answer.copy()
    for i in np.flatnonzero(answer != shown).tolist() + ([len(x_t)] if insert_size(int(answer[-1])) else []):
        size = insert_size(int(answer[i]))
        if size:
            if rng.random() < 0.2:
                partial[i] = insert_id(min(size + 1, INSERT_SIZES[-1]))
        elif rng.random() < 0.5 and i < len(x_t):
            partial[i] = x_t[i]
    return apply(x_t, partial)


def _choose_region(changed: npt.NDArray[np.bool_], rng: random.Random) -> tuple[int, int]:
    """Start and end of the target: everything, or a stretch that holds all changes. `changed` includes the anchor."""
    n_tokens = len(changed) - 1
    if rng.random() < 0.6:
        return 0, n_tokens
    places = np.flatnonzero(changed)
    low = int(places[0]) if len(places) else rng.randrange(n_tokens)
    high = int(places[-1]) if len(places) else low
    start = rng.randint(0, min(low, n_tokens - 1))
    return start, rng.randint(min(max(high, start) + 1, n_tokens), n_tokens)


def _one_per_run(deleted: npt.NDArray[np.bool_]) -> Weights:
    """Weights that make every run of deletions count about as much as one token."""
    weights = np.ones(len(deleted), np.float32)
    borders = np.flatnonzero(np.diff(np.concatenate([[False], deleted, [False]]).astype(np.int8)))
    for start, end in borders.reshape(-1, 2).tolist():
        weights[start:end] = 1.0 / np.sqrt(end - start)
    return weights
