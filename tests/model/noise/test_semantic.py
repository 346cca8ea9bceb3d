import argparse
import ast
import heapq
import inspect
import keyword
import random
import shutil
import statistics
import textwrap
from collections import Counter
from random import Random

import pytest
from redraft_model.noise import SemanticNoise
from redraft_model.noise.semantic import MUTATIONS, UNKNOWN, misuse_attribute, misuse_variable, unknown_name
from redraft_model.text.scopes import ScopeAnalysis

NOISE = SemanticNoise()
ONCE = SemanticNoise(second=0.0)
MODULES = (argparse, heapq, random, shutil, statistics, textwrap)
SNIPPETS = sorted(
    {
        textwrap.dedent(inspect.getsource(function))
        for module in MODULES
        for owner in [module, *(member for _, member in inspect.getmembers(module, inspect.isclass))]
        for _, function in inspect.getmembers(owner, inspect.isfunction)
        if function.__module__ == module.__name__
    }
)


def mutants(code: str, noise: SemanticNoise = ONCE, n: int = 300) -> set[str]:
    return {noise.corrupt(code, Random(seed)) for seed in range(n)}


def check(mutation: str, before: str, afters: set[str]) -> None:
    """All results of one mutation on `before` are among `afters`, and each of these is reached."""
    tree = ast.parse(before)
    (mutate,) = (known for known in MUTATIONS if known.__name__ == mutation)
    found = set()
    for seed in range(300):
        text = before
        for change in sorted(
            mutate(ScopeAnalysis(before, tree), Random(seed)), key=lambda change: -change.span.start
        ):
            text = text[: change.span.start] + change.text + text[change.span.end :]
        found.add(text)
    assert found == afters


def test_mutants_parse_and_mean_something_else() -> None:
    n_changed = 0
    for seed, code in enumerate(SNIPPETS):
        mutant = NOISE.corrupt(code, Random(seed))
        if mutant != code:
            n_changed += 1
            assert ast.dump(ast.parse(mutant)) != ast.dump(ast.parse(code))
    assert n_changed > 0.9 * len(SNIPPETS)


def test_formatting_and_comments_stay() -> None:
    code = "def f( a,b ) :   # why\n    return (a  +  b) ;  'x' # not\n"
    for mutant in mutants(code):
        assert mutant.startswith("def f( a,b ) :   # why\n    return (")
        assert mutant.endswith(";  'x' # not\n")


def test_another_variable_of_the_function_is_used() -> None:
    code = "def f(a, b):\n    c = a\n    return g(c)\n"
    check(
        "misuse_variable",
        code,
        {
            code.replace("= a", "= b"),
            *(code.replace("(c)", f"({n})") for n in "ab"),
            code.replace("= a", "= c"),  # has no value yet, which is an error at once
        },
    )


def test_a_wrong_name_mostly_has_a_value_already() -> None:
    code = "def f(a, b):\n    c = a\n"
    survey = ScopeAnalysis(code, ast.parse(code))
    changed = Counter(misuse_variable(survey, Random(seed))[0].text for seed in range(1000))
    assert set(changed) == {"b", "c"}
    assert 60 < changed["c"] < 140, "half of the fifth that may be any name"


def test_what_other_functions_bind_and_fillers_are_never_meant() -> None:
    code = "def f(self, a):\n    _ = self.x(a)\ndef g(b):\n    pass\n"
    check("misuse_variable", code, {code.replace("(a)\ndef", "(self)\ndef"), code.replace("self.x", "a.x")})


def test_self_is_everywhere_and_so_taken_for_another_less_often() -> None:
    code = "def f(self, a):\n    return self.x(a)\n"
    survey = ScopeAnalysis(code, ast.parse(code))
    changed = Counter(misuse_variable(survey, Random(seed))[0].text for seed in range(1000))
    assert changed.total() == 1000
    assert 150 < changed["a"] < 250, "where self was: in two of five of the half that comes to it first"


def test_a_loop_variable_is_mistaken_for_another() -> None:
    code = "def f(rows):\n    for i in rows:\n        for j in i:\n            use(j)\n"
    check(
        "misuse_variable",
        code,
        {code.replace("in i", "in rows"), code.replace("(j)", "(i)"), code.replace("(j)", "(rows)")}
        # Nothing is bound before rows is used, so one of the later names has to do.
        | {code.replace("in rows", "in i"), code.replace("in rows", "in j"), code.replace("in i", "in j")},
    )


def test_the_variable_of_a_comprehension_stays_in_it() -> None:
    code = "def f(a):\n    b = [c + 1 for c in a]\n    return b\n"
    check(
        "misuse_variable",
        code,
        {code.replace("c +", "a +"), code.replace("return b", "return a"), code.replace("in a", "in b")}
        | {code.replace("c +", "b +")},
    )


def test_a_name_from_nowhere_takes_the_place_of_one_that_has_a_value() -> None:
    code = "def other(elsewhere):\n    return elsewhere\ndef f(the_total):\n    print(the_total)\n"
    survey = ScopeAnalysis(code, ast.parse(code))
    wrong = Counter()
    for seed in range(600):
        (change,) = unknown_name(survey, Random(seed))
        assert change.text.isidentifier()
        assert change.text not in {"print", "other", "f", *keyword.kwlist}
        if change.span.of(code) == "the_total":
            wrong[change.text] += 1
    assert wrong["elsewhere"] > 10
    assert wrong["the_totals"] + wrong["total"] + wrong["theTotal"] > 10
    assert wrong["result"] + wrong["res"] > 0
    misspelt = [word for word in wrong if abs(len(word) - len("the_total")) <= 1 and word[:2] == "th"]
    assert len(misspelt) > 20


