import json
from pathlib import Path

import numpy as np
import pytest
from redraft_model.data.shards import Shards, ShardWriter
from redraft_model.errors import DataError

FILES = {
    "a.py": ([5, 6, 65_535], [[0, 3, 0, -1], [1, 2, 4, 0]], [-1, -1]),
    "empty.py": ([], [], []),
    "é\nb.py": ([7, 8], [[0, 1, 0, -1], [1, 2, 0, -1]], [1, -1]),
}


def write(folder: Path) -> Shards:
    writer = ShardWriter(folder)
    for path, (tokens, statements, siblings) in FILES.items():
        writer.add(path, np.array(tokens), np.array(statements), np.array(siblings))
    writer.finish("fingerprint", {"n_bytes": 12})
    return Shards.open(folder)


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    shards = write(tmp_path / "train")
    assert (shards.n_files, shards.n_tokens, shards.n_statements) == (3, 5, 4)
    assert [shards.file_tokens(i).tolist() for i in range(3)] == [[5, 6, 65_535], [], [7, 8]]
    assert [shards.next_siblings(i).tolist() for i in range(3)] == [[-1, -1], [], [1, -1]]
    assert shards.paths() == ["a.py", "empty.py", "é\\nb.py"]
    assert shards.tokenizer_sha256 == "fingerprint"
    assert shards.meta["report"] == {"n_bytes": 12}


def test_statements_count_tokens_from_the_start_of_the_shard(tmp_path: Path) -> None:
    shards = write(tmp_path / "train")
    assert [shards.statements(i).tolist() for i in range(3)] == [
        [[0, 3, 0, -1], [1, 2, 4, 0]],
        [],
        [[3, 4, 0, -1], [4, 5, 0, -1]],
    ]
    first, end = shards.statements(2)[1, :2]
    assert shards.tokens[first:end].tolist() == [8]


def test_every_token_knows_its_file(tmp_path: Path) -> None:
    shards = write(tmp_path / "train")
    assert [shards.file_of(token) for token in range(5)] == [0, 0, 0, 2, 2]


def test_the_tokens_are_mapped_and_read_only(tmp_path: Path) -> None:
    shards = write(tmp_path / "train")
    assert isinstance(shards.tokens, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        shards.file_tokens(0)[0] = 1


def test_an_empty_shard_can_be_opened(tmp_path: Path) -> None:
    ShardWriter(tmp_path / "heldout").finish("fingerprint", {})
    shards = Shards.open(tmp_path / "heldout")
    assert (shards.n_files, shards.n_tokens, shards.n_statements, shards.paths()) == (0, 0, 0, [])


def test_the_folder_appears_when_it_is_finished_and_replaces_an_older_one(tmp_path: Path) -> None:
    write(tmp_path / "train")
    writer = ShardWriter(tmp_path / "train")
    writer.add("c.py", np.array([9]), np.empty((0, 4)), np.empty(0))
    assert Shards.open(tmp_path / "train").n_files == 3
    writer.finish("other", {})
    assert Shards.open(tmp_path / "train").paths() == ["c.py"]
    assert [path.name for path in tmp_path.iterdir()] == ["train"]


def test_shards_of_another_tokenizer_are_refused(tmp_path: Path) -> None:
    shards = write(tmp_path / "train")
    shards.require_tokenizer("fingerprint")
    with pytest.raises(DataError, match="another tokenizer"):
        shards.require_tokenizer("other")


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no token shards"):
        Shards.open(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "name",
    ["tokens.bin", "files.npy", "statements.npy", "next_siblings.npy", "statement_files.npy", "meta.json"],
)
@pytest.mark.parametrize("keep", [0, 8, -2])
def test_a_file_that_is_cut_off_is_an_error(tmp_path: Path, name: str, keep: int) -> None:
    write(tmp_path / "train")
    path = tmp_path / "train" / name
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match=name):
        Shards.open(tmp_path / "train")


@pytest.mark.parametrize("change", [{"version": 99}, {"n_tokens": 4}, {"n_files": 2}, {"n_statements": "4"}])
def test_counts_that_do_not_fit_are_an_error(tmp_path: Path, change: dict[str, object]) -> None:
    write(tmp_path / "train")
    path = tmp_path / "train" / "meta.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(DataError):
        Shards.open(tmp_path / "train")
