"""Repair search: the model proposes, the parser disposes.

Where the parser stops there is a problem. The window around it goes through the network; every label other than KEEP is a candidate
with a gain, log p(label) - log p(KEEP). Best-first over a few edits a problem, a beam of texts as one batch, masks filled by the model, every
text put to the parser. A text solves the problem when it parses, or when the parser now stops further down. Of the solutions the one wins
that the model finds most plausible: what its edits gained, and how surely it would now keep every token. There are no
hand-written repairs.
"""

# B texts of the beam, T tokens of a region and its end marker, V vocabulary

import heapq
import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import torch

from redraft_model.alignment import ANCHOR_ID, DELETE_ID, INSERT_IDS, MASK_ID, insert_size
from redraft_model.errors import Cancelled
from redraft_model.passage import UNWATCHED, DenoiseStep, Span, Watch
from redraft_model.sampler import Cached
from redraft_model.selection import forbid_insertions
from redraft_model.tokenizer import SPECIALS, Tokenizer
from redraft_model.transformer import Transformer
from redraft_model.verifier import Problem, error_spans, problem
from redraft_model.window import Limits, Window, around, with_masks

Ids = npt.NDArray[np.int32]

_NOT_LABELS = [i for i in range(len(SPECIALS)) if i not in (DELETE_ID, *INSERT_IDS)]


@dataclass(frozen=True)
class Search:
    """How hard to look."""

    n_edits: int = 4  # token edits for one problem
    n_rounds: int = 8  # beams per problem
    n_problems: int = 24  # problems per text
    beam: int = 6
    n_candidates: int = 24  # best labels of one text that are tried
    n_opened: int = 32  # insertions that are filled per round
    n_fills: int = 4  # tokens tried for a single mask
    n_solutions: int = 12  # stop when there are so many
    patience: int = 2  # beams after the first solution
    lead: float = 2.0  # nats by which a solution must lead what is still to be looked at to end the search
    distance_cost: float = 0.04  # nats per token away from where the parser stopped
    distance_cost_max: float = 3.0
    edit_cost: float = 1.0  # nats per edit when solutions are ranked
    keep_weight: float = 0.5  # weight of the final text's log-likelihood of being kept
    parse_bonus: float = 4.0  # nats for a text that parses over one whose problem lies further down
    limits: Limits = Limits()


@dataclass
class Effort:
    """What a search has cost so far."""

    n_forward: int = 0
    n_tokens: int = 0


@dataclass(frozen=True)
class Attempt:
    """A text on the way: the edits so far and what they gained."""

    source: str
    gain: float
    n_edits: int
    trouble: Problem | None


@dataclass(frozen=True)
class Repaired:
    """A text, as far as the search came."""

    source: str
    score: float
    n_edits: int
    trouble: Problem | None  # what the parser still complains about


@dataclass(frozen=True)
class Bounds:
    """Where a text may change: everything but its first `before` and its last `behind` characters."""

    before: int
    behind: int

    @classmethod
    def of(cls, source: str, span: Span | None) -> "Bounds | None":
        """The bounds of a span of a text; None stays None."""
        return None if span is None else cls(span.start, len(source) - span.end)

    def span(self, source: str) -> Span:
        """The same bounds in a text that has changed between them."""
        return Span(self.before, max(self.before, len(source) - self.behind))


@dataclass(frozen=True, eq=False)
class Opened:
    """A window with masks, made from window number `row` of the last forward pass."""

    row: int
    window: Window


