"""Beam search: the rest of a line, written from the left as several texts side by side (a beam), of which the likeliest wins.

A canvas offers more masks than the text needs. At each mask the network says which token belongs there, or that the text ends
(`<|delete|>`). Surest first would end a text before it has begun, so masks are filled from the left (see `selection.py`); and
since the likeliest token is often not the first of the likeliest text, one text is not enough. A text's score is its mean
log-probability, its end included, so that long texts are not at a disadvantage. What retrieval finds elsewhere in the project is
interpolated with what the network says.
"""

# N texts in the making, V vocabulary

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch

from redraft_model.decode.forward import Forward
from redraft_model.decode.sampler import Draw
from redraft_model.decode.selection import forbid_controls_at_masks
from redraft_model.errors import Cancelled
from redraft_model.tokens.alignment import DELETE_ID, MASK_ID
from redraft_model.tokens.canvas import Canvas

Ids = npt.NDArray[np.int32]
# The interpolation weight of what retrieval says, in (0, 1): a function of its features (`Retrieved.values`).
InterpolationWeight = Callable[[Sequence[float]], float]
SMALLEST_WEIGHT = 1e-6  # of the network, and of what was retrieved if it has one
Mask = npt.NDArray[np.bool_]


class Retrieved(Protocol):
    """What retrieval says of the next token: how often each stood in this context elsewhere."""

    @property
    def counts(self) -> Mapping[int, int]:
        """The tokens, and how often each follows."""
        ...

    def only(self, tokens: Collection[int]) -> "Retrieved | None":
        """The same of these tokens alone; None where none of them is left."""
        ...

    def values(self, confidence: float) -> tuple[float, ...]:
        """The features of the interpolation weight; `confidence` is the network's highest probability."""
        ...


class Retrieval(Protocol):
    """A cache language model: what follows the same context elsewhere."""

    def after(self, tokens: tuple[int, ...]) -> Retrieved | None:
        """What follows once `tokens` have been written; None where the context stands nowhere else."""
        ...


@dataclass(frozen=True)
class BeamSettings:
    """How hard to look."""

    beam: int = 4  # texts that are written on
    n_masks: int = 24  # offered for a text
    n_ended: int = 32  # ended texts that are kept
    lead: float = 4.0  # nats by which a text that has ended is likelier than one that is given up
    score_floor: float = -1.5  # nats of a token of a forced prefix, at least: the network copies names badly
    temperature: float = 0.5  # of the noise on scores when the search is seeded
    refresh_every: int = 0  # look at whole sequences every so many tokens; 0: only once


@dataclass(frozen=True)
class Line:
    """A text in the making, or one that has ended."""

    tokens: tuple[int, ...] = ()
    log_p: float = 0.0
    n_answers: int = 0  # its tokens, and its end when it has one
    has_ended: bool = False

    @property
    def score(self) -> float:
        """Mean log-probability of an answer."""
        return self.log_p / max(1, self.n_answers)


@dataclass(eq=False)
class Hole:
    """Where a text is wanted: `canvas` has nothing but masks in its region.

    With `openings` the first of them stands for a line break, one of these ids. After the tokens named in `next_tokens` only
    some ids can follow, shape (V,), at least one of which breaks no line. A text begins with `forced_prefix`, however unlikely that
    is, and is complete with one that ends with DELETE_ID. `retrieval` knows what follows the same words elsewhere.
    """

    canvas: Canvas
    openings: Ids | None = None
    draw: Draw = Draw()
    next_tokens: Mapping[tuple[int, ...], Mask] = field(default_factory=dict)
    forced_prefix: tuple[int, ...] = ()
    beam: int | None = None  # texts that are written on; None: as the settings say
    retrieval: Retrieval | None = None

    def forced(self, n_written: int) -> int | None:
        """The token of the prefix that comes after so many others."""
        i = n_written - (self.openings is not None)
        return self.forced_prefix[i] if 0 <= i < len(self.forced_prefix) else None


@dataclass(eq=False)
class BeamResult:
    """What a search has come to for one hole, and what that took."""

    lines: list[Line]  # that go on, best first
    ended: list[Line]  # the best so far, best first
    n_forward: int = 0
    n_tokens: int = 0

    def best(self) -> list[Line]:
        """The texts that have ended, best first; those that ran out of masks when there are none."""
        return self.ended or sorted(self.lines, key=lambda line: -line.score)


def merged(found: Sequence[BeamResult]) -> BeamResult:
    """What several searches for one hole have come to: the first one's texts, and all that have ended."""
    ended = sorted((line for each in found for line in each.ended), key=lambda line: -line.score)
    n_tokens = sum(each.n_tokens for each in found)
    return BeamResult(found[0].lines, ended, max(each.n_forward for each in found), n_tokens)


