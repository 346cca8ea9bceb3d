import ast
import json
import random
from pathlib import Path

import numpy as np
import pytest
from redraft_model.data import build as build_module
from redraft_model.data.build import BuildReport, SeenLines, build
from redraft_model.data.corpus import Source
from redraft_model.data.decontamination import save_set, shingle_hashes
from redraft_model.data.shards import END, FIRST, PARENT, Shards
from redraft_model.data.units import statements
from redraft_model.errors import DataError
from redraft_model.tokens.tokenizer import Tokenizer

WORDS = ["clock", "shelf", "river", "engine", "lamp", "garden", "bridge", "mirror", "needle", "harbour"]


def module(seed: int) -> str:
    """A small module whose lines are unlike those of other seeds."""
    rng = random.Random(seed)

    def name() -> str:
        return "_".join(rng.choices(WORDS, k=3))

    return "import os\n\n\n" + "\n\n".join(
        f"def {name()}({(a := name())}, {(b := name())}):\n"
        f'    """Joins {name()} and {name()} — é."""\n'
        f"    if {a} is None:\n"
        f"        return os.path.join({b}, {name()!r})\n"
        f"    {name()} = [{a}, {b}]; pass\n"
        f"    return {name()}({a} + {b})\n"
        for _ in range(3)
    )


@pytest.fixture(scope="module")
def tokenizer_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    Tokenizer.train((module(seed) for seed in range(20)), 500).save(path)
    return path


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    folder = tmp_path / "sources"
    for package, seeds in {"alpha": range(6), "beta": range(6, 12), "gamma": range(12, 16)}.items():
        (folder / package).mkdir(parents=True)
        for seed in seeds:
            (folder / package / f"m{seed}.py").write_text(module(seed), "utf-8")
    return folder


def run(
    sources: Path, out: Path, tokenizer_path: Path, *, n_workers: int = 1, held_out: tuple[str, ...] = (),
    decontaminate: Path | None = None,
) -> BuildReport:  # fmt: skip
    return build(
        [sources], out, tokenizer_path, decontaminate=decontaminate, n_workers=n_workers, held_out=held_out,
        progress=lambda *_: None,
    )  # fmt: skip


def names(out: Path, split: str = "train") -> list[str]:
    return [Path(path).name for path in Shards.open(out / split).paths()]


def dropped(report: BuildReport) -> dict[str, int]:
    return {drop.reason: drop.n_files for drop in report.dropped}


def contents(out: Path) -> dict[str, bytes]:
    """Every file of the result, the parts left aside."""
    paths = sorted(path for path in out.rglob("*") if path.is_file() and path.parent.name != "parts")
    return {str(path.relative_to(out)): path.read_bytes() for path in paths}


def test_every_kept_file_is_in_the_shard_token_by_token(
    sources: Path, tokenizer_path: Path, tmp_path: Path
) -> None:
    report = run(sources, tmp_path / "out", tokenizer_path)
    shards, tokenizer = Shards.open(tmp_path / "out/train"), Tokenizer.load(tokenizer_path)
    assert shards.n_files == 16
    assert [tokenizer.decode(shards.file_tokens(i)) for i in range(16)] == [
        Path(path).read_text("utf-8") for path in shards.paths()
    ]
    assert shards.tokenizer_sha256 == tokenizer.sha256
    assert report.train.n_tokens == shards.n_tokens
    assert report.train.n_bytes == sum(Path(path).stat().st_size for path in shards.paths()) == report.n_bytes


