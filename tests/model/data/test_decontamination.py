from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from redraft_model.data.decontamination import (
    Decontamination,
    save_set,
    shingle_hashes,
    shingle_hashes_reference,
)
from redraft_model.errors import DataError

TASK = (
    "def largest(values, limit):\n    return max(value for value in values if value < limit)\n"  # 22 tokens
)
OTHER = "class Clock:\n    def tick(self, n):\n        self.seconds += n % 60\n        return self.seconds\n"
FILLER = "".join(f"name_{i} = call_{i}(first_{i}, second_{i})\n" for i in range(100))


@pytest.fixture
def checks(tmp_path: Path) -> Decontamination:
    save_set(tmp_path / "tasks.u64", shingle_hashes(TASK))
    save_set(tmp_path / "clocks.u64", shingle_hashes(OTHER))
    return Decontamination.load(tmp_path)


def test_a_known_shingle_has_the_published_hash() -> None:
    # printf 'a\x1fb\x1f...\x1fm' | b2sum -l 64, read as a big-endian number
    assert [f"{value:016x}" for value in shingle_hashes("a b c d e f g h i j k l m").tolist()] == [
        "af3f22f678b955ac"
    ]


def test_a_text_that_holds_a_task_is_dropped(checks: Decontamination) -> None:
    assert checks.overlap(TASK) == "tasks"
    assert checks.overlap(FILLER + TASK + FILLER) == "tasks"
    assert checks.overlap(FILLER + OTHER.replace("    ", "\t") + FILLER) == "clocks"


def test_clean_text_is_kept(checks: Decontamination) -> None:
    assert checks.overlap(FILLER) is None
    assert checks.overlap("") is None
    assert checks.overlap("x = 1\n") is None


def test_three_hits_drop_a_long_text_and_two_do_not(checks: Decontamination) -> None:
    tokens = TASK.split("(")[0] + "(values, limit):\n    return max(value for value in"
    two, three = tokens.rsplit(" ", 1)[0], tokens
    known = checks.sets["tasks"]
    assert [int(np.isin(shingle_hashes(text), known).sum()) for text in (two, three)] == [2, 3]
    assert checks.overlap(FILLER + two + "\n" + FILLER) is None
    assert checks.overlap(FILLER + three + "\n" + FILLER) == "tasks"


def test_a_repeated_shingle_is_one_hit(checks: Decontamination) -> None:
    one = "def largest(values, limit):\n    return max(value for\n"
    assert int(np.isin(shingle_hashes(one), checks.sets["tasks"]).sum()) == 1
    assert checks.overlap((FILLER + one) * 5) is None


def test_a_tenth_of_the_shingles_drops_a_short_text(checks: Decontamination) -> None:
    one = "def largest(values, limit):\n    return max(value for x"
    ten, eleven = one + " a b c d e f g h", one + " a b c d e f g h i"
    assert [len(shingle_hashes(text)) for text in (ten, eleven)] == [10, 11]
    assert checks.overlap(ten) == "tasks"
    assert checks.overlap(eleven) is None


def test_hits_in_different_sets_do_not_add_up(tmp_path: Path) -> None:
    hashes = shingle_hashes(TASK)
    save_set(tmp_path / "a.u64", hashes[:2])
    save_set(tmp_path / "b.u64", hashes[2:4])
    assert Decontamination.load(tmp_path).overlap(FILLER + TASK + FILLER) is None


def test_rulers_and_lists_of_numbers_are_no_hits(tmp_path: Path) -> None:
    boilerplate = "# " + "-" * 40 + "\n# " + "=" * 40 + "\ntable = [" + "[1, 22, x], " * 9 + "]\n"
    save_set(tmp_path / "rulers.u64", shingle_hashes(boilerplate))
    assert Decontamination.load(tmp_path).overlap(boilerplate) is None


def test_files_that_define_three_entry_points_are_dropped(tmp_path: Path) -> None:
    save_set(tmp_path / "tasks.u64", shingle_hashes(TASK))
    (tmp_path / "entry_points.txt").write_text("add_up\nis_odd\nmean\n")
    checks = Decontamination.load(tmp_path)
    two = "def add_up(a): ...\nclass A:\n    async def is_odd(self): ...\n"
    assert checks.overlap(two + "mean = 1\n") is None
    assert checks.overlap(two + "def mean(): ...\n") == "entry points"


def test_a_folder_without_sets_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no"):
        Decontamination.load(tmp_path)


@pytest.mark.parametrize(
    ("data", "message"), [(b"12345678123", "cut off"), (b"b" * 8 + b"a" * 8, "not sorted")]
)
def test_damaged_sets_are_an_error(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "tasks.u64").write_bytes(data)
    with pytest.raises(DataError, match=message):
        Decontamination.load(tmp_path)


@given(st.text(alphabet="ab_é1 .(\n\x1f\U0001f600", max_size=120))
def test_the_quick_hashes_are_those_of_the_definition(text: str) -> None:
    np.testing.assert_array_equal(shingle_hashes(text), shingle_hashes_reference(text))
