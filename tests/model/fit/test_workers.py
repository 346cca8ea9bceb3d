"""Gathering in several processes: each finds something else, and what they find comes back."""

from collections.abc import Callable
from pathlib import Path

import pytest
from redraft_model.errors import DataError
from redraft_model.fit.fitting import fit
from redraft_model.fit.pieces import function
from redraft_model.fit.workers import Material, Workers, lines, outcomes, retrievals, searches, sweeps
from redraft_model.network.checkpoint import Training, export_checkpoint
from redraft_model.network.transformer import Transformer
from redraft_model.repair.settings import Search
from redraft_model.tokens.tokenizer import Tokenizer


@pytest.fixture(scope="module")
def material(
    tmp_path_factory: pytest.TempPathFactory,
    shard_folder: Path,
    tokenizer: Tokenizer,
    wild_of: Callable[..., Transformer],
) -> Material:
    folder = tmp_path_factory.mktemp("checkpoint")
    export_checkpoint(wild_of(tokenizer.n_vocabulary), tokenizer, folder, Training(1, 1, 1, "editor"))
    return Material(folder, shard_folder / "train")


def test_everything_is_gathered_and_fitted(material: Material) -> None:
    small = {"small": Search(beam=1, n_candidates=2, n_rounds=1, n_problems=1)}
    with Workers(material, 2) as workers:
        searched = workers.gather(searches, 2)
        swept = workers.gather(sweeps, 1)
        retrieved = workers.gather(retrievals, 1)
        completed = workers.gather(lines, 1, fit([], [], [], retrieved).completion)
        weights = fit(searched, swept, completed, retrieved)
        compared = workers.gather(outcomes, 1, weights.repair, small)
    assert searched
    assert swept
    assert completed
    assert {size for size, _ in compared} == {"small"}


def test_every_process_draws_pieces_of_its_own(material: Material) -> None:
    streams = [
        Material(material.checkpoint, material.shards, seed).pieces(0, function)
        for seed in ("0.0", "0.1", "0.0")
    ]
    first, other, again = ([next(stream) for _ in range(4)] for stream in streams)
    assert first == again
    assert first != other


def test_shards_of_another_tokenizer_are_told_before_anything_starts(
    material: Material, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(material.files.meta, "tokenizer_sha256", "0" * 64)
    with pytest.raises(DataError, match="another tokenizer"):
        Workers(material, 1)
