"""The training loop: batches in, checkpoints and metrics out. Stops on its time box and goes on where it stopped."""

import itertools
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
from safetensors import safe_open
from safetensors.torch import save_file

from redraft_model.alignment import DELETE_ID, MASK_ID, insert_size
from redraft_model.checkpoint import Training, export_checkpoint
from redraft_model.config import ModelConfig
from redraft_model.data.batches import Batch, BatchSource, BatchStream
from redraft_model.data.samples import IGNORED, Mixture
from redraft_model.data.shards import Shards
from redraft_model.errors import DataError
from redraft_model.loss import Asked, label_loss
from redraft_model.schedule import WarmupStableDecay
from redraft_model.tokenizer import Tokenizer
from redraft_model.train.optimizer import build_optimizers, load_state_tensors, set_rate, state_tensors
from redraft_model.train.stages import recipe_named
from redraft_model.transformer import Transformer

TYPICAL_FILL = 0.85  # share of a batch that is not padding; places the borders between stages
STATE_FILE = "state.safetensors"
METRICS_FILE = "metrics.jsonl"


@dataclass(frozen=True)
class TrainSettings:
    """One run. A run in the same folder with the same settings is resumed."""

    size: str
    data: Path  # folder with train/ and heldout/ shards
    tokenizer: Path
    out: Path
    tokens: int  # budget of the whole run, padding not counted
    minutes: float | None = None  # time box of this call
    batch_tokens: int = 4096
    batches_per_chunk: int = 32
    longest: int = 384
    context: int = 512
    recipe: str = "editor"
    matrix_rate: float = 4e-3
    other_rate: float = 3e-3
    seed: int = 0
    device: str = "cpu"
    compile: bool = False
    n_workers: int = 1
    save_minutes: float = 5.0
    evaluate_every: int = 1_000_000  # tokens
    evaluate_batches: int = 24
    start_from: Path | None = None  # weights of another run to begin with


@dataclass
class Progress:
    """Where a run stands; saved with the weights."""

    step: int = 0
    tokens: int = 0
    chunk: int = 0
    batch: int = 0  # batches of `chunk` already used
    seconds: float = 0.0


@dataclass(frozen=True)
class Report:
    """What one call of `train` did."""

    finished: bool
    step: int
    tokens: int
    tokens_per_second: float
    tokens_per_second_without_noise: float
    evaluation: dict[str, float] = field(default_factory=dict)


class Run:
    """A model with its optimisers and its place in the data; lives as long as one call of `train`."""

    def __init__(self, settings: TrainSettings) -> None:
        self.settings = settings
        self.rank = int(os.environ.get("RANK", "0"))
        self.world = int(os.environ.get("WORLD_SIZE", "1"))
        self.device = torch.device(settings.device)
        self.tokenizer = Tokenizer.load(settings.tokenizer)
        Shards.open(settings.data / "train").require_tokenizer(self.tokenizer.sha256)
        config = ModelConfig.named(settings.size, self.tokenizer.n_vocabulary, MASK_ID, settings.context)
        self.model = Transformer(config)
        self.model.initialise(torch.Generator().manual_seed(settings.seed))
        self.model.stream_dtype = torch.bfloat16
        self.model.to(self.device)
        self.peaks = (settings.matrix_rate, settings.other_rate)
        self.optimizers = build_optimizers(self.model, *self.peaks)
        self.progress = Progress()
        if (settings.out / STATE_FILE).exists():
            self._restore(settings.out / STATE_FILE)
        elif settings.start_from is not None:
            self._load_weights(settings.start_from / STATE_FILE)
        self.forward: Callable[..., torch.Tensor] = (
            torch.compile(self.model, dynamic=False) if settings.compile else self.model
        )

    def step(self, batch: Batch, factor: float) -> torch.Tensor:
        """One optimiser step at `factor` times the peak rates; returns the mean loss."""
        set_rate(self.optimizers, self.peaks, factor)
        loss = self.loss(batch)
        loss.backward()  # type: ignore[no-untyped-call]
        if self.world > 1:
            _average_gradients(self.model, self.world)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        return loss.detach()

    def loss(self, batch: Batch) -> torch.Tensor:
        """Weighted mean loss of the labels of a batch, differentiable."""
        tokens_BT, lengths_B, asked = to_device(batch, self.device)
        return label_loss(self.model, self.forward(tokens_BT, lengths_B=lengths_B), asked)

    def save(self, evaluation: Mapping[str, float]) -> None:
        """Write the state to resume from, and the int8 checkpoint that the engine reads."""
        if self.rank:
            return
        tensors = {f"model.{k}": v.contiguous() for k, v in self.model.state_dict().items()}
        tensors |= {f"optimizer.{k}": v.contiguous() for k, v in state_tensors(self.optimizers).items()}
        path = self.settings.out / STATE_FILE
        partial = path.with_suffix(".partial")
        meta = {"progress": json.dumps(asdict(self.progress)), "size": self.settings.size}
        save_file(tensors, partial, metadata=meta)
        # The old file goes only when the new one is complete.
        partial.replace(path)
        training = Training(
            self.progress.tokens,
            self.progress.step,
            round(self.progress.seconds),
            self.settings.recipe,
            dict(evaluation),
        )
        export_checkpoint(self.model, self.tokenizer, self.settings.out / "checkpoint", training)

    def _restore(self, path: Path) -> None:
        with safe_open(path, framework="pt") as file:
            meta = file.metadata()
            if meta["size"] != self.settings.size:
                raise DataError(
                    f"{path} is a run of size {meta['size']}; choose another --out for {self.settings.size}"
                )
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        self.model.load_state_dict(_with_prefix(tensors, "model."))
        load_state_tensors(self.optimizers, _with_prefix(tensors, "optimizer."))
        self.progress = Progress(**json.loads(meta["progress"]))

    def _load_weights(self, path: Path) -> None:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys() if name.startswith("model.")}  # noqa: SIM118
        self.model.load_state_dict(_with_prefix(tensors, "model."))


