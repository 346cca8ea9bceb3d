"""The engine's door: what it is asked and what it answers, as values and protocols. Knows nothing of tensors, files or editors."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

from redraft_model.errors import Cancelled, OutOfTime

LONGEST_CONTEXT = 200_000  # characters of other files that are looked at for a completion

Version = tuple[int, int]
"""A Python's major and minor number."""


@dataclass(frozen=True, order=True)
class Span:
    """Half-open range of character offsets into a str."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end:
            raise ValueError(f"a span needs 0 <= start <= end, got {self.start}, {self.end}")

    def of(self, text: str) -> str:
        """The characters of `text` inside this span."""
        return text[self.start : self.end]


@dataclass(frozen=True)
class Passage:
    """Text for the model: only `target` may change. `before` and `after` reach to the file's ends."""

    before: str
    target: str
    after: str
    language: str = "python"

    @classmethod
    def cut(cls, source: str, span: Span) -> "Passage":
        """Split `source` at `span`."""
        return cls(source[: span.start], span.of(source), source[span.end :])

    def replaced(self, target: str) -> str:
        """The whole text with `target` in place of the old one."""
        return self.before + target + self.after


@dataclass(frozen=True)
class Completion:
    """What is asked for at one place: `n_drafts` texts for the target of `passage`, the first one the most likely.

    `retrieved_context` are texts of other files, open ones or of the same project: what stands there is likely to be written again.
    Texts of several lines have only lines that are `min_confidence` likely together, in [0, 1], but for the first one.
    """

    passage: Passage
    n_drafts: int = 1
    seed: int = 0
    retrieved_context: tuple[str, ...] = ()
    min_confidence: float = 0.05


def truncated(texts: Iterable[str]) -> tuple[str, ...]:
    """The first LONGEST_CONTEXT characters of all the texts; those behind them are not asked for."""
    found: list[str] = []
    room = LONGEST_CONTEXT
    for text in texts:
        found.append(text[:room])
        room -= len(found[-1])
        if room <= 0:
            break
    return tuple(found)


@dataclass(frozen=True)
class Cost:
    """What a draft cost: denoise steps (forward passes), tokens they predicted, wall seconds."""

    n_forward: int = 0
    n_tokens: int = 0
    seconds: float = 0.0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            self.n_forward + other.n_forward, self.n_tokens + other.n_tokens, self.seconds + other.seconds
        )

    @property
    def tokens_per_second(self) -> float:
        """Predicted tokens per wall second; 0 when nothing was run."""
        return self.n_tokens / self.seconds if self.seconds else 0.0


@dataclass(frozen=True)
class Reading:
    """What a text was recognised as, in words that follow "read as", and what it is as Python, before any other repair."""

    what: str
    text: str


class DiagnosisKind(StrEnum):
    """What a tool has against a word."""

    UNDEFINED = "undefined"  # a name that nothing gives a value
    UNUSED = "unused"  # a variable that nothing reads: something else is read where it was meant
    ATTRIBUTE = "attribute"  # one that is not there: it is the wrong one, or that of the wrong variable
    ARGUMENT = "argument"  # of a call, not what it takes


@dataclass(frozen=True, order=True)
class Diagnosis:
    """A piece of a text in which a tool has found something wrong with names.

    Of an unused variable it is the name that is bound; of an attribute it has what stands before the dot in it, if that is a name.
    """

    span: Span
    kind: DiagnosisKind


@dataclass(frozen=True)
class Draft:
    """Text the model returns in place of a passage's target (of the whole source, for `Engine.repair`).

    `score` is the model's log-probability ratio of this text over leaving the target alone. `confidence` is in [0, 1]; that of a
    repair or of the rest of a line by a calibrated checkpoint (`About.is_calibrated`) is how likely this is what the code should
    be, 0 when nothing was changed. `n_edits` counts the model's token edits and the lines changed by recognition; `parses` says
    whether the whole text parses with the draft in place. `reading` is there if the whole source was pasted from elsewhere;
    `corrected` are the diagnoses because of which a word was changed, by their places in the source.
    """

    text: str
    score: float
    confidence: float
    n_edits: int
    parses: bool
    cost: Cost
    reading: Reading | None = None
    corrected: tuple[Diagnosis, ...] = ()


