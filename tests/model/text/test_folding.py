"""Folding: a long open construct is shown short, and what was left out comes back."""

import pytest
from redraft_model.passage import Span
from redraft_model.text.folding import LONGEST_RUN, Folded, folded
from redraft_model.text.parser import parses, problem

HEAD = 'import shop\n\n\ndef stock(parser):\n    """All that is there."""\n'
TAIL = "    return parser\n\n\ndef price(name):\n    return shop.find(name)\n"


def fold_of(source: str) -> Folded:
    found = problem(source)
    assert found is not None
    made = folded(source, found)
    assert made is not None
    fold, _ = made
    assert fold.unfolded(fold.text) == source
    return fold


def is_folded(source: str) -> bool:
    found = problem(source)
    assert found is not None
    return folded(source, found) is not None


def table(n_rows: int, row: str = '        ["pear", {}],\n') -> str:
    return HEAD + "    rows = [\n" + "".join(row.format(i) for i in range(n_rows)) + TAIL


def test_of_a_table_without_an_end_the_first_and_the_last_rows_are_left() -> None:
    fold = fold_of(table(120))
    assert fold.text == table(120).replace("".join(f'        ["pear", {i}],\n' for i in range(2, 118)), "")


@pytest.mark.parametrize("n_rows", [9, 10, 63, 500])
def test_an_edit_of_a_folded_table_is_one_of_the_whole_table(n_rows: int) -> None:
    source = table(n_rows)
    fold = fold_of(source)
    assert fold.text.count("\n") < source.count("\n")
    whole = fold.unfolded(fold.text.replace("    return parser", "    ]\n    return parser"))
    assert whole == source.replace("    return parser", "    ]\n    return parser")
    assert parses(whole)


def test_short_tables_and_closed_ones_are_not_folded() -> None:
    assert not is_folded(table(LONGEST_RUN))
    closed = table(40).replace("    return parser", "    ]\n    return = parser")
    assert not is_folded(closed)


def test_a_row_without_a_comma_is_not_the_fault_of_an_end() -> None:
    source = table(120, "        {},\n").replace("    return parser", "    ]\n    return parser")
    assert not is_folded(source.replace(" 57,", " 57"))


def test_a_row_with_a_bracket_of_its_own_that_is_open_is_left() -> None:
    source = table(120).replace("    return parser", "    ]\n    return parser")
    fold = fold_of(source.replace('["pear", 57],', '["pear", [57],'))
    assert '["pear", [57],' in fold.text
    assert fold.text.count("pear") == 9  # two rows at the ends of two runs, and the odd one


def test_rows_of_several_lines_are_left_out_as_a_whole() -> None:
    row = '        {{\n            "name": "pear",\n            "price": {},\n        }},\n'
    fold = fold_of(table(60, row))
    assert fold.text.count('"name"') == 2
    assert parses(fold.text.replace("    return parser", "    ]\n    return parser"))


def test_the_rows_of_an_inner_call_are_left_out_too() -> None:
    options = "".join(f"            option_{i}=True,\n" for i in range(40))
    source = HEAD + "    shop.add(\n        dict(\n" + options + "        )\n" + TAIL
    fold = fold_of(source)
    assert fold.text.count("option_") == 4
    assert parses(fold.unfolded(fold.text.replace("        )\n", "        )\n    )\n")) or "")


def prose(n_lines: int) -> str:
    return "".join(f"    Line {i} is about pears, and don't mind the rest.\n" for i in range(n_lines))


def test_of_a_docstring_without_an_end_the_prose_is_left_out_up_to_the_code() -> None:
    source = 'def stock(parser):\n    """All that is there.\n\n' + prose(60) + TAIL
    fold = fold_of(source)
    assert fold.text == source.replace("".join(prose(60).splitlines(keepends=True)[1:58]), "")


def test_quotes_further_down_do_not_hide_the_string_without_an_end() -> None:
    source = 'def stock(parser):\n    """All that is there.\n\n' + prose(30) + TAIL
    source += '\n\ndef weight(name):\n    """Kilograms (net)."""\n    return shop.weight[name]\n'
    found = problem(source)
    assert found is not None
    made = folded(source, found)
    assert made is not None
    fold, first = made
    assert source[: first.span.start].endswith('"""')
    now = problem(fold.text)
    assert now is not None
    assert fold.text[now.span.start :].startswith('"""All')
    whole = fold.unfolded(fold.text.replace("    return parser", '    """\n    return parser'))
    assert whole == source.replace("    return parser", '    """\n    return parser')
    assert parses(whole)


def test_an_edit_that_touches_what_was_left_out_has_no_whole_text() -> None:
    fold = fold_of('x = """\n' + "some words of prose\n" * 20 + 'y = 1\nz = """Pears."""\n')
    assert fold.unfolded(fold.text.replace("...", "pass")) is None


def test_what_was_left_out_lies_within_a_span_or_not() -> None:
    source = table(20)
    fold = fold_of(source)
    rows = Span(source.index("    rows"), source.index("    return parser"))
    assert fold.is_within(rows, source)
    assert not fold.is_within(Span(rows.start, source.index('["pear", 15]')), source)
    assert not fold.is_within(Span(source.index('["pear", 3]'), rows.end), source)
    assert Folded(source).is_within(Span(0, 0), source)
    assert Folded(source).unfolded("x") == "x"


def long_line(n_elements: int = 900) -> str:
    return "PEARS = [" + ", ".join(f'"pear_{i}"' for i in range(n_elements)) + "]\n" + TAIL[17:]


def test_of_a_very_long_line_elements_are_left_out() -> None:
    source = long_line().replace("]", "")
    fold = fold_of(source)
    assert fold.text == source.replace(", ".join(f'"pear_{i}"' for i in range(9, 892)) + ", ", "")


def test_on_a_very_long_line_what_is_beside_the_problem_stays() -> None:
    source = long_line().replace('"pear_450",', '450 = "pear",')
    fold = fold_of(source)
    assert '"pear_449", 450 = "pear", "pear_451"' in fold.text
    assert fold.text.startswith('PEARS = ["pear_0"')
    assert '"pear_899"]' in fold.text
    assert fold.text.count("pear") < 40


@pytest.mark.parametrize("bad", ["f(", "f)", "f]", '"', "'pear", "{[", "= ="])
def test_whatever_is_wrong_on_a_very_long_line_what_is_folded_unfolds(bad: str) -> None:
    source = long_line().replace('"pear_450"', bad)
    found = problem(source)
    assert found is not None
    made = folded(source, found)
    assert made is None or made[0].unfolded(made[0].text) == source


DOCUMENTED = '''

def weight(name):
    """
    The weight of a pear, which isn't the price.
    """
    return shop.weight[name]


def color(name):
    """The color."""
    return "green"
'''


def test_an_apostrophe_further_down_does_not_hide_the_string_without_an_end() -> None:
    source = 'def stock(parser):\n    """All that is there.\n\n' + prose(9) + TAIL + DOCUMENTED
    fold = fold_of(source)
    assert fold.text.startswith('def stock(parser):\n    """All that is there.\n')
    assert fold.text.endswith("def weight(name):\n    ...")


def test_a_quote_that_is_missing_in_code_is_not_the_fault_of_a_docstring() -> None:
    source = (HEAD + TAIL + DOCUMENTED).replace('"green"', '"green')
    assert not is_folded(source)
    assert not is_folded(source.replace('return "green', 'x = 1\n    return "green'))
