"""Checkpoints: what is written is read back within int8 error, and whatever is wrong with one is said in a sentence."""

import json
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from redraft_model.errors import CheckpointError
from redraft_model.feature_weights import FeatureWeights
from redraft_model.fit.fitting import fit
from redraft_model.network.checkpoint import Training, export_checkpoint, join_parts, load_checkpoint
from redraft_model.network.config import ModelConfig
from redraft_model.network.transformer import Transformer
from redraft_model.tokens.alignment import MASK_ID
from redraft_model.tokens.tokenizer import Tokenizer
from safetensors.torch import load_file, save_file

CPU = torch.device("cpu")
TRAINING = Training(1234, 5, 67, "editor", {"accuracy/syntax/delete": 0.5})


@pytest.fixture(scope="module")
def model(tokenizer: Tokenizer) -> Transformer:
    network = Transformer(ModelConfig.named("nano", tokenizer.n_vocabulary, MASK_ID)).requires_grad_(False)
    generator = torch.Generator().manual_seed(0)
    for parameter in network.parameters():
        parameter.normal_(0, 0.3, generator=generator)
    return network


@pytest.fixture
def folder(model: Transformer, tokenizer: Tokenizer, tmp_path: Path) -> Path:
    export_checkpoint(model, tokenizer, tmp_path / "checkpoint", TRAINING)
    return tmp_path / "checkpoint"


@pytest.fixture
def parts(model: Transformer, tokenizer: Tokenizer, tmp_path: Path) -> list[Path]:
    return export_checkpoint(model, tokenizer, tmp_path / "parts", TRAINING, part_bytes=50_000)


def assert_same_weights(a: Transformer, b: Transformer) -> None:
    ours, theirs = a.state_dict(), b.state_dict()
    assert ours.keys() == theirs.keys()
    assert [name for name in ours if not torch.equal(ours[name], theirs[name])] == []


def test_every_weight_comes_back_within_half_a_step_of_int8(model: Transformer, folder: Path) -> None:
    loaded = load_checkpoint(folder, CPU)
    assert loaded.training == TRAINING
    assert loaded.model.config == model.config
    for name, found in loaded.model.state_dict().items():
        exact = model.state_dict()[name]
        if exact.ndim == 1:
            assert torch.equal(found, exact)
        else:
            # One scale per row: the largest value of a row is 127 steps.
            step = exact.abs().amax(1, keepdim=True) / 127
            assert ((found - exact).abs() <= 0.501 * step).all()


def test_answers_come_back_within_int8_error(model: Transformer, folder: Path) -> None:
    loaded = load_checkpoint(folder, CPU).model
    tokens = torch.randint(2, model.config.n_vocabulary, (4, 40), generator=torch.Generator().manual_seed(1))
    exact, found = (m.log_probabilities(m(tokens)).exp() for m in (model, loaded))
    assert (exact - found).abs().sum(-1).mean() < 0.1
    # The error is that of rounding and not more: rounding the weights by hand gives the same answers.
    rounded = Transformer(model.config)
    rounded.load_state_dict(loaded.state_dict())
    torch.testing.assert_close(rounded.log_probabilities(rounded(tokens)).exp(), found)


def test_a_loaded_network_can_be_exported_again_without_loss(
    folder: Path, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    loaded = load_checkpoint(folder, CPU)
    export_checkpoint(loaded.model, tokenizer, tmp_path / "again", loaded.training)
    again = load_checkpoint(tmp_path / "again", CPU).model
    for name, value in loaded.model.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], value, rtol=1e-6, atol=0)


def test_parts_keep_their_limit_and_hold_what_one_file_holds(parts: list[Path], folder: Path) -> None:
    assert len(parts) > 3
    assert [path.name for path in parts] == [
        f"model-{i:05}-of-{len(parts):05}.safetensors" for i in range(1, len(parts) + 1)
    ]
    # The limit is on the tensors; the header comes on top.
    assert all(path.stat().st_size <= 52_000 for path in parts)
    held = [name for path in parts for name in load_file(path)]
    assert len(held) == len(set(held))
    assert_same_weights(load_checkpoint(parts[0].parent, CPU).model, load_checkpoint(folder, CPU).model)


