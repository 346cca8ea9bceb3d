"""The engine: text in, text out. Owns a checkpoint on a device; everything it returns is a value from `passage`."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch

from redraft_model import doubt as sweeping
from redraft_model import line_search
from redraft_model.alignment import MASK_ID
from redraft_model.blocks import fixed_blocks, syntax_blocks
from redraft_model.canvas import Canvas
from redraft_model.checkpoint import Checkpoint, load_checkpoint
from redraft_model.comments import is_faithful, is_torn
from redraft_model.errors import Cancelled, CheckpointError, PassageError
from redraft_model.frame import Frame
from redraft_model.hardware import fast_dtype
from redraft_model.learnt import BUNDLED
from redraft_model.line_search import Found, Line, LineSearch, Place
from redraft_model.passage import (
    UNWATCHED,
    About,
    Completion,
    Cost,
    DenoiseStep,
    Doubt,
    Draft,
    Passage,
    Span,
    Watch,
)
from redraft_model.proposer import Proposer
from redraft_model.repair import Search, repair
from redraft_model.sampler import NEVER, Cached, Draw, Full, Sampling, Trace, generate
from redraft_model.selection import Thresholds
from redraft_model.verifier import parses
from redraft_model.window import Limits, cut

LONGEST_SOURCE = 1_000_000  # characters
CANVAS_LINES = 64  # masks offered for several lines


@dataclass(frozen=True)
class EngineSettings:
    """What the engine does when it is not told otherwise."""

    search: Search = Search()
    sweep: sweeping.Sweep = sweeping.Sweep()
    rewriting: Sampling = Sampling()
    line: LineSearch = LineSearch()
    completing: Sampling = Sampling(Thresholds(fill=0.8, edit=NEVER, from_left=True), may_empty=True)


class Engine:
    """One loaded model. Not thread-safe: one request at a time."""

    def __init__(
        self, checkpoint: Checkpoint, device: torch.device, settings: EngineSettings = EngineSettings()
    ) -> None:
        self._model = checkpoint.model
        self._tokenizer = checkpoint.tokenizer
        self._calibration = checkpoint.calibration
        self._settings = settings
        self.about = About(
            name=checkpoint.path.name,
            path=str(checkpoint.path),
            n_parameters=checkpoint.model.n_parameters,
            n_vocabulary=checkpoint.tokenizer.n_vocabulary,
            trained_tokens=checkpoint.training.tokens,
            actions=checkpoint.training.actions,
            device=str(device),
            origins=checkpoint.training.origins,
            is_calibrated=checkpoint.calibration is not None,
        )

    @classmethod
    def load(cls, checkpoint: Path | None = None, device: str = "auto") -> "Engine":
        """The engine on a checkpoint folder (None: the bundled one); CheckpointError when it cannot be used."""
        place = _device(device)
        return cls(load_checkpoint(checkpoint or BUNDLED, place, fast_dtype(place)), place)

    @torch.inference_mode()
    def repair(
        self, source: str, *, span: Span | None = None, semantic: bool = False, watch: Watch = UNWATCHED
    ) -> Draft:
        """The whole source with its errors repaired, as far as they could be; the source itself when nothing was done.

        A source that parses is left alone unless `semantic` asks for edits where the model's doubt is high. Only text inside `span`
        changes. Raises Cancelled between denoise steps, and PassageError for a source that is too long.
        """
        _require_usable(source)
        started = time.perf_counter()
        proposer = Proposer(self._model, self._tokenizer, watch)
        text, score, n_edits, probability = source, 0.0, 0, 1.0

        def is_allowed(after: str) -> bool:
            return is_faithful(source, after)

        if not parses(source):
            repaired = repair(
                proposer,
                source,
                self._settings.search,
                within=span,
                is_allowed=is_allowed,
                calibration=self._calibration,
            )
            text, score, n_edits = repaired.source, repaired.score, repaired.n_edits
            probability = repaired.probability
        is_valid = parses(text)
        if semantic and is_valid:
            within = (
                None
                if span is None
                else Span(span.start, max(span.start, span.end + len(text) - len(source)))
            )
            improved = sweeping.improve(
                proposer,
                text,
                self._settings.sweep,
                within=within,
                is_allowed=is_allowed,
                calibration=self._calibration,
            )
            text, score, n_edits = improved.source, score + improved.score, n_edits + improved.n_edits
            probability *= improved.probability
        cost = Cost(proposer.effort.n_forward, proposer.effort.n_tokens, time.perf_counter() - started)
        confidence = _squashed(score) if self._calibration is None else probability * (text != source)
        return Draft(text, score, confidence, n_edits, is_valid, cost)

    @torch.inference_mode()
    def doubt(
        self,
        source: str,
        *,
        span: Span | None = None,
        threshold: float = 0.5,
        watch: Watch = UNWATCHED,
    ) -> list[Doubt]:
        """The tokens that, with a probability above `threshold`, should not be as they are; in order."""
        _require_usable(source)
        proposer = Proposer(self._model, self._tokenizer, watch)
        return sweeping.doubts(proposer, source, threshold, span, self._settings.sweep.limits)

    @torch.inference_mode()
    def complete(
        self,
        passage: Passage,
        *,
        n_drafts: int = 1,
        seed: int = 0,
        single_line: bool = False,
        watch: Watch = UNWATCHED,
    ) -> list[Draft]:
        """Texts for the place of the passage's target, best first, at most `n_drafts`; [] when there is none.

        The model chooses the length; `single_line` keeps it to the rest of the line.
        """
        asked = Completion(passage, n_drafts, seed)
        (drafts,) = self.complete_batch([asked], single_line=single_line, watches=[watch])
        if drafts is None:
            raise Cancelled
        return drafts

    @torch.inference_mode()
    def complete_batch(
        self,
        asked: Sequence[Completion],
        *,
        single_line: bool = False,
        watches: Sequence[Watch] = (),
    ) -> list[list[Draft] | None]:
        """As `complete` for several places at once, in one batch; None for those whose watch (one for each) has cancelled."""
        watches = watches or [UNWATCHED] * len(asked)
        return self._lines(asked, watches) if single_line else self._blocks(asked, watches)

    def _lines(self, asked: Sequence[Completion], watches: Sequence[Watch]) -> list[list[Draft] | None]:
        """Completions within a line, searched for."""
        started = time.perf_counter()
        settings = self._settings.line
        orders = [
            _LineOrder(completion, watch, self._place_at(completion))
            for completion, watch in zip(asked, watches, strict=True)
        ]

        def dropped() -> set[int]:
            return {i for i, order in enumerate(orders) if order.is_cancelled()}

        def tell(step: int, found: Sequence[Found]) -> None:
            for order, entry in zip(orders, found, strict=True):
                if not order.was_cancelled:
                    text = self._tokenizer.picture(line_search.picture(order.place, entry))
                    order.watch.on_step(DenoiseStep(step, settings.n_masks + 1, order.whole(text)))

        found = line_search.search(
            Cached(self._model),
            [order.place for order in orders],
            settings,
            breaks_line=self._tokenizer.breaks_line,
            dropped=dropped,
            on_step=tell,
        )
        seconds = (time.perf_counter() - started) / max(1, len(orders))
        return [
            None if order.was_cancelled else self._line_drafts(order, entry, seconds)
            for order, entry in zip(orders, found, strict=True)
        ]

    def _line_drafts(self, order: "_LineOrder", found: Found, seconds: float) -> list[Draft]:
        """The best lines as drafts; none with which the source no longer parses, if it can be helped."""
        passage = order.completion.passage
        texts: dict[str, Line] = {}
        for line in found.best():
            text = order.text(self._tokenizer.decode(line.tokens))
            if not is_torn("", text):
                texts.setdefault(text, line)
        source = passage.replaced("")
        frame = Frame.around(source, Span(len(passage.before), len(passage.before)))
        n_wanted = max(1, order.completion.n_drafts)
        judged = {text: frame.problem(passage.replaced(text)) is None for text in texts}
        is_any_valid = any(judged.values()) or frame.problem(source) is None
        chosen = [text for text, is_valid in judged.items() if is_valid or not is_any_valid][:n_wanted]
        cost = Cost(found.n_forward, found.n_tokens, seconds)
        return [
            Draft(
                text,
                texts[text].log_p,
                float(np.exp(texts[text].score)),
                len(texts[text].tokens),
                judged[text],
                cost,
            )
            for text in chosen
            if text.strip()
        ]

    def _place_at(self, completion: Completion) -> Place:
        """A canvas of masks in place of a passage's target; at the start of a line, with its line break to be chosen anew."""
        canvas = self._canvas_at(completion.passage, self._settings.line.n_masks)
        draw = Draw(completion.seed)
        if not self._begins_line(canvas):
            return Place(canvas, draw=draw)
        # Of all line breaks those that are near: how deep lines are is the file's own habit.
        near = np.unique(np.concatenate([canvas.head, canvas.tail]))
        region = np.append(canvas.region, np.int32(MASK_ID))
        wider = replace(canvas, head=canvas.head[:-1], region=region)
        return Place(wider, near[self._tokenizer.line_feeds[near]], draw)

    def _blocks(self, asked: Sequence[Completion], watches: Sequence[Watch]) -> list[list[Draft] | None]:
        """Completions of several lines, denoised block by block."""
        started = time.perf_counter()
        n_masks = CANVAS_LINES
        sampling = replace(self._settings.completing, steps_per_block=n_masks)
        orders: list[_Order] = []
        for completion, watch in zip(asked, watches, strict=True):
            canvas, indent = self._with_indentation(self._canvas_at(completion.passage, n_masks))
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

    @torch.inference_mode()
    def rewrite(
        self,
        passage: Passage,
        *,
        action: str = "repair",
        n_drafts: int = 1,
        seed: int = 0,
        watch: Watch = UNWATCHED,
    ) -> list[Draft]:
        """Texts for the passage's target, best first; [] when the model would leave it as it is.

        A text that does not parse goes to the repair search; one that parses is denoised block by block, and drafts that no longer
        parse are dropped. Unknown actions, and targets that are too long for one window, raise PassageError.
        """
        if action not in self.about.actions:
            raise PassageError(
                f"this checkpoint has not learnt {action!r}; choose one of {', '.join(self.about.actions)}"
            )
        source = passage.before + passage.target + passage.after
        _require_usable(source)
        span = Span(len(passage.before), len(passage.before) + len(passage.target))
        if action == "complete":
            return self.complete(passage, n_drafts=n_drafts, seed=seed, watch=watch)
        if not parses(source):
            draft = self.repair(source, span=span, watch=watch)
            if draft.text == source:
                return []
            end = len(draft.text) - len(passage.after)
            return [replace(draft, text=draft.text[len(passage.before) : end])]
        return self._denoise(passage, source, span, action, n_drafts, seed, watch)

    def _denoise(
        self, passage: Passage, source: str, span: Span, action: str, n_drafts: int, seed: int, watch: Watch
    ) -> list[Draft]:
        started = time.perf_counter()
        # A line break and the indentation behind it are one token, so it has to be inside the region as a whole.
        lead = "\n" if passage.before.endswith("\n") and passage.target[:1] in (" ", "\t") else ""
        window = cut(self._tokenizer, source, Span(span.start - len(lead), span.end), action=action)
        n_tokens = len(window.canvas.region)
        longest = self._model.config.context - len(window.canvas.head) - len(window.canvas.tail) - 2
        if n_tokens > longest:
            raise PassageError(f"the selection has {n_tokens} tokens, more than {longest}; select less")
        traces = generate(
            self._model,
            [window.canvas] * max(1, n_drafts),
            syntax_blocks(self._tokenizer, window.canvas.region),
            self._settings.rewriting,
            seed=seed,
            is_cancelled=watch.is_cancelled,
            on_step=_telling(watch, n_tokens, lambda trace: window.picture(trace.canvas.region)),
        )
        seconds = time.perf_counter() - started
        drafts: dict[str, Draft] = {}
        for trace in traces:
            written = self._tokenizer.decode(trace.canvas.region)
            text = written.removeprefix(lead)
            if not written.startswith(lead) or text == passage.target or text in drafts:
                continue
            if is_faithful(passage.target, text) and parses(passage.replaced(text)):
                drafts[text] = self._draft(trace, text, True, seconds / len(traces))
        return sorted(drafts.values(), key=lambda draft: -draft.score)

    def _canvas_at(self, passage: Passage, n_masks: int) -> Canvas:
        """`n_masks` masks in place of a passage's target."""
        source = passage.before + passage.after
        _require_usable(source)
        place = Span(len(passage.before), len(passage.before))
        window = cut(self._tokenizer, source, place, action="complete", limits=Limits(0, 180, 100))
        return window.canvas.with_region(np.full(n_masks, MASK_ID, np.int32))

    def _begins_line(self, canvas: Canvas) -> bool:
        """Whether the text before the region ends with a line break that has no indentation behind it."""
        return bool(len(canvas.head)) and self._tokenizer.decode(canvas.head[-1:]) == "\n"

    def _completions(self, order: "_Order", traces: Sequence[Trace], seconds: float) -> list[Draft]:
        drafts: dict[str, Draft] = {}
        for trace in traces[order.rows.start : order.rows.stop]:
            text = order.indent + self._tokenizer.decode(trace.canvas.region)
            if text.strip() and text not in drafts and not is_torn("", text):
                is_valid = parses(order.completion.passage.replaced(text))
                drafts[text] = self._draft(trace, text, is_valid, seconds)
        return sorted(drafts.values(), key=lambda draft: -draft.confidence)

    def _with_indentation(self, canvas: Canvas) -> tuple[Canvas, str]:
        """At the start of a line, the canvas with the indentation that the model expects there, and that indentation.

        A line break and the indentation behind it are one token, so at the start of a line that token is cut in two; the model
        chooses among those that begin with a line feed.
        """
        if not self._begins_line(canvas):
            return canvas, ""
        asked = replace(canvas, head=canvas.head[:-1], region=np.append(canvas.region, np.int32(MASK_ID)))
        (log_p_TV,) = Full(self._model).refresh([asked])
        line_breaks = np.flatnonzero(self._tokenizer.line_feeds)
        best = int(line_breaks[int(log_p_TV[0, torch.from_numpy(line_breaks)].argmax())])
        head = np.append(asked.head, np.int32(best))
        return replace(canvas, head=head), self._tokenizer.decode([best]).removeprefix("\n")

    def _draft(self, trace: Trace, text: str, is_valid: bool, seconds: float) -> Draft:
        confidence = (
            float(np.exp(np.mean(np.log(np.maximum(trace.confidences, 1e-9))))) if trace.confidences else 1.0
        )
        cost = Cost(trace.n_forward, trace.n_tokens, seconds)
        return Draft(text, trace.log_p, confidence, trace.n_committed, is_valid, cost)


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
    """A completion within a line, and its place for the search."""

    place: Place

    def text(self, written: str) -> str:
        """What is to be inserted when the search wrote `written`: its line break is there already."""
        return written if self.place.openings is None else written.removeprefix("\n")

    def whole(self, written: str) -> str:
        """The whole source with `written` in its place."""
        return self.completion.passage.replaced(self.text(written))


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).item()  # "meta" has no values to read
    except (RuntimeError, AssertionError, ImportError) as error:
        raise CheckpointError(f"there is no device {name!r} here; use --device cpu") from error
    return device


def _require_usable(source: str) -> None:
    if len(source) > LONGEST_SOURCE:
        raise PassageError(
            f"the text has {len(source):,} characters, more than {LONGEST_SOURCE:,}; give a smaller piece"
        )
    try:
        source.encode()
    except UnicodeEncodeError as error:
        raise PassageError(
            f"the text has half a character at offset {error.start} (a lone surrogate); remove it"
        ) from error


def _squashed(score: float) -> float:
    """A score in nats as a number in [0, 1]."""
    return float(1.0 / (1.0 + np.exp(-score / 4.0)))


def _telling(watch: Watch, limit: int, text_of: Callable[[Trace], str]) -> Callable[[int, object], None]:
    def tell(step: int, traces: object) -> None:
        assert isinstance(traces, list)
        watch.on_step(DenoiseStep(step, max(limit, step), text_of(traces[0])))

    return tell
