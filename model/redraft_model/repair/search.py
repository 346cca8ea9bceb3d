"""Repair search: the model proposes, the parser disposes.

Where the parser stops there is a problem. The window around it goes through the network; every label other than KEEP is a
candidate with a gain, log p(label) - log p(KEEP), and so are several sure ones at once. Best-first over a few edits a problem, a
beam of texts as one batch, masks filled by the model, every text put to the parser. A text solves the problem when it parses, or
when the parser now stops further down. A solution is cut down to the edits it needs. The one wins that the checkpoint's
calibration finds most likely right, after what its edits gained, how surely the model would now keep every token, and what was
lost on the way; without a calibration the costs in `Search` decide. There are no hand-written repairs.

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

import numpy as np
from rapidfuzz.distance import Indel

from redraft_model.decode.judge import Judge
from redraft_model.decode.proposer import Opened, Proposer, pseudo_log_likelihood
from redraft_model.errors import OutOfTime
from redraft_model.passage import Span
from redraft_model.repair.candidates import LabelEdit, candidates
from redraft_model.repair.judging import judged, preselected
from redraft_model.repair.ranking import RepairFeatures, RepairWeights
from redraft_model.repair.settings import Search
from redraft_model.text.bounds import Bounds
from redraft_model.text.comments import CommentsAndStrings, closers_quoted, n_unpaired
from redraft_model.text.diff import LONGEST_CHANGE, changed_lines, common_prefix, common_suffix, n_lost
from redraft_model.text.folding import Folded, folded
from redraft_model.text.frame import Frame
from redraft_model.text.identifiers import n_unknown_identifiers, names
from redraft_model.text.layout import indented_as_before, normalise_whitespace, split_merged_words
from redraft_model.text.look_alikes import respelt
from redraft_model.text.no_ops import n_no_ops
from redraft_model.text.parser import Problem, compile_problem, problem
from redraft_model.tokens.alignment import gaps
from redraft_model.tokens.window import Window, around

# A search that solves several problems at once has its first change far up, which says nothing against it.
FARTHEST = 4  # lines; what lies further away counts as so far
RESPELT_RIGHT = (
    0.99  # share of held-out texts that come back from look-alikes of ASCII as they were (498 of 500)
)


@dataclass(frozen=True)
class Attempt:
    """A text on the way: what the edits so far gained, how many tokens they changed, and how often they helped."""

    source: str
    trouble: Problem | None
    gain: float = 0.0
    n_edits: int = 0
    n_steps_on: int = 0
    uncompiled: Problem | None = None  # what the compiler says where the parser says nothing
    end: int | None = None  # where what is open may end, if that is far from where the parser stopped


@dataclass(frozen=True)
class Solution:
    """A text in which one problem is solved: its score in nats, and what its likelihood of being right is worked out from."""

    attempt: Attempt
    score: float
    features: RepairFeatures


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
    current = _first_attempt(source)
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
            current = _first_attempt(in_ascii)
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


def _first_attempt(source: str) -> Attempt:
    """The source with what the parser says of it, or else the compiler."""
    trouble = problem(source)
    if trouble is not None:
        return Attempt(source, trouble)
    uncompiled = compile_problem(source)
    return Attempt(source, uncompiled, uncompiled=uncompiled)


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
        _window(proposer, Attempt(source, None), _clipped(Span(each.at, each.at), source), search, bounds)
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
        if attempt is not None and _is_solved(replace(start, trouble=first), attempt):
            wholes[solution.attempt.source] = attempt
            features = replace(
                solution.features,
                parses=float(attempt.trouble is None),
                uncompiled=float(attempt.uncompiled is not None),
            )
            found.append(Solution(solution.attempt, _score(features, search), features))
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
            attempt = seen[text] = _judged(parent, frame, text, gain, n_edits)
            if _is_solved(start, attempt):
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
    return _weighed(proposer, start, [*solutions.values()], search, bounds, is_allowed)


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


def _judged(parent: Attempt, frame: Frame, text: str, gain: float, n_edits: int) -> Attempt:
    """The attempt that `text` is, after the parser's verdict."""
    assert parent.trouble is not None
    trouble = frame.problem(text)
    steps = parent.n_steps_on
    if trouble is None or trouble.span.start > _edited_to(parent, text):
        steps += 1
    gain, n_edits = parent.gain + gain, parent.n_edits + n_edits
    return Attempt(text, trouble, gain, n_edits, steps, _uncompiled(frame, text, trouble))


def _uncompiled(frame: Frame, text: str, trouble: Problem | None) -> Problem | None:
    """What the compiler says of a text with which the parser has no trouble."""
    return None if trouble is not None else frame.compile_problem(text)


