"""A frame: what is parsed once, and that no verdict changes by it."""

import random
import textwrap
from pathlib import Path

import pytest
from redraft_model.passage import Span
from redraft_model.text.frame import Frame
from redraft_model.text.parser import compile_problem, problem

MODULE = Path(textwrap.__file__).read_text("utf-8")
FRAGMENTS = [
    "(",
    ")",
    "]",
    "{",
    ":",
    "'",
    '"""',
    "\\",
    "\n",
    "\n    ",
    "\n\n",
    "else:",
    "def f(",
    "#",
    "f'{",
    "0x",
    "é",
]


@pytest.mark.parametrize("seed", range(8))
def test_a_frame_changes_no_verdict(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(6):
        start = rng.randrange(len(MODULE))
        span = Span(start, min(len(MODULE), start + rng.randrange(400)))
        broken = MODULE[: span.end] + rng.choice(["", ")", "'", "(", " = ="]) + MODULE[span.end :]
        frame = Frame.around(broken, span)
        for _ in range(12):
            at = rng.randint(span.start, span.end)
            until = at + rng.choice((0, 0, 1, 5))
            text = broken[:at] + rng.choice(["", *FRAGMENTS]) + broken[min(until, span.end) :]
            assert frame.problem(text) == problem(text)


def test_a_frame_leaves_out_the_statements_around_a_span() -> None:
    source = "a = 1\n\ndef f():\n    return [\n\ndef g():\n    pass\nelse_ = 2\n"
    at = source.index("[")
    frame = Frame.around(source, Span(at, at + 1))
    assert frame == Frame("a = 1\n\n", "def f():\n", "def g():\n    pass\nelse_ = 2\n")
    assert frame.problem(source.replace("[", "[]")) is None
    # A text that does not have the frame is parsed as a whole.
    assert frame.problem("x = = 1\n") == problem("x = = 1\n")
    assert frame.problem(source.replace("a = 1", "a = = 1").replace("[", "[]")) is not None


def test_a_frame_tells_what_does_not_compile_between_its_ends() -> None:
    source = "a = 1\n\ndef f():\n    x = [\nreturn x\n\ndef g():\n    pass\n"
    at = source.index("[")
    frame = Frame.around(source, Span(at, source.index("return") + 6))
    parsed = source.replace("[", "[]")
    found = frame.compile_problem(parsed)
    assert frame.head
    assert frame.tail
    assert found == compile_problem(parsed)
    assert found is not None
    assert found.span.of(parsed) == "return x"
    assert frame.compile_problem(parsed.replace("return", "    return")) is None
    # What is wrong in the frame is not asked about.
    outside = "break\n" + source
    frame = Frame.around(outside, Span(outside.index("["), outside.index("return") + 6))
    assert frame.compile_problem(outside.replace("[", "[]").replace("return", "    return")) is None


def test_a_decorator_before_the_tail_is_part_of_it() -> None:
    source = "a = 1\n\ndef f():\n    x = [\n    return x\n\n@cache\ndef g():\n    pass\n"
    frame = Frame.around(source, Span(source.index("["), source.index("@cache") + 6))
    assert frame.tail.startswith("def g")
    parsed = source.replace("[", "[]")
    assert frame.problem(parsed) is None
    assert frame.compile_problem(parsed) is None
    misplaced = parsed.replace("    return", "return")
    assert frame.compile_problem(misplaced) == compile_problem(misplaced) is not None


def test_a_frame_is_empty_where_nothing_is_whole() -> None:
    source = "x = (\ny = 1\nz = 2)\nif x:\n    pass\nelse:\n    y = '''\n"
    at = source.index("z")
    assert Frame.around(source, Span(at, at)) == Frame()
    future = "from __future__ import annotations\nx = 1\ny = 2\n"
    assert Frame.around(future, Span(len(future), len(future))) == Frame()
