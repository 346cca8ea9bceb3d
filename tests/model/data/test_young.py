"""Items from packages: what is planted, broken or taken out, what is left alone, and that the same files give the same items."""

import argparse
import configparser
import heapq
import json.decoder
import shlex
import shutil
import textwrap
from collections.abc import Sequence
from pathlib import Path

import pytest
from redraft_model.data.benchmark_file import read_rows
from redraft_model.data.corpus import parse
from redraft_model.data.young import (
    KINDS,
    MAX_EXCERPT,
    MAX_PIECE,
    MIN_PIECE,
    Hole,
    Item,
    Repair,
    collect,
    write_young,
)
from redraft_model.errors import DataError

MODULES = {"first": (argparse, heapq, configparser), "second": (json.decoder, shlex, textwrap)}

PLAIN = '''\
"""A module
of two lines."""

import math


@math.cache
def area(
    radius: float,
) -> float:
    """Only this docstring."""
    # a comment
    squared = radius * radius  # another
    note = """a text
    of two lines"""

    return math.pi * squared
'''
BLANKED = {
    "    squared = radius * radius  # another",
    "    return math.pi * squared",
}


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """Two installed packages of real modules."""
    return installed(tmp_path / "site")


def installed(site: Path) -> Path:
    for package, modules in MODULES.items():
        folder = site / package
        folder.mkdir(parents=True)
        for module in modules:
            shutil.copy(str(module.__file__), folder)
        metadata = site / f"{package}-0.1.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Name: {package}\nLicense-Expression: MIT\n\n")
        (metadata / "RECORD").write_text(f"{package}/decoder.py,,\n")
    return site


def of_kind(items: Sequence[Item], kind: str) -> list[Item]:
    return [item for item in items if item.kind == kind]


def repairs(items: Sequence[Item], kind: str) -> list[Repair]:
    return [item for item in of_kind(items, kind) if isinstance(item, Repair)]


def holes(items: Sequence[Item], kind: str) -> list[Hole]:
    return [item for item in of_kind(items, kind) if isinstance(item, Hole)]


def test_every_kind_has_its_number_of_items_and_packages_take_turns(packages: Path) -> None:
    report = collect([packages], 12)
    assert [len(of_kind(report.items, kind)) for kind in KINDS] == [12] * 5
    for kind in KINDS:
        of_first = sum(item.package == "first" for item in of_kind(report.items, kind))
        assert of_first == 6, kind
    assert [(each.name, each.licence) for each in report.packages] == [("first", "MIT"), ("second", "MIT")]
    assert len({item.id for item in report.items}) == len(report.items)


def test_half_of_the_functions_have_a_bug_that_parses_and_no_function_is_taken_twice(packages: Path) -> None:
    items = collect([packages], 20).items
    misuse, clean = repairs(items, "misuse"), repairs(items, "clean")
    assert len({item.after for item in [*misuse, *clean]}) == 40
    assert all(item.before == item.after for item in clean)
    for item in [*misuse, *clean]:
        assert parse(item.before) is not None
        assert parse(item.after) is not None
        assert len(item.after) <= MAX_EXCERPT
        assert "def " in item.after
    changed = [
        sum(
            left != right for left, right in zip(item.before.split("\n"), item.after.split("\n"), strict=True)
        )
        for item in misuse
    ]
    assert all(1 <= n_lines <= 2 for n_lines in changed)


def test_a_short_class_is_shown_around_its_method_but_has_no_bug_elsewhere(tmp_path: Path) -> None:
    code = (
        "class Counter:\n    step = 1\n    limit = 10\n\n"
        "    def next(self, value, bound):\n"
        "        total = value + bound\n        if total < value:\n            total = bound\n"
        "        return total\n"
    )
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "counter.py").write_text(
        code + "\n\n" + "\n".join(f"from shop import thing_{i} as other" for i in range(80))
    )
    found = [item for seed in range(20) for item in repairs(collect([folder], 1, seed).items, "misuse")]
    assert len(found) > 5
    for item in found:
        assert item.after == code
        assert item.before.startswith(code[: code.index("    def")])
        assert item.before != code


def test_pieces_are_broken_and_short(packages: Path) -> None:
    items = repairs(collect([packages], 20).items, "syntax")
    for item in items:
        assert parse(item.before) is None
        assert parse(item.after) is not None
        assert MIN_PIECE <= item.after.count("\n") <= MAX_PIECE


