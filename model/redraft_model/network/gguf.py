"""A llama from a GGUF file as a folder in the layout of Hugging Face, dequantised once to bfloat16. Knows no torch.

The matrices that our network joins, queries with keys and values, gates with ups, lie side by side in model.safetensors, so that
they are joined without a copy when the file is mapped into memory.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from tokenizers import AddedToken, decoders, models, pre_tokenizers
from tokenizers import Tokenizer as BpeTokenizer

from redraft_model.errors import CheckpointError

if TYPE_CHECKING:
    from gguf import GGUFReader, ReaderTensor

Floats = npt.NDArray[np.float32]

# How text is split before merging, by the name that GGUF has for it: GPT-2's way, each digit alone.
PRE_TOKENIZER = "smollm"
CONTROL_TOKEN = 3

_ROWS_AT_ONCE = 4096
_MULTIPLE = 64  # of bytes, where the first tensor begins


@dataclass(frozen=True)
class Shape:
    """The numbers of a llama, named as in Hugging Face's config.json."""

    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    intermediate_size: int
    max_position_embeddings: int
    rope_theta: float
    rms_norm_eps: float
    vocab_size: int
    tie_word_embeddings: bool

    @property
    def head_width(self) -> int:
        """Width of one attention head."""
        return self.hidden_size // self.num_attention_heads


@dataclass(frozen=True)
class Wanted:
    """One tensor to write: its new name and its old one, its shape, and whether its rows are pairs to be put apart."""

    name: str
    source: str
    shape: tuple[int, ...]
    is_paired: bool = False

    @property
    def n_bytes(self) -> int:
        """Its size as bfloat16."""
        return 2 * int(np.prod(self.shape))


def require_reader() -> None:
    """Raise CheckpointError if the package that reads GGUF files is not there."""
    try:
        import gguf  # noqa: F401
    except ImportError as error:
        raise CheckpointError(
            "the package gguf is not installed; install it with `pip install 'redraft[base]'`"
        ) from error


def convert(
    source: Path,
    folder: Path,
    *,
    origin: Mapping[str, Any],
    progress: Callable[[int, int], None] = lambda n_done, n_all: None,
) -> None:
    """Write config.json, model.safetensors and tokenizer.json into `folder`, which exists.

    `origin` goes into config.json as it is, under "redraft". `progress` hears how many bytes of how many are written. Raises
    CheckpointError, in one sentence, for a file that this cannot convert.
    """
    require_reader()
    import gguf

    try:
        reader = gguf.GGUFReader(source)
        shape = _shape(reader)
        bpe = _tokenizer(reader)
        tensors = {tensor.name: tensor for tensor in reader.tensors}
    # The reader checks little: what is wrong with a file shows in many ways.
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise CheckpointError(
            f"{source} is not a GGUF file that can be read ({error}); get it again"
        ) from error
    wanted = _wanted(shape)
    _require_fit(tensors, wanted, source)
    _write_tensors(folder / "model.safetensors", tensors, wanted, shape.head_width, progress)
    (folder / "config.json").write_text(json.dumps(_config(shape, bpe, origin), indent=1) + "\n", "utf-8")
    (folder / "tokenizer.json").write_text(bpe.to_str(), "utf-8")


def _field(reader: "GGUFReader", key: str) -> Any:
    field = reader.get_field(key)
    if field is None:
        raise KeyError(f"it has no {key}")
    return field.contents()


def _shape(reader: "GGUFReader") -> Shape:
    architecture = _field(reader, "general.architecture")
    if architecture != "llama":
        raise ValueError(f"it is a {architecture}, and only llama can be converted")
    scaling = reader.get_field("llama.rope.scaling.type")
    if scaling is not None and scaling.contents() != "none":
        raise ValueError("its rotary positions are scaled, which this version does not know")
    heads = _field(reader, "llama.attention.head_count")
    names = {tensor.name for tensor in reader.tensors}
    return Shape(
        hidden_size=_field(reader, "llama.embedding_length"),
        num_hidden_layers=_field(reader, "llama.block_count"),
        num_attention_heads=heads,
        num_key_value_heads=_field(reader, "llama.attention.head_count_kv"),
        intermediate_size=_field(reader, "llama.feed_forward_length"),
        max_position_embeddings=_field(reader, "llama.context_length"),
        rope_theta=_shortest(_field(reader, "llama.rope.freq_base")),
        rms_norm_eps=_shortest(_field(reader, "llama.attention.layer_norm_rms_epsilon")),
        vocab_size=len(_field(reader, "tokenizer.ggml.tokens")),
        tie_word_embeddings="output.weight" not in names,
    )


def _shortest(value: float) -> float:
    """The shortest decimal number that is `value` in float32: 1e-05, not 9.99999974e-06."""
    return float(str(np.float32(value)))


def _tokenizer(reader: "GGUFReader") -> BpeTokenizer:
    kind = (_field(reader, "tokenizer.ggml.model"), _field(reader, "tokenizer.ggml.pre"))
    if kind != ("gpt2", PRE_TOKENIZER):
        raise ValueError(f"its tokenizer is {' '.join(kind)}, and only gpt2 {PRE_TOKENIZER} can be converted")
    tokens: list[str] = _field(reader, "tokenizer.ggml.tokens")
    kinds: list[int] = _field(reader, "tokenizer.ggml.token_type")
    merges: list[str] = _field(reader, "tokenizer.ggml.merges")
    pairs = [(left, right) for left, right in (merge.split(" ", 1) for merge in merges)]
    bpe = BpeTokenizer(models.BPE({token: i for i, token in enumerate(tokens)}, pairs))
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    bpe.decoder = decoders.ByteLevel()
    control = [token for token, kind in zip(tokens, kinds, strict=True) if kind == CONTROL_TOKEN]
    bpe.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in control])
    return bpe


