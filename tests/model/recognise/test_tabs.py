"""Tabs and spaces in one text."""

import pytest
from redraft_model.recognise.recogniser import recognised
from redraft_model.recognise.tabs import tabbed

SPACED = '''\
def f(n):
    """It says
\tso."""
    for i in range(n):
        if i:
            g(i,
              n)
        h(i)
    return n
'''


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("    for i in range(n):\n        if i:", "\tfor i in range(n):\n\t\tif i:"),
        ("        if i:", "\tif i:"),
        ("        h(i)", "\t\th(i)"),
        ("        h(i)\n    return n", "\t\th(i)\n\treturn n"),
    ],
)
def test_a_text_of_spaces_gets_them_back(before: str, after: str) -> None:
    assert before in SPACED
    found = recognised(SPACED.replace(before, after))
    assert found is not None
    assert found.text == SPACED


def test_a_text_of_tabs_gets_them_back() -> None:
    code = "def f(n):\n\tn += 1\n\tif n:\n\t\tg(n)\n\treturn n\n"
    for space in ("  ", "    "):
        found = recognised(code.replace("\treturn", f"{space}return"))
        assert found is not None
        assert found.text == code


@pytest.mark.parametrize(
    "source",
    [
        "if x:\n    f()\n\n\tg()\n  h()\n",
        SPACED.replace("        h(i)", "\th(i)"),
        SPACED.replace("    return n", "\treturn n"),
        "if x:\n\tf()\n",
        "if x\n    f()\n\tg()\n",
        "x = '''\n\ta\n'''\nif x:\n    f(\n",
    ],
    ids=["no width", "two meanings", "two others", "tabs alone", "another error", "in a string"],
)
def test_what_no_width_decides_stays(source: str) -> None:
    assert tabbed(source) is None
