"""A pretrained causal network shaped like Llama or Qwen2, in the layout of Hugging Face, as our own `Transformer`.

Nothing is unpickled. Names and shapes are compared with what config.json asks for before anything is allocated. Weights stay mapped
into memory where they are used in the dtype in which they are stored, and are converted where they are not.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch

from redraft_model.errors import CheckpointError
from redraft_model.network.config import ModelConfig
from redraft_model.network.mapped import MappedTensors
from redraft_model.network.transformer import Transformer
from redraft_model.tokens.base_tokenizer import BaseTokenizer

_SAMPLED = 64  # values of each tensor that go into a fingerprint

# Whether queries, keys and values have biases.
ARCHITECTURES = {"LlamaForCausalLM": False, "Qwen2ForCausalLM": True}

# Made from the configuration, or the same as the embedding.
_NOT_NEEDED = ("rotary_emb.inv_freq", "lm_head.weight")


@dataclass(frozen=True)
class Base:
    """A loaded base, ready to run: it reads from left to right, and the logits at a token are those of the next one."""

    path: Path
    model: Transformer
    tokenizer: BaseTokenizer
    start_id: int  # the token in front of a text

    @property
    def name(self) -> str:
        """What its makers call it, or the name of its folder."""
        origin = _read_json(self.path / "config.json").get("redraft")
        return str(origin["name"]) if isinstance(origin, dict) and "name" in origin else self.path.name

    @cached_property
    def fingerprint(self) -> str:
        """What tells a base from others, whatever its dtype: its shape, its tokenizer, some values of each tensor."""
        digest = sha256(self.tokenizer.sha256.encode())
        for name, value in sorted(self.model.state_dict().items()):
            flat = value.reshape(-1)
            some = flat[:: max(1, len(flat) // _SAMPLED)][:_SAMPLED].to(torch.bfloat16).cpu()
            digest.update(f"{name} {tuple(value.shape)}".encode())
            digest.update(some.view(torch.int16).numpy().tobytes())
        return digest.hexdigest()


@dataclass(frozen=True)
class _Weight:
    """One of our tensors: its name, and the names of those it is made of with their shapes."""

    name: str
    parts: dict[str, tuple[int, ...]]


def load_base(folder: Path, device: torch.device, dtype: torch.dtype = torch.float32) -> Base:
    """Read a base onto `device`; matrices and the stream between them get `dtype`.

    Raises CheckpointError, in one sentence, for everything that does not fit.
    """
    if not folder.is_dir():
        raise CheckpointError(
            f"there is no folder {folder} with a base; `redraft model get base` fetches one"
        )
    data = _read_json(folder / "config.json")
    tokenizer = BaseTokenizer.load(folder / "tokenizer.json")
    config, start_id = _understood(data, folder / "config.json")
    tensors = MappedTensors.open(folder)
    weights = list(_weights(config))
    for weight in weights:
        for name, shape in weight.parts.items():
            tensors.require(name, shape)
    _require_all_used(tensors, weights, folder)
    loaded = {
        weight.name: tensors.joined(list(weight.parts)).to(device=device, dtype=dtype) for weight in weights
    }
    return Base(folder, _network(config, tokenizer, loaded, device, dtype, folder), tokenizer, start_id)


def _network(
    config: ModelConfig,
    tokenizer: BaseTokenizer,
    weights: dict[str, torch.Tensor],
    device: torch.device,
    dtype: torch.dtype,
    folder: Path,
) -> Transformer:
    n_vocabulary = max(config.n_vocabulary, tokenizer.n_vocabulary)
    extra = range(config.n_vocabulary, n_vocabulary)
    if not set(extra) <= tokenizer.stand_ins.keys():
        raise CheckpointError(
            f"the tokenizer in {folder} has {tokenizer.n_vocabulary} entries where config.json asks for "
            f"{config.n_vocabulary}; get the model again"
        )
    if extra:
        rows = [tokenizer.stand_ins[id_] for id_ in extra]
        for name in ("embedding.weight", "head.weight"):
            if name in weights:
                weights[name] = torch.cat([weights[name], weights[name][rows]])
    with torch.device("meta"):
        model = Transformer(ModelConfig.from_json({**config.to_json(), "n_vocabulary": n_vocabulary}))
    model.load_state_dict(weights, strict=True, assign=True)
    model.register_buffer("forbidden_F", torch.empty(0, dtype=torch.int64, device=device), persistent=False)
    model.stream_dtype = dtype
    return model.requires_grad_(False).eval()


def _read_json(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise CheckpointError(f"{path.parent} has no config.json; pass another folder") from error
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read ({error}); get the model again") from error
    if not isinstance(data, dict):
        raise CheckpointError(f"{path} is not a configuration; get the model again")
    return data


def _understood(data: Mapping[str, Any], path: Path) -> tuple[ModelConfig, int]:
    """The shape of the network, and the token in front of a text; raises CheckpointError for what our network cannot compute."""
    architecture = next(iter(data.get("architectures") or ["none"]))
    if architecture not in ARCHITECTURES:
        raise CheckpointError(
            f"{path} describes a {architecture}; take a base that is one of {', '.join(ARCHITECTURES)}"
        )
    unknown = next(_unknown(data), None)
    if unknown:
        raise CheckpointError(
            f"{path} asks for {unknown}, which this version cannot compute; take another base"
        )
    start: Any = data.get("bos_token_id")
    start = data.get("eos_token_id") if start is None else start
    try:
        heads = int(data["num_attention_heads"])
        config = ModelConfig(
            n_vocabulary=int(data["vocab_size"]),
            width=int(data["hidden_size"]),
            n_layers=int(data["num_hidden_layers"]),
            n_heads=heads,
            n_kv_heads=int(data.get("num_key_value_heads") or heads),
            feed_forward=int(data["intermediate_size"]),
            context=int(data.get("max_position_embeddings", 2048)),
            rotary_base=_rotary_base(data),
            norm_eps=float(data.get("rms_norm_eps", 1e-6)),
            qk_norm=False,
            qkv_bias=ARCHITECTURES[architecture],
            tied=bool(data.get("tie_word_embeddings", False)),
            attention_block=1,
            mask_id=None,
        )
        head_width = data.get("head_dim") or config.head_width
        start_id = int(start[0] if isinstance(start, list) else start)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise CheckpointError(f"{path} lacks an entry ({error}); get the model again") from error
    if head_width != config.head_width:
        raise CheckpointError(
            f"{path} has heads of width {head_width}, not {config.head_width}; take another base"
        )
    return config, start_id


def _unknown(data: Mapping[str, Any]) -> Iterator[str]:
    """What a configuration asks for that our network does not have."""
    if data.get("hidden_act", "silu") != "silu":
        yield f"the activation {data['hidden_act']}"
    rotary = data.get("rope_parameters") or data.get("rope_scaling") or {}
    kind = rotary.get("rope_type") or rotary.get("type") or "default"
    if kind != "default":
        yield f"rotary positions of type {kind}"
    if data.get("attention_bias") or data.get("mlp_bias"):
        yield "biases"
    if data.get("use_sliding_window") or "sliding_attention" in (data.get("layer_types") or ()):
        yield "a sliding window"


def _rotary_base(data: Mapping[str, Any]) -> float:
    base = (data.get("rope_parameters") or {}).get("rope_theta") or data.get("rope_theta") or 10_000.0
    return float(base)


def _weights(config: ModelConfig) -> Iterator[_Weight]:
    """Our tensors, and what they are made of."""
    c = config
    vector, table = (c.width,), (c.n_vocabulary, c.width)
    yield _Weight("embedding.weight", {"model.embed_tokens.weight": table})
    for i in range(c.n_layers):
        ours, theirs = f"layers.{i}.", f"model.layers.{i}."
        attention = f"{theirs}self_attn."
        heights = {"q": c.width, "k": c.n_kv_heads * c.head_width, "v": c.n_kv_heads * c.head_width}
        yield _Weight(
            f"{ours}attention.qkv.weight",
            {f"{attention}{x}_proj.weight": (height, c.width) for x, height in heights.items()},
        )
        if c.qkv_bias:
            yield _Weight(
                f"{ours}attention.qkv.bias",
                {f"{attention}{x}_proj.bias": (height,) for x, height in heights.items()},
            )
        yield _Weight(f"{ours}attention.out.weight", {f"{attention}o_proj.weight": (c.width, c.width)})
        yield _Weight(
            f"{ours}feed_forward.gate_up.weight",
            {f"{theirs}mlp.{x}_proj.weight": (c.feed_forward, c.width) for x in ("gate", "up")},
        )
        yield _Weight(
            f"{ours}feed_forward.down.weight", {f"{theirs}mlp.down_proj.weight": (c.width, c.feed_forward)}
        )
        yield _Weight(f"{ours}attention_norm.weight", {f"{theirs}input_layernorm.weight": vector})
        yield _Weight(f"{ours}feed_forward_norm.weight", {f"{theirs}post_attention_layernorm.weight": vector})
    yield _Weight("norm.weight", {"model.norm.weight": vector})
    if not c.tied:
        yield _Weight("head.weight", {"lm_head.weight": table})


def _require_all_used(tensors: MappedTensors, weights: list[_Weight], folder: Path) -> None:
    """Raise CheckpointError if there are weights that would be left out: then this is another kind of network."""
    unused = tensors.names - {name for weight in weights for name in weight.parts}
    left_out = sorted(name for name in unused if not name.endswith(_NOT_NEEDED))
    if left_out:
        raise CheckpointError(
            f"{folder} has weights that this version does not know, {left_out[0]}; take another base"
        )