def test_parts_can_be_joined(parts: list[Path], folder: Path) -> None:
    joined = join_parts(parts[0].parent)
    assert joined.name == "model.safetensors"
    assert sorted(p.name for p in joined.parent.iterdir()) == [
        "config.json",
        "model.safetensors",
        "tokenizer.json",
    ]
    assert_same_weights(load_checkpoint(joined.parent, CPU).model, load_checkpoint(folder, CPU).model)


def test_an_export_replaces_the_files_of_the_one_before(
    parts: list[Path], model: Transformer, tokenizer: Tokenizer
) -> None:
    export_checkpoint(model, tokenizer, parts[0].parent, TRAINING)
    assert [p.name for p in parts[0].parent.glob("*.safetensors")] == ["model.safetensors"]


def test_a_calibration_is_loaded_with_its_network_and_goes_with_it(
    model: Transformer, tokenizer: Tokenizer, folder: Path
) -> None:
    assert load_checkpoint(folder, CPU).calibration is None
    weights = fit([], [])
    weights.calibration().save(folder)
    loaded = load_checkpoint(folder, CPU).calibration
    assert loaded is not None
    assert FeatureWeights.of(loaded) == weights
    (folder / "calibration.json").write_text("[]")
    with pytest.raises(CheckpointError, match="calibrate the checkpoint again"):
        load_checkpoint(folder, CPU)
    export_checkpoint(model, tokenizer, folder, TRAINING)
    assert load_checkpoint(folder, CPU).calibration is None, "it belonged to the weights that were there"


def test_weights_take_the_dtype_that_is_asked_for(folder: Path) -> None:
    loaded = load_checkpoint(folder, CPU, torch.bfloat16).model
    assert loaded.layers[0].attention.qkv.weight.dtype == torch.bfloat16
    assert loaded(torch.tensor([[5, 6]])).dtype == torch.bfloat16
    assert not loaded.training
    assert not any(p.requires_grad for p in loaded.parameters())


def edited_config(**changes: Any) -> Callable[[Path], None]:
    """Changes entries of config.json; of the network's shape by the prefix `model_`."""

    def damage(folder: Path) -> None:
        config = json.loads((folder / "config.json").read_text())
        for name, value in changes.items():
            place = config["model"] if name.startswith("model_") else config
            place[name.removeprefix("model_")] = value
        (folder / "config.json").write_text(json.dumps(config))

    return damage


def edited_weights(change: Callable[[dict[str, torch.Tensor]], None]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        tensors = load_file(folder / "model.safetensors")
        change(tensors)
        save_file({name: value.contiguous() for name, value in tensors.items()}, folder / "model.safetensors")

    return damage


def written(name: str, data: bytes) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_bytes(data) and None


def without(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def cut(name: str, n_bytes: int) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:n_bytes]) and None


def with_another_tokenizer(folder: Path) -> None:
    Tokenizer.train(["def f(x):\n    return x\n"] * 9, 400).save(folder / "tokenizer.json")