@dataclass(frozen=True)
class Doubt:
    """One token the model did not expect: where, what it is, how likely it was, what was expected instead.

    `kind` is "substitute", "delete" or "insert" (something is missing before the token).
    """

    span: Span
    probability: float
    kind: str
    proposal: str


@dataclass(frozen=True)
class DenoiseStep:
    """Progress of a running draft: step `index` of at most `limit`, and the whole source as it stands, a mask shown as ░."""

    index: int
    limit: int
    text: str


@dataclass(frozen=True)
class Watch:
    """The caller's eyes on a running draft; they are called between denoise steps, and a search asks more often.

    Once a repair `is_late` it ends with what it has found.
    """

    is_cancelled: Callable[[], bool] = lambda: False
    on_step: Callable[[DenoiseStep], None] = lambda step: None
    is_late: Callable[[], bool] = lambda: False

    def check(self) -> None:
        """Raise Cancelled or OutOfTime if the caller does not wait any longer."""
        if self.is_cancelled():
            raise Cancelled
        if self.is_late():
            raise OutOfTime

    def limited(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> "Watch":
        """The same watch, late `seconds` from now; 0: never. `clock` tells the time in seconds."""
        if not seconds:
            return self
        end = clock() + seconds
        return replace(self, is_late=lambda: clock() >= end)


UNWATCHED = Watch()


@dataclass(frozen=True)
class About:
    """What an engine runs: the checkpoint, its size and training, the actions it has learnt, the device.

    `is_calibrated` says whether the confidence of its repairs and lines is a probability.
    """

    name: str
    path: str
    n_parameters: int
    n_vocabulary: int
    trained_tokens: int
    actions: tuple[str, ...]
    device: str
    origins: tuple[str, ...] = ()  # collections whose real fixes it was trained on
    is_calibrated: bool = False
    base: str | None = None  # the pretrained base that judges what the checkpoint proposes


class Repairs(Protocol):
    """Whatever repairs text; `redraft_model.engine.Engine` does."""

    @property
    def about(self) -> About:
        """What does it."""
        ...

    def repair(
        self,
        source: str,
        *,
        span: Span | None = ...,
        semantic: bool = ...,
        target_version: Version | None = ...,
        watch: Watch = ...,
    ) -> Draft:
        """Whole text in, whole text out; the same text if nothing is to be done.

        `target_version` is the oldest Python that the text is for; None: the newest.
        """
        ...


class Corrects(Repairs, Protocol):
    """Whatever also puts right what other tools have found; `redraft_model.engine.Engine` does."""

    def correct(self, source: str, diagnoses: Sequence[Diagnosis], *, watch: Watch = ...) -> Draft:
        """Whole text in, whole text out; the same text if no other word is likely enough."""
        ...


class Completes(Protocol):
    """Whatever completes text; `redraft_model.engine.Engine` does."""

    def complete(
        self,
        passage: Passage,
        *,
        n_drafts: int = ...,
        seed: int = ...,
        single_line: bool = ...,
        retrieved_context: tuple[str, ...] = ...,
        min_confidence: float = ...,
        watch: Watch = ...,
    ) -> list[Draft]:
        """Texts to put in place of the passage's target, best first; may be empty."""
        ...


class TextEngine(Repairs, Protocol):
    """What the server needs of an engine, so that nothing but the engine's own process imports torch."""

    def complete_batch(
        self, asked: Sequence[Completion], *, single_line: bool = ..., watches: Sequence[Watch] = ...
    ) -> list[list[Draft] | None]:
        """Texts for several places at once; None for those whose watch has cancelled."""
        ...

    def rewrite(
        self, passage: Passage, *, action: str = ..., n_drafts: int = ..., seed: int = ..., watch: Watch = ...
    ) -> list[Draft]:
        """Texts for the passage's target after an action, best first."""
        ...

    def doubt(
        self, source: str, *, span: Span | None = ..., threshold: float = ..., watch: Watch = ...
    ) -> list[Doubt]:
        """The tokens the model did not expect."""
        ...
