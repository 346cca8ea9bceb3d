"""Pairs from histories: small changes of code become pairs that samples are made of; everything else is counted."""

import argparse
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from redraft_model.data.batches import BatchSource
from redraft_model.data.decontamination import save_set, shingle_hashes
from redraft_model.data.git_pairs import GitOptions, GitReport, collect
from redraft_model.data.pairs import Pair, write_pairs
from redraft_model.data.region_batches import RegionSource
from redraft_model.data.regions import RegionShape
from redraft_model.data.samples import IGNORED, Mixture
from redraft_model.errors import DataError
from redraft_model.tokens.alignment import ANCHOR_ID, MASK_ID, apply
from redraft_model.tokens.tokenizer import REGION, REGION_END, SPECIALS

GPL = "This is under the terms of the GNU General Public License, version 2.\n"

BEFORE = '''\
"""Sums of values."""


def total(values, start=0):
    """The sum of values."""
    result = start
    for value in values:
        result -= value
    return result


def mean(values):
    """The mean of values."""
    return total(values) / len(values)
'''
AFTER = BEFORE.replace("-=", "+=")


QUEUE = """\
class Queue:
    def __init__(self, items=()):
        self.items = list(items)

    def push(self, item):
        self.items.append(item)

    def pop(self):
        return self.items.pop(0)
"""

# A file that is too long for a pair.
LONG = Path(argparse.__file__).read_text("utf-8")
LONG_AFTER = LONG.replace("\nclass Action(", "\nNOTHING = object()\n\n\nclass Action(")


def module(number: int, sign: str = "-") -> str:
    return BEFORE.replace("total", f"total_{number}").replace("-=", f"{sign}=")


@pytest.fixture
def repository(new_repository: Callable[[str], Any], mit: str) -> Any:
    """A repository with a licence and a file that has a bug."""
    made = new_repository("project")
    made.commit({"LICENSE": mit, "sums.py": BEFORE}, "Begin")
    return made


@pytest.fixture
def hashes(tmp_path: Path) -> Path:
    """Hashes of a benchmark that resembles nothing, and a list of projects."""
    folder = tmp_path / "hashes"
    folder.mkdir()
    save_set(folder / "bench.u64", np.array([1], np.uint64))
    (folder / "exclude_repos_must.txt").write_text("Somebody/Benchmark\n")
    return folder


@dataclass
class Found:
    """What collecting gave, in order."""

    report: GitReport
    real: list[Pair] = field(default_factory=list)
    held: list[Pair] = field(default_factory=list)

    @property
    def pairs(self) -> list[Pair]:
        return self.real + self.held

    @property
    def dropped(self) -> dict[str, int]:
        return dict(sum((one.n_dropped for one in self.report.repositories), Counter[str]()))


@pytest.fixture
def collected(hashes: Path) -> Callable[..., Found]:
    def collect_from(*repositories: Any, **options: Any) -> Found:
        real: list[Pair] = []
        held: list[Pair] = []
        report = collect(
            [repository.folder for repository in repositories],
            hashes,
            GitOptions(**options),
            keep=lambda pair, is_held: (held if is_held else real).append(pair),
            fits=lambda pair: "mean" in pair.after,
            progress=lambda n_done, n, name: None,
        )
        return Found(report, real, held)

    return collect_from


def test_a_small_commit_becomes_a_pair(repository: Any, collected: Callable[..., Found]) -> None:
    commit = repository.commit({"sums.py": AFTER}, "Sums are sums\n\nThey were differences.")
    found = collected(repository)
    (pair,) = found.pairs
    assert (pair.before, pair.after) == (BEFORE, AFTER)
    assert (pair.origin, pair.source, pair.licence) == ("git", "project:sums.py", "MIT")
    assert (pair.commit, pair.message) == (commit, "Sums are sums\n\nThey were differences.")
    assert pair.is_whole
    (report,) = found.report.repositories
    assert (report.name, report.licence, report.n_commits, report.n_changes) == ("project", "MIT", 2, 1)
    assert (report.n_real + report.n_held, report.n_fit, report.n_broken, report.n_pieces) == (1, 1, 0, 0)
    assert found.dropped == {}


