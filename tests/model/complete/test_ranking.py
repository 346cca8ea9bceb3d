"""What the text around a missing line tells of the texts that were found for it."""

from dataclasses import fields

import pytest
from redraft_model.calibration.logistic import NO_RIVAL
from redraft_model.complete.ranking import COMPLETION_FEATURES, CompletionFeatures, completion_features
from redraft_model.passage import Passage

PLACE = """\
import math

def other(first):
    return first

def area(width, height):
    half = height / 2
?
    for row in rows:
        total += row * scale
    return math.floor(total)

def last():
    return beyond
"""


def features(text: str, place: str = PLACE) -> CompletionFeatures:
    before, _, after = place.partition("?")
    (found,) = completion_features([(text, -1.0, 2)], Passage(before, "", after))
    return found


def test_what_is_known_of_a_line_is_its_mean_and_its_lead() -> None:
    passage = Passage("if x:\n    ", "", "\n")
    first, second = completion_features([("a", -2.0, 4), ("b", -6.0, 6)], passage)
    assert (first.mean, first.total, first.lead, first.begins_line, first.in_word) == (
        -0.5,
        -2.0,
        0.5,
        1.0,
        0.0,
    )
    assert (second.mean, second.total, second.lead) == (-1.0, -6.0, -0.5)
    (lone,) = completion_features([("z", -2.0, 4)], Passage("x = y", "", ""))
    assert (lone.lead, lone.begins_line, lone.in_word) == (NO_RIVAL, 0.0, 1.0), "a lone text has no rival"
    assert completion_features([], passage) == []
    assert first.values() == tuple(getattr(first, field.name) for field in fields(CompletionFeatures))
    assert len(first.values()) == len(COMPLETION_FEATURES)


@pytest.mark.parametrize(
    ("text", "n"),
    [("    x = width", 1), ("    total = math.floor(width)", 0), ("    len(zip)", 0), ("    a = b + a", 2)],
)
def test_names_that_are_nowhere_else_are_coined(text: str, n: int) -> None:
    assert features(text).unknown_identifiers == n


@pytest.mark.parametrize(
    ("text", "place", "again"),
    [
        ("turn first", "def other(first):\n    return first\n\ndef area(first):\n    re?\n", 1),
        ("turn second", "def other(first):\n    return first\n\ndef area(first):\n    re?\n", 0),
        ("first)", "g()\nf(?\nf(first)\n", 1),
        ("a", "?\n", 0),
    ],
)
def test_a_line_may_stand_elsewhere_as_well(text: str, place: str, again: float) -> None:
    assert features(text, place).line_again == again


@pytest.mark.parametrize(("text", "n"), [("mid + mid + mid", 2), ("mid + low", 0), ("1 + 1", 0)])
def test_words_that_come_again_are_counted(text: str, n: int) -> None:
    assert features(text).words_again == n


@pytest.mark.parametrize(
    ("text", "n"),
    [
        ("    total = 0", 1),
        ("    total, scale = 0, width", 2),
        ("    rows, total = [], 0", 2),
        ("    for scale in width:", 1),
        ("    print(total)", 0),
        ("    total == 1", 0),
        ("    row = width", 0),  # the loop gives it a value
        ("    beyond = 1", 0),  # another function reads it
        ("    first = 1", 0),
        ("    math = 1", 0),
    ],
)
def test_what_is_read_below_needs_a_value(text: str, n: int) -> None:
    assert features(text).binds == n


@pytest.mark.parametrize(
    ("place", "text", "n"),
    [
        ("from collections import ?\n\nCounter(Path.cwd())\n", "Counter", 1),
        ("from collections import ?\n\nCounter(Path.cwd())\n", "Counter, Path", 2),
        ("from collections import ?\n\nCounter(Path.cwd())\n", "deque", 0),
        ("from collections import Count?\n\nCounter([])\n", "er", 1),
        ("import ?\n\njson.loads('1')\n", "json", 1),
        ("class ?\n    pass\n\nA()\n", "A:", 0),  # no import, no assignment
        ("?\nprint(LIMIT)\n", "LIMIT = 3", 1),
        ("def f():\n    ?\n\ndef g():\n    return LIMIT\n", "LIMIT = 3", 0),
        # What the line binds without the text is no merit of the text.
        ("LIMIT = ?\nprint(LIMIT)\n", "3", 0),
    ],
)
def test_what_the_file_reads_and_nothing_binds_needs_a_value(place: str, text: str, n: int) -> None:
    assert features(text, place).binds == n


@pytest.mark.parametrize(
    ("place", "text", "n"),
    [
        ("from pathlib import Path\nfrom collections import ?\n", "Path", 1),
        ("from pathlib import Path\nfrom collections import ?\n", "Counter", 0),
        ("import os\nimport ?\n", "os", 1),
        ("import os\n?\n", "import os", 1),
        ("import os\n?\n", "os = 1", 0),
        ("import os\nfrom sys import path, ?\n", "argv", 0),
        ("def ?\n    pass\n\ndef main():\n    pass\n", "main():", 1),
        ("def ?\n    pass\n\ndef main():\n    pass\n", "other():", 0),
        ("class A:\n    def ?\n        pass\n\ndef main():\n    pass\n", "main(self):", 0),
        ("def main(?):\n    pass\n\ndef main():\n    pass\n", "x", 0),
        ("try:\n    import os\nexcept ImportError:\n    ?\n", "import os", 0),
        ("import os\nx = (\nimport ?\n", "os", 0),  # nothing is known of what does not parse
    ],
)
def test_what_is_there_need_not_be_imported_or_defined_again(place: str, text: str, n: int) -> None:
    assert features(text, place).binds_again == n


@pytest.mark.parametrize(
    ("text", "n"),
    [
        ("    total = width", 1),
        ("    total = width * half", 2),
        ("    width = half = 0", 0),  # a value is no use
        ("    total = x.width", 0),
        ("    total = first", 0),  # of another function
        ("    print(height)", 0),  # has been read
    ],
)
def test_what_has_a_value_wants_to_be_read(text: str, n: int) -> None:
    assert features(text).reads == n


@pytest.mark.parametrize(
    ("place", "returns"),
    [
        ("def f(x):\n    y = x\n?\n", 1.0),
        ("def f(x):\n    y = x\n?\n\n\ndef g(x):\n    return x\n", 1.0),
        ("def f(x):\n    if x:\n        return 1\n?\n", 0.0),
        ("def f(x):\n    y = x\n?\n    print(y)\n", 0.0),
        ("x = 1\n?\n", 0.0),
        ("class A:\n?\n", 0.0),
    ],
)
def test_a_function_that_returns_nothing_yet_may_do_so_in_its_last_line(place: str, returns: float) -> None:
    assert features("    return y", place).returns == returns
    assert features("    yield y", place).returns == returns
    assert features("    return (y)", place).returns == returns
    for text in ("    returned = y", "    return", "    yield  # y"):
        assert features(text, place).returns == 0.0


def test_a_result_and_an_import_are_counted() -> None:
    place = "?\n\ndef f(x):\n    return re.sub('a', 'b', x)\n"
    assert features("import re", place).binds == 1.0
    assert features("import os", place).binds == 0.0
    place = "def f(x):\n    y = x\n    return y + 1\n\n\ndef g(x):\n    y = x\n?\n"
    assert features("    return y", place).result == 1.0
    assert features("    return x", place).result == 0.0
