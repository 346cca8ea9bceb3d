"""From development sets and broken files to pairs: what is kept parses, is held out by source, and repeats no benchmark."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from redraft_model.data.broken import collect, is_python_2, read_broken, write_broken
from redraft_model.data.decontamination import save_set, shingle_hashes
from redraft_model.data.pair_sets import convert
from redraft_model.data.self_training import fixed
from redraft_model.errors import DataError
from redraft_model.evaluate.syntax_repair import judge_repair

FAMOUS = "def famous(first, second):\n    third = first + second\n    return third * second - first\n"


@pytest.fixture
def hashes(tmp_path: Path) -> Path:
    """Hashes of a benchmark, and those of the set that is converted."""
    folder = tmp_path / "hashes"
    folder.mkdir()
    save_set(folder / "pydex.u64", shingle_hashes(FAMOUS))
    save_set(folder / "condefects.u64", np.concatenate([shingle_hashes(program(i)) for i in range(60)]))
    (folder / "exclude_repos_must.txt").write_text("them/kept-back\n")
    return folder


def program(i: int) -> str:
    return f"def solve_{i}(count, values):\n    total_{i} = sum(values)\n    return total_{i} - count\n"


def write_rows(path: Path, rows: list[dict[str, str]]) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))


@pytest.fixture
def benchmarks(tmp_path: Path) -> Path:
    folder = tmp_path / "benchmarks"
    programs = [
        {"id": f"task{i // 2}/{i}", "before": program(i).replace("-", "+"), "after": program(i)}
        for i in range(60)
    ]
    others = [
        {"id": "t/1", "before": "x = 1\n", "after": "x = (\n"},
        {"id": "t/2", "before": FAMOUS.replace("*", "/"), "after": FAMOUS},
        programs[0],
    ]
    write_rows(folder / "logic_condefects_to_2023.jsonl.gz", programs + others)
    pieces = [
        {"project": "us/ours", "before": "    def f() -> int:\n", "after": "    def f() -> None:\n"},
        {"project": "us/ours", "before": "    x)\n", "after": "    y)\n"},
        {"project": "them/kept-back", "before": "a = 1\n", "after": "a = 2\n"},
    ]
    write_rows(folder / "types_pytydefects.jsonl.gz", pieces)
    return folder


def test_what_is_converted_parses_and_repeats_no_other_benchmark(benchmarks: Path, hashes: Path) -> None:
    report = convert(benchmarks, hashes)
    assert len(report.real) + len(report.held) == 61
    assert report.n_dropped == {
        "does not parse afterwards": 2,
        "repeats pydex": 1,
        "duplicate": 1,
        "its project is kept back": 1,
    }
    assert {pair.is_whole for pair in report.real if pair.origin == "types_pytydefects"} <= {False}


def test_a_tenth_is_held_out_by_source(benchmarks: Path, hashes: Path) -> None:
    report = convert(benchmarks, hashes, seed=1)
    sources = [{pair.source for pair in pairs} for pairs in (report.real, report.held)]
    assert sources[0].isdisjoint(sources[1])
    assert 0 < len(sources[1]) <= 8
    assert convert(benchmarks, hashes, seed=1) == report
    assert convert(benchmarks, hashes, seed=2).held != report.held


def test_a_folder_without_a_set_is_an_error(hashes: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="logic_condefects_to_2023"):
        convert(tmp_path, hashes)


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    folder = tmp_path / "sources"
    folder.mkdir()
    (folder / "PKG-INFO").write_text("Name: ours\nLicense-Expression: MIT\n")
    texts = {
        "fine.py": "x = 1\n",
        "bracket.py": "values = [1, 2\nprint(values)\n",
        "again.py": "values = [1, 2\nprint(values)\n\n",
        "famous.py": FAMOUS + "x = [\n",
        "snippet.py": "None = 1 + 2\nwhile = 3\n",
        "template.py": "class {{ name }}(object)\n    x = 1\n",
        "lazy.py": "lazy import json\nx = 1\n",
        "long.py": "x = 1\n" * 300 + "y = [\n",
        "guide.md": "```python\nfor i in range(3)\n    print(i)\n```\n```python\nf(...\n```\n",
        **{f"old_{i}.py": f"print 'hello', {i}\n" for i in range(5)},
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    return folder


def test_broken_texts_are_slips_of_their_writers(
    sources: Path, hashes: Path, benchmarks: Path, tmp_path: Path
) -> None:
    write_rows(benchmarks / "syntax_cpython.jsonl.gz", [{"before": "None = 1 + 2\nwhile = 3\n"}])
    report = collect([sources], hashes, benchmarks)
    kept = {text.source: text for text in report.texts}
    # Which of two equal texts comes first is decided by their names.
    assert set(kept) == {"sources/again.py", "sources/guide.md#0"}
    assert kept["sources/again.py"].licence == "MIT"
    assert report.n_dropped == {
        "duplicate": 1,
        "repeats pydex": 1,
        "repeats a benchmark file": 1,
        "a template": 1,
        "another Python": 1,
        "too long": 1,
        "too much Python 2": 5,
    }
    assert "sources/snippet.py" in {text.source for text in collect([sources], hashes).texts}
    write_broken(tmp_path / "broken.jsonl.gz", report.texts)
    assert tuple(read_broken(tmp_path / "broken.jsonl.gz")) == report.texts


@pytest.mark.parametrize("text", ["print x\n", "try: f()\nexcept A, e: pass\n", "raise A, 'b'\n", "exec x\n"])
def test_python_2_is_told_apart(text: str) -> None:
    assert is_python_2(text)
    assert not is_python_2("print(x\nvalues = [1, 20, 0.5\n")


def is_small(before: str, after: str) -> bool:
    return bool(judge_repair(before, after)["bifi"])


def test_only_small_repairs_that_parse_are_kept(sources: Path, hashes: Path) -> None:
    texts = collect([sources], hashes).texts
    bracket = next(text for text in texts if text.source == "sources/again.py")
    good = bracket.text.replace("2\n", "2]\n")
    for answer, is_kept in ((good, True), (bracket.text, False), ("pass\n", False), (None, False)):
        pairs = list(fixed([bracket], lambda text, answer=answer: answer, is_small))
        assert [pair.after for pair in pairs] == [good] * is_kept
