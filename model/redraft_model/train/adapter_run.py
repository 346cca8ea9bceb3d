"""An adapter trained beside a frozen base: its settings, one step, its evaluation and its files. The loop is in `loop.py`.

The evaluation asks for masked tokens of held-out files, and sets what the adapter answers beside what the base answers that reads
the same tokens from the left.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from redraft_model.data.batches import BatchStream
from redraft_model.data.region_batches import FILL, RegionBatch, RegionSource
from redraft_model.data.regions import RegionShape
from redraft_model.data.samples import IGNORED
from redraft_model.data.shards import Shards
from redraft_model.errors import DataError
from redraft_model.network.adapter import (
    ABOUT_FILE,
    WEIGHTS_FILE,
    AdapterConfig,
    AdapterTraining,
    load_adapter,
    new_adapter,
    save_adapter,
)
from redraft_model.network.base import load_base
from redraft_model.network.hardware import fast_dtype
from redraft_model.network.region import adapted, network_ids
from redraft_model.network.region_loss import AskedTokens, region_loss
from redraft_model.tokens.alignment import DELETE_ID, MASK_ID, insert_size
from redraft_model.tokens.tokenizer import SPECIALS, Tokenizer
from redraft_model.train.distributed import ALONE, ProcessGroup
from redraft_model.train.loop import STATE_FILE, Progress, Report, go_on, read_state, with_prefix, write_state
from redraft_model.train.optimizer import (
    backward,
    build_adapter_optimizers,
    load_state_tensors,
    set_rate,
    state_tensors,
    take_step,
)
from redraft_model.train.stages import recipe_named
from redraft_model.train.time_box import TimeBox

# What the gate of the mask stage is measured on.
EVALUATED_SHAPE = RegionShape(128, 64, 32)
MASK_RATES = (0.15, 0.5)
EVALUATION_TOKENS = 4096  # rows x padded length of a held-out batch, at most


@dataclass(frozen=True)
class AdapterSettings:
    """One run. A run in the same folder with the same settings is resumed."""

    base: Path
    data: Path  # folder with train/ and heldout/ shards, of any tokenizer
    tokenizer: Path  # that of the shards
    out: Path
    tokens: int  # budget of the whole run, contexts and regions, padding not counted
    seconds: float | None = None  # as well, of training: the budget is used up when one of the two is
    minutes: float | None = None  # time box of this call
    steps: int | None = None  # ends this call as well
    adapter: AdapterConfig = AdapterConfig()
    batch_tokens: int = 4096
    batches_per_chunk: int = 16
    batches_per_step: int = 2  # batches whose gradients are added up
    n_copies: int = 4
    recipe: str = "adapter"
    rate: float = 1.5e-3
    seed: int = 0
    device: str = "cpu"
    compile: bool = False
    n_workers: int = 1
    save_minutes: float = 5.0
    evaluate_every: int = 1_000_000  # tokens
    evaluate_batches: int = 6  # of the recipe's last stage
    evaluate_contexts: int = 48  # whose regions are masked
    start_from: Path | None = None  # another run, or an adapter, to begin with
    log_every: int = 10  # steps
    pairs: tuple[Path, ...] = ()  # files with real fixes, for recipes that want them
    held_pairs: tuple[Path, ...] = ()  # others to evaluate on, never trained on


class AdapterRun:
    """An adapter with its optimisers and its place in the data; lives as long as one call of `train_adapter`."""

    def __init__(self, settings: AdapterSettings, group: ProcessGroup = ALONE) -> None:
        self.settings = settings
        self.group = group
        self.device = group.device(settings.device)
        if self.device.type == "cuda" and not torch.cuda.is_available():
            raise DataError(f"there is no CUDA device here for {settings.device}; train on cpu")
        settings.out.mkdir(parents=True, exist_ok=True)
        Shards.open(settings.data / "train").require_tokenizer(Tokenizer.load(settings.tokenizer).sha256)
        self.base = load_base(settings.base, self.device, fast_dtype(self.device))
        self.adapter = new_adapter(self.base.model, settings.adapter, settings.seed)
        self.progress = Progress()
        state = settings.out / STATE_FILE
        if not state.exists() and settings.start_from is not None:
            self._begin_with(settings.start_from)
        self.optimizers, self.peaks = build_adapter_optimizers(self.adapter, settings.rate)
        if state.exists():
            self._restore(state)
        self.network = adapted(self.base.model, self.adapter)
        if settings.compile:
            self.network.compile()

    @property
    def n_parameters(self) -> int:
        """Values that are trained."""
        return self.adapter.n_parameters

    @property
    def fill(self) -> float:
        """About how much of a batch is no padding."""
        return FILL

    @property
    def evaluation_tokens(self) -> int:
        """About how many tokens an evaluation looks at."""
        settings = self.settings
        masked = settings.evaluate_contexts * EVALUATED_SHAPE.n_tokens(settings.n_copies)
        edited = settings.evaluate_batches * min(settings.batch_tokens, EVALUATION_TOKENS)
        # The base reads the masked ones as well, the first time. No gradient is half of the work.
        return (2 * len(MASK_RATES) * masked + edited) // 2

    def step(self, batches: Sequence[RegionBatch], factor: float) -> torch.Tensor:
        """One optimiser step at `factor` times the peak rates; returns the mean loss."""
        set_rate(self.optimizers, self.peaks, factor)
        total = backward(self.loss, batches)
        self.group.average_gradients(self.adapter.parameters())
        take_step(self.optimizers, self.adapter.parameters())
        return total

    def loss(self, batch: RegionBatch) -> torch.Tensor:
        """Weighted mean loss of what a batch asks, differentiable."""
        tokens_NR, hidden_NRW = self._hidden(batch)
        return region_loss(self.network, hidden_NRW, tokens_NR, self._asked(batch))

    def evaluate(self) -> dict[str, float]:
        """Nats and share right of masked tokens of held-out files, the causal base's beside, and of each forward process.

        Empty when nothing was held out.
        """
        tally = _Tally()
        # Compiled code is for the shapes of training.
        with torch.no_grad(), torch.compiler.set_stance("force_eager"):
            for name, batches in self._masked.items():
                for batch in batches:
                    tally.add([f"{name}/mask"] * int((batch.targets != IGNORED).sum()), *self._answers(batch))
            for batch in self._heldout:
                tally.add(_names(batch), *self._answers(batch))
            return tally.metrics() | (self._causal if self._masked else {})

    def save(self, evaluation: Mapping[str, float]) -> None:
        """Write the state to resume from, and the adapter as it is served."""
        if self.group.rank:
            return
        tensors = {f"adapter.{k}": v.contiguous() for k, v in self.adapter.state_dict().items()}
        tensors |= {f"optimizer.{k}": v.contiguous() for k, v in state_tensors(self.optimizers).items()}
        meta = {
            "progress": json.dumps(asdict(self.progress)),
            "size": "adapter",
            "adapter": json.dumps(asdict(self.settings.adapter)),
            "base": self.base.fingerprint,
        }
        write_state(self.settings.out / STATE_FILE, tensors, meta)
        in_all = self.progress.in_all()
        training = AdapterTraining(
            int(in_all["tokens"]),
            int(in_all["step"]),
            round(in_all["seconds"]),
            self.settings.recipe,
            dict(evaluation),
        )
        save_adapter(self.adapter, self.base, self.settings.out / "adapter", training)

    @cached_property
    def _masked(self) -> dict[str, list[RegionBatch]]:
        """Regions of held-out files, masked at the rates that are measured, by the names of their metrics."""
        if not self._has_heldout:
            return {}
        source = replace(
            region_source(self.settings, "heldout", self.base.start_id),
            batch_tokens=min(self.settings.batch_tokens, EVALUATION_TOKENS),
        )
        return {
            f"masked_{rate:.0%}".rstrip("%"): source.masked(
                rate, self.settings.evaluate_contexts, EVALUATED_SHAPE
            )
            for rate in MASK_RATES
        }

    @cached_property
    def _heldout(self) -> list[RegionBatch]:
        """Batches of the recipe's last stage, of held-out files."""
        settings = self.settings
        if not self._has_heldout or not settings.evaluate_batches:
            return []
        source = replace(
            region_source(settings, "heldout", self.base.start_id),
            batch_tokens=min(settings.batch_tokens, EVALUATION_TOKENS),
            batches_per_chunk=settings.evaluate_batches,
        )
        mixture = recipe_named(settings.recipe).stages[-1].mixture
        # Real fixes are asked only when some were held out: those that were trained on say nothing.
        if not settings.held_pairs:
            mixture = mixture.without("real")
        return source.chunk(0, mixture)

    @cached_property
    def _has_heldout(self) -> bool:
        folder = self.settings.data / "heldout"
        return folder.exists() and Shards.open(folder).n_statements > 0

    @cached_property
    def _causal(self) -> dict[str, float]:
        """What the base says of the masked tokens, that reads the prefix and the region up to each of them, unmasked."""
        tally = _Tally()
        with torch.no_grad():
            for name, batches in self._masked.items():
                for batch in batches:
                    tokens_NT, at_A, targets_A = self._left_of_masks(batch)
                    hidden_AW = self.base.model(tokens_NT).flatten(0, 1)[at_A]
                    logits_AV = self.base.model.logits(hidden_AW)
                    tally.add([f"{name}/causal"] * len(at_A), logits_AV, targets_A)
        return tally.metrics()

    def _left_of_masks(self, batch: RegionBatch) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Prefix and clean region of every row, the places where the base answers for a masked token, and these tokens."""
        clean = np.where(batch.targets == IGNORED, batch.tokens, batch.targets)
        starts = np.repeat(batch.prefix_lengths, len(batch.tokens) // len(batch.prefix)) - 1
        tokens = np.full((len(clean), int((starts + batch.lengths).max())), self._start, np.int32)
        for row, start in enumerate(starts.tolist()):
            prefix = batch.prefix[row * len(batch.prefix) // len(clean)]
            n = int(batch.lengths[row]) - 1
            tokens[row, : start + n] = np.concatenate([prefix[:start], clean[row, :n]])
        rows, columns = np.nonzero(batch.targets != IGNORED)
        at = rows * tokens.shape[1] + starts[rows] + columns - 1
        return (
            self._ids(tokens),
            torch.from_numpy(at).to(self.device),
            self._ids(batch.targets[rows, columns]),
        )

    def _hidden(self, batch: RegionBatch) -> tuple[torch.Tensor, torch.Tensor]:
        """The rows of a batch and their hidden states."""
        prefix_lengths, suffix_lengths, gaps, lengths = (
            torch.from_numpy(x).to(self.device)
            for x in (batch.prefix_lengths, batch.suffix_lengths, batch.gaps, batch.lengths)
        )
        contexts = self.network.read(
            self._ids(batch.prefix), prefix_lengths, self._ids(batch.suffix), suffix_lengths, gaps
        )
        tokens_NR = self._ids(batch.tokens)
        return tokens_NR, self.network.hidden(tokens_NR, lengths, contexts)

    def _answers(self, batch: RegionBatch) -> tuple[torch.Tensor, torch.Tensor]:
        """Log-probabilities (up to a constant of each) of the asked tokens' answers, and the right ones."""
        tokens_NR, hidden_NRW = self._hidden(batch)
        asked = self._asked(batch)
        return self.network.answers(hidden_NRW, tokens_NR, asked.index_A), asked.targets_A

    def _asked(self, batch: RegionBatch) -> AskedTokens:
        rows, columns = np.nonzero(batch.targets != IGNORED)
        return AskedTokens(
            torch.from_numpy(rows * batch.tokens.shape[1] + columns).to(self.device),
            self._ids(batch.targets[rows, columns]),
            torch.from_numpy(batch.weights[rows, columns]).to(self.device),
        )

    def _ids(self, canvas_ids: np.ndarray[tuple[int, ...], np.dtype[np.int32]]) -> torch.Tensor:
        ids = torch.from_numpy(canvas_ids.astype(np.int64)).to(self.device)
        return network_ids(ids, self.base.model.config.n_vocabulary)

    @property
    def _start(self) -> int:
        return self.base.start_id + len(SPECIALS)

    def _restore(self, path: Path) -> None:
        meta, tensors = read_state(path)
        if meta["size"] != "adapter":
            raise DataError(f"{path} is a run of size {meta['size']}; choose another --out for an adapter")
        if json.loads(meta["adapter"]) != asdict(self.settings.adapter):
            raise DataError(f"{path} is a run with the settings {meta['adapter']}; go on with those")
        self._load(meta, tensors, path)
        load_state_tensors(self.optimizers, with_prefix(tensors, "optimizer."))
        self.progress = Progress(**json.loads(meta["progress"]))

    def _begin_with(self, folder: Path) -> None:
        if (folder / STATE_FILE).exists():
            meta, tensors = read_state(folder / STATE_FILE)
            self._load(meta, tensors, folder / STATE_FILE)
            self.progress = Progress(**json.loads(meta["progress"])).after()
            return
        if not (folder / ABOUT_FILE).exists():
            raise DataError(f"{folder} holds neither a run nor an adapter to start from; pass another folder")
        adapter, known = load_adapter(folder, self.base)
        if adapter.config != self.settings.adapter:
            raise DataError(f"{folder} is an adapter with the settings {adapter.config}; start with those")
        self.adapter.load_state_dict(adapter.state_dict())
        self.progress = Progress(known.steps, known.tokens, seconds=known.seconds).after()

    def _load(self, meta: Mapping[str, str], tensors: Mapping[str, torch.Tensor], path: Path) -> None:
        if meta.get("base") != self.base.fingerprint:
            raise DataError(
                f"{path} was trained beside another base than {self.settings.base}; pass that one"
            )
        weights = with_prefix(tensors, "adapter.")
        shapes = {name: value.shape for name, value in self.adapter.state_dict().items()}
        if {name: value.shape for name, value in weights.items()} != shapes:
            raise DataError(f"{path} holds an adapter with other settings; start with those")
        self.adapter.load_state_dict(weights)