class Proposer:
    """The network as the search uses it: label log-probabilities of windows, and filled masks."""

    def __init__(self, model: Transformer, tokenizer: Tokenizer, watch: Watch = UNWATCHED) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.effort = Effort()
        self._watch = watch
        self._forward = Cached(model)

    def log_p(self, windows: Sequence[Window]) -> list[torch.Tensor]:
        """Log-probabilities (T, V) of the labels of each window's region and of its end marker; one forward pass.

        The windows stay in the cache, so that `fill` can be asked about them.
        """
        self._count(sum(len(window.canvas.region) for window in windows))
        return self._forward.refresh([window.canvas for window in windows])

    def tell(self, index: int, limit: int, text: str) -> None:
        """Report a step to whoever watches."""
        self._watch.on_step(DenoiseStep(index, limit, text))

    def fill(self, opened: Sequence[Opened], n_fills: int) -> list[list[tuple[Ids, float]]]:
        """Regions without masks, and the log-probability of what was filled in, for each window with masks.

        A single mask gets its `n_fills` most likely tokens; several masks are filled one after the other, surest first. Only the masks
        and their neighbours are computed, the rest is as it was in the last `log_p`.
        """
        answers: list[list[tuple[Ids, float]]] = [[] for _ in opened]
        scores = [0.0] * len(opened)
        current = [entry.window.canvas for entry in opened]
        open_rows = list(range(len(opened)))
        while open_rows:
            places = [_around_masks(current[i].region) for i in open_rows]
            self._count(sum(end - start for start, end in places))
            found = self._forward.block([opened[i].row for i in open_rows], [current[i] for i in open_rows], places)
            still_open = []
            for i, (start, _), log_p_TV in zip(open_rows, places, found, strict=True):
                region = current[i].region
                masks = np.flatnonzero(region == MASK_ID)
                at_masks = log_p_TV[torch.from_numpy(masks - start).to(log_p_TV.device)]
                forbid_insertions(at_masks)
                if len(masks) == 1:
                    best = at_masks[0].topk(n_fills)
                    for value, token in zip(best.values.tolist(), best.indices.tolist(), strict=True):
                        answers[i].append((_with_fill(region, int(masks[0]), token), scores[i] + value))
                    continue
                confidence, token_M = at_masks.max(-1)
                surest = int(confidence.argmax())
                scores[i] += float(confidence[surest])
                current[i] = current[i].with_region(_with_fill(region, int(masks[surest]), int(token_M[surest])))
                still_open.append(i)
            open_rows = still_open
        return answers

    def _count(self, n_tokens: int) -> None:
        if self._watch.is_cancelled():
            raise Cancelled
        self.effort.n_forward += 1
        self.effort.n_tokens += n_tokens


def repair(
    proposer: Proposer,
    source: str,
    search: Search,
    *,
    within: Span | None = None,
    is_allowed: Callable[[str], bool] = lambda text: True,
) -> Repaired:
    """Solve one problem after the other, from the top, until the text parses or a problem resists.

    `within` bounds where tokens may change; the text behind it is never touched. A text that `is_allowed` refuses is no solution.
    """
    current = Attempt(source, 0.0, 0, problem(source))
    score, n_edits = 0.0, 0
    bounds = Bounds.of(source, within)
    for _ in range(search.n_problems):
        if current.trouble is None:
            break
        solved = _solve(proposer, current, search, bounds, is_allowed)
        if solved is None:
            break
        score += solved.gain
        n_edits += solved.n_edits
        current = replace(solved, n_edits=0, gain=0.0)
    return Repaired(current.source, score, n_edits, current.trouble)


def keep_log_likelihood(proposer: Proposer, windows: Sequence[Window]) -> list[float]:
    """Log-probability that the model would keep every token of each region as it is."""
    found = []
    for window, log_p_TV in zip(windows, proposer.log_p(windows), strict=True):
        shown = shown_labels(window)
        found.append(float(log_p_TV[torch.arange(len(shown)), shown].sum()))
    return found


def shown_labels(window: Window) -> Ids:
    """The region's tokens and its end marker: what KEEP means at every position."""
    return np.append(window.canvas.region, np.int32(ANCHOR_ID))


