"""What names around a missing line tell of how it begins."""

import pytest
from redraft_model.complete.line_starts import Kind
from redraft_model.complete.surroundings import Surroundings
from redraft_model.passage import Passage

EITHER = frozenset({Kind.STATEMENT, Kind.BLOCK})
STATEMENT = frozenset({Kind.STATEMENT})


def around(text: str) -> Surroundings:
    before, _, after = text.partition("?")
    return Surroundings(Passage(before, "", after))


@pytest.mark.parametrize(
    ("text", "kinds", "expected"),
    [
        ("def f(x):\n?\n    for y in x:\n        total += y\n    return total\n", STATEMENT, ["total ="]),
        ("def f(x):\n?\n    return low + high + x\n", STATEMENT, ["low =", "high ="]),
        ("def f(x):\n?\n    return a + b + c\n", STATEMENT, ["a =", "b ="]),
        ("def f(x):\n?\n        print(y)\n", frozenset({Kind.BLOCK}), ["for y in"]),
        ("def f(x):\n?\n    print(y)\n", EITHER, ["for y in", "y ="]),
        ("def f(x):\n    y = x\n?\n", STATEMENT, ["return y", "return"]),
        (
            "def f(x):\n    y = x\n    z = 1\n    y.append(z)\n?\n",
            STATEMENT,
            ["return z", "return y", "return"],
        ),
        ("def f(x):\n    y = 1\n    z = 2\n    t = 3\n?\n", STATEMENT, ["return t", "return z", "return"]),
        (
            "def f(x):\n    y = 0\n    for i in x:\n        y += i\n?\nf(2)\n",
            STATEMENT,
            ["return y", "return"],
        ),
        ("def f(\n    x,\n) -> int:\n    y = x\n?\n", STATEMENT, ["return y", "return"]),
        ("def f(x):\n    x.sort()\n?\n", STATEMENT, ["return x", "return"]),
        # Another branch may have left; this one has not.
        ("def f(x):\n    y = 1\n    if x:\n        return x\n?\n", STATEMENT, ["return y"]),
        ("def f(x):\n    y = 1\n    return y\n?\n", STATEMENT, []),
        ("def f(\n    x,\n) -> int:\n    y = x\n    return y\n?\n", STATEMENT, []),
        ("def f(x):\n    y = 1\n?\n    z = y\n", STATEMENT, []),
        ("def f(x):\n    y = 1\n\nz = 2\n?\n", STATEMENT, []),
        ("def f(x):\n    y = x\n?\n", frozenset({Kind.CLAUSE}), []),
        ("def f(x):\n    return x\n?\n", STATEMENT, []),
        # What is known above, imported or Python's own has a value; so has what the text below gives one to.
        ("import math\ndef f(x):\n?\n    return math.floor(len(x))\n", STATEMENT, []),
        ("def f(x):\n?\n    y = 1\n    return [y * z for z in x]\n", STATEMENT, []),
        (
            "def f(x):\n?\n    return g(key=x.value) + N\n\ndef g(key):\n    return other\n\nN = 1\n",
            STATEMENT,
            [],
        ),
        ("?", STATEMENT, []),
    ],
)
def test_a_line_begins_with_what_is_missing(text: str, kinds: frozenset[Kind], expected: list[str]) -> None:
    assert around(text).beginnings(kinds) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("?\n\ndef f(x):\n    return math.floor(re.sub(x))\n", ["import math"]),
        ("import os\n?\n\ndef f(x):\n    return os.sep + sys.path[0]\n", ["import sys"]),
        ("x = json.loads(y)\n?", ["import json"]),
        # A name of the file's own, one that is imported, none of Python's, an attribute.
        ("?\nx = 1\njson = x\njson.loads\n", []),
        ("?\nimport json\njson.loads\n", []),
        ("?\nfrom a import json\njson.loads\n", []),
        ("?\ndef f(json):\n    return json.loads\n", []),
        ("?\nnumpy.zeros(3)\n", []),
        ("?\nx.json.loads(3)\n", []),
        # Imports stand between lines without indentation.
        ("def f():\n    x = 1\n?\n    json.loads\n", []),
        ("def f():\n?\n    json.loads\n", []),
    ],
)
def test_a_module_that_is_used_wants_to_be_imported(text: str, expected: list[str]) -> None:
    assert around(text).whole_lines(STATEMENT) == expected
    assert around(text).whole_lines(frozenset({Kind.BLOCK})) == []


@pytest.mark.parametrize("text", ["return y", "    return (y) ;", "return( y )", "return z"])
def test_a_line_may_return_a_result(text: str) -> None:
    assert around("def f(x):\n    y = x\n    z = y\n?\n").returns_result(text)


@pytest.mark.parametrize("text", ["return", "return y + 1", "returny", "return x", "return (y, z)", "y"])
def test_most_lines_return_none(text: str) -> None:
    assert not around("def f(x):\n    y = x\n    z = y\n?\n").returns_result(text)


USED = "\n\ndef f(text):\n    json.loads(text)\n    return Counter(text), deque(text), read(text)\n"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("from collections import ?", ["Counter", "deque", "read"]),
        ("from collections import OrderedDict, de?", ["que"]),
        ("from collections import (?", ["Counter", "deque", "read"]),
        ("import ?", ["json"]),
        ("import js?", ["on"]),
        ("import os, ?", []),
        ("x = ?", []),
    ],
)
def test_an_import_may_be_of_a_name_that_is_used(line: str, expected: list[str]) -> None:
    assert around(line + USED).names_to_bind() == expected


def test_within_a_function_its_own_names_are_imported() -> None:
    text = "def f():\n    from collections import ?\n    return deque()\n\ndef g():\n    return Counter()\n"
    assert around(text).names_to_bind() == ["deque"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [("def ?", ["json", "Counter", "deque", "read"]), ("async def re?", ["ad"]), ("class Counter?", [])],
)
def test_a_definition_may_be_of_a_name_that_is_used(line: str, expected: list[str]) -> None:
    assert around(line + USED).names_to_define() == expected
