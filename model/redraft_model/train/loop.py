"""The loop of a run, whatever is trained: batches in, saves and metrics out. It ends with its time box and resumes exactly."""

import itertools
import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from redraft_model.data.batches import BatchStream
from redraft_model.data.samples import Mixture
from redraft_model.errors import DataError
from redraft_model.train.curves import METRICS_FILE
from redraft_model.train.distributed import ProcessGroup
from redraft_model.train.stages import recipe_named
from redraft_model.train.time_box import TimeBox

# Cautious guesses of what ends a call: held-out tokens drawn and bytes written in a second, bytes of a parameter's state.
DRAWN_PER_SECOND, SAVED_PER_SECOND, STATE_BYTES = 50_000, 50_000_000, 12
STATE_FILE = "state.safetensors"


class AnyBatch(Protocol):
    """What the loop has to know of a batch."""

    @property
    def n_tokens(self) -> int:
        """Tokens that are not padding."""
        ...


BatchT = TypeVar("BatchT", bound=AnyBatch)
BatchT_contra = TypeVar("BatchT_contra", bound=AnyBatch, contravariant=True)


class LoopSettings(Protocol):
    """What the loop has to know of a run's settings."""

    @property
    def out(self) -> Path: ...  # noqa: D102
    @property
    def tokens(self) -> int: ...  # noqa: D102
    @property
    def seconds(self) -> float | None: ...  # noqa: D102
    @property
    def batch_tokens(self) -> int: ...  # noqa: D102
    @property
    def batches_per_chunk(self) -> int: ...  # noqa: D102
    @property
    def batches_per_step(self) -> int: ...  # noqa: D102
    @property
    def steps(self) -> int | None: ...  # noqa: D102
    @property
    def recipe(self) -> str: ...  # noqa: D102
    @property
    def save_minutes(self) -> float: ...  # noqa: D102
    @property
    def evaluate_every(self) -> int: ...  # noqa: D102
    @property
    def log_every(self) -> int: ...  # noqa: D102


@dataclass
class Progress:
    """Where a run stands; saved with the weights."""

    step: int = 0
    tokens: int = 0
    chunk: int = 0
    batch: int = 0  # batches of `chunk` already used
    seconds: float = 0.0
    # What the runs had cost whose weights this one began with.
    steps_before: int = 0
    tokens_before: int = 0
    seconds_before: float = 0.0

    def in_all(self) -> dict[str, float]:
        """Steps, tokens and seconds with those before."""
        return {
            "step": self.steps_before + self.step,
            "tokens": self.tokens_before + self.tokens,
            "seconds": round(self.seconds_before + self.seconds, 1),
        }

    def share_of(self, settings: LoopSettings) -> float:
        """How much of its budget the run has used: of its tokens, or of its seconds where that is more."""
        share = self.tokens / settings.tokens
        return share if settings.seconds is None else max(share, self.seconds / settings.seconds)

    def after(self) -> "Progress":
        """The start of a run that begins with this one's weights."""
        in_all = self.in_all()
        return Progress(
            steps_before=int(in_all["step"]),
            tokens_before=int(in_all["tokens"]),
            seconds_before=in_all["seconds"],
        )


@dataclass(frozen=True)
class Report:
    """What one call of `train` did."""

    finished: bool
    step: int
    tokens: int
    seconds: float  # of the whole run
    tokens_per_second: float
    tokens_per_second_without_noise: float
    evaluation: dict[str, float] = field(default_factory=dict)


class AnyRun(Protocol[BatchT_contra]):
    """What is trained, with its optimisers and its place in the data."""

    progress: Progress
    group: ProcessGroup
    device: torch.device

    @property
    def settings(self) -> LoopSettings:
        """Those of the run."""
        ...

    @property
    def n_parameters(self) -> int:
        """Values that are trained."""
        ...

    @property
    def fill(self) -> float:
        """About how much of a batch is no padding."""
        ...

    @property
    def evaluation_tokens(self) -> int:
        """About how many tokens an evaluation looks at."""
        ...

    def step(self, batches: Sequence[BatchT_contra], factor: float) -> torch.Tensor:
        """One optimiser step at `factor` times the peak rates; returns the mean loss."""
        ...

    def evaluate(self) -> dict[str, float]:
        """Metrics on held-out packages, empty when nothing was held out."""
        ...

    def save(self, evaluation: Mapping[str, float]) -> None:
        """Write the state to resume from, and the result so far."""
        ...


