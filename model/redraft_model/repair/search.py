"""Repair search: the model proposes, the parser disposes.

Where the parser stops there is a problem. The window around it goes through the network; every label other than KEEP is a
candidate with a gain, log p(label) - log p(KEEP), and so are several sure ones at once. Best-first over a few edits a problem, a
beam of texts as one batch, masks filled by the model, every text put to the parser. A text solves the problem when it parses, or
when the parser now stops further down. A solution is cut down to the edits it needs. The one wins that the checkpoint's
calibration finds most likely right, after what its edits gained, how surely the model would now keep every token, and what was
lost on the way; without a calibration the costs in `Search` decide. No repair is hand-written here.

A long construct that is left open goes through the search folded (`text/folding.py`): its beginning and the places where it may
end are in one window then.
"""

# T tokens of a region and its end marker, V vocabulary

import contextlib
import heapq
import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from rapidfuzz.distance import Indel

from redraft_model.decode.judge import Judge
from redraft_model.decode.proposer import Opened, Proposer, pseudo_log_likelihood
from redraft_model.errors import OutOfTime
from redraft_model.passage import Span
from redraft_model.repair.attempt import (
    Attempt,
    after_edit,
    clipped,
    first_attempt,
    focus_of,
    is_solved,
    window_of,
)
from redraft_model.repair.candidates import LabelEdit, candidates
from redraft_model.repair.judging import judged, preselected
from redraft_model.repair.ranking import RepairFeatures, RepairWeights
from redraft_model.repair.settings import Search
from redraft_model.repair.solutions import Solution, score_of, weighed
from redraft_model.text.bounds import Bounds
from redraft_model.text.comments import CommentsAndStrings
from redraft_model.text.folding import Folded, folded
from redraft_model.text.frame import Frame
from redraft_model.text.layout import normalise_whitespace, split_merged_words
from redraft_model.text.look_alikes import respelt
from redraft_model.text.parser import Problem, compile_problem, problem

# Share of held-out texts that come back from look-alikes of ASCII as they were: 498 of 500.
RESPELT_RIGHT = 0.99


@dataclass(frozen=True)
class Repaired:
    """A text, as far as the search came.

    `probability` says how likely all its edits are right, if the search was given a calibration.
    """

    source: str
    score: float
    n_edits: int
    trouble: Problem | None  # what the parser still complains about
    probability: float = 1.0


def repair(
    proposer: Proposer,
    source: str,
    search: Search,
    *,
    within: Span | None = None,
    is_allowed: Callable[[str], bool] = lambda text: True,
    weights: RepairWeights | None = None,
    judge: Judge | None = None,
    on_solved: Callable[[Sequence[Solution]], None] = lambda solutions: None,
) -> Repaired:
    """Solve one problem after the other, from the top, until the text parses, a problem resists, or time is up.

    Of a text that parses, what the compiler says is the problem.

    `within` bounds where tokens may change; the text behind it is never touched. A text that `is_allowed` refuses is no solution.
    `on_solved` is shown all solutions of each problem before the best is taken. A `judge` judges the most promising ones first; the
    `weights` then are those that were fitted to judged solutions.
    """
    current = first_attempt(source)
    score, n_edits, confidence = 0.0, 0, 1.0
    taken: list[_Taken] = []
    bounds = Bounds.of(source, within)

    def is_possible(text: str) -> bool:
        return (bounds is None or bounds.hold(source, text)) and is_allowed(text)

    for _ in range(search.n_problems):
        trouble = current.trouble
        if trouble is None:
            break
        in_ascii = respelt(current.source, trouble)
        if in_ascii is not None and is_possible(in_ascii):
            n_edits += Indel.distance(current.source, in_ascii) // 2
            confidence *= RESPELT_RIGHT
            current = first_attempt(in_ascii)
            continue
        try:
            found = _solve_folded(proposer, current, search, bounds, is_possible)
            if not found.solutions:
                found = _Found(_solve(proposer, current, search, bounds, is_possible))
            if not found.solutions:
                break
            on_solved([found.whole(solution) for solution in found.solutions])
            solutions = found.solutions
            if weights is not None and judge is not None:
                solutions = _judged_by_base(solutions, weights, judge)
        except OutOfTime:
            break
        best, share = _best(solutions, weights)
        best = found.whole(best)
        score += best.score
        n_edits += best.attempt.n_edits
        taken.append(_Taken(trouble.span.start, best.features, share))
        current = Attempt(best.attempt.source, best.attempt.trouble)
    if weights is not None:
        # What was still wrong further down made every text so far less plausible than it is now.
        if len(taken) > 1:
            with contextlib.suppress(OutOfTime):
                taken = _seen_again(proposer, current.source, taken, search, bounds)
        confidence *= math.prod(weights.probability(each.features, each.share) for each in taken)
    return Repaired(current.source, score, n_edits, current.trouble, confidence)


@dataclass(frozen=True)
class _Taken:
    """What is known of the solution that was taken for a problem: where that was, and the logit of its share."""

    at: int
    features: RepairFeatures
    share: float


