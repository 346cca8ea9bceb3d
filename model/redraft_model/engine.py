"""The engine: text in, text out. Owns a checkpoint on a device; everything it returns is a value from `passage`."""

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from redraft_model.complete.completer import Completer
from redraft_model.complete.judging import CompletionJudge
from redraft_model.complete.ranking import JudgedCompletionWeights
from redraft_model.decode.beam import BeamSettings
from redraft_model.decode.drafter import Drafter
from redraft_model.decode.judge import Judge
from redraft_model.decode.left_to_right import LeftToRight
from redraft_model.decode.proposer import Proposer
from redraft_model.decode.reading import Reader
from redraft_model.decode.sampler import Observer, Sampling, Trace, drafts, generate
from redraft_model.decode.verify import Verifier, WatchedVerifier
from redraft_model.errors import Cancelled, OutOfTime, PassageError
from redraft_model.feature_weights import FeatureWeights
from redraft_model.misuse import diagnosed
from redraft_model.misuse import sweep as sweeping
from redraft_model.misuse.judging import MisuseJudge
from redraft_model.network.adapter import Adapter, adapter_for
from redraft_model.network.base import Base, load_base
from redraft_model.network.checkpoint import Checkpoint, load_checkpoint
from redraft_model.network.checkpoint_info import BUNDLED
from redraft_model.network.hardware import device_named, fast_dtype
from redraft_model.network.region import merged
from redraft_model.passage import (
    UNWATCHED,
    About,
    Completion,
    Cost,
    DenoiseStep,
    Diagnosis,
    Doubt,
    Draft,
    Passage,
    Reading,
    Span,
    Version,
    Watch,
)
from redraft_model.recognise.commands import command
from redraft_model.recognise.fences import foreign_fence
from redraft_model.recognise.merge_marks import merge_marks
from redraft_model.recognise.recogniser import recognised
from redraft_model.recognise.shifted_print import shifted_prints
from redraft_model.repair.search import repair
from redraft_model.repair.settings import Search
from redraft_model.text.bounds import Bounds
from redraft_model.text.comments import is_faithful
from redraft_model.text.parser import conflict
from redraft_model.text.versions import (
    Disguise,
    compiles,
    disguised,
    parses,
    too_new,
    watched,
    with_older_syntax,
)
from redraft_model.tokens.blocks import syntax_blocks
from redraft_model.tokens.window import cut

LONGEST_SOURCE = 1_000_000  # characters
ADAPTER_FOLDER = "adapter"  # in the folder of a checkpoint


@dataclass(frozen=True)
class EngineSettings:
    """What the engine does when it is not told otherwise."""

    search: Search = Search()
    sweep: sweeping.Sweep = sweeping.Sweep()
    rewriting: Sampling = Sampling()
    line: BeamSettings = BeamSettings()