def test_statements_in_tokens_are_the_statements_of_the_text(
    sources: Path, tokenizer_path: Path, tmp_path: Path
) -> None:
    run(sources, tmp_path / "out", tokenizer_path)
    shards, tokenizer = Shards.open(tmp_path / "out/train"), Tokenizer.load(tokenizer_path)
    for i, path in enumerate(shards.paths()):
        source = Path(path).read_bytes()
        expected = statements(source.decode())
        rows = shards.statements(i)
        assert [
            tokenizer.decode(shards.tokens[first:end]) for first, end in rows[:, [FIRST, END]].tolist()
        ] == [source[start:stop].decode().strip() for start, stop in expected[:, :2].tolist()]
        np.testing.assert_array_equal(rows[:, 2:], expected[:, 2:])
    # One of them by hand: "import os", a function, its docstring.
    first = shards.statements(0)[:3]
    assert first[:, PARENT].tolist() == [-1, -1, 1]
    assert shards.next_siblings(0)[:2].tolist() == [1, 6]
    assert tokenizer.decode(shards.tokens[first[0, FIRST] : first[0, END]]) == "import os"


def test_statements_that_cut_a_token_are_left_out_and_their_children_keep_an_ancestor(
    tokenizer_path: Path, tmp_path: Path
) -> None:
    source = "def a():\n    while b:\n        c = 1\n        d = 2\n    e = 3\n"
    data, tree = source.encode(), ast.parse(source)
    # Borders everywhere but where "while" and "d" start.
    cut = {source.index("while"), source.index("d = 2")}
    borders = np.array([i for i in range(len(data) + 1) if i not in cut], dtype=np.int64)
    rows, siblings = build_module._token_statements(Source(source, tree), data, borders)
    texts = [data[borders[first] : borders[end]].decode() for first, end in rows[:, :2].tolist()]
    assert texts == [source.strip(), "c = 1", "e = 3"]
    assert rows[:, PARENT].tolist() == [-1, 0, 0]
    assert siblings.tolist() == [-1, -1, -1]


def test_duplicates_and_near_duplicates_are_dropped(
    sources: Path, tokenizer_path: Path, tmp_path: Path
) -> None:
    text = module(0)
    (sources / "delta").mkdir()
    (sources / "delta/copy.py").write_text(text.replace("\n\n", "\n\n\n"), "utf-8")
    (sources / "delta/near.py").write_text(
        "# A changed comment line.\n" + text + "\nbrand_new_line = 1\n", "utf-8"
    )
    (sources / "delta/half.py").write_text(text + "\n\n" + module(100), "utf-8")
    report = run(sources, tmp_path / "out", tokenizer_path)
    assert dropped(report) == {"duplicate": 1, "near duplicate": 1}
    assert names(tmp_path / "out")[-1:] == ["m15.py"]
    assert "half.py" in names(tmp_path / "out")
    assert report.train.n_bytes + sum(drop.n_bytes for drop in report.dropped) == report.n_bytes


def test_held_out_packages_are_apart_and_win_over_their_copies(
    sources: Path, tokenizer_path: Path, tmp_path: Path
) -> None:
    (sources / "alpha/vendored.py").write_text(module(12), "utf-8")
    report = run(sources, tmp_path / "out", tokenizer_path, held_out=("gamma",))
    assert names(tmp_path / "out", "heldout") == ["m12.py", "m13.py", "m14.py", "m15.py"]
    assert set(names(tmp_path / "out")) == {f"m{seed}.py" for seed in range(12)}
    assert dropped(report) == {"duplicate": 1}
    assert (report.train.n_files, report.heldout.n_files) == (12, 4)


def test_files_that_repeat_a_benchmark_are_dropped(
    sources: Path, tokenizer_path: Path, tmp_path: Path
) -> None:
    (tmp_path / "sets").mkdir()
    save_set(tmp_path / "sets/puzzles.u64", shingle_hashes(module(3)))
    report = run(sources, tmp_path / "out", tokenizer_path, decontaminate=tmp_path / "sets")
    assert dropped(report) == {"repeats a benchmark: puzzles": 1}
    assert "m3.py" not in names(tmp_path / "out")
    assert report.decontamination == {"puzzles": len(np.unique(shingle_hashes(module(3))))}


