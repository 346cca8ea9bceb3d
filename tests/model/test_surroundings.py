"""What names around a missing line tell of how it begins."""

import pytest
from redraft_model.openings import Kind
from redraft_model.passage import Passage
from redraft_model.surroundings import Surroundings

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
        ("def f(x):\n    y = x\n?\n", STATEMENT, ["return"]),
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
