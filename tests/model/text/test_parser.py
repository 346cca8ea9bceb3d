"""What parses, and where the parser stopped: in characters, whatever the text is made of."""

import pytest
from redraft_model.passage import Span
from redraft_model.text.parser import (
    N_KINDS,
    comment_and_string_spans,
    compile_problem,
    conflict,
    error_spans,
    line_starts,
    parses,
    problem,
)


def check(marked: str, length: int = 1) -> None:
    """The one "»" in `marked` is where the parser stops, for `length` characters."""
    start = marked.index("»")
    source = marked.replace("»", "")
    found = problem(source)
    assert found is not None
    assert found.span == Span(start, start + length), found
    assert found.line == len(line_starts(source[:start])) - 1
    assert found.message


@pytest.mark.parametrize(
    "source",
    [
        "",
        "\n\n",
        "# only a comment",
        "x = 1",
        "x = 1\r\ny = 2\r\n",
        "if x:\n\ty = 1\n",
        "\x0cx = 1\n",
        "名前 = '😀'\n",
        "print(f'{x!r:>{width}}')\n",
        "match x:\n    case [1, *_]:\n        pass\n",
        "x = '\\d'\n",  # a warning is no error
    ],
)
def test_python_parses(source: str) -> None:
    assert parses(source)
    assert problem(source) is None


@pytest.mark.parametrize(
    ("marked", "length"),
    [
        ("x = »= 1\n", 1),
        ("a = 1\nb »b = 2\n", 1),
        ("f»(1\nx = 2\n", 1),
        ("x = »[1,\n", 1),
        ("x = »{'a': 1\n", 1),
        ("x = 1»)\n", 1),
        ("x = (1»]\n", 1),
        ("def f():\n»x\n", 1),
        ("x = »'abc\n", 1),
        ("x = 1\ny = »'''abc\ndef\n", 1),
        ("return »= 3\n", 1),
        ("x »:= 1\n", 2),
        ("»1 = x\n", 1),
        ("[»1 2]\n", 3),
        ("x = 1»€\n", 1),
        ("if x:\n\ty = »= 1\n", 1),
        ("\x0cx = »= 1\n", 1),
        ("s = '😀' + + »= 3\n", 1),
        ("名前 = '日本語' »)\n", 1),
        ("e\u0301 = 'a\u0308' + »= 1\n", 1),
        ("lambda x: »= 1\n", 1),
        ("»print 'a'\n", 9),
        ("*a\n»= 3\n", 1),
    ],
)
def test_a_problem_is_where_the_parser_stopped(marked: str, length: int) -> None:
    check(marked, length)


def test_lines_end_where_python_ends_them() -> None:
    check("x = 1\r\ny = »= 2\r\n")
    check("x = 1\ry = »= 2\r")
    check("x = '\u2028\x0b\x1c'\ny = »= 2\n")  # line ends of str.splitlines, not of Python
    assert line_starts("a\nb\r\nc\rd") == [0, 2, 5, 7]
    assert line_starts("") == [0]


def test_a_nul_character_is_the_problem() -> None:
    check("x = 1\ny = '»\0'\n")
    check("»\0")


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("if x:\n\ty\n        z\n", 2),  # tabs and blanks do not mix
        ("if x:\n    y\n  z\n", 2),
        ("  x = 1\n", 0),
        ("x = 1\ny = f'{a b}'\n", 1),
        ("x = 1\ny = f'{'\n", 1),
        ("x = 1 \\ y\n", 0),
        ("x = '\\N{no such name}'\n", 0),
        ("f(a=1, 2)\n", 0),
        ("x = 1abc\n", 0),
        ("x = 012\n", 0),
        ("b'é'\n", 0),
        ("@\n", 0),
        ("x = (", 0),
        ("x = foo(a for b in\n   c, d)\n", 0),
    ],
)
def test_a_problem_has_its_line_and_is_inside_the_text(source: str, line: int) -> None:
    # These messages point at other columns in other versions of Python.
    found = problem(source)
    assert found is not None
    assert found.line == line
    assert line <= found.last_line < len(line_starts(source))
    assert 0 <= found.span.start <= found.span.end <= len(source)


@pytest.mark.parametrize(
    "source", ["(" * 300 + ")" * 300, "-" * 100_000 + "1", "x" + ".a" * 100_000, "[" * 5000, "x = '\ud800'"]
)
def test_what_the_parser_gives_up_on_does_not_parse(source: str) -> None:
    found = problem(source)
    assert found is not None
    assert 0 <= found.span.start <= found.span.end <= len(source)
    assert found.message


