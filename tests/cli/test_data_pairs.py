"""`redraft data pairs`, `broken` and `fix`: from folders to files with pairs of text."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from redraft_model.data.broken import read_broken
from redraft_model.data.decontamination import save_set
from redraft_model.data.pairs import read_pairs
from redraft_server.model_choice import ModelChoice


@pytest.fixture
def hashes(folder):
    """Hashes of benchmarks that resemble nothing."""
    place = folder / "hashes"
    place.mkdir()
    for name in ("pydex", "condefects"):
        save_set(place / f"{name}.u64", np.array([1], np.uint64))
    (place / "exclude_repos_must.txt").write_text("")
    return place


@pytest.fixture
def broken(run, folder, hashes):
    """Two broken texts, collected from a folder that also has a whole one."""
    code = folder / "code"
    code.mkdir()
    (code / "a.py").write_text("total = sum(1\nother = (1\n")
    (code / "b.py").write_text("while total < 3\n    total += 1\n")
    (code / "c.py").write_text("x = 1\n")
    outcome = run("data", "broken", code, "--out", "broken.jsonl.gz", "--decontaminate", hashes)
    assert outcome.code == 0, outcome.err
    assert outcome.out.startswith(b"      2 broken texts\n")
    return folder / "broken.jsonl.gz"


def test_what_is_collected_names_its_file(broken):
    assert [text.source for text in read_broken(broken)] == ["code/a.py", "code/b.py"]


def test_a_repair_is_kept_when_the_parser_accepts_it(run, broken, engine):
    engine.repairs = lambda source: source.replace("(1\n", "(1)\n")
    outcome = run("data", "fix", broken, "--out", "fixed.jsonl.gz", "--checkpoint", "mine")
    assert (outcome.code, outcome.out) == (0, b"1 of 2 broken texts repaired and kept\n")
    (pair,) = read_pairs(Path("fixed.jsonl.gz"))
    assert (pair.before, pair.after) == ("total = sum(1\nother = (1\n", "total = sum(1)\nother = (1)\n")
    assert pair.origin == "self-training"
    assert engine.opened_with == [ModelChoice(Path("mine"))]


def test_stopped_half_way_it_keeps_what_it_has(run, broken, engine):
    def repairs(source: str) -> str:
        if "while" in source:
            raise KeyboardInterrupt
        return source.replace("(1\n", "(1)\n")

    engine.repairs = repairs
    assert run("data", "fix", broken, "--out", "fixed.jsonl.gz").code == 130
    assert len(read_pairs(Path("fixed.jsonl.gz"))) == 1


def test_development_sets_become_two_files(run, folder, hashes):
    sets = folder / "sets"
    sets.mkdir()
    rows = [
        {"id": f"t{i}/1", "before": f"value_{i} = first + {i}\n", "after": f"value_{i} = first - {i}\n"}
        for i in range(40)
    ]
    packed = gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode())
    (sets / "logic_condefects_to_2023.jsonl.gz").write_bytes(packed)
    (sets / "types_pytydefects.jsonl.gz").write_bytes(gzip.compress(b""))
    outcome = run("data", "pairs", sets, "--out", "pairs", "--decontaminate", hashes)
    assert outcome.code == 0, outcome.err
    real, held = (read_pairs(folder / "pairs" / name) for name in ("real.jsonl.gz", "held.jsonl.gz"))
    assert len(real) + len(held) == 40
    assert 1 <= len(held) <= 12


@pytest.fixture
def repository(new_repository, mit):
    """Sums that were differences, with a licence."""
    made = new_repository("project")
    text = "def total(values, start=0):\n    for value in values:\n        start -= value\n    return start\n"
    made.commit({"LICENSE": mit, "sums.py": text})
    made.commit({"sums.py": text.replace("-=", "+=")}, "Sums are sums")
    made.commit({"sums.py": text.replace("-=", " +=")}, "Format")
    return made


def test_small_commits_become_two_files_and_a_report(run, folder, hashes, repository):
    def once():
        outcome = run(
            "data", "pairs", "--git", repository.folder, "--out", "pairs", "--decontaminate", hashes
        )
        assert (outcome.code, outcome.err) == (0, "")
        return outcome.out, [(folder / "pairs" / name).read_bytes() for name in sorted(NAMES)]

    said, written = once()
    assert said.decode().splitlines() == [
        "      1 pairs to train on",
        "      0 pairs held out",
        "      1 of them fit a sample",
        "      0 of them did not parse before",
        "      3 commits read, with 2 changes of Python files",
        "      1 left out: only formatting changes",
    ]
    (pair,) = read_pairs(folder / "pairs" / "real.jsonl.gz")
    assert (pair.message, pair.licence, pair.source) == ("Sums are sums", "MIT", "project:sums.py")
    report = json.loads((folder / "pairs" / "report.json").read_text())
    assert report["repositories"][0]["n_dropped"] == {"only formatting changes": 1}
    assert report["repositories"][0]["licence"] == "MIT"
    assert report["decontamination"] == {"pydex": 1, "condefects": 1}
    assert {path.name for path in (folder / "pairs").iterdir()} == NAMES
    assert once() == (said, written)


NAMES = {"real.jsonl.gz", "held.jsonl.gz", "report.json"}


def test_a_limit_counts_commits_of_each_repository(run, folder, hashes, repository):
    words = ("--git", repository.folder, "--git", repository.folder, "--limit", 1)
    outcome = run("data", "pairs", *words, "--out", "pairs", "--decontaminate", hashes)
    assert b"      2 commits read, with 2 changes" in outcome.out


def test_an_unknown_licence_is_refused_unless_it_has_been_checked(run, folder, hashes, repository):
    repository.commit({"LICENSE": "Ask the authors of this program about each use of it. " * 9})
    words = ("data", "pairs", "--git", repository.folder, "--out", "pairs", "--decontaminate", hashes)
    outcome = run(*words)
    assert outcome.code == 2
    assert "no licence that is recognised" in outcome.err
    assert list((folder / "pairs").iterdir()) == []
    assert run(*words, "--licence-checked").code == 0


@pytest.mark.parametrize("words", [(), ("folder", "--git", "repository")])
def test_one_of_folder_and_repository_is_named(run, folder, hashes, words):
    outcome = run("data", "pairs", *words, "--out", "pairs", "--decontaminate", hashes)
    assert outcome.code == 2
    assert "name either a folder with benchmark files, or git repositories with --git" in outcome.err


def test_a_folder_without_repository_is_named(run, folder, hashes):
    outcome = run("data", "pairs", "--git", folder, "--out", "pairs", "--decontaminate", hashes)
    assert outcome.code == 2
    assert "is not a git repository" in outcome.err
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize("command", ["pairs", "broken"])
def test_a_folder_that_is_not_there_is_named(run, folder, hashes, command):
    del folder
    outcome = run("data", command, "nowhere", "--out", "out", "--decontaminate", hashes)
    assert outcome.code == 2
    assert "nowhere" in outcome.err
    assert "Traceback" not in outcome.err
