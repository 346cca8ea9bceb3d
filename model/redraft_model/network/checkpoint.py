"""Checkpoints: a folder of int8 safetensors, config.json and tokenizer.json. Nothing is unpickled.

Matrices are int8 with one float32 scale per row (per token for the embedding), vectors are float32. Weights may lie in
parts of at most 16 MB, `model-00001-of-00003.safetensors`, which together hold each tensor once. Names, shapes and dtypes
are compared with what config.json asks for before anything is allocated. A `calibration.json`, where there is one, says how likely
the repairs of this network are right.
"""

import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from redraft_model.calibration.weights import FILE as CALIBRATION_FILE
from redraft_model.calibration.weights import Calibration, load_calibration
from redraft_model.errors import CheckpointError
from redraft_model.network.checkpoint_info import ALWAYS
from redraft_model.network.config import ModelConfig
from redraft_model.network.transformer import Transformer
from redraft_model.tokens.alignment import MASK_ID
from redraft_model.tokens.tokenizer import Tokenizer

FORMAT = 1
PART_BYTES = 16_000_000


@dataclass(frozen=True)
class Training:
    """How a checkpoint came to be; stored in config.json for the model card and for `Engine.about`.

    Tokens, steps and seconds are those of the last run and of all runs whose weights it went on from; the rest is the last one's.
    """

    tokens: int
    steps: int
    seconds: int
    recipe: str
    evaluation: dict[str, float] = field(default_factory=dict)
    actions: tuple[str, ...] = ALWAYS
    origins: tuple[str, ...] = ()  # collections whose real fixes it was trained on


@dataclass(frozen=True)
class Checkpoint:
    """A loaded checkpoint, ready to run."""

    path: Path
    model: Transformer
    tokenizer: Tokenizer
    training: Training
    calibration: Calibration | None = None


