"""What an edit does to names: some come from nowhere, some lose their value, some are read by nobody."""

import time

import pytest
from redraft_model.bindings import Bindings, bindings
from redraft_model.difference import changed_lines


def found(before: str, after: str) -> Bindings:
    return bindings(*changed_lines(before, after))


HANDLER = """def f(path):
    try:
        return open(path)
    except OSError, e:
        print("failed", e)
"""


@pytest.mark.parametrize(
    ("handler", "n"),
    [("OSError", 1), ("OSError as e", 0), ("(OSError, e)", 1)],
)
def test_a_name_that_is_read_further_on_is_orphaned_without_a_value(handler: str, n: int) -> None:
    assert found(HANDLER, HANDLER.replace("OSError, e", handler)) == Bindings(0, n, 0)


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ("print('name: ', name)", Bindings(0, 0, 0)),
        ("print('name: , name')", Bindings(0, 0, 1)),
        ("print(f'name: , {name}')", Bindings(0, 0, 0)),
        ("print(rb'name', name)", Bindings(0, 0, 0)),
        ("print('name: ', nam)", Bindings(1, 0, 1)),
        ("print('name')  # name", Bindings(0, 0, 1)),
        ("print(name.other)", Bindings(0, 0, 0)),
        ("re = name", Bindings(0, 0, 1)),
    ],
)
def test_what_stands_in_strings_and_comments_is_not_read(after: str, expected: Bindings) -> None:
    before = "name = input()\nprint('name: , name)\n"
    assert found(before, f"name = input()\n{after}\n") == expected


@pytest.mark.parametrize(
    "binding",
    [
        "import a.x, b",
        "from a import (b)",
        "def x(a, b): pass",
        "def x(a: int = (1), *b) -> int:",
        "f = lambda a, b: 0",
        "a, (b) = 1, 2",
        "a = b = 3",
        "a: int = 1; b = 0\nb = 1",
        "for a, b in c:",
        "with c as a, d() as b:",
        "global a, b",
        "if (a := 1) and (b := 2):",
        "case [a, b]:",
        "class a: pass\nclass b: pass",
    ],
)
def test_names_get_their_values_in_many_ways(binding: str) -> None:
    assert (
        found(f"{binding}\ny = [a, b\nz = a, b, y\n", f"{binding}\ny = [a, b]\nz = a, b, y\n").orphaned == 0
    )
    assert found(f"{binding}\nz = \n", f"{binding}\nz = a, b\n").unbound == 0


@pytest.mark.parametrize("text", ["a.b = 1", "f(a=1)", "a == 1", "a += 1", "b[a] = 1", "'a = 1'"])
def test_other_things_give_no_value(text: str) -> None:
    assert found(f"{text}\nx = a\na(\n", f"{text}\nx = a\na()\n").orphaned == 1


def test_an_underscore_says_that_nobody_reads_it() -> None:
    assert found("for _x in y\n", "for _x in y:\n").unread == 0


def test_a_long_text_is_looked_at_around_the_change_only() -> None:
    filler = "".join(f"value_{i} = f(value_{i - 1}, '{i}')\n" for i in range(50_000))
    before = f"far = 1\n{filler}near = 2\nx = (near, far\n{filler}"
    start = time.perf_counter()
    assert found(before, before.replace("far\n", "far)\n", 1)) == Bindings(1, 0, 1)
    assert time.perf_counter() - start < 1.0
