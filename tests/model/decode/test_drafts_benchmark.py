"""The benchmark of drafts runs on any base, and lossless writing takes no more passes than there are tokens."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def script() -> ModuleType:
    path = Path(__file__).parents[3] / "benchmarks" / "drafts.py"
    spec = importlib.util.spec_from_file_location("benchmark_of_drafts", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_places_are_rests_of_lines_of_the_files(script: ModuleType) -> None:
    source = Path(json.__file__).parent
    drawn = script.places(source, 6, seed=1)
    assert drawn == script.places(source, 6, seed=1)
    texts = [file.read_text() for file in source.rglob("*.py")]
    for place in drawn:
        assert "\n" not in place.line
        assert any((place.prefix[-200:] + place.line + place.suffix[:200]) in text for text in texts)


def test_the_benchmark_runs_and_files_its_results(
    script: ModuleType, toy_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script, "QUICK", script.Size(1, 1, (1, 4), (1, 2), (0.7,)))
    source = Path(json.__file__).parent
    arguments = ("--base", toy_base, "--source", source, "--results", tmp_path, "--quick", "--device", "cpu")
    assert script.main(list(map(str, arguments))) == 0
    (path,) = tmp_path.glob("drafts-cpu-*.json")
    result = json.loads(path.read_text())
    assert [(step["n_tokens"], step["n_rows"]) for step in result["steps"]] == [
        (1, 1),
        (4, 1),
        (1, 2),
        (4, 2),
    ]
    rows = {row["way"]: row for row in result["rows"]}
    assert set(rows) > {
        "left to right, greedy",
        "denoised, threshold 0.7",
        "lossless, block 0",
        "lossless, block 4",
    }
    assert rows["lossless, block 0"]["tokens_per_pass"] >= 1
    # The text is the same, whatever drafts it.
    assert rows["lossless, block 4"]["exact"] == rows["lossless, block 0"]["exact"]


def test_a_base_that_is_not_there_is_one_sentence(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script.main(["--base", str(tmp_path / "none"), "--device", "cpu"]) == 2
    assert "there is no folder" in capsys.readouterr().err