def train(settings: TrainSettings, tell: Callable[[str], None] = lambda line: None) -> Report:
    """Train until the token budget or the time box is used up; `tell` gets a line of progress now and then."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and not dist.is_initialized():
        dist.init_process_group("nccl" if settings.device.startswith("cuda") else "gloo")
    settings.out.mkdir(parents=True, exist_ok=True)
    run = Run(settings)
    stream = BatchStream(_source(settings, "train"), settings.n_workers)
    try:
        return _train(run, stream, tell)
    finally:
        stream.close()


def evaluate(run: Run) -> dict[str, float]:
    """Loss and accuracy on held-out packages, per forward process: on labels that change something, and on KEEP."""
    heldout = run.settings.data / "heldout"
    if not heldout.exists():
        return {}
    source = replace(
        _source(run.settings, "heldout"), batches_per_chunk=run.settings.evaluate_batches, seed=1
    )
    mixture = recipe_named(run.settings.recipe).stages[-1].mixture
    right, asked_of, loss_of = Counter[str](), Counter[str](), Counter[str]()
    with torch.no_grad():
        for batch in source.chunk(0, mixture):
            tokens_BT, lengths_B, asked = to_device(batch, run.device)
            hidden_BTW = run.model(tokens_BT, lengths_B=lengths_B)
            hidden_NW = hidden_BTW.flatten(0, 1)[asked.index_N]
            log_p_NV = run.model.log_probabilities(hidden_NW)
            is_right = (log_p_NV.argmax(-1) == asked.targets_N).tolist()
            losses = (-log_p_NV.gather(1, asked.targets_N[:, None])[:, 0]).tolist()
            for name, correct, loss in zip(_names(batch, asked), is_right, losses, strict=True):
                right[name] += correct
                asked_of[name] += 1
                loss_of[name] += loss
    names = sorted(asked_of)
    return {f"accuracy/{name}": round(right[name] / asked_of[name], 4) for name in names} | {
        f"loss/{name}": round(loss_of[name] / asked_of[name], 4) for name in names
    }


def to_device(batch: Batch, device: torch.device) -> tuple[torch.Tensor, torch.Tensor | None, Asked]:
    """Tokens (B, T), lengths (B,) or None when no row is padded, and the asked positions."""
    targets = batch.targets.reshape(-1)
    index = np.flatnonzero(targets != IGNORED)
    asked = Asked(
        torch.from_numpy(index).to(device),
        torch.from_numpy(targets[index].astype(np.int64)).to(device),
        torch.from_numpy(batch.weights.reshape(-1)[index]).to(device),
    )
    lengths = torch.from_numpy(batch.lengths).to(device)
    return torch.from_numpy(batch.tokens.astype(np.int64)).to(device), lengths, asked


def _train(run: Run, stream: BatchStream, tell: Callable[[str], None]) -> Report:
    settings, progress = run.settings, run.progress
    schedule = WarmupStableDecay()
    started = last_saved = time.perf_counter()
    seconds_before, tokens_before = progress.seconds, progress.tokens
    next_evaluation = (progress.tokens // settings.evaluate_every + 1) * settings.evaluate_every
    waited, recent, evaluation = 0.0, Recent(), dict[str, float]()
    for batch, seconds_waited in _batches(run, stream):
        factor = schedule.factor(progress.tokens / settings.tokens)
        recent.add(run.step(batch, factor))
        progress.step += 1
        progress.tokens += batch.n_tokens * run.world
        waited += seconds_waited
        seconds = time.perf_counter() - started
        progress.seconds = seconds_before + seconds
        if progress.step % 50 == 0:
            rates = _rates(progress.tokens - tokens_before, seconds, waited)
            _write_row(run, {"rate": round(factor, 4), **rates, **recent.take()}, tell)
        out_of_time = settings.minutes is not None and seconds > settings.minutes * 60
        if out_of_time or progress.tokens >= settings.tokens:
            break
        if progress.tokens >= next_evaluation:
            next_evaluation += settings.evaluate_every
            evaluation = evaluate(run)
            _write_row(run, evaluation, tell)
        if started + seconds - last_saved > settings.save_minutes * 60:
            run.save(evaluation)
            last_saved = started + seconds
    seconds = time.perf_counter() - started
    evaluation = evaluate(run)
    _write_row(run, evaluation, tell)
    run.save(evaluation)
    rates = _rates(progress.tokens - tokens_before, seconds, waited)
    return Report(
        progress.tokens >= settings.tokens, progress.step, progress.tokens, evaluation=evaluation, **rates
    )


def _batches(run: Run, stream: BatchStream) -> Iterator[tuple[Batch, float]]:
    """The batches from where the run stands on, with the seconds spent waiting for each; moves the run's place."""
    settings, progress = run.settings, run.progress
    recipe = recipe_named(settings.recipe)
    chunk_tokens = settings.batch_tokens * settings.batches_per_chunk * TYPICAL_FILL * run.world

    def plan() -> Iterator[tuple[int, Mixture]]:
        for chunk in itertools.count(progress.chunk):
            yield (
                chunk * run.world + run.rank,
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
    """Running means since they were last taken: the loss, and the share of asked positions that were right by loss."""

    def __init__(self) -> None:
        self._losses: list[torch.Tensor] = []

    def add(self, loss: torch.Tensor) -> None:
        """One step's mean loss."""
        self._losses.append(loss)

    def take(self) -> dict[str, float]:
        """The means, and start again."""
        mean = float(torch.stack(self._losses).mean())
        self._losses = []
        return {"loss": round(mean, 4)}


def _names(batch: Batch, asked: Asked) -> list[str]:
    """What kind of answer each asked position wants: process/keep, /delete, /insert, /token."""
    flat_tokens = batch.tokens.reshape(-1)
    width = batch.tokens.shape[1]
    names = []
    for index, target in zip(asked.index_N.tolist(), asked.targets_N.tolist(), strict=True):
        token = flat_tokens[index]
        if target == token:
            kind = "keep"
        elif target == DELETE_ID:
            kind = "delete"
        elif insert_size(target):
            kind = "insert"
        else:
            kind = "mask" if token == MASK_ID else "substitute"
        names.append(f"{batch.processes[index // width]}/{kind}")
    return names


def _rates(n_tokens: int, seconds: float, waited: float) -> dict[str, float]:
    return {
        "tokens_per_second": round(n_tokens / max(1e-9, seconds), 1),
        "tokens_per_second_without_noise": round(n_tokens / max(1e-9, seconds - waited), 1),
    }


def _write_row(run: Run, values: Mapping[str, float], tell: Callable[[str], None]) -> None:
    if run.rank:
        return
    progress = run.progress
    row = {"step": progress.step, "tokens": progress.tokens, "seconds": round(progress.seconds, 1), **values}
    with (run.settings.out / METRICS_FILE).open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
    tell("  ".join(f"{name} {value:,}" for name, value in row.items() if not name.startswith("loss/")))


def _average_gradients(model: Transformer, world: int) -> None:
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    flat = torch.cat([g.reshape(-1) for g in gradients])
    dist.all_reduce(flat)
    flat /= world
    for gradient, mean in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
        gradient.copy_(mean.view_as(gradient))


def _source(settings: TrainSettings, split: str) -> BatchSource:
    return BatchSource(
        settings.data / split,
        settings.tokenizer,
        settings.batch_tokens,
        settings.batches_per_chunk,
        settings.longest,
        settings.seed,
    )


def _with_prefix(tensors: Mapping[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
