"""Where a line is missing the parser tells how deep it can be, and whether a block has to begin there."""

import pytest
from redraft_model.complete.line_starts import Kind, deeper, fitting
from redraft_model.passage import Passage

INDENTS = ("", "    ", "        ")
STATEMENT, BLOCK, CLAUSE = Kind.STATEMENT, Kind.BLOCK, Kind.CLAUSE


def passage(text: str) -> Passage:
    before, _, after = text.partition("?")
    return Passage(before, "", after)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Behind the head of a function anything that is deeper, and nothing else.
        ("def f(x):\n?\n", {indent: {STATEMENT} for indent in INDENTS[1:]}),
        # As deep as the line below it, which would otherwise be too deep or too shallow.
        ("def f(x):\n?\n    return y\n", {"    ": {STATEMENT}}),
        # The line below is deeper: a block begins here.
        ("def f(x):\n    y = 0\n?\n        y += z\n    return y\n", {"    ": {BLOCK}}),
        # The same, or the other branch of the block above.
        ("if x:\n    y = 0\n?\n    y = 1\n", {"": {BLOCK, CLAUSE}, "    ": {STATEMENT}}),
        ("try:\n    y = 0\n?\n    y = 1\n", {"": {CLAUSE}}),
        # The end of a body: part of it, or behind it.
        ("def f(x):\n    return x\n?\n", {"": {STATEMENT}, "    ": {STATEMENT}}),
        ("for x in y:\n    if x:\n        z()\n?\n", {i: {STATEMENT} for i in INDENTS[:3]}),
        # Inside a bracket or behind an error nothing is known.
        ("f(\n?\n    1)\n", {}),
        ("x = = 1\n?\n", {}),
        ("y = 1\n?", {"": {STATEMENT}}),
    ],
)
def test_what_fits_is_what_the_parser_takes(text: str, expected: dict[str, set[Kind]]) -> None:
    assert fitting(passage(text), INDENTS) == expected


def test_what_stands_there_does_not_count() -> None:
    assert fitting(Passage("def f():\n", "  = (", "\n    return 1\n"), INDENTS) == {"    ": {STATEMENT}}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def f(x):\n?\n", ["\t", " ", "  ", "    "]),
        ("def f(x):  # why: so\n\n?\n", ["\t", " ", "  ", "    "]),
        ("if x:\n  y()\ndef f(x):\n?\n", ["  "]),
        ("class A:\n\n\tdef f(x):\n?\n\tdef g(x):\n\t\treturn x\n", ["\t\t"]),
        ("def f(x):\n    return x\n?\n", []),
        ("?", []),
    ],
)
def test_a_block_is_deeper_by_the_steps_of_its_file(text: str, expected: list[str]) -> None:
    assert deeper(passage(text)) == expected
