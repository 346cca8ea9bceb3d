import ast
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redraft_model.data.units import next_siblings, statements


def check(source: str, *expected: str) -> None:
    """The statements of `source` as "depth parent text", where the text shows line breaks as |."""
    data = source.encode()
    found = [
        f"{depth} {parent} {data[start:stop].decode().strip().replace(chr(10), '|')}"
        for start, stop, depth, parent in statements(source).tolist()
    ]
    assert found == list(expected)


def test_every_statement_is_found_with_its_depth_and_parent() -> None:
    check(
        "import os\nif os:\n    a = 1\n    while a:\n        break\n",
        "0 -1 import os",
        "0 -1 if os:|    a = 1|    while a:|        break",
        "4 1 a = 1",
        "4 1 while a:|        break",
        "8 3 break",
    )


def test_ranges_are_whole_lines_in_bytes() -> None:
    source = "é = 'ü'\nif é:\n\tß = 1  # ß\n"
    assert statements(source).tolist() == [[0, 10, 0, -1], [10, 31, 0, -1], [17, 31, 8, 1]]
    assert len(source.encode()) == 31


def test_the_last_statement_needs_no_line_break() -> None:
    assert statements("a = 1\nb = 2").tolist() == [[0, 6, 0, -1], [6, 11, 0, -1]]


def test_an_empty_text_has_no_statements() -> None:
    assert statements("").shape == (0, 4)
    assert statements("# nothing\n").shape == (0, 4)


def test_decorators_belong_to_their_function_and_class() -> None:
    check(
        "@a\n@b(1)\nasync def f():\n    pass\n\n@(\n    c\n)\nclass D:\n    x: int\n",
        "0 -1 @a|@b(1)|async def f():|    pass",
        "4 0 pass",
        "0 -1 @(|    c|)|class D:|    x: int",
        "4 2 x: int",
    )


def test_clauses_are_no_statements_but_their_blocks_are_read_in_order() -> None:
    check(
        "try:\n    a\nexcept E:\n    b\nelse:\n    c\nfinally:\n    d\n"
        "match x:\n    case 1:\n        e\n    case _:\n        f\n",
        "0 -1 try:|    a|except E:|    b|else:|    c|finally:|    d",
        *("4 0 a", "4 0 b", "4 0 c", "4 0 d"),
        "0 -1 match x:|    case 1:|        e|    case _:|        f",
        *("8 5 e", "8 5 f"),
    )


def test_statements_over_several_lines_are_whole() -> None:
    check(
        'def f(\n    a,\n):\n    """Say\n\nnothing.\n    """\n    return (\n        a\n    )  # done\n',
        '0 -1 def f(|    a,|):|    """Say||nothing.|    """|    return (|        a|    )  # done',
        '4 0 """Say||nothing.|    """',
        "4 0 return (|        a|    )  # done",
    )


def test_statements_that_share_a_line_are_left_out() -> None:
    check("a = 1; b = 2\nc = 3;\n", "0 -1 c = 3;")
    check("if a: b\n", "0 -1 if a: b")
    check("x = (1,\n  2); y = 3\nz = 4\n", "0 -1 z = 4")
    check("if a: \\\n    b\nc\n", "0 -1 if a: \\|    b", "0 -1 c")
    check("for a in b: c; d\n", "0 -1 for a in b: c; d")


def test_carriage_returns_do_not_move_the_ranges() -> None:
    source = "a = 1\r\nif a:\r\n    b = 2\r\n"
    assert [source[start:stop] for start, stop, _, _ in statements(source).tolist()] == [
        "a = 1\r\n",
        "if a:\r\n    b = 2\r\n",
        "    b = 2\r\n",
    ]


def test_a_form_feed_is_no_indentation() -> None:
    assert statements("a = 1\n\f\nb = 2\n\fc = 3\n").tolist() == [
        [0, 6, 0, -1],
        [8, 14, 0, -1],
        [14, 21, 0, -1],
    ]


def test_siblings_follow_each_other_only_within_one_block() -> None:
    source = "a\nif b:\n    c\n    d\nelse:\n    e\n    f\ng\n"
    #         0     1       2      3            4      5    6
    assert next_siblings(source).tolist() == [1, 6, 3, -1, 5, -1, -1]


def test_a_statement_that_is_left_out_breaks_the_row_of_siblings() -> None:
    assert next_siblings("a\nb; c\nd\n").tolist() == [-1, -1]


def test_a_text_that_does_not_parse_is_refused() -> None:
    with pytest.raises(SyntaxError):
        statements("def f(:\n")


SIMPLE = st.sampled_from(
    ["x = 1", "x = (\n    1,\n    2)", "'''a\nb'''", "x = 1; y = 2", "pass  # é", "@d\ndef g(): ..."]
)
HEADER = st.sampled_from(["if a:\n", "async def f():\n", "@d\nclass C:\n", "try:\n  pass\nfinally:\n"])


def blocks(children: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    body = st.lists(children, min_size=1, max_size=3).map("\n".join)
    return st.builds(lambda header, inner: header + textwrap.indent(inner, "  "), HEADER, body)


@given(st.lists(st.recursive(SIMPLE, blocks, max_leaves=8), min_size=1, max_size=4).map("\n".join))
def test_each_range_is_one_statement_of_its_own(source: str) -> None:
    data = source.encode()
    rows = statements(source).tolist()
    for row, (start, stop, depth, parent) in enumerate(rows):
        lines = data[start:stop].decode()
        # Put the lines into a block: dedenting them would change the strings among them.
        tree = ast.parse("if 1:\n" + lines if depth else lines)
        body = tree.body[0].body if depth else tree.body  # type: ignore[attr-defined]
        assert len(body) == 1
        assert parent < row
        if parent >= 0:
            assert rows[parent][0] < start
            assert stop <= rows[parent][1]
