"""The solutions of one problem: cut down to the edits they need, with a score each and what their likelihood is worked out from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from rapidfuzz.distance import Indel

from redraft_model.decode.proposer import Proposer, pseudo_log_likelihood
from redraft_model.passage import Span
from redraft_model.repair.attempt import Attempt, clipped, focus_of, is_solved, uncompiled_in, window_of
from redraft_model.repair.ranking import RepairFeatures
from redraft_model.repair.settings import Search
from redraft_model.text.bounds import Bounds
from redraft_model.text.comments import closers_quoted, n_unpaired
from redraft_model.text.diff import LONGEST_CHANGE, changed_lines, common_prefix, n_lost
from redraft_model.text.frame import Frame
from redraft_model.text.identifiers import n_unknown_identifiers, names
from redraft_model.text.layout import indented_as_before
from redraft_model.text.no_ops import n_no_ops
from redraft_model.tokens.alignment import gaps
from redraft_model.tokens.window import Window

# A search that solves several problems at once has its first change far up, which says nothing against it.
FARTHEST = 4  # lines; what lies further away counts as so far


@dataclass(frozen=True)
class Solution:
    """A text in which one problem is solved: its score in nats, and what its likelihood of being right is worked out from."""

    attempt: Attempt
    score: float
    features: RepairFeatures


def weighed(
    proposer: Proposer,
    start: Attempt,
    solutions: Sequence[Attempt],
    search: Search,
    bounds: Bounds | None,
    is_allowed: Callable[[str], bool],
) -> list[Solution]:
    """The solutions cut down to the edits they need, each with its score and features."""
    needed: dict[str, Attempt] = {}
    frame = Frame.around(start.source, window_of(proposer, start, focus_of(start), search, bounds).span)
    for solution in solutions:
        small = _minimal(start, solution, frame, proposer, is_allowed)
        small = _tidied(start, small, frame, is_allowed)
        # The way found directly knows best what its edits gained.
        if small.source not in needed or solution is small:
            needed[small.source] = small
    if not needed:
        return []
    at = Span(focus_of(start).start, focus_of(start).start)
    texts = [start, *needed.values()]
    windows = [window_of(proposer, text, clipped(at, text.source), search, bounds) for text in texts]
    (kept_before, *kept) = pseudo_log_likelihood(proposer, windows)
    known = names(start.source)
    found = []
    for attempt, window, keep in zip(needed.values(), windows[1:], kept, strict=True):
        features = _features(start, attempt, frame, known, window, keep, kept_before)
        found.append(Solution(attempt, score_of(features, search), features))
    return found


def score_of(features: RepairFeatures, search: Search) -> float:
    """The score of a solution in nats, by the costs of `search`."""
    return (
        features.gain
        - search.edit_cost * features.edits
        + search.keep_weight * features.keep
        + search.parse_gain * features.parses
        - search.uncompiled_cost * features.uncompiled
        - search.no_op_cost * features.no_ops
    )


def _features(
    start: Attempt,
    attempt: Attempt,
    frame: Frame,
    known: frozenset[str],
    window: Window,
    keep: float,
    kept_before: float,
) -> RepairFeatures:
    assert start.trouble is not None
    head, old, new, _ = changed_lines(start.source, attempt.source)
    n_same = common_prefix(old, new)
    line = head.count("\n") + old.count("\n", 0, n_same)
    words_lost, signs_lost = n_lost(old, new)
    words_gained, signs_gained = n_lost(new, old)
    return RepairFeatures(
        gain=attempt.gain,
        keep=keep - kept_before,
        keep_mean=keep / (len(window.canvas.region) + 1),
        parses=float(attempt.trouble is None),
        edits=attempt.n_edits,
        lines_away=min(FARTHEST, abs(line - start.trouble.line)),
        words_lost=words_lost,
        words_gained=words_gained,
        unknown_identifiers=n_unknown_identifiers(known, new),
        signs_lost=signs_lost,
        signs_gained=signs_gained,
        closers_quoted=closers_quoted(old, new),
        characters=Indel.distance(old, new),
        unpaired=n_unpaired(attempt.source) - n_unpaired(start.source),
        uncompiled=float(attempt.uncompiled is not None),
        no_ops=n_no_ops(frame.middle(attempt.source)),
    )


def _minimal(
    start: Attempt,
    solution: Attempt,
    frame: Frame,
    proposer: Proposer,
    is_allowed: Callable[[str], bool],
) -> Attempt:
    """The solution without the changes that can be taken back one by one while it stays as good: solved, allowed, compiled."""
    head, old, new, tail = changed_lines(start.source, solution.source)
    if max(len(old), len(new)) > LONGEST_CHANGE:
        return solution
    tokenizer = proposer.tokenizer
    before, after = tokenizer.encode(old), tokenizer.encode(new)
    current = solution
    is_smaller = True
    while is_smaller:
        is_smaller = False
        changes = gaps(before, after)
        for change in changes if len(changes) > 1 else []:
            proposer.check()
            tokens = np.concatenate(
                [after[: change.new_start], before[change.start : change.end], after[change.new_end :]]
            )
            n_edits = max(change.end - change.start, change.new_end - change.new_start)
            text = head + tokenizer.decode(tokens) + tail
            trouble = frame.problem(text)
            uncompiled = uncompiled_in(frame, text, trouble)
            if uncompiled is not None and current.uncompiled is None:
                continue
            n_left = max(1, current.n_edits - n_edits)
            smaller = replace(current, source=text, trouble=trouble, n_edits=n_left, uncompiled=uncompiled)
            if is_solved(start, smaller) and is_allowed(text):
                current, after, is_smaller = smaller, tokens, True
                break
    return current


def _tidied(start: Attempt, solution: Attempt, frame: Frame, is_allowed: Callable[[str], bool]) -> Attempt:
    """The solution with its lines as deep as they were, if it stays one."""
    text = indented_as_before(start.source, solution.source)
    if text == solution.source:
        return solution
    trouble = frame.problem(text)
    tidy = replace(solution, source=text, trouble=trouble, uncompiled=uncompiled_in(frame, text, trouble))
    is_worse = tidy.uncompiled is not None and solution.uncompiled is None
    return solution if is_worse or not (is_solved(start, tidy) and is_allowed(text)) else tidy
