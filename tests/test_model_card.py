"""The model card: it is about the checkpoint that ships, and its appendix accounts for every token that one has seen."""

import importlib.util
import json
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from redraft_model.data.samples import KINDS
from redraft_model.evaluate.machine import Machine

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"

REPORT: dict[str, Any] = {
    "n_files": 5000,
    "train": {"n_files": 1234, "n_bytes": 9_870_000, "n_tokens": 3_000_000},
    "heldout": {"n_files": 7, "n_bytes": 50_000, "n_tokens": 15_000},
    "dropped": [{"reason": "too small", "n_files": 2500, "n_bytes": 40_000}],
    "packages": [
        {"name": "a", "licence": "MIT", "n_bytes": 4_000_000},
        {"name": "b", "licence": "BSD", "n_bytes": 5_000_000},
        {"name": "c", "licence": "MIT", "n_bytes": 2_500_000},
    ],
}


@pytest.fixture(scope="module")
def script() -> ModuleType:
    path = ROOT / "benchmarks" / "model_card.py"
    spec = importlib.util.spec_from_file_location("writer_of_the_model_card", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def config(script: ModuleType) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((script.BUNDLED / "config.json").read_text("utf-8"))
    return found


@pytest.fixture(scope="module")
def card(script: ModuleType, config: dict[str, Any]) -> str:
    metrics = (script.METRICS / "metrics.jsonl").read_text("utf-8").splitlines()
    machine = Machine("Abacus 3", 2, 1, "Linux x86_64", "3.11.7", "cpu")
    facts = script.Facts(
        config, REPORT, [json.loads(line) for line in metrics], 987_654, machine, "2026-01-02"
    )
    text: str = script.render(facts)
    return text


def test_data_are_those_of_the_report(card: str) -> None:
    assert "1,234 files, 9.9 MB, 3,000,000 tokens of Python" in card
    assert "7 files of other packages (15,000 tokens)" in card
    assert "| too small | 2,500 | 0.0 MB |" in card
    # Licences are added up over packages, the largest first.
    assert "| MIT | 6.5 MB |\n| BSD | 5.0 MB |" in card


def test_stages_are_those_of_the_recipe(card: str) -> None:
    _, _, training = card.partition("## Training\n")
    rows = re.findall(r"^\| `\w+` \| (\d+) % \| ((?:\d+ \| )+)\d+ % \|$", training, re.MULTILINE)
    assert sum(int(share) for share, _ in rows) == 100
    for _, weights in rows:
        assert sum(map(int, weights.split(" | ")[:-1])) == pytest.approx(100, abs=3)


def test_every_forward_process_is_explained(script: ModuleType, card: str) -> None:
    assert set(script.PROCESS_WORDS) == set(KINDS)
    for name in KINDS:
        assert f"| `{name}` | {script.PROCESS_WORDS[name]} |" in card


def test_the_page_has_the_sections_that_would_be_written_today(card: str) -> None:
    page = (DOCS / "model_card.md").read_text("utf-8")
    assert re.findall("^## .*$", page, re.MULTILINE) == re.findall("^## .*$", card, re.MULTILINE)


def test_the_page_is_about_the_checkpoint_that_ships(config: dict[str, Any]) -> None:
    page, training = (DOCS / "model_card.md").read_text("utf-8"), config["training"]
    assert f"| tokens seen | {training['tokens']:,} in {training['steps']:,} steps |" in page
    for name, value in training["evaluation"].items():
        if name.startswith("accuracy/"):
            words = name.removeprefix("accuracy/").replace("/", " / ")
            assert f"| {words} | {100 * value:.0f} % |" in page


def test_the_runs_of_the_appendix_add_up_to_the_tokens_seen(config: dict[str, Any]) -> None:
    appendix = (DOCS / "model-history.md").read_text("utf-8")
    rows = re.findall(r"^\| \d+(?: to \d+)? \| ([\d,]+) \| ([\d,]+) \|", appendix, re.MULTILINE)
    runs = [(int(tokens.replace(",", "")), int(so_far.replace(",", ""))) for tokens, so_far in rows]
    total = 0
    for tokens, so_far in runs:
        total += tokens
        assert total == so_far
    assert total == config["training"]["tokens"]