class Engine:
    """One loaded model. Not thread-safe: one request at a time."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        device: torch.device,
        settings: EngineSettings = EngineSettings(),
        base: Base | None = None,
        adapter: Adapter | None = None,
    ) -> None:
        self._model = checkpoint.model
        self._tokenizer = checkpoint.tokenizer
        weights = None if checkpoint.calibration is None else FeatureWeights.of(checkpoint.calibration)
        judged = weights.judged if weights and base and weights.judged else None
        if judged is not None and base is not None and judged.base != base.fingerprint:
            judged = None  # fitted to what another base says
        self._judged = judged
        self._verifier: Verifier | None = None
        judging = None
        if base is not None and judged is not None:
            reader = Reader(base)
            self._verifier = Verifier(base, reader)
            drafter = None if adapter is None else Drafter(base, merged(base.model, adapter), reader)
            writer = LeftToRight(base, reader)
            judging = partial(_completion_judge, self._verifier, writer, judged.completion, drafter)
        self._repair_weights = weights.repair if weights else None
        self._misuse_weights = weights.misuse if weights else None
        self._settings = settings
        self._completer = Completer(
            self._model,
            self._tokenizer,
            settings.line,
            weights.completion if weights else None,
            judging,
        )
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
            base=base.name if base and judged else None,
        )

    @classmethod
    def load(cls, checkpoint: Path | None = None, device: str = "auto", base: Path | None = None) -> "Engine":
        """The engine on a checkpoint folder (None: the bundled one); CheckpointError when it cannot be used.

        `base` is the folder of a pretrained base, which judges what the checkpoint proposes; None: none does. If the checkpoint
        comes with an adapter of that base, the base under it drafts besides.
        """
        place = device_named(device)
        dtype = fast_dtype(place)
        judging = None if base is None else load_base(base, place, dtype)
        folder = checkpoint or BUNDLED
        adapter = None if judging is None else adapter_for(folder / ADAPTER_FOLDER, judging)
        return cls(load_checkpoint(folder, place, dtype), place, base=judging, adapter=adapter)

    @torch.inference_mode()
    def repair(
        self,
        source: str,
        *,
        span: Span | None = None,
        semantic: bool = False,
        target_version: Version | None = None,
        watch: Watch = UNWATCHED,
    ) -> Draft:
        """The whole source with its errors repaired, as far as they could be; the source itself when nothing was done.

        A source that compiles is left alone unless `semantic` asks for edits where the model's doubt is high. Only text inside
        `span` changes. A source that is recognised as something pasted, or as Python 2, is read as what it is first. Newer syntax
        than that of this Python is right as it is, unless `target_version` is an older Python. Once `watch` is late, what has been
        done so far is returned. Raises Cancelled, and PassageError for a source that is too long, holds a merge conflict or lines
        that are not Python, or has what the target cannot say.
        """
        _require_usable(source)
        started = time.perf_counter()
        text, n_edits = _for_target(source, span, target_version)
        score, probability = 0.0, 1.0
        known = None
        if not compiles(text):
            _require_merged(source)
            known = recognised(text, Bounds.of(text, _moved(span, source, text)))
        if known is not None:
            text, n_edits, probability = known.text, n_edits + known.n_lines, known.confidence
        if not compiles(text):
            _require_python(source, text)
        # Newer syntax than this Python's is hidden from the search and from the sweep.
        disguise = disguised(text)
        python = text = disguise.text if disguise else text
        within = _moved(span, source, text)
        proposer = Proposer(self._model, self._tokenizer, watched(watch, disguise))

        def is_allowed(after: str) -> bool:
            return is_faithful(python, after) and _is_revealable(disguise, after)

        if not compiles(text):
            repaired = repair(
                proposer,
                text,
                self._settings.search,
                within=within,
                is_allowed=is_allowed,
                weights=self._judged.repair if self._judged else self._repair_weights,
                judge=self._judge(watch),
            )
            text, score, n_edits = repaired.source, repaired.score, n_edits + repaired.n_edits
            probability *= repaired.probability
        is_valid = parses(text)
        if semantic and is_valid:
            with contextlib.suppress(OutOfTime):
                improved = sweeping.improve(
                    proposer,
                    text,
                    self._settings.sweep,
                    within=_moved(span, source, text),
                    is_allowed=is_allowed,
                    weights=self._misuse_weights,
                    judge=self._misuse_judge(watch),
                )
                text, score, n_edits = improved.source, score + improved.score, n_edits + improved.n_edits
                probability *= improved.probability
        text = _revealed(disguise, text)
        cost = Cost(proposer.effort.n_forward, proposer.effort.n_tokens, time.perf_counter() - started)
        confidence = _squashed(score) if self._repair_weights is None else probability * (text != source)
        reading = None if known is None else Reading(known.what, known.text)
        return Draft(text, score, confidence, n_edits, is_valid, cost, reading)

    @torch.inference_mode()
    def correct(self, source: str, diagnoses: Sequence[Diagnosis], *, watch: Watch = UNWATCHED) -> Draft:
        """The whole source with other words where tools have found wrong ones, as far as some are likely enough.

        The source itself where it does not compile, or the checkpoint is not calibrated. Once `watch` is late, nothing is done.
        Raises Cancelled, and PassageError for a source that is too long.
        """
        _require_usable(source)
        started = time.perf_counter()
        proposer = Proposer(self._model, self._tokenizer, watch)
        disguise = disguised(source)
        python = disguise.text if disguise else source
        corrected = diagnosed.Corrected(python)
        if self._misuse_weights is not None and compiles(python):
            with contextlib.suppress(OutOfTime):
                corrected = diagnosed.correct(
                    proposer,
                    python,
                    [each for each in diagnoses if disguise is None or not disguise.hides(each.span)],
                    self._misuse_weights,
                    self._misuse_judge(watch),
                    is_allowed=lambda after: is_faithful(python, after) and _is_revealable(disguise, after),
                )
        text = _revealed(disguise, corrected.source)
        cost = Cost(proposer.effort.n_forward, proposer.effort.n_tokens, time.perf_counter() - started)
        return Draft(
            text,
            corrected.score,
            corrected.probability * (text != source),
            len(corrected.diagnoses),
            parses(text),
            cost,
            corrected=corrected.diagnoses,
        )

    def _judge(self, watch: Watch) -> Judge | None:
        """The base, for one request; None where there is none whose judgement the weights were fitted to."""
        if self._verifier is None or self._judged is None:
            return None
        return WatchedVerifier(self._verifier, watch)

    def _misuse_judge(self, watch: Watch) -> MisuseJudge | None:
        judge = self._judge(watch)
        return None if judge is None or self._judged is None else MisuseJudge(judge, self._judged.misuse)

    @torch.inference_mode()
    def doubt(
        self,
        source: str,
        *,
        span: Span | None = None,
        threshold: float = 0.5,
        watch: Watch = UNWATCHED,
    ) -> list[Doubt]:
        """The tokens that, with a probability above `threshold`, should not be as they are; in order.

        Besides them the statements of Python 2 that compile, and do something else.
        """
        _require_usable(source)
        proposer = Proposer(self._model, self._tokenizer, watch)
        disguise = disguised(source)
        found = sweeping.doubts(
            proposer,
            disguise.text if disguise else source,
            threshold,
            span,
            self._settings.sweep,
            self._misuse_weights,
            self._misuse_judge(watch),
        )
        found = [doubt for doubt in found if disguise is None or not disguise.hides(doubt.span)]
        shifted = [doubt for doubt in shifted_prints(source) if span is None or _holds(span, doubt.span)]
        found = [doubt for doubt in found if not any(_holds(each.span, doubt.span) for each in shifted)]
        return sorted([*found, *shifted], key=lambda doubt: doubt.span)

    @torch.inference_mode()
    def complete(
        self,
        passage: Passage,
        *,
        n_drafts: int = 1,
        seed: int = 0,
        single_line: bool = False,
        retrieved_context: tuple[str, ...] = (),
        min_confidence: float = Completion.min_confidence,
        watch: Watch = UNWATCHED,
    ) -> list[Draft]:
        """Texts for the place of the passage's target, best first, at most `n_drafts`; [] when there is none.

        They have further lines as long as all lines of a text together are `min_confidence` likely; `single_line` keeps them to the
        rest of the line. `retrieved_context` are other texts of the project, of which something may be repeated.
        """
        asked = Completion(passage, n_drafts, seed, retrieved_context, min_confidence)
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
        for completion in asked:
            _require_usable(completion.passage.replaced(""))
        completer = self._completer
        asked = [replace(completion, passage=_disguised_passage(completion.passage)) for completion in asked]
        return completer.lines(asked, watches) if single_line else completer.several_lines(asked, watches)

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
            drafts(max(1, n_drafts), seed),
            Observer(
                watch.is_cancelled,
                on_step=_telling(watch, n_tokens, lambda trace: window.picture(trace.canvas.region)),
            ),
        )
        seconds = time.perf_counter() - started
        found: dict[str, Draft] = {}
        for trace in traces:
            written = self._tokenizer.decode(trace.canvas.region)
            text = written.removeprefix(lead)
            if not written.startswith(lead) or text == passage.target or text in found:
                continue
            if is_faithful(passage.target, text) and parses(passage.replaced(text)):
                found[text] = _draft_of(trace, text, True, seconds / len(traces))
        return sorted(found.values(), key=lambda draft: -draft.score)


def _draft_of(trace: Trace, text: str, is_valid: bool, seconds: float) -> Draft:
    """What the sampler made, as a draft; its confidence is the mean probability of what was committed."""
    confidence = (
        float(np.exp(np.mean(np.log(np.maximum(trace.confidences, 1e-9))))) if trace.confidences else 1.0
    )
    cost = Cost(trace.n_forward, trace.n_tokens, seconds)
    return Draft(text, trace.log_p, confidence, trace.n_committed, is_valid, cost)


def _completion_judge(
    verifier: Verifier,
    writer: LeftToRight,
    weights: JudgedCompletionWeights,
    drafter: Drafter | None,
    watch: Watch,
) -> CompletionJudge:
    return CompletionJudge(WatchedVerifier(verifier, watch), writer, weights, drafter)


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


def _for_target(source: str, span: Span | None, target: Version | None) -> tuple[str, int]:
    """`source` as the `target` can say it, and in how many places it changed; raises PassageError if it cannot."""
    refusal = too_new(source, target)
    if refusal is not None:
        raise PassageError(refusal)
    text, n_places = with_older_syntax(source, target)
    bounds = Bounds.of(source, span)
    return (text, n_places) if bounds is None or bounds.hold(source, text) else (source, 0)


def _disguised_passage(passage: Passage) -> Passage:
    """The passage with newer syntax than this Python's hidden, unless the target is in the middle of it."""
    n = len(passage.before)
    disguise = disguised(passage.replaced(""))
    if disguise is None or disguise.hides(Span(n, n)):
        return passage
    return replace(passage, before=disguise.text[:n], after=disguise.text[n:])