def _wanted(shape: Shape) -> list[Wanted]:
    """The tensors in the order in which they are written."""
    s = shape
    kv_width = s.num_key_value_heads * s.head_width
    wanted = [Wanted("model.embed_tokens.weight", "token_embd.weight", (s.vocab_size, s.hidden_size))]
    for i in range(s.num_hidden_layers):
        here, there = f"model.layers.{i}.", f"blk.{i}."
        square, up = (s.hidden_size, s.hidden_size), (s.intermediate_size, s.hidden_size)
        wanted += [
            Wanted(f"{here}input_layernorm.weight", f"{there}attn_norm.weight", (s.hidden_size,)),
            Wanted(f"{here}self_attn.q_proj.weight", f"{there}attn_q.weight", square, is_paired=True),
            Wanted(
                f"{here}self_attn.k_proj.weight",
                f"{there}attn_k.weight",
                (kv_width, s.hidden_size),
                is_paired=True,
            ),
            Wanted(f"{here}self_attn.v_proj.weight", f"{there}attn_v.weight", (kv_width, s.hidden_size)),
            Wanted(f"{here}self_attn.o_proj.weight", f"{there}attn_output.weight", square),
            Wanted(f"{here}post_attention_layernorm.weight", f"{there}ffn_norm.weight", (s.hidden_size,)),
            Wanted(f"{here}mlp.gate_proj.weight", f"{there}ffn_gate.weight", up),
            Wanted(f"{here}mlp.up_proj.weight", f"{there}ffn_up.weight", up),
            Wanted(f"{here}mlp.down_proj.weight", f"{there}ffn_down.weight", up[::-1]),
        ]
    wanted.append(Wanted("model.norm.weight", "output_norm.weight", (s.hidden_size,)))
    if not s.tie_word_embeddings:
        wanted.append(Wanted("lm_head.weight", "output.weight", (s.vocab_size, s.hidden_size)))
    return wanted


def _require_fit(tensors: Mapping[str, "ReaderTensor"], wanted: list[Wanted], source: Path) -> None:
    """Raise CheckpointError if a tensor is missing, misshapen, or one that would be left out."""
    shapes = {entry.source: entry.shape for entry in wanted}
    # GGUF names the innermost axis first.
    found = {name: tuple(int(n) for n in tensor.shape[::-1]) for name, tensor in tensors.items()}
    wrong = sorted(name for name in shapes.keys() | found.keys() if shapes.get(name) != found.get(name))
    if wrong:
        name = wrong[0]
        raise CheckpointError(
            f"{source} has {name} of shape {found.get(name)} where a llama has {shapes.get(name)}; "
            "get another file"
        )


def _write_tensors(
    path: Path,
    tensors: Mapping[str, "ReaderTensor"],
    wanted: list[Wanted],
    head_width: int,
    progress: Callable[[int, int], None],
) -> None:
    """Write a safetensors file whose tensors lie in the order of `wanted`; the library would sort them by name."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for entry in wanted:
        start, end = end, end + entry.n_bytes
        header[entry.name] = {"dtype": "BF16", "shape": list(entry.shape), "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    text += b" " * (-(len(text) + 8) % _MULTIPLE)
    n_written = 0
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little"))
        file.write(text)
        for entry in wanted:
            for values in _dequantised(tensors[entry.source], head_width):
                if entry.is_paired:
                    values = _put_apart(values, head_width)
                n_written += file.write(_bfloat16(values).tobytes())
                progress(n_written, end)


def _dequantised(tensor: "ReaderTensor", head_width: int) -> Iterator[Floats]:
    """The values of a tensor, so many rows at a time that little memory is needed and no head is torn."""
    from gguf import dequantize

    if tensor.data.ndim == 1:
        yield dequantize(tensor.data, tensor.tensor_type).astype(np.float32, copy=False)
        return
    n_rows = head_width * max(1, _ROWS_AT_ONCE // head_width)
    for start in range(0, len(tensor.data), n_rows):
        rows = tensor.data[start : start + n_rows]
        yield dequantize(rows, tensor.tensor_type).astype(np.float32, copy=False)


def _put_apart(rows: Floats, head_width: int) -> Floats:
    """GGUF has the two numbers that rotary positions turn together side by side; here they are half a head apart."""
    n_heads = len(rows) // head_width
    return rows.reshape(n_heads, head_width // 2, 2, -1).swapaxes(1, 2).reshape(rows.shape)


def _bfloat16(values: Floats) -> npt.NDArray[np.uint16]:
    """The upper halves of float32, rounded to the nearest, ties to even."""
    bits = np.ascontiguousarray(values).view(np.uint32)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype("<u2")


def _config(shape: Shape, bpe: BpeTokenizer, origin: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "dtype": "bfloat16",
        "hidden_act": "silu",
        "attention_bias": False,
        "mlp_bias": False,
        "bos_token_id": bpe.token_to_id("<|endoftext|>"),
        "eos_token_id": bpe.token_to_id("<|endoftext|>"),
        **shape.__dict__,
        "redraft": dict(origin),
    }
