"""A disguise: what compiles with it, what comes back, and what an older Python is told."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redraft_model.passage import DenoiseStep, Span, Watch
from redraft_model.text import parser
from redraft_model.text.versions import (
    Disguise,
    code_problem,
    compiles,
    disguised,
    needed,
    parses,
    too_new,
    watched,
    with_older_syntax,
)

pytestmark = pytest.mark.skipif(
    sys.version_info >= (3, 12), reason="this Python takes what is newer syntax to others"
)

NEW = """type Pair[T] = tuple[T, T]


def first[T](pair: Pair[T]) -> T:
    print(f"taking {pair["é"]!r}")
    return pair[0]
"""
LINES = ["type A = int", "def f[T](x: T): return x", 'x = f"{a["b"]}"', "x = f'{'\\n'.join(c)}'", "y = 1",
         "class C[K, V](dict): pass", "try: f()\nexcept OSError, KeyError: g()", 'z = t"{a}"', "", "# é",
         'x = f"{\n  a\n}"']  # fmt: skip


def disguise_of(source: str) -> Disguise:
    found = disguised(source)
    assert found is not None
    return found


def test_a_text_for_a_newer_python_compiles() -> None:
    assert not parser.compiles(NEW)
    assert (compiles(NEW), parses(NEW), needed(NEW)) == (True, True, (3, 12))
    assert compiles("try: f()\nexcept OSError, KeyError: g()\n")


def test_a_text_for_this_python_needs_no_other() -> None:
    assert disguised("x = 1\n") is None
    assert needed("x = 1\n") is None
    assert needed("x = (1\n") is None


def test_another_error_is_found_where_it_is() -> None:
    source = NEW.replace('!r}")', '!r}"')
    problem = code_problem(source)
    assert problem is not None
    assert (problem.line, problem.message) == (4, "'(' was never closed")
    assert code_problem(NEW + "return 1\n").message == "'return' outside function"  # type: ignore[union-attr]


def test_an_error_above_newer_syntax_does_not_hide_it() -> None:
    source = "x = (1\n" + NEW
    assert disguise_of(source).revealed("x = (1)\n" + disguise_of(source).text[7:]) == "x = (1)\n" + NEW


def test_a_repair_elsewhere_leaves_what_is_hidden() -> None:
    source = NEW.replace('!r}")', '!r}"').replace("pair[0]", "pair[0")
    disguise = disguise_of(source)
    repaired = disguise.text.replace('!r}"', '!r}")').replace("pair[0", "pair[0]")
    assert disguise.revealed(repaired) == NEW


@pytest.mark.parametrize(
    ("old", "new"),
    [("first   (", "first("), ("['é']", "['e']"), ("Pair         =", "Pair ="), ("-> T:", "-> int:")],
)
def test_a_repair_of_what_is_hidden_is_refused(old: str, new: str) -> None:
    disguise = disguise_of(NEW)
    assert old in disguise.text
    after = disguise.text.replace(old, new)
    assert disguise.revealed(after) is None
    assert disguise.shown(after) == after


def test_what_is_hidden_is_known_by_its_place() -> None:
    disguise = disguise_of("type A = int\nx = 1\n")
    assert disguise.hides(Span(0, 3))
    assert disguise.hides(Span(3, 3))
    assert not disguise.hides(Span(13, 14))
    assert not disguise.hides(Span(0, 0))


def test_whoever_watches_sees_the_text_itself() -> None:
    seen: list[DenoiseStep] = []
    disguise = disguise_of(NEW)
    watched(Watch(on_step=seen.append), disguise).on_step(DenoiseStep(1, 2, disguise.text + "x"))
    assert seen == [DenoiseStep(1, 2, NEW + "x")]


@given(st.lists(st.sampled_from(LINES), max_size=6), st.sampled_from(["", "x = (", "def f(", "'"]))
def test_a_disguise_keeps_lengths_and_lines_and_comes_off(lines: list[str], broken: str) -> None:
    source = "\n".join([*lines, broken, ""])
    disguise = disguised(source)
    if disguise is None:
        return
    assert [len(line) for line in disguise.text.split("\n")] == [len(line) for line in source.split("\n")]
    assert disguise.revealed(disguise.text) == source
    assert disguise.revealed("z = 0\n" + disguise.text) == "z = 0\n" + source
    assert disguise.revealed(disguise.text + "z = 0\n") == source + "z = 0\n"
    assert broken or compiles(source)


@given(st.text("ab[]{}()=:\"'\n\\ ft,é#", max_size=60))
def test_any_text_comes_back(source: str) -> None:
    source = "def f[T](x): return x\n" + source
    disguise = disguised(source)
    assert disguise is None or disguise.revealed(disguise.text) == source


def test_an_older_target_gets_equivalents() -> None:
    source = 'print(f"{row["a"]}")\ntry: f()\nexcept OSError, KeyError: g()\n'
    assert with_older_syntax(source, (3, 11)) == (
        "print(f\"{row['a']}\")\ntry: f()\nexcept (OSError, KeyError): g()\n",
        2,
    )
    assert with_older_syntax(source, (3, 13))[1] == 1
    assert with_older_syntax(source, (3, 14)) == with_older_syntax(source, None) == (source, 0)
    assert compiles(source)
    assert not compiles(source, (3, 11))


def test_an_older_target_is_told_what_has_no_equivalent() -> None:
    source = "x = 1\n\ntype A = int\n"
    assert too_new(source, (3, 11)) == "line 3 needs Python 3.12, the project says 3.11"
    assert too_new(source, (3, 12)) is None
    assert too_new(source, None) is None
    problem = code_problem(source, (3, 11))
    assert problem is not None
    assert (problem.line, problem.last_line, problem.span) == (2, 2, Span(7, 13))
