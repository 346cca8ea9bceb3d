"""Completion: texts for the place of a passage's target, within a line or over several ones, for many holes in one batch."""

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

import numpy as np
import torch

from redraft_model.complete.holes import Holes
from redraft_model.complete.judging import CompletionJudge, JudgedText
from redraft_model.complete.line_starts import depth
from redraft_model.complete.ranking import CompletionFeatures, CompletionWeights, completion_features
from redraft_model.decode import beam
from redraft_model.decode.beam import BeamResult, BeamSettings, Hole, Line
from redraft_model.decode.forward import Cached
from redraft_model.errors import Cancelled
from redraft_model.network.transformer import Transformer
from redraft_model.passage import UNWATCHED, Completion, Cost, DenoiseStep, Draft, Watch
from redraft_model.text.comments import is_torn
from redraft_model.text.insertions import Insertions
from redraft_model.text.parser import parses
from redraft_model.tokens.tokenizer import Tokenizer

N_LINES = 6  # of a text, at most

# The base that judges the texts of one request, which its watch can cancel.
Judging = Callable[[Watch], CompletionJudge]


class Completer:
    """Writes what is missing. Not thread-safe: one batch at a time."""

    def __init__(
        self,
        model: Transformer,
        tokenizer: Tokenizer,
        line: BeamSettings,
        weights: CompletionWeights | None = None,
        judging: Judging | None = None,
    ) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._holes = Holes(tokenizer)
        self._line = line
        self._weights = weights
        self._judging = judging

    @torch.inference_mode()
    def texts(self, asked: Completion) -> list[tuple[str, CompletionFeatures]]:
        """All texts that were found for the rest of the line, best first, and what a calibration goes by."""
        (order,), _ = self._searched([asked], [UNWATCHED])
        return [(each.text, each.features) for each in self._texts(order)]

    def lines(self, asked: Sequence[Completion], watches: Sequence[Watch]) -> list[list[Draft] | None]:
        """Completions within a line, for several places at once; None for those whose watch has cancelled."""
        orders, seconds = self._searched(asked, watches)
        return [self._drafts_of(order, seconds) for order in orders]

    def judged_texts(self, asked: Completion) -> list[JudgedText]:
        """All texts for the rest of the line that the base has judged, the likeliest first."""
        assert self._judging is not None, "there is no base"
        (order,), _ = self._searched([asked], [UNWATCHED])
        return self._judged(order, self._judging(UNWATCHED))

    def _searched(
        self, asked: Sequence[Completion], watches: Sequence[Watch]
    ) -> tuple[list["_LineOrder"], float]:
        """The rest of a line searched for at several places side by side, and the seconds it took for each."""
        started = time.perf_counter()
        settings = self._line
        orders = [
            _LineOrder(completion, watch, self._holes.of_line(completion, settings.n_masks))
            for completion, watch in zip(asked, watches, strict=True)
        ]
        owners = [order for order in orders for _ in order.holes]

        def dropped() -> set[int]:
            return {i for i, order in enumerate(owners) if order.is_cancelled()}

        def tell(step: int, found: Sequence[BeamResult]) -> None:
            first = 0
            for order in orders:
                if not order.was_cancelled:
                    text = self._tokenizer.picture(beam.picture(order.holes[0], found[first]))
                    order.watch.on_step(DenoiseStep(step, settings.n_masks + 1, order.whole(text)))
                first += len(order.holes)

        found = iter(
            beam.search(
                Cached(self._model),
                [hole for order in orders for hole in order.holes],
                settings,
                breaks_line=self._tokenizer.breaks_line,
                interpolation=None if self._weights is None else self._weights.interpolation,
                dropped=dropped,
                on_step=tell,
            )
        )
        for order in orders:
            order.found = beam.merged(list(islice(found, len(order.holes))))
        return orders, (time.perf_counter() - started) / max(1, len(orders))

    def _texts(self, order: "_LineOrder") -> list["_LineText"]:
        """The texts that were found and may be inserted, best first; where nothing is open those that parse, if there are any."""
        passage = order.completion.passage
        insertions = Insertions(passage)
        lines: dict[str, Line] = {}
        for line in order.found.best():
            text = order.text(self._tokenizer.decode(line.tokens))
            if not is_torn("", text) and insertions.allows(text):
                lines.setdefault(text, line)
        valid = {text for text in lines if insertions.parses_with(text)}
        # What is open at the place, a bracket or a string, the text need not close.
        if valid and not insertions.is_open:
            lines = {text: line for text, line in lines.items() if text in valid}
        known = completion_features(
            [(text, line.log_p, line.n_answers) for text, line in lines.items()], passage
        )
        likely: list[float] = [float(np.exp(line.log_p)) for line in lines.values()]
        ranked = list(range(len(lines)))
        if self._weights is not None:
            scores = self._weights.judged(known)
            likely = [probability for _, probability in scores]
            ranked.sort(key=lambda i: -scores[i][0])
        texts = list(lines.items())
        return [_LineText(*texts[i], known[i], likely[i], texts[i][0] in valid) for i in ranked]

    def _drafts_of(self, order: "_LineOrder", seconds: float) -> list[Draft] | None:
        """The drafts for one place; None where whoever waits has cancelled."""
        if order.was_cancelled:
            return None
        if self._judging is None:
            return self._line_drafts(order, seconds)
        try:
            return self._judged_drafts(order, self._judging(order.watch), seconds)
        except Cancelled:
            order.was_cancelled = True
            return None

    def _judged(self, order: "_LineOrder", judge: CompletionJudge) -> list[JudgedText]:
        passage = order.completion.passage
        insertions = Insertions(passage)
        own = self._texts(order)
        is_parsed = any(text.parses for text in own) and not insertions.is_open

        def is_valid(text: str) -> bool:
            return insertions.allows(text) and (not is_parsed or insertions.parses_with(text))

        return judge.texts(passage, [text.text for text in own], is_valid, order.watch)

    def _judged_drafts(self, order: "_LineOrder", judge: CompletionJudge, seconds: float) -> list[Draft]:
        started = time.perf_counter()
        texts = self._judged(order, judge)
        cost = Cost(order.found.n_forward, order.found.n_tokens, seconds + time.perf_counter() - started)
        passage = order.completion.passage
        return [
            Draft(
                each.text,
                each.log_p,
                judge.confidence(each),
                len(self._tokenizer.encode(each.text)),
                parses(passage.replaced(each.text)),
                cost,
            )
            for each in texts[: max(1, order.completion.n_drafts)]
        ]

    def _line_drafts(self, order: "_LineOrder", seconds: float) -> list[Draft]:
        cost = Cost(order.found.n_forward, order.found.n_tokens, seconds)
        return [
            Draft(
                each.text,
                each.line.log_p,
                each.probability,
                len(each.line.tokens),
                each.parses,
                cost,
            )
            for each in self._texts(order)[: max(1, order.completion.n_drafts)]
            if each.text.strip()
        ]

    def several_lines(
        self, asked: Sequence[Completion], watches: Sequence[Watch]
    ) -> list[list[Draft] | None]:
        """As `lines`, with further lines below those texts as long as all lines of a text together are likely enough.

        There are none where code follows behind the cursor, none that is less deep than the first one, and none that opens a
        block in a source that parses.
        """
        orders = [_Order(completion, watch) for completion, watch in zip(asked, watches, strict=True)]
        found = self.lines(asked, [order.as_watch(0, self._limits) for order in orders])
        texts = [
            _Lines(order, [draft], draft.cost)
            for order, drafts in zip(orders, found, strict=True)
            for draft in drafts or []
        ]
        for number in range(1, N_LINES):
            going = [text for text in texts if text.goes_on()]
            if not going:
                break
            # Only the first text of each place is shown while it is written.
            first = {id(text.order): text for text in reversed(going)}
            nexts = self.lines(
                [text.below() for text in going],
                [
                    text.order.as_watch(number, self._limits, is_told=first[id(text.order)] is text)
                    for text in going
                ],
            )
            for text, drafts in zip(going, nexts, strict=True):
                text.go_on(drafts or [])
        return [
            None if order.was_cancelled else _distinct(text.draft() for text in texts if text.order is order)
            for order in orders
        ]

    @property
    def _limits(self) -> tuple[int, int]:
        """Steps for a line, and for all lines of a text."""
        return self._line.n_masks + 1, (self._line.n_masks + 1) * N_LINES