def test_what_comes_from_nowhere_already_is_left_alone() -> None:
    check("unknown_name", "undefined(nowhere)\n", {"undefined(nowhere)\n"})


def test_an_attribute_of_self_is_taken_for_another() -> None:
    code = "class A:\n    def f(self, a):\n        self.b = self.cc = a\n        self.g(self.cc)\n    def g(self): ...\n"
    survey = ScopeAnalysis(code, ast.parse(code))
    changed = Counter()
    for seed in range(600):
        (change,) = misuse_attribute(survey, Random(seed))
        changed[change.span.of(code), change.text] += 1
    n_known = changed["cc", "b"] + changed["g", "f"]
    assert n_known / changed.total() == pytest.approx(1 - UNKNOWN, abs=0.1)
    assert len(changed) > 20, "misspelt or in other words"


def test_arguments_are_swapped() -> None:
    check("swap_arguments", "f(a, b)\n", {"f(b, a)\n"})
    check("swap_arguments", "f(a, *b)\ng(a, a)\nh(a, k=b)\n", {"f(a, *b)\ng(a, a)\nh(a, k=b)\n"})


def test_comparisons_change() -> None:
    check(
        "wrong_comparison", "(a) < b\n", {f"(a) {operator} b\n" for operator in ("<=", ">", ">=", "==", "!=")}
    )


@pytest.mark.parametrize(
    ("before", "after"), [("in", "not in"), ("not  in", "in"), ("is", "is not"), ("is not", "is")]
)
def test_memberships_are_negated(before: str, after: str) -> None:
    check("negate_membership", f"inner {before} (isle)\n", {f"inner {after} (isle)\n"})


def test_arithmetic_changes() -> None:
    check("wrong_arithmetic", "a ** b\n", {f"a {operator} b\n" for operator in ("*", "+", "//")})
    check("wrong_arithmetic", "'%s' % b\n", {"'%s' % b\n"})


def test_augmented_assignments_change() -> None:
    check("wrong_augmented", "a += b\n", {f"a {operator} b\n" for operator in ("=", "-=", "*=", "/=", "%=")})


def test_and_and_or_are_mixed_up_at_one_place() -> None:
    check("swap_boolean", "a and b and c\n", {"a or b and c\n", "a and b or c\n"})


def test_literals_change() -> None:
    check("wrong_literal", "x = 7\n", {"x = 6\n", "x = 8\n"})
    check("wrong_literal", "x = 1\n", {"x = 0\n", "x = 2\n"})
    check("wrong_literal", "x = True\n", {"x = False\n"})
    check("wrong_literal", "x = 'a'\n", {"x = 'a'\n"})


def test_conditions_are_negated() -> None:
    check("negate_condition", "if a or b:\n    c\n", {"if not a or b:\n    c\n"})
    check("negate_condition", "while not (a):\n    c\n", {"while (a):\n    c\n"})
    check("negate_condition", "[a for a in b if a]\n", {"[a for a in b if not a]\n"})


def test_methods_get_their_neighbours() -> None:
    check(
        "wrong_attribute",
        "x.append(1)\n",
        {f"x.{name}(1)\n" for name in ("extend", "insert", "add", "update", "remove", "appendleft")},
    )
    check("wrong_attribute", "a.alpha = a.beta\n", {"a.beta = a.beta\n", "a.alpha = a.alpha\n"})


def test_places_beyond_ascii_are_found() -> None:
    check("wrong_literal", "s = '→ß💥'; größe = 7\n", {"s = '→ß💥'; größe = 6\n", "s = '→ß💥'; größe = 8\n"})


def test_wrong_names_lead() -> None:
    code = "def f(a, b, c):\n    if a < b and c:\n        a += 1\n    return g(a + b, c.lower())\n"
    kinds = Counter(
        "name" if sorted(ONCE.corrupt(code, Random(seed))) != sorted(code) else "swap" for seed in range(300)
    )
    assert kinds["name"] > kinds["swap"]


def test_one_in_five_changes_twice() -> None:
    code = "a = 11\nb = 22\nc = 33\nd = 44\n"
    n_lines = Counter(
        sum(
            old != new
            for old, new in zip(
                code.splitlines(), NOISE.corrupt(code, Random(seed)).splitlines(), strict=True
            )
        )
        for seed in range(1000)
    )
    # A quarter of the second changes falls on the line of the first.
    assert n_lines[2] / 1000 == pytest.approx(0.2 * 0.75, abs=0.05)


@pytest.mark.parametrize(
    "code", ["", "pass\n", "def f(\n", "x = 1\rif y:\r  z\r", "x = 'a'\n", "\0", "import os\n"]
)
def test_code_that_offers_nothing_is_left_alone(code: str) -> None:
    assert mutants(code, n=20) == {code}


def test_very_deep_code_is_left_alone_or_changed_but_never_fatal() -> None:
    code = "x = " + " + ".join(["1"] * 3000) + "\n"
    ast.parse(NOISE.corrupt("y = 2\n", Random(0)))
    assert isinstance(NOISE.corrupt(code, Random(0)), str)


def test_equal_seeds_mutate_equally() -> None:
    for seed, code in enumerate(SNIPPETS[:40]):
        assert NOISE.corrupt(code, Random(seed)) == NOISE.corrupt(code, Random(seed))
