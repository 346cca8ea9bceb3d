"""A GGUF file becomes a folder in the layout of Hugging Face: values, tokenizer, shape, and what is refused."""

import json
import sys
from pathlib import Path

import gguf
import numpy as np
import numpy.typing as npt
import pytest
import torch
from redraft_model.errors import CheckpointError
from redraft_model.network.gguf import convert
from safetensors.torch import load_file
from tokenizers import Tokenizer


@pytest.fixture(scope="module")
def folder(tiny_gguf: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("converted")
    convert(tiny_gguf, made, origin={"name": "tiny"})
    return made


def dequantised(path: Path, name: str) -> npt.NDArray[np.float32]:
    (tensor,) = [tensor for tensor in gguf.GGUFReader(path).tensors if tensor.name == name]
    return gguf.dequantize(tensor.data, tensor.tensor_type)


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("model.embed_tokens.weight", "token_embd.weight"),
        ("model.layers.1.input_layernorm.weight", "blk.1.attn_norm.weight"),
        ("model.layers.0.self_attn.v_proj.weight", "blk.0.attn_v.weight"),
        ("model.layers.1.self_attn.o_proj.weight", "blk.1.attn_output.weight"),
        ("model.layers.0.post_attention_layernorm.weight", "blk.0.ffn_norm.weight"),
        ("model.layers.1.mlp.gate_proj.weight", "blk.1.ffn_gate.weight"),
        ("model.layers.1.mlp.up_proj.weight", "blk.1.ffn_up.weight"),
        ("model.layers.0.mlp.down_proj.weight", "blk.0.ffn_down.weight"),
        ("model.norm.weight", "output_norm.weight"),
    ],
)
def test_values_are_those_of_the_file_rounded_to_bfloat16(
    folder: Path, tiny_gguf: Path, name: str, source: str
) -> None:
    expected = torch.from_numpy(dequantised(tiny_gguf, source).copy()).bfloat16()
    assert torch.equal(load_file(folder / "model.safetensors")[name], expected)


@pytest.mark.parametrize("name", ["q", "k"])
def test_the_two_numbers_that_are_turned_together_end_half_a_head_apart(
    folder: Path, tiny_gguf: Path, name: str
) -> None:
    found = load_file(folder / "model.safetensors")[f"model.layers.1.self_attn.{name}_proj.weight"]
    expected = torch.from_numpy(dequantised(tiny_gguf, f"blk.1.attn_{name}.weight").copy()).bfloat16()
    for row in range(len(found)):
        head, column = divmod(row, 16)
        source = 2 * column if column < 8 else 2 * (column - 8) + 1
        assert torch.equal(found[row], expected[16 * head + source])


def test_nothing_is_left_out(folder: Path, tiny_gguf: Path) -> None:
    assert len(load_file(folder / "model.safetensors")) == len(gguf.GGUFReader(tiny_gguf).tensors)


def test_the_shape_is_that_of_the_file(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    assert config.pop("redraft") == {"name": "tiny"}
    assert config == {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "dtype": "bfloat16",
        "hidden_act": "silu",
        "attention_bias": False,
        "mlp_bias": False,
        "bos_token_id": 0,
        "eos_token_id": 0,
        "hidden_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "intermediate_size": 96,
        "max_position_embeddings": 2048,
        "rope_theta": 100_000.0,
        "rms_norm_eps": 1e-5,
        "vocab_size": 400,
        "tie_word_embeddings": True,
    }


def test_the_tokenizer_is_the_one_the_file_was_made_with(folder: Path, tiny_gguf: Path) -> None:
    found, expected = (
        json.loads(path.read_text())
        for path in (folder / "tokenizer.json", tiny_gguf.with_name("tokenizer.json"))
    )
    assert found == expected
    bpe = Tokenizer.from_file(str(folder / "tokenizer.json"))
    assert bpe.encode("x = 1234").tokens[-4:] == ["1", "2", "3", "4"]


def test_progress_ends_with_everything(tiny_gguf: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    convert(tiny_gguf, tmp_path, origin={}, progress=lambda n_done, n_all: seen.append((n_done, n_all)))
    n_bytes = sum(tensor.nbytes for tensor in load_file(tmp_path / "model.safetensors").values())
    assert seen == sorted(seen)
    assert seen[-1] == (n_bytes, n_bytes)


def test_rounding_is_that_of_torch(tiny_gguf: Path, tmp_path: Path) -> None:
    from redraft_model.network.gguf import _bfloat16

    values = torch.randn(10_000, generator=torch.Generator().manual_seed(0)) * 100
    # Halves of a step, which go to the even neighbour.
    values = torch.cat([values, torch.arange(-300, 300) / 256 + 1, torch.zeros(1)])
    assert np.array_equal(_bfloat16(values.numpy()), values.bfloat16().view(torch.uint16).numpy())


def rewritten(path: Path, out: Path, changes: dict[str, object]) -> Path:
    """The same file with other metadata, without its tensors."""
    writer = gguf.GGUFWriter(out, str(changes.pop("architecture", "llama")))
    for key, field in gguf.GGUFReader(path).fields.items():
        if key.startswith("GGUF.") or key == "general.architecture":
            continue
        value = changes.pop(key, field.contents())
        kind = field.types[0]
        sub_type = field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(key, value, kind, sub_type)
    for key, value in changes.items():
        writer.add_key_value(key, value, gguf.GGUFValueType.STRING)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return out


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"architecture": "phi3"}, "it is a phi3, and only llama can be converted"),
        ({"tokenizer.ggml.pre": "llama-bpe"}, "its tokenizer is gpt2 llama-bpe"),
        ({"llama.rope.scaling.type": "yarn"}, "its rotary positions are scaled"),
        ({}, "has blk.0.attn_k.weight of shape None where a llama has (32, 64)"),
    ],
)
def test_what_cannot_be_converted_is_refused(
    tiny_gguf: Path, tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(CheckpointError) as failure:
        convert(rewritten(tiny_gguf, tmp_path / "other.gguf", dict(changes)), tmp_path, origin={})
    assert message in str(failure.value)


@pytest.mark.parametrize("n_bytes", [0, 3, 100, 5_000, 100_000])
def test_half_a_file_is_refused(tiny_gguf: Path, tmp_path: Path, n_bytes: int) -> None:
    half = tmp_path / "half.gguf"
    half.write_bytes(tiny_gguf.read_bytes()[:n_bytes])
    with pytest.raises(CheckpointError, match=r"half\.gguf is not a GGUF file that can be read"):
        convert(half, tmp_path, origin={})


def test_without_the_package_gguf_it_is_said_how_to_get_it(
    tiny_gguf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gguf", None)
    with pytest.raises(CheckpointError, match=r"pip install 'redraft\[base\]'"):
        convert(tiny_gguf, tmp_path, origin={})