@dataclass
class _Waiting:
    """A completion of a batch, and whoever waits for it."""

    completion: Completion
    watch: Watch
    was_cancelled: bool = field(default=False, kw_only=True)

    def is_cancelled(self) -> bool:
        """Whether the one who asked has lost interest; looks only until it has."""
        self.was_cancelled = self.was_cancelled or self.watch.is_cancelled()
        return self.was_cancelled


@dataclass
class _Order(_Waiting):
    """A completion of several lines."""

    def as_watch(self, number: int, limits: tuple[int, int], *, is_told: bool = True) -> Watch:
        """The eyes of whoever waits on line `number`, all of whose steps count."""
        n_steps, limit = limits

        def tell(step: DenoiseStep) -> None:
            if is_told:
                self.watch.on_step(replace(step, index=number * n_steps + step.index, limit=limit))

        return Watch(self.is_cancelled, tell)


@dataclass
class _Lines:
    """A text in the making, line by line; `is_ended` when nothing more can follow."""

    order: _Order
    lines: list[Draft]
    cost: Cost
    is_ended: bool = False

    @property
    def text(self) -> str:
        """What has been written."""
        return "\n".join(line.text for line in self.lines)

    @property
    def probability(self) -> float:
        """How likely all of it is right, if each line's confidence is a probability."""
        return math.prod(line.confidence for line in self.lines)

    def goes_on(self) -> bool:
        """Whether another line is to be written below."""
        is_possible = not self.order.was_cancelled and not self.is_ended
        rest = self.order.completion.passage.after.partition("\n")[0]
        return is_possible and not rest.strip() and self.probability >= self.order.completion.min_confidence

    def below(self) -> Completion:
        """The place for the next line."""
        asked = self.order.completion
        passage = replace(asked.passage, before=f"{asked.passage.before}{self.text}\n", target="")
        return replace(asked, passage=passage, n_drafts=1)

    def go_on(self, drafts: Sequence[Draft]) -> None:
        """Write the likeliest line, unless it stands below already or belongs to something around the first one."""
        passage = self.order.completion.passage
        first = (passage.before + self.lines[0].text).rpartition("\n")[2]
        below = next((line for line in passage.after.split("\n") if line.strip()), "")
        for draft in drafts[:1]:
            self.cost += draft.cost
            is_within = depth(draft.text) >= depth(first) and draft.text.rstrip() != below.rstrip()
            if is_within and self.probability * draft.confidence >= self.order.completion.min_confidence:
                self.lines.append(draft)
                return
        self.is_ended = True

    def draft(self) -> Draft:
        """The text up to the last line with which the whole parses; all of it if none does."""
        n_lines = max((n for n, line in enumerate(self.lines, 1) if line.parses), default=len(self.lines))
        kept = _Lines(self.order, self.lines[:n_lines], self.cost)
        return Draft(
            kept.text,
            sum(line.score for line in kept.lines),
            kept.probability,
            sum(line.n_edits for line in kept.lines),
            kept.lines[-1].parses,
            kept.cost,
        )


@dataclass
class _LineOrder(_Waiting):
    """A completion within a line, its place for the search, the same with prefixes, and what was found there."""

    holes: list[Hole]
    found: BeamResult = field(default_factory=lambda: BeamResult([], []), kw_only=True)

    def text(self, written: str) -> str:
        """What is to be inserted when the search wrote `written`: its line break is there already."""
        return written if self.holes[0].openings is None else written.removeprefix("\n")

    def whole(self, written: str) -> str:
        """The whole source with `written` in its place."""
        return self.completion.passage.replaced(self.text(written))


@dataclass(frozen=True)
class _LineText:
    """A text for the rest of a line: what it was written as, its features, how likely it is, whether all parses with it."""

    text: str
    line: Line
    features: CompletionFeatures
    probability: float
    parses: bool


def _distinct(drafts: Iterable[Draft]) -> list[Draft]:
    """Drafts with different texts, in their order."""
    return list({draft.text: draft for draft in drafts}.values())