def train_adapter(settings: AdapterSettings, tell: Callable[[str], None] = lambda line: None) -> Report:
    """Train until the token budget or the time box is used up; `tell` gets a line of progress now and then.

    Under torchrun every process calls this with the same settings. The time box holds everything from here on, the last
    evaluation and saving included.
    """
    box = TimeBox(settings.minutes)
    group = ProcessGroup.from_environment()
    run = AdapterRun(settings, group)
    stream = region_stream(settings, run.base.start_id)
    with group.joined(run.device):
        try:
            report = go_on(run, stream, box, tell)
        finally:
            stream.close()
    made = settings.out / "adapter" / WEIGHTS_FILE
    if not group.rank and made.exists():
        tell(f"{made}: {run.n_parameters:,} values in {made.stat().st_size:,} bytes")
    return report


def region_stream(settings: AdapterSettings, start_id: int) -> BatchStream[RegionBatch]:
    """The batches of a run over a base whose texts begin with the token `start_id`; close it in the end."""
    return BatchStream(region_source(settings, "train", start_id), settings.n_workers)


def region_source(settings: AdapterSettings, split: str, start_id: int) -> RegionSource:
    """Where a run's batches come from; those of held-out files do not depend on its seed."""
    is_held_out = split == "heldout"
    return RegionSource(
        settings.data / split,
        settings.tokenizer,
        settings.base / "tokenizer.json",
        start_id,
        settings.batch_tokens,
        settings.batches_per_chunk,
        settings.n_copies,
        1 if is_held_out else settings.seed,
        settings.held_pairs if is_held_out else settings.pairs,
        is_static=settings.compile,
    )


class _Tally:
    """Right answers and nats, by name."""

    def __init__(self) -> None:
        self._right, self._asked, self._nats = Counter[str](), Counter[str](), Counter[str]()

    def add(self, names: Sequence[str], logits_AV: torch.Tensor, targets_A: torch.Tensor) -> None:
        """What was answered for some tokens."""
        log_p_AV = logits_AV.float().log_softmax(-1)
        is_right = (log_p_AV.argmax(-1) == targets_A).tolist()
        nats = (-log_p_AV.gather(1, targets_A[:, None])[:, 0]).tolist()
        for name, correct, loss in zip(names, is_right, nats, strict=True):
            self._right[name] += correct
            self._asked[name] += 1
            self._nats[name] += loss

    def metrics(self) -> dict[str, float]:
        """accuracy/NAME and loss/NAME."""
        names = sorted(self._asked)
        return {f"accuracy/{name}": round(self._right[name] / self._asked[name], 4) for name in names} | {
            f"loss/{name}": round(self._nats[name] / self._asked[name], 4) for name in names
        }


def _names(batch: RegionBatch) -> list[str]:
    """What kind of answer each asked token wants: process/keep, /delete, /insert, /mask, /substitute."""
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