def _judged_by_base(solutions: Sequence[Solution], weights: RepairWeights, judge: Judge) -> list[Solution]:
    """The most promising solutions with what the pretrained base says of them."""
    chosen = [solutions[i] for i in preselected(weights, [solution.features for solution in solutions])]
    features = judged(
        judge,
        [solution.attempt.source for solution in chosen],
        [solution.features for solution in chosen],
    )
    return [replace(solution, features=known) for solution, known in zip(chosen, features, strict=True)]


def _best(solutions: Sequence[Solution], weights: RepairWeights | None) -> tuple[Solution, float]:
    """The solution that is taken, and the logit of its share if somebody wants to know."""
    if weights is None:
        return max(solutions, key=lambda solution: solution.score), 0.0
    best, share = weights.best([solution.features for solution in solutions])
    return solutions[best], share


def _seen_again(
    proposer: Proposer, source: str, taken: Sequence[_Taken], search: Search, bounds: Bounds | None
) -> list[_Taken]:
    """The features of solutions once all problems are solved: how surely the text around each would be kept now.

    Problems are solved from the top, so each is still where it was.
    """
    windows = [
        window_of(proposer, Attempt(source, None), clipped(Span(each.at, each.at), source), search, bounds)
        for each in taken
    ]
    again = []
    for each, window, kept in zip(taken, windows, pseudo_log_likelihood(proposer, windows), strict=True):
        keep_mean = kept / (len(window.canvas.region) + 1)
        again.append(replace(each, features=replace(each.features, keep_mean=keep_mean)))
    return again


@dataclass(frozen=True)
class _Found:
    """The solutions of one problem, in a text that may be folded, and what becomes of each in the whole text."""

    solutions: Sequence[Solution]
    wholes: Mapping[str, Attempt] = field(default_factory=dict)  # by the folded source

    def whole(self, solution: Solution) -> Solution:
        """The solution in the whole text."""
        attempt = self.wholes.get(solution.attempt.source)
        return solution if attempt is None else replace(solution, attempt=attempt)


def _solve_folded(
    proposer: Proposer,
    start: Attempt,
    search: Search,
    bounds: Bounds | None,
    is_allowed: Callable[[str], bool],
) -> _Found:
    """The solutions in a text in which a long open construct is shown short, as far as they solve the problem of the whole one.

    What counts for the ranking is what is known of the short text: there both ends are as near as in texts of that length.
    """
    assert start.trouble is not None
    made = None if start.uncompiled else folded(start.source, start.trouble)
    if made is None:
        return _Found([])
    fold, first = made
    if bounds is not None and not fold.is_within(bounds.span(start.source), start.source):
        return _Found([])
    trouble = problem(fold.text)
    if trouble is None:
        return _Found([])

    def is_possible(text: str) -> bool:
        whole = fold.unfolded(text)
        return whole is not None and is_allowed(whole)

    found: list[Solution] = []
    wholes: dict[str, Attempt] = {}
    shown = fold.unfolded
    for solution in _solve(
        proposer, Attempt(fold.text, trouble, end=fold.end), search, bounds, is_possible, shown
    ):
        attempt = _unfolded(fold, solution.attempt)
        if attempt is not None and is_solved(replace(start, trouble=first), attempt):
            wholes[solution.attempt.source] = attempt
            features = replace(
                solution.features,
                parses=float(attempt.trouble is None),
                uncompiled=float(attempt.uncompiled is not None),
            )
            found.append(Solution(solution.attempt, score_of(features, search), features))
    return _Found(found, wholes)


def _unfolded(fold: Folded, attempt: Attempt) -> Attempt | None:
    """The attempt in the whole text, after the parser's verdict; None if it touched what was left out."""
    whole = fold.unfolded(attempt.source)
    if whole is None:
        return None
    trouble = problem(whole)
    uncompiled = compile_problem(whole) if trouble is None else None
    return replace(attempt, source=whole, trouble=trouble, uncompiled=uncompiled)


@dataclass(order=True)
class _Queued:
    cost: float
    order: int
    attempt: Attempt = field(compare=False)