def _edited_to(before: Attempt, text: str) -> int:
    """Offset in `text` behind everything that differs from `before`, and behind the problem that was there."""
    assert before.trouble is not None
    unchanged = common_suffix(before.source, text)
    return max(len(text) - unchanged, before.trouble.span.end + len(text) - len(before.source))


def _is_solved(start: Attempt, now: Attempt) -> bool:
    """It parses, or the parser got to a line behind the one it stopped at and behind everything that was edited."""
    assert start.trouble is not None
    if now.trouble is None:
        return True
    past = _edited_to(start, now.source)
    n_gone = max(0, start.source.count("\n") - now.source.count("\n"))
    is_below = now.trouble.line + n_gone > start.trouble.line
    return is_below and "\n" in now.source[past : now.trouble.span.start]


def _expand(
    proposer: Proposer,
    beam: Sequence[Attempt],
    start: Attempt,
    untouched: CommentsAndStrings,
    search: Search,
    bounds: Bounds | None,
) -> Iterable[tuple[Attempt, Frame, str, float, int]]:
    """(parent, its frame, text, gain, tokens edited) of the texts one edit further on, edits without masks first."""
    windows = [_window(proposer, attempt, _focus(attempt), search, bounds) for attempt in beam]
    frames = [
        Frame.around(attempt.source, window.span) for attempt, window in zip(beam, windows, strict=True)
    ]
    to_fill: list[tuple[Attempt, LabelEdit, Opened]] = []
    for row, (attempt, window, log_p_TV) in enumerate(
        zip(beam, windows, proposer.log_p(windows), strict=True)
    ):
        n_left = search.n_edits - attempt.n_edits
        places = [_focus(attempt), attempt.trouble.span] if attempt.trouble else [_focus(attempt)]
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


def _focus(attempt: Attempt) -> Span:
    assert attempt.trouble is not None
    return attempt.trouble.span if attempt.end is None else Span(attempt.end, attempt.end)


def _window(
    proposer: Proposer, attempt: Attempt, focus: Span, search: Search, bounds: Bounds | None
) -> Window:
    """The window around `focus`, marked where the parser stopped."""
    source, trouble = attempt.source, attempt.trouble
    within = None if bounds is None else bounds.span(source)
    window = around(proposer.tokenizer, source, focus, limits=search.limits, within=within)
    return window if trouble is None else window.marked(trouble.span.start, trouble.kind)


def _weighed(
    proposer: Proposer,
    start: Attempt,
    solutions: Sequence[Attempt],
    search: Search,
    bounds: Bounds | None,
    is_allowed: Callable[[str], bool],
) -> list[Solution]:
    """The solutions cut down to the edits they need, each with its score and features."""
    needed: dict[str, Attempt] = {}
    frame = Frame.around(start.source, _window(proposer, start, _focus(start), search, bounds).span)
    for solution in solutions:
        small = _minimal(start, solution, frame, proposer, is_allowed)
        small = _tidied(start, small, frame, is_allowed)
        # The way found directly knows best what its edits gained.
        if small.source not in needed or solution is small:
            needed[small.source] = small
    if not needed:
        return []
    at = Span(_focus(start).start, _focus(start).start)
    texts = [start, *needed.values()]
    windows = [_window(proposer, text, _clipped(at, text.source), search, bounds) for text in texts]
    (kept_before, *kept) = pseudo_log_likelihood(proposer, windows)
    known = names(start.source)
    found = []
    for attempt, window, keep in zip(needed.values(), windows[1:], kept, strict=True):
        features = _features(start, attempt, frame, known, window, keep, kept_before)
        found.append(Solution(attempt, _score(features, search), features))
    return found


def _score(features: RepairFeatures, search: Search) -> float:
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


def _clipped(span: Span, source: str) -> Span:
    return Span(min(span.start, len(source)), min(span.end, len(source)))


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
            uncompiled = _uncompiled(frame, text, trouble)
            if uncompiled is not None and current.uncompiled is None:
                continue
            n_left = max(1, current.n_edits - n_edits)
            smaller = replace(current, source=text, trouble=trouble, n_edits=n_left, uncompiled=uncompiled)
            if _is_solved(start, smaller) and is_allowed(text):
                current, after, is_smaller = smaller, tokens, True
                break
    return current


def _tidied(start: Attempt, solution: Attempt, frame: Frame, is_allowed: Callable[[str], bool]) -> Attempt:
    """The solution with its lines as deep as they were, if it stays one."""
    text = indented_as_before(start.source, solution.source)
    if text == solution.source:
        return solution
    trouble = frame.problem(text)
    tidy = replace(solution, source=text, trouble=trouble, uncompiled=_uncompiled(frame, text, trouble))
    is_worse = tidy.uncompiled is not None and solution.uncompiled is None
    return solution if is_worse or not (_is_solved(start, tidy) and is_allowed(text)) else tidy
