"""Completion: texts for the place of a passage's target, within a line or over several ones, for many places in one batch."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

import numpy as np
import torch

from redraft_model import line_search
from redraft_model.alignment import MASK_ID
from redraft_model.blocks import fixed_blocks
from redraft_model.calibration import Calibration
from redraft_model.canvas import Canvas
from redraft_model.comments import is_torn
from redraft_model.frame import Frame
from redraft_model.line_search import Found, Line, LineSearch, Place
from redraft_model.passage import UNWATCHED, Completion, Cost, DenoiseStep, Draft, Span, Watch
from redraft_model.places import Places
from redraft_model.sampler import Cached, Draw, Full, Sampling, Trace, generate
from redraft_model.tokenizer import Tokenizer
from redraft_model.transformer import Transformer
from redraft_model.verifier import parses
from redraft_model.written import Written, written

CANVAS_LINES = 64  # masks offered for several lines


class Completer:
    """Writes what is missing. Not thread-safe: one batch at a time."""

    def __init__(
        self,
        model: Transformer,
        tokenizer: Tokenizer,
        line: LineSearch,
        several: Sampling,
        calibration: Calibration | None = None,
    ) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._places = Places(tokenizer)
        self._line = line
        self._several = several
        self._calibration = calibration

    @torch.inference_mode()
    def texts(self, asked: Completion) -> list[tuple[str, Written]]:
        """All texts that were found for the rest of the line, best first, and what a calibration goes by."""
        (order,), _ = self._searched([asked], [UNWATCHED])
        return [(each.text, each.features) for each in self._texts(order)]

    def lines(self, asked: Sequence[Completion], watches: Sequence[Watch]) -> list[list[Draft] | None]:
        """Completions within a line, for several places at once; None for those whose watch has cancelled."""
        orders, seconds = self._searched(asked, watches)
        return [None if order.was_cancelled else self._line_drafts(order, seconds) for order in orders]

    def _searched(
        self, asked: Sequence[Completion], watches: Sequence[Watch]
    ) -> tuple[list["_LineOrder"], float]:
        """The rest of a line searched for at several places side by side, and the seconds it took for each."""
        started = time.perf_counter()
        settings = self._line
        orders = [
            _LineOrder(completion, watch, self._places.of_line(completion, settings.n_masks))
            for completion, watch in zip(asked, watches, strict=True)
        ]
        owners = [order for order in orders for _ in order.places]

        def dropped() -> set[int]:
            return {i for i, order in enumerate(owners) if order.is_cancelled()}

        def tell(step: int, found: Sequence[Found]) -> None:
            first = 0
            for order in orders:
                if not order.was_cancelled:
                    text = self._tokenizer.picture(line_search.picture(order.places[0], found[first]))
                    order.watch.on_step(DenoiseStep(step, settings.n_masks + 1, order.whole(text)))
                first += len(order.places)

        found = iter(
            line_search.search(
                Cached(self._model),
                [place for order in orders for place in order.places],
                settings,
                breaks_line=self._tokenizer.breaks_line,
                trust=None if self._calibration is None else self._calibration.recall,
                dropped=dropped,
                on_step=tell,
            )
        )
        for order in orders:
            order.found = line_search.together(list(islice(found, len(order.places))))
        return orders, (time.perf_counter() - started) / max(1, len(orders))

    def _texts(self, order: "_LineOrder") -> list["_LineText"]:
        """The texts that were found, best first; none with which the source no longer parses, if it can be helped."""
        passage = order.completion.passage
        lines: dict[str, Line] = {}
        for line in order.found.best():
            text = order.text(self._tokenizer.decode(line.tokens))
            if not is_torn("", text):
                lines.setdefault(text, line)
        source = passage.replaced("")
        frame = Frame.around(source, Span(len(passage.before), len(passage.before)))
        valid = {text for text in lines if frame.problem(passage.replaced(text)) is None}
        if valid or frame.problem(source) is None:
            lines = {text: line for text, line in lines.items() if text in valid}
        known = written([(text, line.log_p, line.n_answers) for text, line in lines.items()], passage)
        likely: list[float] = [float(np.exp(line.log_p)) for line in lines.values()]
        ranked = list(range(len(lines)))
        if self._calibration is not None:
            scores = self._calibration.lines(known)
            likely = [probability for _, probability in scores]
            ranked.sort(key=lambda i: -scores[i][0])
        texts = list(lines.items())
        return [_LineText(*texts[i], known[i], likely[i], texts[i][0] in valid) for i in ranked]

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
        """Completions of several lines, denoised block by block; None for those whose watch has cancelled."""
        started = time.perf_counter()
        n_masks = CANVAS_LINES
        sampling = replace(self._several, steps_per_block=n_masks)
        orders: list[_Order] = []
        for completion, watch in zip(asked, watches, strict=True):
            canvas, indent = self._with_indentation(self._places.canvas(completion.passage, n_masks))
            first = orders[-1].rows.stop if orders else 0
            rows = range(first, first + max(1, completion.n_drafts))
            orders.append(_Order(completion, watch, canvas, indent, rows))

        def dropped() -> set[int]:
            return {row for order in orders if order.is_cancelled() for row in order.rows}

        def tell(step: int, traces: Sequence[Trace]) -> None:
            for order in orders:
                if not order.was_cancelled:
                    text = order.indent + self._tokenizer.picture(traces[order.rows[0]].canvas.region)
                    order.watch.on_step(DenoiseStep(step, n_masks, order.completion.passage.replaced(text)))

        traces = generate(
            self._model,
            [order.canvas for order in orders for _ in order.rows],
            fixed_blocks(n_masks, n_masks),
            sampling,
            draws=[
                Draw(order.completion.seed, number) for order in orders for number in range(len(order.rows))
            ],
            dropped=dropped,
            on_step=tell,
        )
        seconds = (time.perf_counter() - started) / len(traces)
        return [
            None if order.was_cancelled else self._completions(order, traces, seconds) for order in orders
        ]

    def _completions(self, order: "_Order", traces: Sequence[Trace], seconds: float) -> list[Draft]:
        drafts: dict[str, Draft] = {}
        for trace in traces[order.rows.start : order.rows.stop]:
            text = order.indent + self._tokenizer.decode(trace.canvas.region)
            if text.strip() and text not in drafts and not is_torn("", text):
                is_valid = parses(order.completion.passage.replaced(text))
                drafts[text] = draft_of(trace, text, is_valid, seconds)
        return sorted(drafts.values(), key=lambda draft: -draft.confidence)

    def _with_indentation(self, canvas: Canvas) -> tuple[Canvas, str]:
        """At the start of a line, the canvas with the indentation that the model expects there, and that indentation.

        A line break and the indentation behind it are one token, so at the start of a line that token is cut in two; the model
        chooses among those that begin with a line feed.
        """
        if not self._places.begins_line(canvas):
            return canvas, ""
        asked = replace(canvas, head=canvas.head[:-1], region=np.append(canvas.region, np.int32(MASK_ID)))
        (log_p_TV,) = Full(self._model).refresh([asked])
        line_breaks = np.flatnonzero(self._tokenizer.line_feeds)
        best = int(line_breaks[int(log_p_TV[0, torch.from_numpy(line_breaks)].argmax())])
        head = np.append(asked.head, np.int32(best))
        return replace(canvas, head=head), self._tokenizer.decode([best]).removeprefix("\n")


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
    """A completion of several lines: its canvas, the indentation put before it, and its rows of the batch."""

    canvas: Canvas
    indent: str
    rows: range


@dataclass
class _LineOrder(_Waiting):
    """A completion within a line, its place for the search, the same with prefixes, and what was found there."""

    places: list[Place]
    found: Found = field(default_factory=lambda: Found([], []), kw_only=True)

    def text(self, written: str) -> str:
        """What is to be inserted when the search wrote `written`: its line break is there already."""
        return written if self.places[0].openings is None else written.removeprefix("\n")

    def whole(self, written: str) -> str:
        """The whole source with `written` in its place."""
        return self.completion.passage.replaced(self.text(written))


@dataclass(frozen=True)
class _LineText:
    """A text for the rest of a line: what it was written as, its features, how likely it is, whether all parses with it."""

    text: str
    line: Line
    features: Written
    probability: float
    parses: bool


def draft_of(trace: Trace, text: str, is_valid: bool, seconds: float) -> Draft:
    """What the sampler made, as a draft; its confidence is the mean probability of what was committed."""
    confidence = (
        float(np.exp(np.mean(np.log(np.maximum(trace.confidences, 1e-9))))) if trace.confidences else 1.0
    )
    cost = Cost(trace.n_forward, trace.n_tokens, seconds)
    return Draft(text, trace.log_p, confidence, trace.n_committed, is_valid, cost)