def test_a_problem_at_the_very_end_is_at_the_end() -> None:
    found = problem("x =")
    assert found is not None
    assert found.span.start in (2, 3)
    assert found.span.end == 3


def test_errors_of_tree_sitter_are_in_characters_and_in_order() -> None:
    source = "s = '😀'\nx = = 1\n名 = (1\ny = 2 2\n"
    first, second = error_spans(source)
    assert first.of(source) == "="
    assert second.of(source).startswith("名 = (1")


def test_a_missing_token_has_an_empty_span() -> None:
    source = "é = 1\ndef f(:\n    pass\n"
    at = source.index(":")
    assert error_spans(source) == [Span(at, at)]


def test_a_text_without_errors_has_no_error_spans() -> None:
    assert error_spans("") == []
    assert error_spans("def f(x):\n    return '😀'\n") == []


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("f(1\nx = 2\n", 1),
        ("x = 1)\n", 3),
        ("x = (1]\n", 3),
        ("if x\n    y = 1\n", 4),
        ("x = 'abc\n", 5),
        ("x = '''abc\n", 5),
        ("def f():\nx\n", 2),
        ("x = 1\n  y = 2\n", 2),
        ("if x:\n        y = 1\n    z = 2\n", 2),
        ("[a b]\n", 6),
        ("print 'a'\n", 7),
        ("f() = 3\n", 8),
        ("if x = 3:\n    pass\n", 8),
        ("x = 09\n", 9),
        ("x = 1€\n", 9),
        ("x = = 1\n", 0),
        ("return = 3\n", 0),
    ],
)
def test_a_message_is_of_the_kind_that_it_is_about(source: str, kind: int) -> None:
    found = problem(source)
    assert found is not None
    assert found.kind == kind, found.message
    assert kind < N_KINDS


def test_comments_and_strings_are_what_stands_in_comments_and_strings() -> None:
    source = "x = 'ab' + f\"c{d!r}e\"  # 名 f\ny = '''g\nh'''\nz = ''\n"
    assert [span.of(source) for span in comment_and_string_spans(source)] == ["ab", "c", "e", " 名 f", "g\nh"]


def test_an_open_string_is_none_and_what_follows_it_is_found() -> None:
    source = "x = 'ab\ny = 'cd'  # e\n"
    assert [span.of(source) for span in comment_and_string_spans(source)] == ["cd", " e"]
    assert comment_and_string_spans("") == []


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("x = 1\n<<<<<<< HEAD\ny = 1\n=======\ny = 2\n>>>>>>> other\n", 1),
        ("<<<<<<< HEAD\r\ny = 1\r\n=======\r\ny = 2\r\n>>>>>>> other\r\n", 0),
        ("<<<<<<< ours\na\n||||||| base\nb\n=======\n>>>>>>> theirs", 0),
        ("", None),
        ("<<<<<<< HEAD\ny = 1\n", None),
        ("title\n=======\n", None),
        ("    <<<<<<< HEAD\n=======\n>>>>>>> other\n", None),
        (">>>>>>> other\n=======\n<<<<<<< HEAD\n", None),
    ],
)
def test_a_merge_conflict_begins_where_git_marks_it(source: str, line: int | None) -> None:
    assert conflict(source) == line


@pytest.mark.parametrize(
    "marked",
    [
        "def f():\n    pass\n»return« 1\n",
        "for x in y:\n    pass\n»break«\n",
        "if x:\n    »continue«\n",
        "x = 1\n»yield« x\n",
        "def f():\n    x = 1\n    »global« x\n",
    ],
)
def test_what_parses_may_not_compile(marked: str) -> None:
    start, end = marked.index("»"), marked.index("«") - 1
    source = marked.replace("»", "").replace("«", "")
    assert parses(source)
    found = compile_problem(source)
    assert found is not None
    assert found.span.start == start
    assert found.span.end >= end
    assert found.line == source.count("\n", 0, start)


@pytest.mark.parametrize(
    "source",
    ["", "x = 1\n", "await work()\n", "x = '\\d'\n", "x = " + "1 + " * 20_000 + "1\n", "x = 1 is 1\n"],
)
def test_what_compiles(source: str) -> None:
    assert compile_problem(source) is None


def test_a_statement_outside_of_its_block_is_a_matter_of_indentation() -> None:
    misplaced = compile_problem("return 1\n")
    indented = problem("x = 1\n  y = 2\n")
    assert misplaced is not None
    assert indented is not None
    assert misplaced.kind == indented.kind
