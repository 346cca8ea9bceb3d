"""The sampler's benchmark: its comparison is an interpolation, and it runs on any checkpoint."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
from redraft_model.network.checkpoint import Training, export_checkpoint
from redraft_model.network.config import ModelConfig
from redraft_model.network.transformer import Transformer
from redraft_model.tokens.alignment import MASK_ID
from redraft_model.tokens.tokenizer import Tokenizer


@pytest.fixture(scope="module")
def script() -> ModuleType:
    path = Path(__file__).parents[3] / "benchmarks" / "sampler.py"
    spec = importlib.util.spec_from_file_location("benchmark_of_the_sampler", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_fixed_blocks_are_read_off_at_the_cost_of_syntax_blocks(script: ModuleType) -> None:
    def row(policy: str, n_forward: float, seconds: float, restored: float) -> object:
        return script.Row(policy, 0.9, 1, n_forward, seconds, 100.0, restored)

    rows = [row("fixed 8", 80, 1.0, 0.5), row("fixed 16", 40, 3.0, 0.3), row("syntax 16", 50, 4.0, 0.45)]
    (comparison,) = script.equal_cost(rows)
    assert comparison.restored == 0.45
    assert comparison.fixed_at_equal_passes == pytest.approx(0.35)
    # Nothing was measured that takes as long.
    assert comparison.fixed_in_equal_time is None


def test_the_benchmark_runs_and_files_its_results(
    script: ModuleType, tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Transformer(ModelConfig.named("nano", tokenizer.n_vocabulary, MASK_ID))
    model.initialise(torch.Generator().manual_seed(0))
    export_checkpoint(model, tokenizer, tmp_path / "checkpoint", Training(1, 1, 1, "editor"))
    monkeypatch.setattr(script, "QUICK", script.Size(1, (1,), (0.9,)))
    source = Path(json.__file__).parent
    arguments = (
        "--checkpoint",
        tmp_path / "checkpoint",
        "--source",
        source,
        "--results",
        tmp_path / "results",
    )
    assert script.main([*map(str, arguments), "--quick", "--device", "cpu"]) == 0
    (path,) = (tmp_path / "results").glob("sampler-cpu-*.json")
    result = json.loads(path.read_text())
    slow, fast = result["twins"]
    assert (slow["policy"], fast["policy"]) == ("generate_reference", "generate")
    assert fast["n_forward"] > 1
    assert len(result["policies"]) == 7
    text = path.with_suffix(".md").read_text()
    assert "## Syntax blocks against fixed blocks at equal cost" in text


def test_a_checkpoint_that_is_not_there_is_said(script: ModuleType, tmp_path: Path, capsys) -> None:
    assert script.main(["--checkpoint", str(tmp_path / "none"), "--device", "cpu"]) == 2
    assert "there is no checkpoint folder" in capsys.readouterr().err