def _solve(
    proposer: Proposer,
    start: Attempt,
    search: Search,
    bounds: Bounds | None,
    is_allowed: Callable[[str], bool],
    shown: Callable[[str], str | None] = lambda text: text,
) -> list[Solution]:
    """The texts that were found in which the problem of `start` is solved; who watches sees what `shown` makes of a text."""
    assert start.trouble is not None

    def is_possible(text: str) -> bool:
        proposer.check()
        return is_allowed(text)

    untouched = CommentsAndStrings.of(start.source)
    counter = itertools.count()
    queue = [_Queued(0.0, next(counter), start)]
    seen = {start.source: start}
    solutions: dict[str, Attempt] = {}
    n_done, rounds_left = 0, search.n_rounds
    while queue and rounds_left > 0 and len(solutions) < search.n_solutions:
        beam = _popped(queue, search.beam if n_done >= search.n_narrow else -(-search.beam // 2), is_possible)
        if not beam:
            break
        n_done, rounds_left = n_done + 1, rounds_left - 1
        proposer.tell(search.n_rounds - rounds_left, search.n_rounds, shown(beam[0].source) or "")
        for parent, frame, text, gain, n_edits in _expand(proposer, beam, start, untouched, search, bounds):
            proposer.check()
            known = seen.get(text)
            if known is not None:
                # Several ways lead to it; what it gained is what it gains on the best one.
                attempt = replace(known, gain=parent.gain + gain, n_edits=parent.n_edits + n_edits)
                if _worth(attempt, search) > _worth(known, search):
                    seen[text] = attempt
                    if text in solutions:
                        solutions[text] = attempt
                continue
            attempt = seen[text] = after_edit(parent, frame, text, gain, n_edits)
            if is_solved(start, attempt):
                if _is_solution(parent, attempt) and is_possible(text):
                    solutions[text] = attempt
                if not _goes_on(parent, attempt):
                    continue
                # Of a body that lost its indentation only the first line needs it back to please the parser.
                attempt = replace(attempt, trouble=attempt.uncompiled)
            if attempt.n_edits < search.n_edits:
                cost = -attempt.gain - search.progress_gain * attempt.n_steps_on
                heapq.heappush(queue, _Queued(cost, next(counter), attempt))
        if solutions:
            rounds_left = min(rounds_left, search.patience)
            best = max(solution.gain for solution in solutions.values())
            if _is_any(queue, is_possible) and best > search.lead - queue[0].cost:
                break
    return weighed(proposer, start, [*solutions.values()], search, bounds, is_allowed)


def _is_solution(parent: Attempt, solved: Attempt) -> bool:
    """Almost every edit of a text that parses leaves one that does; of one that does not compile, those count that compile."""
    return parent.uncompiled is None or (solved.trouble is None and solved.uncompiled is None)


def _goes_on(parent: Attempt, solved: Attempt) -> bool:
    """Whether a text that parses and does not compile is edited further: if that has brought it on."""
    if solved.uncompiled is None:
        return False
    return parent.uncompiled is None or solved.uncompiled.span.start > parent.uncompiled.span.start


def _worth(attempt: Attempt, search: Search) -> float:
    return attempt.gain - search.edit_cost * attempt.n_edits


def _popped(queue: list[_Queued], n: int, is_allowed: Callable[[str], bool]) -> list[Attempt]:
    """The `n` cheapest texts that are allowed. They are asked about only here: most never come up, and asking takes a while."""
    beam: list[Attempt] = []
    while len(beam) < n and _is_any(queue, is_allowed):
        beam.append(heapq.heappop(queue).attempt)
    return beam


def _is_any(queue: list[_Queued], is_allowed: Callable[[str], bool]) -> bool:
    """Whether there is an allowed text; if so, the cheapest one is in front."""
    while queue and not is_allowed(queue[0].attempt.source):
        heapq.heappop(queue)
    return bool(queue)


def _expand(
    proposer: Proposer,
    beam: Sequence[Attempt],
    start: Attempt,
    untouched: CommentsAndStrings,
    search: Search,
    bounds: Bounds | None,
) -> Iterable[tuple[Attempt, Frame, str, float, int]]:
    """(parent, its frame, text, gain, tokens edited) of the texts one edit further on, edits without masks first."""
    windows = [window_of(proposer, attempt, focus_of(attempt), search, bounds) for attempt in beam]
    frames = [
        Frame.around(attempt.source, window.span) for attempt, window in zip(beam, windows, strict=True)
    ]
    to_fill: list[tuple[Attempt, LabelEdit, Opened]] = []
    for row, (attempt, window, log_p_TV) in enumerate(
        zip(beam, windows, proposer.log_p(windows), strict=True)
    ):
        n_left = search.n_edits - attempt.n_edits
        places = [focus_of(attempt), attempt.trouble.span] if attempt.trouble else [focus_of(attempt)]
        for edit in candidates(attempt.source, places, window, log_p_TV, untouched, search, n_left):
            edited = edit.applied(window)
            if edited.canvas.n_masks:
                to_fill.append((attempt, edit, Opened(row, edited)))
                continue
            text = normalise_whitespace(start.source, window.source_with(edited.canvas.region))
            yield attempt, frames[row], text, edit.gain, edit.n_tokens
            apart = split_merged_words(attempt.source, text)
            if apart is not None:
                yield attempt, frames[row], apart, edit.gain, edit.n_tokens + 1
    to_fill = heapq.nlargest(search.n_opened, to_fill, key=lambda entry: entry[0].gain + entry[1].gain)
    fills = proposer.fill([opened for _, _, opened in to_fill], search.n_fills)
    for (attempt, edit, opened), regions in zip(to_fill, fills, strict=True):
        n_without = len(opened.window.canvas.region) - opened.window.canvas.n_masks
        for region, log_p in regions:
            text = normalise_whitespace(start.source, opened.window.source_with(region))
            n_edits = max(1, edit.n_replaced + len(region) - n_without)
            yield attempt, frames[opened.row], text, edit.gain + log_p, n_edits