QKV = "layers.0.attention.qkv.weight"
DAMAGES: dict[str, Callable[[Path], None]] = {
    "no folder": lambda folder: shutil.rmtree(folder),
    "no config": without("config.json"),
    "no weights": without("model.safetensors"),
    "no tokenizer": without("tokenizer.json"),
    "config cut off": cut("config.json", 40),
    "config is no text": written("config.json", b"\xff\xfe\x00"),
    "config is a list": written("config.json", b"[1]"),
    "config of another format": edited_config(format=2),
    "config without format": edited_config(format=None),
    "config without shape": edited_config(model=None),
    "config without training": edited_config(training=None),
    "training with an unknown entry": edited_config(training={"tokens": 1, "speed": 2}),
    "shape with an unknown entry": edited_config(model_rope_scaling=2),
    "shape with a text": edited_config(model_width="64"),
    "shape without heads": edited_config(model_n_heads=0),
    "shape without layers": edited_config(model_n_layers=0),
    "more layers than weights": edited_config(model_n_layers=3),
    "more layers than can be": edited_config(model_n_layers=10**9),
    "wider than the weights": edited_config(model_width=128),
    "much wider than the weights": edited_config(model_width=1 << 40),
    "another vocabulary": edited_config(model_n_vocabulary=699),
    "a vocabulary that cannot be": edited_config(model_n_vocabulary=1 << 40),
    "another mask": edited_config(model_mask_id=0),
    "untied": edited_config(model_tied=False),
    "another tokenizer": with_another_tokenizer,
    "tokenizer cut off": cut("tokenizer.json", 1000),
    "tokenizer without special tokens": written(
        "tokenizer.json", b'{"model": {"type": "BPE", "vocab": {}, "merges": []}}'
    ),
    "weights empty": written("model.safetensors", b""),
    "weights cut off in the header": cut("model.safetensors", 100),
    "weights cut off at the end": cut("model.safetensors", 90_000),
    "weights are text": written("model.safetensors", b"{}" * 500),
    "weights are a picture": written("model.safetensors", b"\x89PNG\r\n\x1a\n" + bytes(500)),
    "a tensor less": edited_weights(lambda tensors: tensors.__delitem__(QKV)),
    "a scale less": edited_weights(lambda tensors: tensors.__delitem__(f"{QKV}.scale")),
    "a tensor of another shape": edited_weights(lambda tensors: tensors.update({QKV: tensors[QKV].T})),
    "a tensor of another type": edited_weights(lambda tensors: tensors.update({QKV: tensors[QKV].float()})),
    "a scale of another shape": edited_weights(
        lambda tensors: tensors.update({f"{QKV}.scale": tensors[f"{QKV}.scale"][:1]})
    ),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_checkpoint_is_refused_with_one_sentence(
    folder: Path, damage: Callable[[Path], None]
) -> None:
    damage(folder)
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(folder, CPU)
    message = str(caught.value)
    assert "\n" not in message
    # What is wrong, and after a semicolon what to do.
    assert len(message.rsplit("; ", 1)[1].split()) >= 2
    assert any(name in message for name in (str(folder), "config.json", "tokenizer.json"))


def test_a_missing_part_is_refused(parts: list[Path]) -> None:
    parts[1].unlink()
    with pytest.raises(
        CheckpointError, match=rf"has {len(parts) - 1} of {len(parts)} weight files; copy the missing"
    ):
        load_checkpoint(parts[0].parent, CPU)


def test_a_part_of_another_export_is_refused(parts: list[Path], tmp_path: Path) -> None:
    save_file({"other": torch.zeros(1)}, parts[1])
    with pytest.raises(CheckpointError, match="lacks the weights"):
        load_checkpoint(parts[0].parent, CPU)


class Trap:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json"])
def test_nothing_is_unpickled(folder: Path, tmp_path: Path, name: str) -> None:
    sprung = tmp_path / "sprung"
    trap = pickle.dumps({"model": Trap(sprung)}, protocol=0 if name.endswith("json") else 4)
    (folder / name).write_bytes(trap)
    with pytest.raises(CheckpointError):
        load_checkpoint(folder, CPU)
    assert not sprung.exists()
    # The trap works: it springs for those who do unpickle.
    pickle.loads(trap)
    assert sprung.exists()


def test_a_torch_file_is_not_a_checkpoint(folder: Path, model: Transformer) -> None:
    torch.save(model.state_dict(), folder / "model.safetensors")
    with pytest.raises(CheckpointError, match="is damaged or not a safetensors file"):
        load_checkpoint(folder, CPU)


def test_loading_does_not_load_the_compiler() -> None:
    # It takes a second and 100 MB, and comes along unnoticed when values are drawn on the device "meta".
    program = (
        "import sys, torch; from redraft_model.network import checkpoint, checkpoint_info; "
        "checkpoint.load_checkpoint(checkpoint_info.BUNDLED, torch.device('cpu')); "
        "sys.exit('torch._dynamo' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