def export_checkpoint(
    model: Transformer, tokenizer: Tokenizer, folder: Path, training: Training, part_bytes: int = PART_BYTES
) -> list[Path]:
    """Write `folder`; returns the weight files, each of at most about `part_bytes` bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = dict(_quantised(model))
    parts = _in_parts(tensors, part_bytes)
    for old in folder.glob("model*.safetensors"):
        old.unlink()
    # It belongs to the weights that were here.
    (folder / CALIBRATION_FILE).unlink(missing_ok=True)
    paths = []
    for i, part in enumerate(parts, 1):
        name = "model.safetensors" if len(parts) == 1 else f"model-{i:05}-of-{len(parts):05}.safetensors"
        save_file(part, folder / name, metadata={"format": str(FORMAT)})
        # The library writes for its owner only; a package is for everyone.
        (folder / name).chmod(0o644)
        paths.append(folder / name)
    config = {
        "format": FORMAT,
        "model": model.config.to_json(),
        "tokenizer_sha256": tokenizer.sha256,
        "training": asdict(training),
    }
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n", "utf-8")
    tokenizer.save(folder / "tokenizer.json")
    return paths


def load_checkpoint(
    folder: Path, device: torch.device, dtype: torch.dtype = torch.float32, *, calibrated: bool = True
) -> Checkpoint:
    """Read a checkpoint onto `device`; matrices and the stream between them get `dtype`.

    Without `calibrated` its calibration is not even looked at, as befits who is about to fit another one.
    Raises CheckpointError, in one sentence, for everything that does not fit.
    """
    if not folder.is_dir():
        raise CheckpointError(f"there is no checkpoint folder {folder}; pass --checkpoint PATH")
    config, training, fingerprint = _read_config(folder / "config.json")
    calibration = load_calibration(folder) if calibrated else None
    tokenizer = Tokenizer.load(folder / "tokenizer.json")
    if tokenizer.sha256 != fingerprint or tokenizer.n_vocabulary != config.n_vocabulary:
        raise CheckpointError(
            f"{folder / 'tokenizer.json'} is not the tokenizer this checkpoint was trained with; get the checkpoint again"
        )
    with torch.device("meta"):
        model = Transformer(config)
    expected = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    weights = _read_weights(folder, expected, device, dtype)
    model.load_state_dict(weights, strict=True, assign=True)
    model.register_buffer("forbidden_F", torch.tensor([config.mask_id], device=device), persistent=False)
    model.stream_dtype = dtype
    model.requires_grad_(False).eval()
    return Checkpoint(folder, model, tokenizer, training, calibration)


def read_shape(folder: Path) -> ModelConfig:
    """The shape of the network in a checkpoint folder, read without its weights; raises CheckpointError."""
    if not folder.is_dir():
        raise CheckpointError(f"there is no checkpoint folder {folder}; pass --checkpoint PATH")
    return _read_config(folder / "config.json")[0]


def join_parts(folder: Path) -> Path:
    """Turn the parts of a checkpoint into one model.safetensors; returns it."""
    tensors: dict[str, torch.Tensor] = {}
    parts = _weight_files(folder)
    for path in parts:
        with _opened(path) as file:
            tensors |= {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    whole = folder / "model.safetensors"
    save_file(tensors, whole.with_suffix(".partial"), metadata={"format": str(FORMAT)})
    for path in parts:
        path.unlink()
    whole.with_suffix(".partial").replace(whole)
    return whole


def _quantised(model: Transformer) -> Iterator[tuple[str, torch.Tensor]]:
    for name, value in model.state_dict().items():
        value = value.detach().float().cpu()
        if value.ndim < 2:
            yield name, value.contiguous()
            continue
        scale = value.abs().amax(dim=1, keepdim=True).clamp_min(1e-12) / 127
        yield name, (value / scale).round().clamp(-127, 127).to(torch.int8).contiguous()
        yield f"{name}.scale", scale[:, 0].contiguous()


def _in_parts(tensors: Mapping[str, torch.Tensor], part_bytes: int) -> list[dict[str, torch.Tensor]]:
    parts: list[dict[str, torch.Tensor]] = [{}]
    n_bytes = 0
    for name, value in tensors.items():
        if parts[-1] and n_bytes + value.nbytes > part_bytes:
            parts.append({})
            n_bytes = 0
        parts[-1][name] = value
        n_bytes += value.nbytes
    return parts


def _read_config(path: Path) -> tuple[ModelConfig, Training, str]:
    try:
        data: Any = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise CheckpointError(
            f"{path.parent} has no config.json, so it is no checkpoint; pass another folder"
        ) from error
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read ({error}); get the checkpoint again") from error
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise CheckpointError(
            f"{path} is not of checkpoint format {FORMAT}; get a checkpoint made for this version"
        )
    try:
        training = Training(**data["training"])
        training = replace(training, actions=tuple(training.actions), origins=tuple(training.origins))
        config = ModelConfig.from_json(data["model"])
        fingerprint = str(data["tokenizer_sha256"])
    except (KeyError, TypeError) as error:
        raise CheckpointError(f"{path} lacks an entry ({error}); get the checkpoint again") from error
    widest = max(config.width, config.feed_forward)
    if (
        config.mask_id != MASK_ID
        or config.n_vocabulary > 1 << 20
        or config.n_layers > 256
        or widest > 1 << 16
    ):
        raise CheckpointError(f"{path} describes a network this version cannot run; get another checkpoint")
    return config, training, fingerprint


def _weight_files(folder: Path) -> list[Path]:
    whole = folder / "model.safetensors"
    if whole.exists():
        return [whole]
    parts = sorted(folder.glob("model-*-of-*.safetensors"))
    if not parts:
        raise CheckpointError(f"{folder} has no model.safetensors; get the checkpoint again")
    n_parts = int(parts[0].stem.rsplit("-", 1)[1])
    if len(parts) != n_parts:
        raise CheckpointError(f"{folder} has {len(parts)} of {n_parts} weight files; copy the missing ones")
    return parts


def _opened(path: Path) -> Any:
    try:
        return safe_open(path, framework="pt")
    except (OSError, SafetensorError, struct.error) as error:
        raise CheckpointError(
            f"{path} is damaged or not a safetensors file ({error}); get the checkpoint again"
        ) from error


def _read_weights(
    folder: Path, expected: Mapping[str, tuple[int, ...]], device: torch.device, dtype: torch.dtype
) -> dict[str, torch.Tensor]:
    """All tensors of the network, de-quantised; complains before allocating when one is missing or misshapen."""
    where: dict[str, Any] = {}
    for path in _weight_files(folder):
        file = _opened(path)
        for name in file.keys():  # noqa: SIM118
            where[name] = file
    weights = {}
    for name, shape in expected.items():
        _require(where, name, shape, "I8" if len(shape) > 1 else "F32", folder)
        if len(shape) > 1:
            _require(where, f"{name}.scale", shape[:1], "F32", folder)
    for name, shape in expected.items():
        value = where[name].get_tensor(name).to(device)
        if len(shape) > 1:
            scale = where[f"{name}.scale"].get_tensor(f"{name}.scale").to(device)
            value = (value.float() * scale[:, None]).to(dtype)
        weights[name] = value
    return weights


def _require(where: Mapping[str, Any], name: str, shape: tuple[int, ...], dtype: str, folder: Path) -> None:
    if name not in where:
        raise CheckpointError(f"{folder} lacks the weights {name}; get the checkpoint again")
    found = where[name].get_slice(name)
    if tuple(found.get_shape()) != shape or found.get_dtype() != dtype:
        raise CheckpointError(
            f"{name} in {folder} is {found.get_dtype()} {tuple(found.get_shape())} where config.json asks for {dtype} {shape}; "
            "get the checkpoint again"
        )
