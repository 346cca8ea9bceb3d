"""What the projects of held-out files have besides them."""

from pathlib import Path

import numpy as np
from redraft_model.data.shards import Shards, ShardWriter
from redraft_model.fit.pieces import Piece
from redraft_model.fit.projects import Projects
from redraft_model.passage import LONGEST_CONTEXT
from redraft_model.tokens.tokenizer import Tokenizer

NO_STATEMENTS = np.zeros((0, 4), np.int64), np.zeros(0, np.int32)


def projects(folder: Path, tokenizer: Tokenizer, files: dict[str, str]) -> Projects:
    writer = ShardWriter(folder)
    for path, text in files.items():
        writer.add(path, tokenizer.encode(text).astype(np.uint16), *NO_STATEMENTS)
    writer.finish(tokenizer.sha256, {})
    return Projects(Shards.open(folder), tokenizer)


def test_a_file_knows_others_of_its_project_the_most_alike_first(
    tmp_path: Path, tokenizer: Tokenizer
) -> None:
    files = {
        "/packages/one/own.py": "alpha = beta + gamma\n",
        "/packages/one/little.py": "alpha = 1\n",
        "/packages/one/deep/much.py": "alpha = beta\n",
        "/packages/one/copy.py": "gamma = alpha + beta\n",
        "/packages/one/nothing.py": "other = words\n",
        "/packages/two/foreign.py": "alpha = beta\n",
    }
    found = projects(tmp_path / "shards", tokenizer, files)
    assert found.beside(0) == ("alpha = beta\n", "alpha = 1\n")
    (piece,) = found.around(iter([Piece(5, "alpha\n", before="before\n")]))
    assert piece == Piece(5, "alpha\n", before="before\n")
    (piece,) = found.around(iter([Piece(0, "alpha\n", before="before\n")]))
    assert piece == Piece(0, "alpha\n", before="before\n", context=found.beside(0))


def test_files_of_one_folder_are_one_project_of_which_so_much_is_known(
    tmp_path: Path, tokenizer: Tokenizer
) -> None:
    files = {
        f"/package/{name}.py": f"alpha = {name}\n" * (LONGEST_CONTEXT // 20) for name in ("one", "two", "six")
    }
    found = projects(tmp_path / "shards", tokenizer, files | {"/package/own.py": "alpha = own\n"})
    assert sum(map(len, found.beside(3))) == LONGEST_CONTEXT
