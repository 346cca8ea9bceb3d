"""What --checkpoint, --device and --model say together, and which base follows from it."""

from pathlib import Path

import pytest
from redraft_model.errors import CheckpointError
from redraft_model.network import hardware
from redraft_server import loading
from redraft_server.model_choice import MODELS, ModelChoice, decide

INSTALLED = Path("models/base")


@pytest.mark.parametrize(
    ("model", "installed", "is_fast", "base"),
    [
        ("auto", INSTALLED, True, INSTALLED),
        ("auto", INSTALLED, False, None),
        ("auto", None, True, None),
        ("tiny", INSTALLED, True, None),
        ("base", INSTALLED, False, INSTALLED),
        ("mine", None, False, Path("mine")),
        ("mine", INSTALLED, True, Path("mine")),
    ],
)
def test_which_base_is_loaded(model: str, installed: Path | None, is_fast: bool, base: Path | None) -> None:
    decision = decide(ModelChoice(model=model), installed, multiplies_bfloat16=is_fast)
    assert decision.base == base


def test_each_reason_is_its_own() -> None:
    facts = [("auto", INSTALLED, True), ("auto", INSTALLED, False), ("auto", None, False)]
    facts += [("tiny", None, False), ("base", INSTALLED, False), ("mine", None, False)]
    reasons = [
        decide(ModelChoice(model=model), installed, multiplies_bfloat16=is_fast).reason
        for model, installed, is_fast in facts
    ]
    assert len(set(reasons)) == len(facts)


def test_a_base_that_is_not_installed_cannot_be_insisted_on() -> None:
    with pytest.raises(CheckpointError) as caught:
        decide(ModelChoice(model="base"), None, multiplies_bfloat16=True)
    assert str(caught.value) == "the base is not installed; run `redraft model get base`"


@pytest.mark.parametrize("has", [{"avx512_bf16": True}, {"amx_bf16": True}, {"avx2": True}])
def test_the_processor_says_whether_it_is_fast(has: dict[str, bool], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware.torch.cpu, "get_capabilities", lambda: has, raising=False)
    assert loading.multiplies_bfloat16("cpu") == ("avx2" not in has)


def test_a_device_that_is_not_there_is_named() -> None:
    with pytest.raises(CheckpointError, match="there is no device 'abacus' here"):
        loading.multiplies_bfloat16("abacus")


def test_the_options_make_the_same_choice_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    choice = ModelChoice(Path("mine"), "cpu", "judge").resolved()
    assert choice.options() == [
        *("--device", "cpu", "--checkpoint", str(tmp_path / "mine"), "--model", str(tmp_path / "judge"))
    ]
    for model in MODELS:
        assert ModelChoice(model=model).resolved() == ModelChoice(model=model)
