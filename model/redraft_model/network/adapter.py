"""The adapter that makes a frozen causal base a denoiser of regions: what is learnt, and its file.

- low-rank updates (LoRA, arXiv 2106.09685) of all seven matrices of a layer; matrices that our layers join share their A
- norms of its own, begun as the base's
- rows for our control tokens, which the base's vocabulary lacks: network ids are the base's own, and behind them those of the
  control tokens
- labels of visible tokens are control tokens of the vocabulary ("vocabulary"), or come from a small head ("head")

Region tokens alone go through it, see `region.py`. `adapter.json` names the base by a fingerprint: with another one it is refused.
"""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from redraft_model.errors import CheckpointError
from redraft_model.network.base import Base
from redraft_model.network.config import ModelConfig
from redraft_model.network.transformer import Norm, Transformer
from redraft_model.tokens.tokenizer import INSERT_SIZES, SPECIALS

FORMAT = 1
WEIGHTS_FILE, ABOUT_FILE = "adapter.safetensors", "adapter.json"
LABELS = ("vocabulary", "head")
SUFFIXES = ("alone", "after_prefix")
DTYPES = {"int8": torch.int8, "bfloat16": torch.bfloat16}

# What a label head says of a token: KEEP, DELETE, an INSERT of each size from that index on, SUBSTITUTE.
HEAD_KEEP, HEAD_DELETE, HEAD_INSERT = 0, 1, 2
HEAD_SUBSTITUTE = HEAD_INSERT + len(INSERT_SIZES)
N_HEAD_LABELS = HEAD_SUBSTITUTE + 1

# alpha / rank: alpha is twice the rank.
SCALE = 2.0


@dataclass(frozen=True)
class AdapterConfig:
    """What can be chosen about an adapter."""

    rank: int = 32
    labels: str = "vocabulary"  # where the labels of visible tokens are answered: one of LABELS
    suffix: str = "alone"  # how the base reads what follows a region: one of SUFFIXES

    def __post_init__(self) -> None:
        if not 1 <= self.rank <= 1024:
            raise CheckpointError(f"the rank of an adapter is 1 to 1024, not {self.rank}")
        for name, value, known in (("labels", self.labels, LABELS), ("suffix", self.suffix, SUFFIXES)):
            if value not in known:
                raise CheckpointError(f"{name} of an adapter is {' or '.join(known)}, not {value!r}")


@dataclass(frozen=True)
class AdapterTraining:
    """How an adapter came to be; stored in adapter.json."""

    tokens: int = 0  # of contexts and regions
    steps: int = 0
    seconds: int = 0
    recipe: str = ""
    evaluation: dict[str, float] = field(default_factory=dict)


class LowRank(nn.Module):
    """The update of one matrix: x -> scale * B A x."""

    def __init__(self, n_in: int, n_out: int, rank: int) -> None:
        super().__init__()
        self.a = nn.Parameter(torch.zeros(rank, n_in))
        self.b = nn.Parameter(torch.zeros(n_out, rank))

    def delta(self) -> torch.Tensor:
        """What it adds to the matrix, (out, in)."""
        return SCALE * self.b @ self.a


class LayerAdapter(nn.Module):
    """The updates of one layer, by the names of `Layer`."""

    attention_norm: Norm
    feed_forward_norm: Norm

    def __init__(self, config: ModelConfig, rank: int) -> None:
        super().__init__()
        c = config
        kv_width = c.n_kv_heads * c.head_width
        self.qkv = LowRank(c.width, c.width + 2 * kv_width, rank)
        self.out = LowRank(c.width, c.width, rank)
        self.gate_up = LowRank(c.width, 2 * c.feed_forward, rank)
        self.down = LowRank(c.feed_forward, c.width, rank)
        self.attention_norm = Norm(c.width, c.norm_eps)
        self.feed_forward_norm = Norm(c.width, c.norm_eps)


class Adapter(nn.Module):
    """All that is learnt beside a base."""

    def __init__(self, base: ModelConfig, config: AdapterConfig) -> None:
        super().__init__()
        self.config = config
        self.layers = nn.ModuleList(LayerAdapter(base, config.rank) for _ in range(base.n_layers))
        self.norm = Norm(base.width, base.norm_eps)
        self.control_rows = nn.Parameter(torch.zeros(len(SPECIALS), base.width))
        if config.labels == "head":
            self.head = nn.Linear(base.width, N_HEAD_LABELS)

    def initialise(self, base: Transformer, generator: torch.Generator) -> None:
        """The start of training: region tokens are read as the base reads them, control tokens are an average token."""
        with torch.no_grad():
            for name, parameter in self.named_parameters():
                if name.endswith(".a"):
                    noise = torch.randn(parameter.shape, generator=generator)
                    parameter.copy_(noise / math.sqrt(parameter.shape[1]))
            norms = {name: value for name, value in base.state_dict().items() if "norm" in name}
            self.load_state_dict(norms, strict=False)
            self.control_rows.copy_(base.embedding.weight.float().mean(0).expand_as(self.control_rows))
            if self.config.labels == "head":
                self.head.weight.zero_()
                self.head.bias.zero_()

    @property
    def n_parameters(self) -> int:
        """Number of learnt values."""
        return sum(parameter.numel() for parameter in self.parameters())


