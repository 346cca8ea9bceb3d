"""IPython's own lines: hidden from Python's parser, and given back unharmed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redraft_server.magics import foreign_magic, hidden, revealed
from redraft_server.safety import parses


def check(cell: str, expected: str) -> None:
    assert hidden(cell) == expected
    assert len(expected) == len(cell)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("x = 1\n", "x = 1\n"),
        ("%matplotlib inline\nx = 1", "0#atplotlib inline\nx = 1"),
        ("!pip install x\n", "0#ip install x\n"),
        ("!", "0"),
        ("x?", "0#"),
        ("x.y??\n", "0#y??\n"),
        ("?x", "0#"),
        ("%%time\nf()", "0#time\nf()"),
        ("if x:\n    %time f()\n", "if x:\n    0#ime f()\n"),
        ("files = !ls *.py\n", "files = 0#s *.py\n"),
        ("x = %time f()\n", "x = 0#ime f()\n"),
        ("!ls \\\n  -l \\\n\n%x y", "0#s \\\n  #l \\\n\n0# y"),
        ("!echo \"it's\nx = '?'\n", "0#cho \"it's\nx = '?'\n"),
        ("\n%a b\n# c\n!\nfrom __future__ import d\n!e\n", "\n#a b\n# c\n#\nfrom __future__ import d\n0#\n"),
        ("x = 1\n%a b\nfrom __future__ import d\n", "x = 1\n0# b\nfrom __future__ import d\n"),
    ],
)
def test_what_only_ipython_understands_is_hidden(cell: str, expected: str) -> None:
    check(cell, expected)
    assert parses(expected)


@pytest.mark.parametrize(
    "cell",
    [
        "x = a % b\n",
        "x = (a\n     %b)\n",
        "x = a \\\n  %b\n",
        's = """\n%time\n!ls\nx?\n"""\n',
        "s = '''a\\'''\n!ls\n'''\n",
        "a != b\n",
        "x = 1  # really?\n",
        "# what?\n",
        "f(x='a?')\n",
        "x == !1\n",
        "print('100%')\n",
        "x = '%d' % 3\n",
        "f'{x!r}'\n",
    ],
)
def test_what_python_understands_is_left_alone(cell: str) -> None:
    check(cell, cell)


def test_after_a_string_and_brackets_are_closed_magics_are_magics_again() -> None:
    check('f("""\n%a\n""", [\n1])\n%time\n', 'f("""\n%a\n""", [\n1])\n0#ime\n')
    check("x = ')('  # (\n%time\n", "x = ')('  # (\n0#ime\n")


def test_shell_commands_are_hidden_even_behind_an_unclosed_bracket() -> None:
    check("f(\n!ls\n", "f(\n0#s\n")


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("%%bash\nls", "%%bash"),
        ("\n\n%%html\n<b>", "%%html"),
        ("%%", "%%"),
        ("%%time\nf()", None),
        ("%%capture out\nf()", None),
        ("%bash", None),
        ("x = 1\n%%bash\n", None),
        ("", None),
    ],
)
def test_a_cell_for_another_program_is_recognised(cell: str, expected: str | None) -> None:
    assert foreign_magic(cell) == expected


def test_a_repair_around_magics_gives_them_back() -> None:
    cell = "%load_ext x\nf(\n!ls\ng()\n"
    assert revealed(cell, hidden(cell)) == cell
    assert revealed(cell, "0#oad_ext x\nf(1,\n  2)\n0#s\ng()\n") == "%load_ext x\nf(1,\n  2)\n!ls\ng()\n"
    assert revealed(cell, "0#oad_ext x\n0#s\ng()\n") == "%load_ext x\n!ls\ng()\n"


def test_a_repair_that_changes_a_magic_is_none() -> None:
    cell = "%load_ext x\nf(\n"
    assert revealed(cell, "0#oad_ext y\nf()\n") is None
    assert revealed(cell, "f()\n") is None


LINES = ["%time f()", "!ls 'a", "x?", "y = 1", "f(", ")", '"""', "x = !ls", "  %x \\", "", "# a", "0#ime f()"]
cells = st.lists(st.sampled_from(LINES), max_size=8).map("\n".join)


@given(cell=cells)
def test_hiding_keeps_every_offset_and_is_undone(cell: str) -> None:
    assert [len(line) for line in hidden(cell).split("\n")] == [len(line) for line in cell.split("\n")]
    assert revealed(cell, hidden(cell)) == cell


plain = st.lists(st.sampled_from(["y = 1", ")", "", "# a"]), max_size=4).map("\n".join)


@given(cell=cells, above=plain, below=plain)
def test_new_lines_around_a_cell_do_not_touch_its_magics(cell: str, above: str, below: str) -> None:
    assert revealed(cell, f"{above}\n{hidden(cell)}\n{below}") == f"{above}\n{cell}\n{below}"
