"""HTML entities become characters, but for those in strings."""

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redraft_model.recognise.entities import CONFIDENCE, escaped
from redraft_model.recognise.recogniser import recognised

LINES = (
    "if low < value <= high and not mask & 4:\n    pass\n",
    "print('<b>', \"x & y\")  # a -> b\n",
    "def f(x: int) -> int:\n    return x >> 1\n",
    "label = 'it''s'\n",
)


@given(st.lists(st.sampled_from(LINES), min_size=1).filter(lambda lines: lines != [LINES[3]]))
def test_code_of_a_page_comes_back(lines: list[str]) -> None:
    source = "".join(lines)
    found = recognised(html.escape(source))
    assert found is not None
    assert found.text == source


def test_entities_between_quotes_stay_and_make_it_less_sure() -> None:
    found = escaped("if a &gt; 1:\n    print(\"&gt;\", '&amp;')\n")
    assert found is not None
    assert found.text == "if a > 1:\n    print(\"&gt;\", '&amp;')\n"
    assert found.confidence < CONFIDENCE


def test_blanks_and_numbers_are_entities_too() -> None:
    found = escaped("if x &#62; 1:\n&nbsp;&nbsp;&nbsp;&nbsp;y = &#39;z&#x27;\n")
    assert found is not None
    assert found.text == "if x > 1:\n    y = 'z'\n"


@pytest.mark.parametrize(
    "source",
    [
        'x = "&gt;"\ny = (1\n',
        "# a &lt; b\nx = (\n",
        "a & b; c = (\n",
        "a &unknown; b\n",
        '"""\n&lt;b&gt;\n"""\nif x\n',
    ],
    ids=["string", "comment", "operator", "no entity", "docstring"],
)
def test_what_does_not_help_the_parser_stays(source: str) -> None:
    assert recognised(source) is None