def forbid_controls(scores_TV: torch.Tensor) -> None:
    """Leave only answers that do something, in place: text tokens, deletions and insertions; at the end marker only insertions."""
    scores_TV[:, _NOT_LABELS] = -torch.inf
    insertions = scores_TV[-1, list(INSERT_IDS)].clone()
    scores_TV[-1] = -torch.inf
    scores_TV[-1, list(INSERT_IDS)] = insertions


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
) -> Attempt | None:
    """The best text in which the problem of `start` is solved, its gain being its score; None when none was found."""
    assert start.trouble is not None
    counter = itertools.count()
    queue = [_Queued(0.0, next(counter), start)]
    seen = {start.source}
    solutions: list[Attempt] = []
    rounds_left = search.n_rounds
    while queue and rounds_left > 0 and len(solutions) < search.n_solutions:
        beam = [heapq.heappop(queue).attempt for _ in range(min(search.beam, len(queue)))]
        rounds_left -= 1
        had_solution = bool(solutions)
        for attempt in _expand(proposer, beam, search, bounds):
            if attempt.source in seen:
                continue
            seen.add(attempt.source)
            trouble = problem(attempt.source)
            attempt = replace(attempt, trouble=trouble)
            if _is_solved(start.trouble, trouble, attempt, start) and is_allowed(attempt.source):
                solutions.append(attempt)
            elif attempt.n_edits < search.n_edits:
                assert trouble is not None or not is_allowed(attempt.source)
                if trouble is not None:
                    heapq.heappush(queue, _Queued(-attempt.gain, next(counter), attempt))
        if solutions:
            rounds_left = rounds_left if had_solution else min(rounds_left, search.patience)
            best = max(solution.gain for solution in solutions)
            if not queue or best > search.lead - queue[0].cost:
                break
        proposer.tell(search.n_rounds - rounds_left, search.n_rounds, beam[0].source)
    return _best(proposer, start, solutions, search, bounds)


def _is_solved(before: Problem, now: Problem | None, attempt: Attempt, start: Attempt) -> bool:
    """It parses, or the parser got past the line it stopped at, and past everything that was edited."""
    if now is None:
        return True
    edited_to = len(attempt.source) - _common_suffix(start.source, attempt.source)
    past = max(edited_to, before.span.end + len(attempt.source) - len(start.source))
    return now.line > before.line and now.span.start > past and "\n" in attempt.source[past : now.span.start]


def _common_suffix(a: str, b: str) -> int:
    n = 0
    limit = min(len(a), len(b))
    while n < limit and a[-1 - n] == b[-1 - n]:
        n += 1
    return n


def _expand(
    proposer: Proposer, beam: Sequence[Attempt], search: Search, bounds: Bounds | None
) -> Iterable[Attempt]:
    """The texts one edit further on, edits without masks first."""
    windows = [
        _window(proposer, attempt.source, attempt.trouble.span, search, bounds)
        for attempt in beam
        if attempt.trouble
    ]
    to_fill: list[tuple[float, Attempt, Opened]] = []
    for row, (attempt, window, log_p_TV) in enumerate(zip(beam, windows, proposer.log_p(windows), strict=True)):
        for position, label, gain in _candidates(attempt, window, log_p_TV, search):
            answer = np.append(window.canvas.region, np.int32(ANCHOR_ID))
            answer[position] = label
            canvas = window.canvas.edited(0, len(window.canvas.region), answer)
            if insert_size(label):
                to_fill.append((gain, attempt, Opened(row, with_masks(window, canvas.region))))
            else:
                yield _next(attempt, window.source_with(canvas.region), gain, 1)
    to_fill = heapq.nlargest(search.n_opened, to_fill, key=lambda entry: entry[0] + entry[1].gain)
    fills = proposer.fill([opened for _, _, opened in to_fill], search.n_fills)
    for (gain, attempt, opened), regions in zip(to_fill, fills, strict=True):
        n_before = len(opened.window.canvas.region) - opened.window.canvas.n_masks
        for region, log_p in regions:
            yield _next(attempt, opened.window.source_with(region), gain + log_p, max(1, len(region) - n_before))


