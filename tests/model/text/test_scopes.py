"""Which names of a text have a value, by the rules of Python's scopes."""

import ast
import sys

import pytest
from redraft_model.text.scopes import ScopeAnalysis, defined_names, unbound_names


def unknown(code: str) -> set[str]:
    """The names that are read or called and come from nowhere."""
    survey = ScopeAnalysis(code, ast.parse(code))
    found = (*survey.names, *survey.called)
    return {node.id for node, scope in found if not survey.is_known(node.id, scope)}


@pytest.mark.parametrize(
    "code",
    [
        "import a.b, c as d\nfrom e import f as g\na.x(d, g)",
        "def f(a, /, b, *c, d, **e): return a, b, c, d, e, f",
        "class A:\n    b = 1\n    def c(self): return A\n    d = b",
        "try: pass\nexcept OSError as error: print(error)",
        "with open('a') as (b, c): b, c",
        "for a, *b in []: a, b",
        "[a for b in [] if (c := b) for a in b]; c",
        "print(len, __name__, __file__, ...)",
        "def f():\n    global a\n    a = 1\ndef g(): return a",
        "def f():\n    a = 1\n    def g(): return a\n    return lambda b: (a, b, g)",
        "match 1:\n    case [a, *b]: a, b\n    case {'c': d, **e}: d, e\n    case int() as f: f",
        "def f(): return late\nlate = 1",
        "a += 1\na: int = 2\ndel a",
        "@staticmethod\ndef f(): ...",
    ],
)
def test_what_gives_a_name_its_value(code: str) -> None:
    assert unknown(code) == set()


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("def f(a): return b", "b"),
        ("def f():\n    a = 1\ndef g(): return a", "a"),
        ("pirnt(1)", "pirnt"),
        ("mth.sqrt(2)", "mth"),
        ("import a.b\nb.c", "b"),
        ("[a for a in []]; a", "a"),
        ("def f(n: List[int], *, k=K): return n", "K"),
        ("true, none, null", "true none null"),
    ],
)
def test_names_from_nowhere(code: str, names: str) -> None:
    assert unknown(code) == set(names.split())


def test_after_an_import_of_everything_any_name_may_have_a_value() -> None:
    assert unknown("from math import *\nsqrt(x)") == set()


@pytest.mark.skipif(sys.version_info < (3, 12), reason="type parameters are Python 3.12's")
def test_type_parameters_are_known() -> None:
    assert unknown("def f[T](a): return T") == set()


def test_names_that_can_be_read_are_listed_without_pythons_hidden_ones() -> None:
    code = "import os\ndef f(a):\n    def g(b): return here\n"
    survey = ScopeAnalysis(code, ast.parse(code))
    ((_, scope),) = survey.names
    known = survey.known(scope)
    assert {"os", "f", "a", "g", "b", "print"} <= known
    assert not known & {"here", "__name__", "__file__"}


def test_a_module_imports_something() -> None:
    assert [ScopeAnalysis(code, ast.parse(code)).is_module for code in ("import a", "def f(): import a")] == [
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("Counter(words)\nlen(Path)\nCounter(1)\n", ["Counter", "words", "Path"]),
        ("def f(x: List[Any]) -> Path:\n    y = x\n    return y\n", ["List", "Any", "Path"]),
        ("@cache\nclass A(Base):\n    pass\n", ["cache", "Base"]),
        ("import a.b, c as d\nfrom e import f as g\na, b, c, d, e, f, g\n", ["b", "c", "e", "f"]),
        ("try:\n    pass\nexcept E as e:\n    print(e)\n", ["E"]),
        ("def f():\n    global n\n    n = 1\nf(), n, [i for i in n], (j := 1), j\n", []),
        ("match x:\n    case {'a': a, **rest}:\n        a, rest\n    case [*more]:\n        more\n", ["x"]),
        ("from a import *\nb\n", []),
        ("__name__\n", []),
        ("x.counter, 'words'\n", ["x"]),
    ],
)
def test_names_that_nothing_binds(code: str, expected: list[str]) -> None:
    assert unbound_names(ast.parse(code)) == expected


def test_what_the_outermost_level_defines() -> None:
    code = "import a.b, c as d\nfrom e import f\nif d:\n    import g\ndef h():\n    import i\n"
    assert defined_names(ast.parse(code)) == {"a", "d", "f", "h"}
