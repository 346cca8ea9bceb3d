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


@pytest.mark.parametrize("command", ["pairs", "broken"])
def test_a_folder_that_is_not_there_is_named(run, folder, hashes, command):
    del folder
    outcome = run("data", command, "nowhere", "--out", "out", "--decontaminate", hashes)
    assert outcome.code == 2
    assert "nowhere" in outcome.err
    assert "Traceback" not in outcome.err