def new_adapter(base: Transformer, config: AdapterConfig, seed: int) -> Adapter:
    """An adapter that has learnt nothing yet."""
    adapter = Adapter(base.config, config)
    adapter.initialise(base, torch.Generator().manual_seed(seed))
    return adapter.to(base.embedding.weight.device)


def save_adapter(
    adapter: Adapter, base: Base, folder: Path, training: AdapterTraining, dtype: str = "int8"
) -> int:
    """Write adapter.json and adapter.safetensors, matrices in `dtype`; returns the bytes of the weights."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / WEIGHTS_FILE
    save_file(dict(_stored(adapter, DTYPES[dtype])), path, metadata={"format": str(FORMAT)})
    # The library writes for its owner only.
    path.chmod(0o644)
    about = {
        "format": FORMAT,
        "adapter": asdict(adapter.config),
        "base": {"name": base.path.name, "fingerprint": base.fingerprint},
        "training": asdict(training),
    }
    (folder / ABOUT_FILE).write_text(json.dumps(about, indent=1) + "\n", "utf-8")
    return path.stat().st_size


def load_adapter(folder: Path, base: Base) -> tuple[Adapter, AdapterTraining]:
    """Read an adapter of `base` onto its device, in float32; raises CheckpointError for everything that does not fit."""
    config, training, wanted, name = _read_about(folder / ABOUT_FILE)
    if wanted != base.fingerprint:
        raise CheckpointError(
            f"the adapter in {folder} belongs to another base than {base.path}; pass the base {name!r} it was trained with"
        )
    with torch.device("meta"):
        adapter = Adapter(base.model.config, config)
    expected = {name: tuple(value.shape) for name, value in adapter.state_dict().items()}
    weights = _read_weights(folder / WEIGHTS_FILE, expected)
    adapter.load_state_dict(weights, strict=True, assign=True)
    return adapter.to(base.model.embedding.weight.device).requires_grad_(False), training


def adapter_for(folder: Path, base: Base) -> Adapter | None:
    """The adapter in `folder` if there is one and it belongs to `base`; raises CheckpointError when it is damaged."""
    if not (folder / ABOUT_FILE).exists() or _read_about(folder / ABOUT_FILE)[2] != base.fingerprint:
        return None
    return load_adapter(folder, base)[0]


def _stored(adapter: Adapter, dtype: torch.dtype) -> Iterator[tuple[str, torch.Tensor]]:
    for name, value in adapter.state_dict().items():
        value = value.detach().float().cpu()
        if value.ndim < 2:
            yield name, value.contiguous()
        elif dtype == torch.int8:
            scale = value.abs().amax(dim=1, keepdim=True).clamp_min(1e-12) / 127
            yield name, (value / scale).round().clamp(-127, 127).to(torch.int8).contiguous()
            yield f"{name}.scale", scale[:, 0].contiguous()
        else:
            yield name, value.to(dtype).contiguous()


def _read_about(path: Path) -> tuple[AdapterConfig, AdapterTraining, str, str]:
    try:
        data: Any = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise CheckpointError(
            f"{path.parent} has no {path.name}, so it is no adapter; pass another folder"
        ) from error
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read ({error}); get the adapter again") from error
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise CheckpointError(
            f"{path} is not of adapter format {FORMAT}; get an adapter made for this version"
        )
    try:
        return (
            AdapterConfig(**data["adapter"]),
            AdapterTraining(**data["training"]),
            str(data["base"]["fingerprint"]),
            str(data["base"]["name"]),
        )
    except (KeyError, TypeError) as error:
        raise CheckpointError(f"{path} lacks an entry ({error}); get the adapter again") from error


def _read_weights(path: Path, expected: Mapping[str, tuple[int, ...]]) -> dict[str, torch.Tensor]:
    """All tensors in float32; complains before allocating when one is missing or misshapen."""
    try:
        with safe_open(path, framework="pt") as file:
            names = set(file.keys())
            for name, shape in expected.items():
                found = tuple(file.get_slice(name).get_shape()) if name in names else None
                if found != shape:
                    raise CheckpointError(
                        f"{name} in {path} is {found or 'missing'} where {ABOUT_FILE} and the base ask for {shape}; "
                        "get the adapter again"
                    )
            return {name: _value(file, name, f"{name}.scale" in names) for name in expected}
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"{path} is damaged or not a safetensors file ({error}); get the adapter again"
        ) from error


def _value(file: Any, name: str, has_scale: bool) -> torch.Tensor:
    value: torch.Tensor = file.get_tensor(name).float()
    return value * file.get_tensor(f"{name}.scale")[:, None] if has_scale else value
