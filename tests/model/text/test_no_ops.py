"""Statements that do nothing."""

import pytest
from redraft_model.text.no_ops import n_no_ops


@pytest.mark.parametrize(
    ("source", "n"),
    [
        ("n\n", 1),
        ("for x in y:\n    n\n    a == b\n    1\n", 3),
        ("self.x\n", 1),
        ("print >> f, x\n", 1),
        ("retrun + best\n", 1),
        ("f'{x}'\n", 1),
        ("lambda: x\n", 1),
        ("", 0),
        ('"""What it is."""\nx = 1\n"""What x is."""\n', 0),
        ("def f(): ...\n", 0),
        ("f(x)\n", 0),
        ("x and f(x)\n", 0),
        ("async def f():\n    await x\n    yield x\n    yield from x\n", 0),
        ("(x := 1)\n", 0),
        ("x = n\nreturn n\n", 0),
        ("n (\n", 0),  # does not parse
    ],
)
def test_statements_that_do_nothing_are_counted(source: str, n: int) -> None:
    assert n_no_ops(source) == n