def test_what_did_not_parse_is_counted_and_kept(repository: Any, collected: Callable[..., Found]) -> None:
    repository.commit({"sums.py": BEFORE.replace("values):", "values)")})
    repository.commit({"sums.py": BEFORE})
    found = collected(repository)
    assert [pair.after for pair in found.pairs] == [BEFORE]
    assert found.dropped == {"does not parse afterwards": 1}
    assert found.report.repositories[0].n_broken == 1


def test_a_long_file_becomes_a_piece(repository: Any, collected: Callable[..., Found]) -> None:
    repository.commit({"long.py": LONG})
    repository.commit({"long.py": LONG_AFTER})
    found = collected(repository)
    (pair,) = found.pairs
    assert not pair.is_whole
    assert len(pair.after) < len(LONG) / 4
    assert LONG.replace(pair.before, pair.after) == LONG_AFTER
    assert found.report.repositories[0].n_pieces == 1


FORTY = "".join(f"value_{i} = total([{i}])\n" for i in range(40))


@pytest.mark.parametrize(
    ("files", "changed", "reason"),
    [
        ({}, {"sums.py": BEFORE + "\n\n" + FORTY}, "its commit changes more than 40 lines"),
        (
            {"b.py": module(1)},
            {"sums.py": BEFORE + FORTY[:500], "b.py": module(1) + FORTY[:500]},
            "its commit changes more than 40 lines",
        ),
        (
            {"b.py": FORTY},
            {"b.py": FORTY.replace("5]", "6]")},
            "more than 3 hunks",
        ),
        ({}, {"sums.py": BEFORE.replace("result = start", "result = (start)")}, "only formatting changes"),
        ({}, {"sums.py": BEFORE.replace("Sums", "All sums")}, "only comments or docstrings change"),
        ({}, {"sums.py": None, "other.py": BEFORE}, "only its name or mode changes"),
        ({}, {"sums.py": BEFORE + "# \udce9"}, "not UTF-8"),
        ({"x_pb2.py": BEFORE}, {"x_pb2.py": AFTER}, "generated"),
        ({"a/_vendor/b.py": BEFORE}, {"a/_vendor/b.py": AFTER}, "vendored"),
        ({"a/b.py": BEFORE, "a/COPYING": GPL}, {"a/b.py": AFTER}, "its folder has another licence"),
        ({"b.py": f"# {GPL}{BEFORE}"}, {"b.py": f"# {GPL}{AFTER}"}, "its head names another licence"),
        ({"b.py": LONG}, {"b.py": LONG.replace("import os as _os", "import os") + "x = 1\n"}, "what changes is far apart"),
    ],
)  # fmt: skip
def test_other_changes_are_counted_by_their_reason(
    repository: Any,
    collected: Callable[..., Found],
    files: dict[str, str],
    changed: dict[str, Any],
    reason: str,
) -> None:
    repository.commit(files)
    repository.commit(
        {name: text and text.encode("utf-8", "surrogateescape") for name, text in changed.items()}
    )
    found = collected(repository)
    assert found.pairs == []
    assert set(found.dropped) == {reason}


def test_pages_of_a_manual_and_notes_are_no_licences(
    repository: Any, collected: Callable[..., Found]
) -> None:
    repository.commit({"docs/license.md": "The licence explained. " * 50, "docs/conf.py": BEFORE})
    repository.commit({"a/LICENSE": "See the one above.", "a/b.py": module(1)})
    repository.commit({"docs/conf.py": AFTER, "a/b.py": module(1, "+")})
    assert len(collected(repository).pairs) == 2