def search(
    forward: Forward,
    holes: Sequence[Hole],
    settings: BeamSettings,
    *,
    breaks_line: Mask,
    interpolation: InterpolationWeight | None = None,
    is_cancelled: Callable[[], bool] = lambda: False,
    dropped: Callable[[], Collection[int]] = tuple,
    on_step: Callable[[int, Sequence[BeamResult]], None] = lambda step, found: None,
) -> list[BeamResult]:
    """Texts for each hole, each within one line. `breaks_line` says which ids begin another, shape (V,).

    What retrieval says is interpolated with what the network says; without an `interpolation` weight nothing is retrieved.
    Places that are `dropped` are left as they are; asked between two steps, as is `is_cancelled`, which raises Cancelled.
    """
    if is_cancelled():
        raise Cancelled
    found = [BeamResult([Line()], []) for _ in holes]
    generators = [hole.draw.generator() if hole.draw.seed else None for hole in holes]
    rules = _Rules(holes, breaks_line)
    forward.refresh([hole.canvas for hole in holes])
    for entry in found:
        entry.n_forward += 1
    step = 0
    while True:
        gone = dropped()
        active = [
            i
            for i, (hole, entry) in enumerate(zip(holes, found, strict=True))
            if i not in gone and not _is_done(entry, hole, settings)
        ]
        if not active:
            return found
        if is_cancelled():
            raise Cancelled
        written = [(i, line) for i in active for line in found[i].lines]
        canvases = [_with_line(holes[i].canvas, line) for i, line in written]
        rows = [i for i, _ in written]
        if settings.refresh_every and step and step % settings.refresh_every == 0:
            forward.refresh(canvases)
            rows = list(range(len(canvases)))
        log_p_NV = rules.kept(
            forward.at_first_mask(rows, canvases), [(i, line.tokens) for i, line in written]
        )
        if interpolation is not None:
            for n, (i, line) in enumerate(written):
                retrieval = holes[i].retrieval
                retrieved = None if retrieval is None else possible(retrieval.after(line.tokens), log_p_NV[n])
                if retrieved is not None:
                    log_p_NV[n] = interpolated(log_p_NV[n], retrieved, interpolation)
        for n, (i, line) in enumerate(written):
            if (token := holes[i].forced(len(line.tokens))) is not None:
                p = float(log_p_NV[n, token])
                log_p_NV[n] = -torch.inf
                # What cannot stand there stays impossible.
                log_p_NV[n, token] = max(p, settings.score_floor) if math.isfinite(p) else p
        for i in active:
            mine = [n for n, (owner, _) in enumerate(written) if owner == i]
            found[i] = _next(found[i], log_p_NV[mine], holes[i], settings, generators[i])
        step += 1
        on_step(step, found)


def followed(
    forward: Forward, hole: Hole, tokens: Sequence[int], *, breaks_line: Mask
) -> list[tuple[int, torch.Tensor, Retrieved | None]]:
    """What the search would see on its way to a text: each token and its end, log-probabilities (V,), what was retrieved."""
    texts = [Line(tuple(tokens[:n])) for n in range(len(tokens) + 1)]
    forward.refresh([hole.canvas])
    log_p_NV = forward.at_first_mask([0] * len(texts), [_with_line(hole.canvas, text) for text in texts])
    log_p_NV = _Rules([hole], breaks_line).kept(log_p_NV, [(0, text.tokens) for text in texts])
    retrieved = [None if hole.retrieval is None else hole.retrieval.after(text.tokens) for text in texts]
    return [
        (token, log_p_V, possible(each, log_p_V))
        for token, log_p_V, each in zip((*tokens, DELETE_ID), log_p_NV, retrieved, strict=True)
    ]


class _Rules:
    """Which ids can come next at each hole."""

    def __init__(self, holes: Sequence[Hole], breaks_line: Mask) -> None:
        self._holes = holes
        self._within = torch.from_numpy(~breaks_line)
        self._openings = [_only(hole.openings, len(breaks_line)) for hole in holes]

    def kept(self, log_p_NV: torch.Tensor, written: Sequence[tuple[int, tuple[int, ...]]]) -> torch.Tensor:
        """Log-probabilities (N, V) given what is known: that the text is one line, and what it can begin with.

        `written` is the number of each row's hole, and what has been written there.
        """
        log_p_NV = log_p_NV.cpu()
        forbid_controls_at_masks(log_p_NV)
        for n, (i, tokens) in enumerate(written):
            opening = None if tokens else self._openings[i]
            log_p_NV[n, ~(self._within if opening is None else opening)] = -torch.inf
            if (can_follow := self._holes[i].next_tokens.get(tokens)) is not None:
                log_p_NV[n, ~torch.from_numpy(can_follow)] = -torch.inf
        return log_p_NV.log_softmax(-1)