def test_a_hole_is_in_its_file_and_ends_with_the_line(packages: Path) -> None:
    texts = {path.read_text("utf-8") for path in packages.glob("*/*.py")}
    items = collect([packages], 20).items
    for item in holes(items, "line") + holes(items, "rest"):
        assert item.before + item.missing + item.after in texts
        assert item.missing.strip()
        assert "\n" not in item.missing
        assert item.after.startswith("\n")
    assert all(item.before.endswith("\n") for item in holes(items, "line"))
    rests = holes(items, "rest")
    assert all(item.before.rpartition("\n")[2].strip() for item in rests)
    inside_a_word = [item.before[-1].isidentifier() and item.missing[0].isidentifier() for item in rests]
    assert 0 < sum(inside_a_word) < len(rests)


def test_only_lines_of_code_in_functions_are_blanked(tmp_path: Path) -> None:
    folder = tmp_path / "geometry"
    folder.mkdir()
    (folder / "area.py").write_text(PLAIN)
    blanked = {hole.missing for seed in range(20) for hole in holes(collect([folder], 5, seed).items, "line")}
    assert blanked == BLANKED
    rests = {hole.missing for seed in range(20) for hole in holes(collect([folder], 5, seed).items, "rest")}
    assert all(any(line.endswith(rest) for line in BLANKED) for rest in rests)


def test_the_same_files_give_the_same_items_wherever_they_are(packages: Path, tmp_path: Path) -> None:
    items = collect([packages], 8, 3).items
    assert collect([packages], 8, 3).items == items
    assert collect([installed(tmp_path / "other" / "site")], 8, 3).items == items
    assert collect([packages], 8, 4).items != items


def test_a_third_of_the_paths_is_kept_back_whatever_the_seed(packages: Path, tmp_path: Path) -> None:
    splits = {(item.path, item.split) for seed in range(3) for item in collect([packages], 10, seed).items}
    assert len({path for path, _ in splits}) == len(splits)
    folder = tmp_path / "many"
    folder.mkdir()
    for i in range(120):
        body = "".join(f"    value_{i}_{k} = first_{k} + second_{i}\n" for k in range(4))
        (folder / f"module_{i}.py").write_text(f"def function_{i}(first_{i}, second_{i}):\n{body}")
    found = {item.path: item.split for item in collect([folder], 120).items}
    assert len(found) == 120
    assert 0.2 < list(found.values()).count("test") / 120 < 0.47
    assert set(found.values()) == {"dev", "test"}


def test_files_that_say_nothing_are_left_out_with_the_reason(packages: Path) -> None:
    first = packages / "first"
    (first / "_vendor").mkdir()
    shutil.copy(str(shlex.__file__), first / "_vendor" / "lexer.py")
    (first / "copy_of_heapq.py").write_text((first / "heapq.py").read_text() + "\n# the end\n")
    (first / "made.py").write_text("# Generated by a program, do not edit.\n" + PLAIN)
    (first / "huge.py").write_text("\n\n".join(PLAIN.replace("area", f"area_{i}") for i in range(400)))
    report = collect([packages], 3)
    assert report.n_dropped == {"vendored": 1, "near duplicate": 1, "generated": 1, "too large": 1}
    assert "1 files left out: vendored" in report.summary()
    paths = {item.path for item in report.items}
    assert all(path.startswith("site/") and "_vendor" not in path for path in paths)


def test_a_small_package_runs_out_and_the_others_go_on(packages: Path) -> None:
    (packages / "third").mkdir()
    (packages / "third" / "area.py").write_text(PLAIN)
    items = collect([packages], 30).items
    blanked = [*of_kind(items, "line"), *of_kind(items, "rest")]
    assert len(blanked) == 60
    assert 1 <= sum(item.path == "site/third/area.py" for item in blanked) <= len(BLANKED)


def test_nothing_to_draw_from_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not a folder"):
        collect([tmp_path / "nowhere"])
    with pytest.raises(DataError, match="nothing can be drawn"):
        collect([tmp_path])


def test_rows_carry_every_field(packages: Path, tmp_path: Path) -> None:
    items = collect([packages], 4).items
    path = tmp_path / "made" / "young.jsonl.gz"
    write_young(path, items)
    rows = read_rows(path)
    assert [row.text("id") for row in rows] == [item.id for item in items]
    shared = {"id", "kind", "split", "package", "path", "before", "after"}
    for row in rows:
        assert set(row.fields) == shared | ({"missing"} if row.text("kind") in ("line", "rest") else set())