def _is_revealable(disguise: Disguise | None, after: str) -> bool:
    return disguise is None or disguise.revealed(after) is not None


def _revealed(disguise: Disguise | None, after: str) -> str:
    """`after` with what was hidden from whoever made it; they were asked whether it is still there."""
    text = after if disguise is None else disguise.revealed(after)
    assert text is not None
    return text


def _holds(around: Span, span: Span) -> bool:
    return around.start <= span.start and span.end <= around.end


def _moved(span: Span | None, before: str, after: str) -> Span | None:
    """A span of `before` in `after`, which differs only inside of it."""
    return None if span is None else Span(span.start, max(span.start, span.end + len(after) - len(before)))


def _require_merged(source: str) -> None:
    line = conflict(source)
    if line is not None:
        raise PassageError(f"line {line + 1} begins a merge conflict; choose one of its sides first")
    marks = merge_marks(source)
    if len(set(marks.values())) > 1:
        raise PassageError(
            f"line {min(marks) + 1} is left of a merge conflict; choose one of its sides first"
        )


def _require_python(source: str, text: str) -> None:
    """Raise PassageError where lines of `text`, which `source` was read as, are for a shell, or no line of it is Python."""
    if (fence := foreign_fence(text)) is not None:
        raise PassageError(
            f"the code that begins in line {fence.first + 1} is {fence.language}, not Python; give Python"
        )
    if (found := command(text)) is not None:
        line = text.split("\n")[found.line].strip()
        numbers = (at for at, own in enumerate(source.split("\n"), 1) if own.strip().endswith(line))
        raise PassageError(f"line {next(numbers, found.line + 1)} is {found.what}; {found.remedy}")


def _squashed(score: float) -> float:
    """A score in nats as a number in [0, 1]."""
    return float(1.0 / (1.0 + np.exp(-score / 4.0)))


def _telling(
    watch: Watch, limit: int, text_of: Callable[[Trace], str]
) -> Callable[[int, Sequence[Trace]], None]:
    def tell(step: int, traces: Sequence[Trace]) -> None:
        watch.on_step(DenoiseStep(step, max(limit, step), text_of(traces[0])))

    return tell