def test_the_same_change_counts_once(repository: Any, collected: Callable[..., Found]) -> None:
    repository.commit({"copy.py": BEFORE})
    repository.commit({"sums.py": AFTER, "copy.py": AFTER})
    found = collected(repository)
    assert len(found.pairs) == 1
    assert found.dropped == {"duplicate": 1}
    again = collected(repository, repository)
    assert again.pairs == found.pairs
    assert again.dropped == {"duplicate": 3}


def test_of_a_change_that_was_undone_the_undoing_is_kept(
    repository: Any, collected: Callable[..., Found]
) -> None:
    repository.commit({"sums.py": AFTER}, "Change the sign")
    repository.commit({"sums.py": BEFORE}, 'Revert "Change the sign"')
    found = collected(repository)
    assert [pair.message for pair in found.pairs] == ['Revert "Change the sign"']
    assert found.dropped == {"undone later": 1}


def test_a_text_of_a_benchmark_is_left_out(
    repository: Any, collected: Callable[..., Found], hashes: Path
) -> None:
    repository.commit({"other.py": QUEUE})
    repository.commit({"sums.py": AFTER, "other.py": QUEUE.replace("pop(0)", "pop()")})
    save_set(hashes / "bench.u64", shingle_hashes(QUEUE))
    found = collected(repository)
    assert [pair.source for pair in found.pairs] == ["project:sums.py"]
    assert found.dropped == {"repeats bench": 1}
    assert found.report.decontamination == {"bench": len(shingle_hashes(QUEUE))}


def test_a_project_of_a_list_is_left_out_as_a_whole(
    repository: Any, new_repository: Callable[[str], Any], collected: Callable[..., Found], mit: str
) -> None:
    repository.commit({"sums.py": AFTER})
    other = new_repository("other")
    other.commit({"sums.py": module(1), "LICENSE": mit})
    other.commit({"sums.py": module(1, "+")})
    assert len(collected(repository, other).pairs) == 2
    other.git("remote", "add", "upstream", "git@forge.example:somebody/benchmark.git")
    found = collected(repository, other)
    assert [pair.source for pair in found.pairs] == ["project:sums.py"]
    assert found.report.repositories[1].excluded_by == "exclude_repos_must.txt"
    assert found.report.repositories[1].n_commits == 0
    assert "somebody/benchmark left out: exclude_repos_must.txt names it" in found.report.summary()


def test_without_a_remote_the_name_of_the_folder_counts(
    repository: Any, collected: Callable[..., Found]
) -> None:
    repository.commit({"sums.py": AFTER})
    bare = repository.folder.with_name("benchmark.git")
    repository.git("clone", "--quiet", "--bare", repository.folder, bare)
    repository.git("-C", bare, "remote", "remove", "origin")
    assert collected(type(repository)(bare)).pairs == []


def test_all_changes_of_a_file_are_on_one_side(repository: Any, collected: Callable[..., Found]) -> None:
    repository.commit({f"m{i}.py": module(i) for i in range(40)})
    for i in range(40):
        repository.commit({f"m{i}.py": module(i, "+")})
    repository.commit(
        {f"m{i}.py": None for i in range(40)} | {f"a/m{i}.py": module(i, "+") for i in range(40)}
    )
    for i in range(40):
        repository.commit({f"a/m{i}.py": module(i, "|")})
    found = collected(repository)
    assert len(found.pairs) == 80
    sides = [{pair.source for pair in side} for side in (found.real, found.held)]
    assert sides[0].isdisjoint(sides[1])
    assert sides[0] | sides[1] == {f"project:a/m{i}.py" for i in range(40)}
    assert 1 <= len(sides[1]) <= 12
    assert {pair.source for pair in collected(repository, seed=1).held} != sides[1]


