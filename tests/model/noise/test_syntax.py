import argparse
import configparser
import csv
import heapq
import inspect
import json.decoder
import random
import shutil
import statistics
import textwrap
from collections import Counter
from random import Random
from types import ModuleType

import pytest
from redraft_model.noise import SyntaxNoise
from redraft_model.noise.mutators import GROUPS
from redraft_model.noise.syntax import parses

NOISE = SyntaxNoise()


def functions(module: ModuleType) -> list[str]:
    """The functions and methods of a module, dedented, of at most forty lines."""
    classes = [member for _, member in inspect.getmembers(module, inspect.isclass)]
    owned = [
        member for owner in [module, *classes] for _, member in inspect.getmembers(owner, inspect.isfunction)
    ]
    sources = {
        textwrap.dedent(inspect.getsource(member)) for member in owned if member.__module__ == module.__name__
    }
    return sorted(source for source in sources if source.count("\n") <= 40 and parses(source))


MODULES = (argparse, configparser, csv, heapq, json.decoder, random, shutil, statistics, textwrap)
SNIPPETS = [source for module in MODULES for source in functions(module)][:250]
PROGRAM = """\
n = int(input("How many? "))
total = 0
for i in range(1, n + 1):
    if i % 2 == 0 and i != 4:
        total += i * 2
    else:
        print("odd", i, "skipped")
print("Sum of " + str(n) + " is", total)
"""


def test_there_are_enough_snippets() -> None:
    assert len(SNIPPETS) >= 200


def test_code_that_parsed_no_longer_does() -> None:
    unbroken = [code for seed, code in enumerate(SNIPPETS) if parses(NOISE.corrupt(code, Random(seed)))]
    assert unbroken == []


@pytest.mark.parametrize("code", ["x = 1\n", "pass\n", "x", "return\n", "# only\nx()\n", PROGRAM])
def test_small_programs_are_broken_too(code: str) -> None:
    for seed in range(100):
        assert not parses(NOISE.corrupt(code, Random(seed)))


@pytest.mark.parametrize(
    "code", ["if x\n    y = 1\n", "elif x:\n    y = (1, 2)\n", 'print("a)\n', "x = ((1\ny = 2\n"]
)
def test_code_that_did_not_parse_is_changed(code: str) -> None:
    for seed in range(50):
        assert NOISE.corrupt(code, Random(seed)) != code


@pytest.mark.parametrize("code", ["", "\n", "   \n\n"])
def test_blank_text_is_left_alone(code: str) -> None:
    assert NOISE.corrupt(code, Random(0)) == code


def test_code_that_cannot_be_broken_is_left_alone() -> None:
    wordy = SyntaxNoise(shares={name: float(name == "keywords") for name in GROUPS})
    assert wordy.corrupt("#\n", Random(0)) == "#\n"


def test_equal_seeds_break_equally() -> None:
    for seed, code in enumerate(SNIPPETS[:50]):
        assert NOISE.corrupt(code, Random(seed)) == NOISE.corrupt(code, Random(seed))


def test_a_program_is_broken_in_many_ways() -> None:
    broken = Counter(NOISE.corrupt(PROGRAM, Random(seed)) for seed in range(1000))
    assert len(broken) > 300
    assert broken.most_common(1)[0][1] < 50


def test_changes_are_small() -> None:
    gentle = SyntaxNoise(again=0.0)
    changed = []
    for seed in range(300):
        broken = gentle.corrupt(PROGRAM, Random(seed)).splitlines()
        changed.append(len(set(PROGRAM.splitlines()) - set(broken)))
    assert sum(changed) / 300 < 2


def test_more_breakers_change_more() -> None:
    def mean_kept(noise: SyntaxNoise) -> float:
        lines = set(PROGRAM.splitlines())
        return (
            sum(len(lines & set(noise.corrupt(PROGRAM, Random(seed)).splitlines())) for seed in range(300))
            / 300
        )

    assert mean_kept(SyntaxNoise(again=1.0, n_mutators_max=3)) < mean_kept(SyntaxNoise(again=0.0)) - 0.5


def test_shares_of_groups_can_be_others() -> None:
    source = "def f(n):\n    n += 1\n    print(n)\n    return n\n"
    foreign = SyntaxNoise(again=0.0, shares={name: float(name == "foreign_syntax") for name in GROUPS})
    rng = random.Random(3)
    texts = {foreign.corrupt(source, rng) for _ in range(60)}
    assert any("n++" in text for text in texts)
    assert any("print n" in text for text in texts)
    assert not any("def f(n)\n" in text for text in texts), "no colon was forgotten"
