"""One repository as shards: which files are held out, and that nothing of them is trained on."""

import inspect
import json
import shlex
import textwrap
from pathlib import Path

import pytest
from redraft_model.data.repository import build_repository, corpus_of, held_out_texts
from redraft_model.data.shards import Shards
from redraft_model.data.young import rests


def large(number: int) -> str:
    """A file that is worth asking about, and like no other one."""
    return "".join(
        f"def function_{number}_{i}(value_{i}):\n    return value_{i} + {number}\n" for i in range(30)
    )


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    (root / "inner").mkdir(parents=True)
    for number in range(30):
        (root / ("inner" if number % 2 else "") / f"file_{number}.py").write_text(large(number))
        (root / f"small_{number}.py").write_text("x = 1\n")
    return root


def held_out(root: Path) -> list[str]:
    return [file.path for file in corpus_of(root, sorted(root.rglob("*.py"))).files if file.is_held_out]


def test_a_tenth_of_the_large_files_is_held_out_and_stays_so(repository: Path) -> None:
    names = held_out(repository)
    assert len(names) == 3
    assert not any("small" in name for name in names)
    # More files may take the place of one, but do not mix all up.
    (repository / "another.py").write_text(large(99))
    assert len(set(names) & set(held_out(repository))) >= 2
    corpus = corpus_of(repository, [*repository.rglob("*.py")][::-1])
    assert [file.path for file in corpus.files if file.is_held_out] == held_out(repository)
    assert [file.is_held_out for file in corpus.files] == sorted(
        (file.is_held_out for file in corpus.files), reverse=True
    )


def test_a_repository_of_few_files_has_one_that_is_held_out(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"file_{number}.py").write_text(large(number))
    assert len(held_out(tmp_path)) == 1


def test_what_stands_in_a_file_that_is_held_out_is_not_trained_on(
    repository: Path, tmp_path: Path, tokenizer_file: Path
) -> None:
    name = held_out(repository)[0]
    (repository / "copy.py").write_text((repository / name).read_text())
    report = build_repository(repository, sorted(repository.rglob("*.py")), tmp_path / "out", tokenizer_file)
    assert (report.train.n_files, report.heldout.n_files) == (27, 3)
    trained = Shards.open(tmp_path / "out" / "train").paths()
    assert str(repository / "copy.py") not in trained
    assert {drop.reason for drop in report.dropped} == {"duplicate", "too small"}
    assert not (tmp_path / "out" / "parts").exists()
    assert json.loads((tmp_path / "out" / "train" / "meta.json").read_text())["n_files"] == 27


def test_held_out_files_are_read_as_they_are_now(
    repository: Path, tmp_path: Path, tokenizer_file: Path
) -> None:
    build_repository(repository, sorted(repository.rglob("*.py")), tmp_path / "out", tokenizer_file)
    first, second, third = sorted(held_out_texts(tmp_path / "out"))
    Path(first).unlink()
    Path(second).write_text("def f(:\n" * 20)
    assert held_out_texts(tmp_path / "out") == {third: Path(third).read_text()}


def test_rests_of_lines_are_drawn_from_texts_in_turn() -> None:
    texts = {"a.py": inspect.getsource(shlex), "b.py": inspect.getsource(textwrap), "c.py": "x = (\n"}
    holes = rests(texts, 20)
    assert holes == rests(texts, 20)
    assert sorted(hole.path for hole in holes) == ["a.py"] * 10 + ["b.py"] * 10
    assert all(hole.missing for hole in holes)
    for hole in holes:
        line_end = texts[hole.path].index("\n", len(hole.before))
        assert hole.before + hole.missing == texts[hole.path][:line_end].rstrip()
        assert hole.after == texts[hole.path][line_end:]
    assert rests({"c.py": "x = (\n"}, 5) == []
    assert len(rests({"a.py": "def f(a):\n    return a + 1\n"}, 5)) == 1