def test_the_same_history_gives_the_same_pairs(repository: Any, collected: Callable[..., Found]) -> None:
    for i in range(5):
        repository.commit({"sums.py": AFTER.replace("start=0", f"start={i}")})
    pairs = collected(repository).pairs
    assert len(pairs) == 5
    assert collected(repository).pairs == pairs
    # The newest commits come first.
    assert collected(repository, limit=2).pairs == pairs[:2]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"LICENSE": None}, "no licence that is recognised"),
        ({"LICENSE": "Ask the authors, who decide about each use of this program on its own. " * 9}, "no licence that is"),
        ({"LICENSE": GPL}, r"not permissive \(GPL\)"),
        ({"COPYING.LESSER": GPL.replace("General", "Lesser General")}, r"not permissive \(LGPL AND MIT\)"),
        ({"LICENSES/GPL-2.0.txt": GPL}, r"not permissive \(GPL AND MIT\)"),
    ],
)  # fmt: skip
def test_other_licences_are_refused_unless_somebody_has_checked(
    repository: Any, collected: Callable[..., Found], files: dict[str, str | None], message: str
) -> None:
    repository.commit({"sums.py": f"# {GPL}{BEFORE}"} | files)
    repository.commit({"sums.py": f"# {GPL}{AFTER}"})
    with pytest.raises(DataError, match=message) as caught:
        collected(repository)
    assert "--licence-checked" in str(caught.value)
    assert len(collected(repository, is_licence_checked=True).pairs) == 1


@pytest.fixture
def pair_file(repository: Any, collected: Callable[..., Found], tmp_path: Path) -> Path:
    """A whole file and a piece of one, as pairs."""
    repository.commit({"long.py": LONG})
    repository.commit({"sums.py": AFTER, "long.py": LONG_AFTER})
    pairs = collected(repository).pairs
    assert [pair.is_whole for pair in pairs] == [False, True]
    write_pairs(tmp_path / "pairs.jsonl.gz", pairs)
    return tmp_path / "pairs.jsonl.gz"


def test_samples_are_made_of_the_pairs(shard_folder: Path, tokenizer_file: Path, pair_file: Path) -> None:
    source = BatchSource(shard_folder / "train", tokenizer_file, longest=192, pairs=(pair_file,))
    maker = replace(source.maker(Mixture.of(real=1, kept_share=1.0)), hidden_share=0.0)
    assert len(maker.pairs) == 2
    tokenizer, rng = maker.tokenizer, random.Random(0)
    mended = set[int]()
    for sample in (maker.draw(rng) for _ in range(60)):
        if sample.process != "real":
            continue
        (start,) = np.flatnonzero(sample.tokens == SPECIALS.index(REGION)) + 1
        (end,) = np.flatnonzero(sample.tokens == SPECIALS.index(REGION_END))
        targets = sample.targets[start : end + 1]
        shown = np.append(sample.tokens[start:end], ANCHOR_ID)
        canvas = apply(
            sample.tokens[start:end], np.where(targets == IGNORED, shown, targets).astype(np.int32)
        )
        if (canvas == MASK_ID).any():
            continue
        text = _text(tokenizer, sample.tokens[: start - 1], canvas, sample.tokens[end:])
        (number,) = (i for i, pair in enumerate(maker.pairs) if text in f"\n{pair.after}")
        mended.add(number)
    assert mended == {0, 1}


def test_so_are_regions_for_an_adapter(
    shard_folder: Path, tokenizer_file: Path, toy_base: Path, pair_file: Path
) -> None:
    source = RegionSource(
        shard_folder / "train",
        tokenizer_file,
        toy_base / "tokenizer.json",
        start_id=0,
        pairs=(pair_file,),
        shapes=((RegionShape(64, 64, 96), 1.0),),
    )
    maker = source.maker(Mixture.of(real=1.0))
    assert len(maker.pairs) == 2
    sample = maker.draw(random.Random(0), source.shapes[0][0])
    assert "real" in {copy.process for copy in sample.copies}
    assert any(_text(maker.tokenizer, sample.clean) in f"\n{pair.after}" for pair in maker.pairs)


def _text(tokenizer: Any, *parts: np.ndarray) -> str:
    tokens = np.concatenate(parts)
    return tokenizer.decode(tokens[tokens >= len(SPECIALS)])
