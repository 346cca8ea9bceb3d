"""How far training has come: measured twice it is the same, better networks are ahead, and the figure is drawn."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
import torch
from redraft_model.data.shards import Shards
from redraft_model.decode.proposer import Proposer
from redraft_model.fit.pieces import Piece
from redraft_model.fit.progress import LEVELS, Progress, draw_progress, masked_nats, measure
from redraft_model.network.checkpoint import Training, export_checkpoint, load_checkpoint
from redraft_model.network.transformer import Transformer
from redraft_model.tokens.tokenizer import Tokenizer

CLEAN = "def area(width, height):\n    size = (width + 1) * height\n    return size\n"
ROOT = Path(__file__).parents[3]


def test_a_network_that_knows_the_text_is_sure_of_what_is_masked(
    tokenizer: Tokenizer, oracle_of: Callable[..., Transformer], wild_of: Callable[..., Transformer]
) -> None:
    knowing, wild = oracle_of(CLEAN), wild_of(tokenizer.n_vocabulary)
    knows = masked_nats(lambda: Proposer(knowing, tokenizer), [Piece(0, CLEAN)], Random(0))
    guesses = masked_nats(lambda: Proposer(wild, tokenizer), [Piece(0, CLEAN)], Random(0))
    assert len(knows) == len(guesses) == len(LEVELS)
    assert knows[0] == pytest.approx(0.0513, abs=1e-3), "0.95 for each token while the rest can be seen"
    assert min(guesses) > 1


@pytest.fixture(scope="module")
def folder(
    tmp_path_factory: pytest.TempPathFactory, tokenizer: Tokenizer, wild_of: Callable[..., Transformer]
) -> Path:
    path = tmp_path_factory.mktemp("checkpoint")
    export_checkpoint(wild_of(tokenizer.n_vocabulary), tokenizer, path, Training(12345, 1, 1, "editor"))
    return path


def test_the_same_seed_measures_the_same(folder: Path, shards: Shards) -> None:
    checkpoint = load_checkpoint(folder, torch.device("cpu"), calibrated=False)
    first, again, other = (measure(checkpoint, shards, 3, seed) for seed in (0, 0, 1))
    assert first == again
    assert first.nats != other.nats
    assert first.n == 3
    assert 0 <= first.n_repaired <= 3
    assert Progress.from_json(json.loads(json.dumps(first.to_json()))) == first


def test_rows_of_earlier_checkpoints_are_kept_and_all_are_drawn(
    folder: Path, shard_folder: Path, tmp_path: Path
) -> None:
    rows, figure = tmp_path / "progress.json", tmp_path / "progress.svg"
    earlier = Progress(100, (5.0, 5.0, 5.0, 5.0, 5.0), 4, 1, 0)
    rows.write_text(json.dumps([earlier.to_json()]))
    command = [
        sys.executable,
        str(ROOT / "benchmarks" / "progress.py"),
        str(shard_folder / "train"),
        str(folder),
    ]
    command += ["--n", "2", "--rows", str(rows), "--figure", str(figure)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = [Progress.from_json(row) for row in json.loads(rows.read_text())]
    assert found[0] == earlier
    assert [row.tokens for row in found] == [100, 12345]
    assert "| 12,345 |" in done.stdout
    assert figure.read_text().count("M tokens") == 2, "a curve for each"


def test_the_figure_of_the_same_rows_is_the_same(tmp_path: Path) -> None:
    row = Progress(5_000_000, (1.0, 2.0, 3.0, 4.0, 5.0), 50, 30, 10)
    files = [tmp_path / "a.svg", tmp_path / "b.svg"]
    for rows, file in (([row, replace(row, tokens=9)], files[0]), ([replace(row, tokens=9), row], files[1])):
        draw_progress(rows, file)
    assert files[0].read_bytes() == files[1].read_bytes()
