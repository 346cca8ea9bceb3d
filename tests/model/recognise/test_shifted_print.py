"""`print >>file, text` in a text that compiles."""

import pytest
from redraft_model.passage import Doubt, Span
from redraft_model.recognise.shifted_print import shifted_prints


def test_a_statement_that_shifts_print_is_doubted() -> None:
    source = 'é = "é"; print >>sys.stderr, é\nif é:\n    print >>f\n'
    first, second = "print >>sys.stderr, é", "print >>f"
    assert shifted_prints(source) == [
        Doubt(Span(9, 9 + len(first)), 0.0, "substitute", "print(é, file=sys.stderr)"),
        Doubt(Span(source.index(second), source.index(second) + 9), 0.0, "substitute", "print(file=f)"),
    ]


@pytest.mark.parametrize(
    "source",
    [
        "print(1 >> 2)\n",
        "x = print >> f\n",
        "printer >> f\n",
        "print\n1 >> 2\n",
        "print >>f, (\n",
        "",
        "f >> print, x\n",
        "print = Printer()\nprint >>f, x\n",
        "from rich import print\nprint >>f, x\n",
        "def show(print):\n    print >>f, x\n",
    ],
)
def test_nothing_else_is(source: str) -> None:
    assert shifted_prints(source) == []