def possible(retrieved: Retrieved | None, log_p_V: torch.Tensor) -> Retrieved | None:
    """What was retrieved without the tokens that cannot stand here; None where nothing is left."""
    if retrieved is None:
        return None
    tokens = list(retrieved.counts)
    can_be = log_p_V[tokens].isfinite().tolist()
    return retrieved.only([token for token, can in zip(tokens, can_be, strict=True) if can])


def interpolated(
    log_p_V: torch.Tensor, retrieved: Retrieved, interpolation: InterpolationWeight
) -> torch.Tensor:
    """The network's log-probabilities (V,) and the shares of what was retrieved, in one distribution."""
    weight = min(interpolation(retrieved.values(confidence(log_p_V))), 1 - SMALLEST_WEIGHT)
    if weight < SMALLEST_WEIGHT:
        return log_p_V
    n_places = sum(retrieved.counts.values())
    shares = [n / n_places for n in retrieved.counts.values()]
    tokens, log_shares = list(retrieved.counts), torch.tensor(shares).log()
    mixture_V = log_p_V + math.log1p(-weight)
    mixture_V[tokens] = torch.logaddexp(mixture_V[tokens], log_shares + math.log(weight))
    return mixture_V


def confidence(log_p_V: torch.Tensor) -> float:
    """The highest probability that the network gives."""
    return math.exp(float(log_p_V.max()))


def _only(ids: Ids | None, n_vocabulary: int) -> torch.Tensor | None:
    """Which ids are among `ids`, shape (V,)."""
    if ids is None:
        return None
    chosen = torch.zeros(n_vocabulary, dtype=torch.bool)
    chosen[torch.from_numpy(ids.astype(np.int64))] = True
    return chosen


def _is_done(found: BeamResult, hole: Hole, settings: BeamSettings) -> bool:
    """Nothing goes on, or as many texts have ended as are written on, and those are better than all that go on."""
    if not found.lines or len(found.lines[0].tokens) >= len(hole.canvas.region):
        return True
    beam = _beam(hole, settings)
    if len(found.ended) < beam:
        return False
    return found.ended[beam - 1].score >= max(line.score for line in found.lines)


def _beam(hole: Hole, settings: BeamSettings) -> int:
    return settings.beam if hole.beam is None else hole.beam


def _next(
    found: BeamResult,
    log_p_NV: torch.Tensor,
    hole: Hole,
    settings: BeamSettings,
    generator: torch.Generator | None,
) -> BeamResult:
    """Every text one token further on, or ended; the best go on."""
    beam, ended = _beam(hole, settings), list(found.ended)
    going: list[tuple[float, Line]] = []
    best = log_p_NV.topk(min(beam + 1, log_p_NV.shape[1]))
    for line, values, tokens in zip(found.lines, best.values.tolist(), best.indices.tolist(), strict=True):
        for value, token in zip(values, tokens, strict=True):
            if value == -np.inf:
                continue
            log_p = line.log_p + value
            if token == DELETE_ID:
                ended.append(replace(line, log_p=log_p, n_answers=line.n_answers + 1, has_ended=True))
            else:
                longer = Line((*line.tokens, token), log_p, line.n_answers + 1)
                going.append((log_p + _noise(settings, generator), longer))
    ended.sort(key=lambda line: -line.score)
    del ended[settings.n_ended :]
    going.sort(key=lambda entry: -entry[0])
    lines = [line for _, line in going[:beam]]
    # A text only becomes less likely as it goes on. Nothing at all, which is no help to anybody, is no rival.
    rivals = [line.log_p for line in ended if len(line.tokens) > (hole.openings is not None)]
    lines = [line for line in lines if line.log_p >= max(rivals, default=-math.inf) - settings.lead]
    return BeamResult(lines, ended, found.n_forward + 1, found.n_tokens + len(lines))


def _noise(settings: BeamSettings, generator: torch.Generator | None) -> float:
    """What a seeded search adds to a score, so that another seed finds other texts: Gumbel noise."""
    if generator is None:
        return 0.0
    uniform = torch.rand((), generator=generator).clamp(1e-9, 1 - 1e-7)
    return settings.temperature * float(-torch.log(-torch.log(uniform)))


def _with_line(canvas: Canvas, line: Line) -> Canvas:
    region = canvas.region.copy()
    region[: len(line.tokens)] = line.tokens
    return canvas.with_region(region)


def picture(hole: Hole, found: BeamResult) -> Ids:
    """The region as it looks now: the best text so far, and masks behind it."""
    best = found.lines[0] if found.lines else next(iter(found.best()), Line())
    tokens = np.array(best.tokens, np.int32)
    rest = 0 if best.has_ended else len(hole.canvas.region) - len(tokens)
    return np.concatenate([tokens, np.full(rest, MASK_ID, np.int32)]).astype(np.int32)