def test_the_report_counts_what_was_dropped_and_why(
    sources: Path, tokenizer_path: Path, tmp_path: Path
) -> None:
    (sources / "alpha/broken.py").write_text("def f(:\n" * 10)
    (sources / "alpha/tiny.py").write_text("x = 1\n")
    report = run(sources, tmp_path / "out", tokenizer_path)
    assert dropped(report) == {"does not parse": 1, "too small": 1}
    assert report.n_files == 18
    assert json.loads((tmp_path / "out/report.json").read_text()) == json.loads(json.dumps(report.to_json()))
    summary = report.summary()
    assert "does not parse" in summary
    assert f"{report.train.n_tokens:,} tokens" in summary
    assert "not checked against benchmarks" in summary
    assert [(package.name, package.licence) for package in report.packages] == [("sources", "unknown")]


@pytest.mark.parametrize("stop_after", [1, 5, 15])
def test_an_interrupted_build_continues_and_ends_the_same(
    sources: Path, tokenizer_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop_after: int
) -> None:
    monkeypatch.setattr(build_module, "PART_SIZE", 4)
    monkeypatch.setattr(build_module, "CHUNK_SIZE", 1)
    run(sources, tmp_path / "straight", tokenizer_path)

    def stop(done: int, total: int) -> None:
        if done == stop_after:
            raise KeyboardInterrupt

    out = tmp_path / "resumed"
    with pytest.raises(KeyboardInterrupt):
        build([sources], out, tokenizer_path, decontaminate=None, n_workers=1, progress=stop)
    assert len(list((out / "parts").glob("*.npz"))) == stop_after // 4
    assert not (out / "train").exists()
    # What changes meanwhile does not change the list.
    (sources / "alpha/late.py").write_text(module(99), "utf-8")
    seen: list[int] = []
    build(
        [sources],
        out,
        tokenizer_path,
        decontaminate=None,
        n_workers=1,
        progress=lambda done, _: seen.append(done),
    )
    assert seen[0] == stop_after // 4 * 4
    assert seen[-1] == 16
    assert contents(out) == contents(tmp_path / "straight")


def test_two_workers_write_what_one_writes(
    sources: Path, tokenizer_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build_module, "PART_SIZE", 5)
    monkeypatch.setattr(build_module, "CHUNK_SIZE", 2)
    (tmp_path / "sets").mkdir()
    save_set(tmp_path / "sets/puzzles.u64", shingle_hashes(module(3)))
    for n_workers in (1, 2):
        run(
            sources, tmp_path / f"out{n_workers}", tokenizer_path, n_workers=n_workers, held_out=("beta",),
            decontaminate=tmp_path / "sets",
        )  # fmt: skip
    assert contents(tmp_path / "out1") == contents(tmp_path / "out2")


def test_a_folder_of_another_build_is_refused(sources: Path, tokenizer_path: Path, tmp_path: Path) -> None:
    run(sources, tmp_path / "out", tokenizer_path)
    with pytest.raises(DataError, match="other folders, tokenizer or checks"):
        run(sources, tmp_path / "out", tokenizer_path, held_out=("gamma",))


def test_a_damaged_part_is_named(sources: Path, tokenizer_path: Path, tmp_path: Path) -> None:
    run(sources, tmp_path / "out", tokenizer_path)
    part = tmp_path / "out/parts/00000.npz"
    part.write_bytes(part.read_bytes()[:1000])
    with pytest.raises(DataError, match=r"00000\.npz is damaged"):
        run(sources, tmp_path / "out", tokenizer_path)


def test_a_folder_without_python_files_is_an_error(tokenizer_path: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"no \*\.py files"):
        run(tmp_path / "empty", tmp_path / "out", tokenizer_path)


def test_seen_lines_are_remembered_sorted_or_not() -> None:
    rng = np.random.default_rng(0)
    small, plain = SeenLines(n_unsorted=10), set[int]()
    for _ in range(50):
        hashes = np.unique(rng.integers(0, 400, size=8).astype(np.uint64))
        assert small.n_common(hashes) == len(plain.intersection(hashes.tolist()))
        small.add(hashes)
        plain.update(hashes.tolist())