def go_on(
    run: AnyRun[BatchT],
    stream: BatchStream[BatchT],
    box: TimeBox,
    tell: Callable[[str], None] = lambda line: None,
    is_stopped: Callable[[Progress], bool] = lambda progress: False,
) -> Report:
    """Train from where `run` stands: at least one step, then as long as the budget and the box have room.

    `is_stopped` hears after every step where the run stands, and may end the call.
    """
    settings, progress, group = run.settings, run.progress, run.group
    if progress.share_of(settings) >= 1:
        return Report(True, progress.step, progress.tokens, progress.seconds, 0.0, 0.0)
    schedule, recent, closing = recipe_named(settings.recipe).schedule, Recent(), Closing(run)
    started = last_saved = time.perf_counter()
    seconds_before, tokens_before, step_before = progress.seconds, progress.tokens, progress.step
    next_evaluation = (progress.tokens // settings.evaluate_every + 1) * settings.evaluate_every
    waited, rates = 0.0, dict[str, float]()
    for batches, seconds_waited in _steps(run, stream):
        factor = schedule.factor(progress.share_of(settings))
        recent.add(run.step(batches, factor))
        progress.step += 1
        waited += seconds_waited
        seconds = time.perf_counter() - started
        progress.seconds = seconds_before + seconds
        n_steps = progress.step - step_before
        # An evaluation does not wait for workers to start, or for batches that are drawn in the meantime.
        wants_to_stop = not box.has_room_for(
            seconds / n_steps + closing.seconds((seconds - waited) / n_steps)
        )
        wants_to_stop |= n_steps == settings.steps or is_stopped(progress)
        wants_to_stop |= settings.seconds is not None and progress.seconds >= settings.seconds
        # Every process has to take the same decisions, so they go by common numbers and not by their own clocks.
        n_tokens, n_stopping = group.sums(
            [sum(batch.n_tokens for batch in batches), wants_to_stop], run.device
        )
        progress.tokens += int(n_tokens)
        rates = _rates(progress.tokens - tokens_before, seconds, waited)
        if progress.step % settings.log_every == 0:
            _write_row(run, {"rate": round(factor, 4), **rates, **recent.take(progress)}, tell)
        if n_stopping or progress.tokens >= settings.tokens:
            break
        if progress.tokens >= next_evaluation:
            next_evaluation += settings.evaluate_every
            _write_row(run, closing.evaluate(), tell)
        if started + seconds - last_saved > settings.save_minutes * 60:
            closing.save()
            last_saved = started + seconds
    if recent:
        _write_row(run, recent.take(progress), tell)
    _write_row(run, closing.evaluate(), tell)
    closing.save()
    return Report(
        progress.share_of(settings) >= 1,
        progress.step,
        progress.tokens,
        round(progress.seconds, 1),
        evaluation=closing.evaluation,
        **rates,
    )


class Closing(Generic[BatchT]):
    """The work that ends a call, evaluating and saving, and how long it takes: as long as last time, or a cautious guess."""

    def __init__(self, run: AnyRun[BatchT]) -> None:
        self.evaluation: dict[str, float] = {}
        self._run = run
        self._evaluating: float | None = None
        self._saving: float | None = None

    def seconds(self, step_seconds: float) -> float:
        """Seconds that evaluating and saving will take, when a step takes `step_seconds`."""
        settings = self._run.settings
        evaluating, saving = self._evaluating, self._saving
        if evaluating is None:
            # A step also looks at its tokens, and works on them for longer; the batches have to be drawn first.
            step_tokens = settings.batch_tokens * settings.batches_per_step
            per_token = step_seconds / step_tokens + 1 / DRAWN_PER_SECOND
            evaluating = self._run.evaluation_tokens * per_token
        if saving is None:
            saving = self._run.n_parameters * STATE_BYTES / SAVED_PER_SECOND
        return evaluating + saving

    def evaluate(self) -> dict[str, float]:
        """Evaluate; one process does it for all."""
        if self._run.group.rank == 0:
            started = time.perf_counter()
            self.evaluation = self._run.evaluate()
            self._evaluating = time.perf_counter() - started
        return self.evaluation

    def save(self) -> None:
        """Save with what the last evaluation has found."""
        started = time.perf_counter()
        self._run.save(self.evaluation)
        self._saving = time.perf_counter() - started


def _steps(run: AnyRun[BatchT], stream: BatchStream[BatchT]) -> Iterator[tuple[list[BatchT], float]]:
    """The batches of one step after the other, with the seconds spent waiting for them."""
    batches: list[BatchT] = []
    waited = 0.0
    for batch, seconds in _batches(run, stream):
        batches.append(batch)
        waited += seconds
        if len(batches) == run.settings.batches_per_step:
            yield batches, waited
            batches, waited = [], 0.0


def _batches(run: AnyRun[BatchT], stream: BatchStream[BatchT]) -> Iterator[tuple[BatchT, float]]:
    """The batches from where the run stands on, with the seconds spent waiting for each; moves the run's place."""
    settings, progress = run.settings, run.progress
    recipe = recipe_named(settings.recipe)
    chunk_tokens = settings.batch_tokens * settings.batches_per_chunk * run.fill * run.group.size

    def plan() -> Iterator[tuple[int, Mixture]]:
        for chunk in itertools.count(progress.chunk):
            yield (
                chunk * run.group.size + run.group.rank,
                recipe.stage_at(chunk * chunk_tokens / settings.tokens).mixture,
            )

    chunks = stream.chunks(plan())
    while True:
        asked_at = time.perf_counter()
        chunk = next(chunks)
        waited = time.perf_counter() - asked_at
        for batch in chunk[progress.batch :]:
            progress.batch += 1
            yield batch, waited
            waited = 0.0
        progress.chunk += 1
        progress.batch = 0


class Recent:
    """The losses of the steps since they were last taken."""

    def __init__(self) -> None:
        self._losses: list[torch.Tensor] = []

    def __len__(self) -> int:
        return len(self._losses)

    def add(self, loss: torch.Tensor) -> None:
        """One step's mean loss; it stays on its device, so that nothing waits for it."""
        self._losses.append(loss)

    def take(self, progress: Progress) -> dict[str, float]:
        """Their mean, and start again; DataError when it is no number any more."""
        mean = float(torch.stack(self._losses).mean())
        self._losses = []
        if not math.isfinite(mean):
            raise DataError(
                f"the loss is {mean} at step {progress.step}; go on from the last save with lower learning rates"
            )
        return {"loss": round(mean, 4)}


def _rates(n_tokens: int, seconds: float, waited: float) -> dict[str, float]:
    return {
        "tokens_per_second": round(n_tokens / max(1e-9, seconds), 1),
        "tokens_per_second_without_noise": round(n_tokens / max(1e-9, seconds - waited), 1),
    }


def _write_row(run: AnyRun[BatchT], values: Mapping[str, float], tell: Callable[[str], None]) -> None:
    if run.group.rank or not values:
        return
    progress = run.progress
    row = {**progress.in_all(), **values}
    with (run.settings.out / METRICS_FILE).open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
    tell(
        "  ".join(
            f"{name} {value:,}"
            for name, value in row.items()
            if not name.startswith("loss/") or name.startswith("loss/masked_")
        )
    )


def write_state(path: Path, tensors: dict[str, torch.Tensor], meta: dict[str, str]) -> None:
    """Write the state of a run; the old file goes only when the new one is complete."""
    partial = path.with_suffix(".partial")
    try:
        save_file(tensors, partial, metadata=meta)
        partial.replace(path)
    except (OSError, SafetensorError) as error:
        raise DataError(f"{path} cannot be written ({error}); make room, and run the same command") from error


def with_prefix(tensors: Mapping[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    """The tensors whose names begin so, without that beginning."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def read_state(path: Path) -> tuple[dict[str, str], dict[str, torch.Tensor]]:
    """What `write_state` wrote, metadata first; DataError when it is damaged."""
    try:
        with safe_open(path, framework="pt") as file:
            meta: dict[str, str] = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise DataError(f"{path} is damaged ({error}); delete it to begin the run anew") from error
    if not {"size", "progress"} <= meta.keys():
        raise DataError(f"{path} does not say where its run stands; delete it to begin the run anew")
    return meta, tensors
