"""Newer syntax: what is found, what stands for it, and what means the same to older Pythons."""

import sys

import pytest
from redraft_model.text.newer import newer_syntax

OLDER = sys.version_info < (3, 12)


def stand_ins(source: str) -> str:
    for newer in reversed(newer_syntax(source)):
        source = source[: newer.span.start] + newer.stand_in + source[newer.span.end :]
    return source


def equivalents(source: str) -> list[str | None]:
    return [newer.equivalent for newer in newer_syntax(source)]


@pytest.mark.parametrize(
    ("source", "version", "stand_in"),
    [
        ("type Age = int\n", (3, 12), "Age      = int\n"),
        ("type Pair[T] = tuple[T, T]\n", (3, 12), "Pair         = tuple[T, T]\n"),
        ("def last[T](items: list[T]) -> T: ...\n", (3, 12), "def last   (items: list[T]) -> T: ...\n"),
        ("class Box[T: int, *Ts, **P](Base): ...\n", (3, 12), "class Box                  (Base): ...\n"),
        ("class Box[T = int]: ...\n", (3, 13), "class Box         : ...\n"),
        ("async def go[T](item: T): ...\n", (3, 12), "async def go   (item: T): ...\n"),
        ('print(f"{row["name"]}")\n', (3, 12), "print(f\"{row['name']}\")\n"),
        ("print(f'é {row['name']!r:>9}')\n", (3, 12), "print(f'é {row[\"name\"]!r:>9}')\n"),
        ('x = f"{"\\n".join(a)}"\n', (3, 12), 'x = "               "\n'),
        ('x = f"{a # why\n}"\n', (3, 12), 'x = ""       \\\n""\n'),
        ('x = f"{\n  a + b}."\n', (3, 12), 'x = """\n       """\n'),
        ('x = f"a{\n  a + b}."\n', (3, 12), 'x = """ \n       """\n'),
        ('x = t"{a} and {b["c"]}"\n', (3, 14), "x = f\"{a} and {b['c']}\"\n"),
        ("try: f()\nexcept OSError, KeyError: g()\n", (3, 14), "try: f()\nexcept OSError| KeyError: g()\n"),
        ("try: f()\nexcept* A, B, C: g()\n", (3, 14), "try: f()\nexcept* A| B| C: g()\n"),
        ("def f[\n  T,\n](x: T): ...\n", (3, 12), "def f\\\n   \\\n (x: T): ...\n"),
    ],
)  # fmt: skip
def test_newer_syntax_has_a_stand_in_of_its_length(
    source: str, version: tuple[int, int], stand_in: str
) -> None:
    assert [newer.version for newer in newer_syntax(source)] == [version]
    assert stand_ins(source) == stand_in
    assert (len(stand_in), stand_in.count("\n")) == (len(source), source.count("\n"))
    compile(stand_in, "", "exec")


@pytest.mark.parametrize(
    "source",
    [
        "type = 5\ntype(type)\nprint(type [0])\n",
        "f\"{row['name']}\" f'{a}' '{\"a\"}'\n",
        'f"{x}\\n{y:\\t>4}" f"{x!r:{width}}"\n',
        'f"""{\n  a["b"]\n}"""\n',
        "def f(x: list[T]) -> dict[str, T]: ...\n",
        "try: f()\nexcept (OSError, KeyError) as e: g(e)\n",
        "",
        "\ud800",
    ],
)
def test_older_syntax_is_none(source: str) -> None:
    assert newer_syntax(source) == ()


@pytest.mark.parametrize(
    ("source", "is_newer"),
    [
        ("try: f()\nexcept A, e: print(e)\n", False),
        ("try: f()\nexcept A, e: pass\n", False),
        ("try: f()\nexcept A, (a, b): pass\n", False),
        ("try: f()\nexcept A, ValueError: pass\n", True),
        ("try: f()\nexcept A, socket.error: pass\n", True),
        ("from errors import A, B\ntry: f()\nexcept A, B: pass\n", True),
        ("from errors import (A,\n    B)\ntry: f()\nexcept A, B: pass\n", True),
        ("import urllib.error\ntry: f()\nexcept A, error: print(error)\n", False),
        ("import errors as B\ntry: f()\nexcept A, B: pass\n", True),
        ("class B(A): pass\ntry: f()\nexcept A, B: pass\n", True),
        ("B = socket.error\ntry: f()\nexcept A, B: pass\n", True),
        ("e = 1\ntry: f()\nexcept A, e: print(e)\n", False),
        ("from errors import *\ntry: f()\nexcept A, B: pass\n", True),
        ("from errors import *\ntry: f()\nexcept A, e: print(e)\n", False),
    ],
)
def test_a_name_behind_a_comma_is_another_exception_only_if_it_is_known_as_one(
    source: str, is_newer: bool
) -> None:
    assert bool(newer_syntax(source)) == is_newer


def test_strings_and_brackets_have_equivalents() -> None:
    assert equivalents('f"{row["a"]}"') == ["f\"{row['a']}\""]
    assert equivalents('f"{row["it\'s"]}"') == ['f"""{row["it\'s"]}"""']
    assert equivalents('f"{\n a}"') == ['f"""{\n a}"""']
    assert equivalents("try: f()\nexcept OSError, KeyError: g()\n") == ["(OSError, KeyError)"]
    for source in ('f"{row["a"]}"', 'f"{row["it\'s"]}"'):
        (older,) = equivalents(source)
        assert eval(older or "", {"row": {"a": 3, "it's": 3}}) == "3"


@pytest.mark.parametrize(
    "source",
    [
        'f"{"\\n".join(a)}"',
        'f"{a # b\n}"',
        "t'{a}'",
        "type A = int\n",
        "def f[T](): ...\n",
        'f"{f"{f"{1}"}"}"',
    ],
)
def test_there_is_no_equivalent_of_anything_else(source: str) -> None:
    assert equivalents(source) == [None]


def test_a_string_inside_an_older_string_is_looked_at() -> None:
    assert stand_ins('f"""{f"{x["a"]}"}"""') == 'f"""{f"{x[\'a\']}"}"""'


def test_newer_syntax_is_found_beside_an_error() -> None:
    assert stand_ins("def f[T](x: T):\n    print((x)\n") == "def f   (x: T):\n    print((x)\n"
    assert newer_syntax('print(f"{a["b)\n') == ()