def _next(attempt: Attempt, source: str, gain: float, n_edits: int) -> Attempt:
    return Attempt(source, attempt.gain + gain, attempt.n_edits + n_edits, None)


def _window(proposer: Proposer, source: str, focus: Span, search: Search, bounds: Bounds | None) -> Window:
    within = None if bounds is None else bounds.span(source)
    return around(proposer.tokenizer, source, focus, limits=search.limits, within=within)


def _candidates(
    attempt: Attempt, window: Window, log_p_TV: torch.Tensor, search: Search
) -> list[tuple[int, int, float]]:
    """(position, label, gain) of the best labels that change something, near problems first."""
    shown = torch.from_numpy(shown_labels(window).astype(np.int64))
    log_p_TV = log_p_TV.cpu()
    keep_T = log_p_TV[torch.arange(len(shown)), shown]
    gain_TV = log_p_TV - keep_T[:, None]
    gain_TV[torch.arange(len(shown)), shown] = -torch.inf
    forbid_controls(gain_TV)
    # An insertion of more tokens than may still be edited leads nowhere.
    gain_TV[:, [i for i in INSERT_IDS if insert_size(i) > search.n_edits - attempt.n_edits]] = -torch.inf
    gain_TV = gain_TV - torch.from_numpy(_distance_cost(attempt, window, search))[:, None]
    best = gain_TV.flatten().topk(min(search.n_candidates, gain_TV.numel()))
    n_vocabulary = gain_TV.shape[1]
    return [
        (index // n_vocabulary, index % n_vocabulary, value)
        for value, index in zip(best.values.tolist(), best.indices.tolist(), strict=True)
        if value > -torch.inf
    ]


def _distance_cost(attempt: Attempt, window: Window, search: Search) -> npt.NDArray[np.float32]:
    """Nats for every position of the region: the further from where a parser complains, the more."""
    assert attempt.trouble is not None
    n_tokens = len(window.canvas.region) + 1
    distance = np.full(n_tokens, n_tokens, np.float32)
    places = [attempt.trouble.span]
    text = window.span.of(attempt.source)
    places += [
        Span(window.span.start + span.start, window.span.start + span.end) for span in error_spans(text)[:8]
    ]
    at = np.arange(n_tokens)
    for place in places:
        if not window.span.start <= place.start <= window.span.end:
            continue
        start, end = window.tokens_of(Span(place.start, max(place.start, min(place.end, window.span.end))))
        distance = np.minimum(distance, np.maximum(0, np.maximum(start - at, at - end)))
    return np.minimum(distance * search.distance_cost, search.distance_cost_max).astype(np.float32)


def _best(
    proposer: Proposer,
    start: Attempt,
    solutions: Sequence[Attempt],
    search: Search,
    bounds: Bounds | None,
) -> Attempt | None:
    """The most plausible solution, with its score as gain."""
    if not solutions:
        return None
    assert start.trouble is not None
    windows = []
    for attempt in solutions:
        at = min(start.trouble.span.start, len(attempt.source))
        windows.append(_window(proposer, attempt.source, Span(at, at), search, bounds))
    kept = keep_log_likelihood(proposer, windows)
    scored = [
        attempt.gain
        - search.edit_cost * attempt.n_edits
        + search.keep_weight * keep
        + (search.parse_bonus if attempt.trouble is None else 0.0)
        for attempt, keep in zip(solutions, kept, strict=True)
    ]
    best = int(np.argmax(scored))
    return replace(solutions[best], gain=scored[best])


def _around_masks(region: Ids, margin: int = 4) -> tuple[int, int]:
    """The stretch of a region that holds its masks and their neighbours."""
    masks = np.flatnonzero(region == MASK_ID)
    return max(0, int(masks[0]) - margin), min(len(region), int(masks[-1]) + 1 + margin)


def _with_fill(region: Ids, at: int, token: int) -> Ids:
    if token == DELETE_ID:
        return np.delete(region, at)
    region = region.copy()
    region[at] = token
    return region
