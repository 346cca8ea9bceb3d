"""A pretrained network in our `Transformer` computes what `transformers` computes, and what does not fit is refused."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from redraft_model.errors import CheckpointError
from redraft_model.network.base import load_base
from redraft_model.network.gguf import convert
from redraft_model.network.mapped import MappedTensors
from safetensors.torch import load_file, save_file

transformers = pytest.importorskip("transformers")

CPU = torch.device("cpu")
SIZES = {
    "hidden_size": 48,
    "intermediate_size": 80,
    "num_hidden_layers": 3,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
}


@dataclass(frozen=True)
class Kind:
    architecture: str
    changes: dict[str, Any]
    shard: str = "10GB"


KINDS = {
    "llama": Kind(
        "llama", {"rope_parameters": {"rope_type": "default", "rope_theta": 100_000.0}, "rms_norm_eps": 1e-5}
    ),
    "llama, untied": Kind("llama", {"tie_word_embeddings": False}),
    "llama, as many key heads": Kind("llama", {"num_key_value_heads": 6}),
    "llama, one key head": Kind("llama", {"num_key_value_heads": 1}),
    "llama, in shards": Kind("llama", {"tie_word_embeddings": False}, shard="60KB"),
    "qwen2": Kind("qwen2", {"rope_parameters": {"rope_type": "default", "rope_theta": 1_000_000.0}}),
    "qwen2, untied, more entries than tokens": Kind(
        "qwen2", {"tie_word_embeddings": False, "vocab_size": 448}
    ),
}


def reference(kind: Kind, seed: int = 0) -> Any:
    """A network of `transformers` with random weights everywhere, norms and biases too."""
    settings = {**SIZES, "vocab_size": 400, "tie_word_embeddings": True, "bos_token_id": 0, **kind.changes}
    name = {"llama": "Llama", "qwen2": "Qwen2"}[kind.architecture]
    config = getattr(transformers, f"{name}Config")(**settings)
    model = getattr(transformers, f"{name}ForCausalLM")(config)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.normal_(1.0 if "norm" in name else 0.0, 0.2, generator=generator)
    return model.eval()


def saved(model: Any, folder: Path, tiny_gguf: Path, shard: str = "10GB") -> Path:
    model.save_pretrained(folder, max_shard_size=shard)
    (folder / "tokenizer.json").write_bytes(tiny_gguf.with_name("tokenizer.json").read_bytes())
    return folder


def tokens(n_rows: int, n_tokens: int) -> torch.Tensor:
    return torch.randint(0, 400, (n_rows, n_tokens), generator=torch.Generator().manual_seed(1))


@pytest.fixture
def folder(tmp_path: Path, tiny_gguf: Path) -> Path:
    return saved(reference(KINDS["llama"]), tmp_path / "base", tiny_gguf)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
def test_logits_are_those_of_transformers(kind: Kind, tmp_path: Path, tiny_gguf: Path) -> None:
    model = reference(kind)
    saved(model, tmp_path, tiny_gguf, kind.shard)
    assert len(list(tmp_path.glob("*.safetensors"))) > 1 or kind.shard == "10GB"
    base = load_base(tmp_path, CPU)
    rows = tokens(3, 50)
    with torch.no_grad():
        expected = model(rows).logits
    found = base.model.logits(base.model(rows))
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(
        base.model.log_probabilities(base.model(rows)), expected.log_softmax(-1), atol=1e-4, rtol=1e-4
    )


def test_a_text_is_read_in_pieces_with_a_cache(folder: Path) -> None:
    model = load_base(folder, CPU).model
    row = tokens(1, 40)
    whole = model(row)
    _, cache = model.encode(row[:, :25])
    rest = model(row[:, 25:], torch.arange(25, 40)[None], past=cache)
    torch.testing.assert_close(rest, whole[:, 25:], atol=1e-5, rtol=1e-4)


def test_a_converted_gguf_computes_what_transformers_makes_of_the_folder(
    tmp_path: Path, tiny_gguf: Path
) -> None:
    convert(tiny_gguf, tmp_path, origin={})
    model = transformers.LlamaForCausalLM.from_pretrained(tmp_path, dtype=torch.float32).eval()
    rows = tokens(2, 30)
    base = load_base(tmp_path, CPU)
    with torch.no_grad():
        expected = model(rows).logits
    torch.testing.assert_close(base.model.logits(base.model(rows)), expected, atol=1e-4, rtol=1e-4)
    assert base.start_id == 0


def test_the_weights_of_a_converted_gguf_stay_in_the_file(tmp_path: Path, tiny_gguf: Path) -> None:
    convert(tiny_gguf, tmp_path, origin={})
    model = load_base(tmp_path, CPU, torch.bfloat16).model
    n_bytes = (tmp_path / "model.safetensors").stat().st_size
    assert {p.untyped_storage().nbytes() for p in model.parameters()} == {n_bytes}
    assert model(tokens(1, 5)).dtype == torch.bfloat16


def test_tensors_that_do_not_lie_side_by_side_are_joined_all_the_same(tmp_path: Path) -> None:
    pieces = {"b": torch.ones(2, 3), "a": torch.zeros(1, 3), "c": torch.full((1, 3), 2.0)}
    save_file(pieces, tmp_path / "model.safetensors")
    tensors = MappedTensors.open(tmp_path)
    assert tensors.joined(["b", "a", "c"])[:, 0].tolist() == [1, 1, 0, 2]
    assert tensors.joined(["a", "b", "c"])[:, 0].tolist() == [0, 1, 1, 2]


def test_bytes_that_the_vocabulary_lacks_get_the_embeddings_of_others(
    tmp_path: Path, tiny_gguf: Path
) -> None:
    saved(reference(Kind("llama", {"tie_word_embeddings": False})), tmp_path, tiny_gguf)
    data = json.loads((tmp_path / "tokenizer.json").read_text())
    del data["model"]["vocab"]["Ą"]
    (tmp_path / "tokenizer.json").write_text(json.dumps(data))
    base = load_base(tmp_path, CPU)
    lacking, other = (int(base.tokenizer.encode(text)[0]) for text in ("\x04", "\x05"))
    assert (lacking, base.model.config.n_vocabulary) == (400, 401)
    for matrix in (base.model.embedding.weight, base.model.head.weight):
        assert torch.equal(matrix[lacking], matrix[other])
    logits = base.model.logits(base.model(torch.tensor([[lacking, other]])))
    torch.testing.assert_close(logits[..., lacking], logits[..., other])


def changed(folder: Path, **changes: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"architectures": ["GPT2LMHeadModel"]}, "describes a GPT2LMHeadModel"),
        ({"architectures": None}, "describes a none"),
        ({"hidden_act": "gelu"}, "the activation gelu"),
        ({"rope_parameters": {"rope_type": "llama3", "rope_theta": 1e4}}, "rotary positions of type llama3"),
        (
            {"rope_parameters": None, "rope_scaling": {"type": "linear", "factor": 2}},
            "positions of type linear",
        ),
        ({"attention_bias": True}, "biases"),
        ({"mlp_bias": True}, "biases"),
        ({"use_sliding_window": True}, "a sliding window"),
        ({"layer_types": ["full_attention", "sliding_attention"]}, "a sliding window"),
        ({"head_dim": 16}, "has heads of width 16, not 8"),
        ({"hidden_size": None}, "lacks an entry"),
        ({"bos_token_id": None, "eos_token_id": None}, "lacks an entry"),
        ({"hidden_size": 96, "head_dim": 16}, "has shape"),
        ({"num_hidden_layers": 2}, "weights that this version does not know"),
        ({"num_hidden_layers": 4}, "lacks the weights model.layers.3"),
        ({"vocab_size": 380}, "has shape"),
    ],
)
def test_a_configuration_that_does_not_fit_is_refused(
    folder: Path, changes: dict[str, Any], message: str
) -> None:
    changed(folder, **changes)
    with pytest.raises(CheckpointError) as failure:
        load_base(folder, CPU)
    assert message in str(failure.value)


def test_a_tokenizer_with_more_entries_than_weights_is_refused(tmp_path: Path, tiny_gguf: Path) -> None:
    saved(reference(Kind("llama", {"vocab_size": 390})), tmp_path, tiny_gguf)
    with pytest.raises(CheckpointError, match="has 400 entries where"):
        load_base(tmp_path, CPU)


def test_weights_of_other_types_are_refused(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    save_file({name: value.to(torch.int8) for name, value in weights.items()}, folder / "model.safetensors")
    with pytest.raises(CheckpointError, match="is I8; take a base in bfloat16 or float32"):
        load_base(folder, CPU)


@pytest.mark.parametrize("n_bytes", [0, 5, 1000, -10])
def test_half_a_file_is_refused(folder: Path, n_bytes: int) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:n_bytes])
    with pytest.raises(CheckpointError, match="is damaged or not a safetensors file"):
        load_base(folder, CPU)


def test_a_missing_file_is_named(folder: Path, tmp_path: Path, tiny_gguf: Path) -> None:
    for name in ("model.safetensors", "tokenizer.json", "config.json"):
        (folder / name).unlink()
        with pytest.raises(CheckpointError, match=name):
            load_base(folder, CPU)
    with pytest.raises(CheckpointError, match="`redraft model get base` fetches one"):
        load_base(tmp_path / "nowhere", CPU)
    saved(reference(KINDS["llama"]), tmp_path / "shards", tiny_gguf, "60KB")
    shard = next((tmp_path / "shards").glob("*00002*"))
    shard.unlink()
    with pytest.raises(CheckpointError, match=f"lacks {shard.name}, which its index names"):
        load_base(tmp_path / "shards", CPU)


def test_an_index_does_not_lead_out_of_the_folder(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder.parent / "outside.safetensors")
    index = {"weight_map": {"model.norm.weight": "../outside.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(CheckpointError, match="which its index names"):
        load_base(folder, CPU)


def test_the_real_base_pays_what_it_paid_for_code_that_is_younger_than_it(base_folder: Path) -> None:
    base = load_base(base_folder, CPU)
    text = (Path(__file__).parent / "cases" / "young.py").read_text("utf-8")
    ids = torch.from_numpy(base.tokenizer.encode(text).astype("int64"))
    row = torch.cat([torch.tensor([base.start_id]), ids])[None]
    log_p = base.model.log_probabilities(base.model(row)[0, :-1])
    # A wrong rotary layout or norm costs nats.
    assert -float(log_p.gather(1, ids[:, None]).mean()) == pytest.approx(2.39, abs=0.02)
