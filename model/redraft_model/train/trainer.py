"""A network trained from random weights: its settings, one step, its evaluation and its checkpoint. The loop is in `loop.py`."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from redraft_model.data.batches import FILL, Batch, BatchSource, BatchStream
from redraft_model.data.pairs import origins
from redraft_model.data.samples import IGNORED
from redraft_model.data.shards import Shards
from redraft_model.errors import DataError
from redraft_model.network.checkpoint import Training, export_checkpoint, load_checkpoint
from redraft_model.network.config import ModelConfig
from redraft_model.network.hardware import fast_dtype
from redraft_model.network.loss import Asked, label_loss
from redraft_model.network.transformer import Transformer
from redraft_model.tokens.alignment import DELETE_ID, MASK_ID, insert_size
from redraft_model.tokens.tokenizer import Tokenizer
from redraft_model.train.distributed import ALONE, ProcessGroup
from redraft_model.train.loop import STATE_FILE, Progress, Report, go_on, read_state, with_prefix, write_state
from redraft_model.train.optimizer import (
    backward,
    build_optimizers,
    load_state_tensors,
    set_rate,
    state_tensors,
    take_step,
)
from redraft_model.train.stages import recipe_named
from redraft_model.train.time_box import TimeBox

# Rows x padded length of a held-out batch, at most: an evaluation costs the same however large the batches are.
EVALUATION_TOKENS = 4096


@dataclass(frozen=True)
class TrainSettings:
    """One run. A run in the same folder with the same settings is resumed."""

    size: str
    data: Path  # folder with train/ and heldout/ shards
    tokenizer: Path
    out: Path
    tokens: int  # budget of the whole run, padding not counted
    seconds: float | None = None  # as well, of training: the budget is used up when one of the two is
    minutes: float | None = None  # time box of this call
    steps: int | None = None  # ends this call as well
    batch_tokens: int = 4096
    batches_per_chunk: int = 32
    batches_per_step: int = 1  # batches whose gradients are added up
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
    evaluate_batches: int = 24  # 0: nothing is evaluated
    start_from: Path | None = None  # another run, or a checkpoint, whose weights to begin with
    log_every: int = 50  # steps
    pairs: tuple[Path, ...] = ()  # files with real fixes, for recipes that want them
    held_pairs: tuple[Path, ...] = ()  # others to evaluate on, never trained on


class Run:
    """A model with its optimisers and its place in the data; lives as long as one call of `train`."""

    def __init__(self, settings: TrainSettings, group: ProcessGroup = ALONE) -> None:
        self.settings = settings
        self.group = group
        self.device = group.device(settings.device)
        if self.device.type == "cuda" and not torch.cuda.is_available():
            raise DataError(f"there is no CUDA device here for {settings.device}; train on cpu")
        settings.out.mkdir(parents=True, exist_ok=True)
        self.tokenizer = Tokenizer.load(settings.tokenizer)
        Shards.open(settings.data / "train").require_tokenizer(self.tokenizer.sha256)
        config = ModelConfig.named(settings.size, self.tokenizer.n_vocabulary, MASK_ID, settings.context)
        self.model = Transformer(config)
        self.model.initialise(torch.Generator().manual_seed(settings.seed))
        self.model.stream_dtype = fast_dtype(self.device)
        self.model.to(self.device)
        self.peaks = (settings.matrix_rate, settings.other_rate)
        self.optimizers = build_optimizers(self.model, *self.peaks)
        self.progress = Progress()
        self.origins = frozenset(origins(settings.pairs))
        if (settings.out / STATE_FILE).exists():
            self._restore(settings.out / STATE_FILE)
        elif settings.start_from is not None:
            self._begin_with(settings.start_from)
        self.forward: Callable[..., torch.Tensor] = _compiled(self.model) if settings.compile else self.model

    @cached_property
    def heldout(self) -> list[Batch]:
        """The batches every evaluation looks at; none when nothing was held out."""
        folder = self.settings.data / "heldout"
        if not (folder.exists() and self.settings.evaluate_batches):
            return []
        shards = Shards.open(folder)
        shards.require_tokenizer(self.tokenizer.sha256)
        if not shards.n_statements:
            return []
        source = replace(
            _source(self.settings, "heldout"),
            batch_tokens=min(self.settings.batch_tokens, EVALUATION_TOKENS),
            batches_per_chunk=self.settings.evaluate_batches,
            seed=1,
        )
        mixture = recipe_named(self.settings.recipe).stages[-1].mixture
        # Real fixes are asked only when some were held out: those that were trained on say nothing.
        if not self.settings.held_pairs:
            mixture = mixture.without("real")
        return source.chunk(0, mixture)

    @property
    def n_parameters(self) -> int:
        """Values that are trained."""
        return self.model.n_parameters

    @property
    def fill(self) -> float:
        """About how much of a batch is no padding."""
        return FILL

    @property
    def evaluation_tokens(self) -> int:
        """About how many tokens an evaluation looks at."""
        return self.settings.evaluate_batches * min(self.settings.batch_tokens, EVALUATION_TOKENS)

    def step(self, batches: Sequence[Batch], factor: float) -> torch.Tensor:
        """One optimiser step at `factor` times the peak rates; returns the mean loss."""
        set_rate(self.optimizers, self.peaks, factor)
        total = backward(self.loss, batches)
        self.group.average_gradients(self.model.parameters())
        take_step(self.optimizers, self.model.parameters())
        return total

    def evaluate(self) -> dict[str, float]:
        """Loss and accuracy on held-out packages."""
        return evaluate(self)

    def loss(self, batch: Batch) -> torch.Tensor:
        """Weighted mean loss of the labels of a batch, differentiable."""
        tokens_BT, marks_BT, lengths_B, wanted_BA, asked = to_device(batch, self.device)
        hidden_BAW = self.forward(tokens_BT, lengths_B=lengths_B, wanted_BA=wanted_BA, marks_BT=marks_BT)
        return label_loss(self.model, hidden_BAW, asked)

    def save(self, evaluation: Mapping[str, float]) -> None:
        """Write the state to resume from, and the int8 checkpoint that the engine reads."""
        if self.group.rank:
            return
        tensors = {f"model.{k}": v.contiguous() for k, v in self.model.state_dict().items()}
        tensors |= {f"optimizer.{k}": v.contiguous() for k, v in state_tensors(self.optimizers).items()}
        meta = {
            "progress": json.dumps(asdict(self.progress)),
            "size": self.settings.size,
            "origins": json.dumps(sorted(self.origins)),
        }
        write_state(self.settings.out / STATE_FILE, tensors, meta)
        in_all = self.progress.in_all()
        training = Training(
            int(in_all["tokens"]),
            int(in_all["step"]),
            round(in_all["seconds"]),
            self.settings.recipe,
            dict(evaluation),
            origins=tuple(sorted(self.origins)),
        )
        export_checkpoint(self.model, self.tokenizer, self.settings.out / "checkpoint", training)

    def _restore(self, path: Path) -> None:
        meta, tensors = read_state(path)
        if meta["size"] != self.settings.size:
            raise DataError(
                f"{path} is a run of size {meta['size']}; choose another --out for {self.settings.size}"
            )
        self._load(with_prefix(tensors, "model."), path)
        load_state_tensors(self.optimizers, with_prefix(tensors, "optimizer."))
        self.progress = Progress(**json.loads(meta["progress"]))
        self.origins |= _origins(meta)

    def _begin_with(self, folder: Path) -> None:
        # A network from before neighbours or marks goes on with them: new as they are, they change nothing yet.
        new = {k: v for k, v in self.model.state_dict().items() if k.startswith(("neighbours.", "marks."))}
        state = folder / STATE_FILE
        if state.exists():
            meta, tensors = read_state(state)
            self._load(new | with_prefix(tensors, "model."), state)
            self.origins |= _origins(meta)
            self.progress = Progress(**json.loads(meta["progress"])).after()
            return
        checkpoint = load_checkpoint(folder, torch.device("cpu"), calibrated=False)
        if checkpoint.tokenizer.sha256 != self.tokenizer.sha256:
            raise DataError(
                f"{folder} was made with another tokenizer; start from a checkpoint made with this one"
            )
        self._load(new | checkpoint.model.state_dict(), folder)
        self.origins |= set(checkpoint.training.origins)
        known = checkpoint.training
        self.progress = Progress(known.steps, known.tokens, seconds=known.seconds).after()

    def _load(self, weights: Mapping[str, torch.Tensor], origin: Path) -> None:
        shapes = {name: value.shape for name, value in self.model.state_dict().items()}
        if {name: value.shape for name, value in weights.items()} != shapes:
            raise DataError(
                f"{origin} holds another network than {self.settings.size} with "
                f"{self.tokenizer.n_vocabulary} tokens; choose the size and tokenizer it was trained with"
            )
        self.model.load_state_dict(weights)


def train(
    settings: TrainSettings,
    tell: Callable[[str], None] = lambda line: None,
    is_stopped: Callable[[Progress], bool] = lambda progress: False,
) -> Report:
    """Train until the budget or the time box is used up; `tell` gets a line of progress now and then.

    `is_stopped` is asked after every step; the call ends, with everything saved, once it says so.
    Under torchrun every process calls this with the same settings. The time box holds everything from here on, the last
    evaluation and saving included.
    """
    box = TimeBox(settings.minutes)
    group = ProcessGroup.from_environment()
    run = Run(settings, group)
    stream = batch_stream(settings)
    with group.joined(run.device):
        try:
            return go_on(run, stream, box, tell, is_stopped)
        finally:
            stream.close()


def batch_stream(settings: TrainSettings) -> BatchStream[Batch]:
    """The batches of a run; close it in the end."""
    return BatchStream(_source(settings, "train"), settings.n_workers)


def evaluate(run: Run) -> dict[str, float]:
    """Loss and accuracy on held-out packages, per forward process: on labels that change something, and on KEEP.

    Empty when nothing was held out.
    """
    right, asked_of, loss_of = Counter[str](), Counter[str](), Counter[str]()
    with torch.no_grad():
        for batch in run.heldout:
            tokens_BT, marks_BT, lengths_B, wanted_BA, asked = to_device(batch, run.device)
            hidden_BAW = run.model(tokens_BT, lengths_B=lengths_B, wanted_BA=wanted_BA, marks_BT=marks_BT)
            hidden_NW = hidden_BAW.flatten(0, 1)[asked.index_N]
            log_p_NV = run.model.log_probabilities(hidden_NW)
            is_right = (log_p_NV.argmax(-1) == asked.targets_N).tolist()
            losses = (-log_p_NV.gather(1, asked.targets_N[:, None])[:, 0]).tolist()
            for name, correct, loss in zip(_names(batch), is_right, losses, strict=True):
                right[name] += correct
                asked_of[name] += 1
                loss_of[name] += loss
    names = sorted(asked_of)
    return {f"accuracy/{name}": round(right[name] / asked_of[name], 4) for name in names} | {
        f"loss/{name}": round(loss_of[name] / asked_of[name], 4) for name in names
    }


def to_device(
    batch: Batch, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, Asked]:
    """Tokens (B, T), their marks (B, T), lengths (B,), which tokens of each row are asked (B, A), and what is asked of them.

    Rows with fewer asked tokens than A are filled with their first one, of which nothing is asked there.
    """
    row_N, column_N = np.nonzero(batch.targets != IGNORED)
    counts_B = np.bincount(row_N, minlength=len(batch.tokens))
    slot_N = np.arange(len(row_N)) - np.repeat(np.cumsum(counts_B) - counts_B, counts_B)
    wanted = np.zeros((len(batch.tokens), max(1, counts_B.max())), np.int64)
    wanted[row_N, slot_N] = column_N
    asked = Asked(
        torch.from_numpy(row_N * wanted.shape[1] + slot_N).to(device),
        torch.from_numpy(batch.targets[row_N, column_N].astype(np.int64)).to(device),
        torch.from_numpy(batch.weights[row_N, column_N]).to(device),
    )
    tokens, marks = (torch.from_numpy(ids.astype(np.int64)).to(device) for ids in (batch.tokens, batch.marks))
    return (
        tokens,
        marks,
        torch.from_numpy(batch.lengths).to(device),
        torch.from_numpy(wanted).to(device),
        asked,
    )


def _names(batch: Batch) -> list[str]:
    """What kind of answer each asked position wants: process/keep, /delete, /insert, /token."""
    names = []
    for row, column in np.argwhere(batch.targets != IGNORED).tolist():
        token, target = batch.tokens[row, column], int(batch.targets[row, column])
        if target == token:
            kind = "keep"
        elif target == DELETE_ID:
            kind = "delete"
        elif insert_size(target):
            kind = "insert"
        else:
            kind = "mask" if token == MASK_ID else "substitute"
        names.append(f"{batch.processes[row]}/{kind}")
    return names


def _source(settings: TrainSettings, split: str) -> BatchSource:
    return BatchSource(
        settings.data / split,
        settings.tokenizer,
        settings.batch_tokens,
        settings.batches_per_chunk,
        settings.longest,
        settings.seed,
        settings.held_pairs if split == "heldout" else settings.pairs,
    )


def _origins(meta: Mapping[str, str]) -> frozenset[str]:
    """Where the real fixes of a saved run came from; runs of older versions had none."""
    return frozenset(json.loads(meta.get("origins", "[]")))


def _compiled(model: Transformer) -> Callable[..., torch.Tensor]:
    """The network compiled once for batches of all shapes."""
    compiled: Callable[..., torch.Tensor] = torch.compile(model, dynamic=True)
    return compiled
