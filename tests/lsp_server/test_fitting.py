"""Drafts that fit: each case is one behaviour, "|" is the cursor and what is between "«»" is replaced."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from redraft_model.passage import Passage
from redraft_server.features.fitting import Fit, fit, is_inviting, word_before
from redraft_server.nesting import nesting


def check(around: str, draft: str, expected: str | None, *, is_single_line: bool = False) -> None:
    """At the "|" of `around`, `draft` becomes `expected`, in which «…» is the text behind the cursor it replaces."""
    before, after = around.split("|")
    found = fit(draft, Passage(before, "", after), is_single_line=is_single_line)
    if expected is None:
        assert found is None
    else:
        text, _, replaced = expected.rstrip("»").partition("«")
        assert found == Fit(text, len(replaced))
        assert after.startswith(replaced)


@pytest.mark.parametrize(
    ("around", "draft", "expected"),
    [
        ("x = |\n", "1", "1"),
        ("print(|)\n", "x)", "x)«)»"),
        ("print(|)\n", "x", "x"),
        ("print(|)\n", "f(x)", "f(x)"),
        ("print(|)\n", "f(x))", "f(x))«)»"),
        ("print(|)\n", "f(x", "f(x"),
        ("print( | )\n", "x )", "x )« )»"),
        ("f(g(|))\n", "x), y)", "x), y)«))»"),
        ("f(g(|))\n", "x)", "x)«)»"),
        ("f(g(|))\n", "x), h(y", "x), h(y"),
        ("x = [|]\n", "1, 2]", "1, 2]«]»"),
        ("m = [[[|]]]\n", "1, 2], [3]], [[4]]]", "1, 2], [3]], [[4]]]«]]]»"),
        ("d[|]\n", "a[0]", "a[0]"),
        ("d = {|}\n", "'a': [1]}", "'a': [1]}«}»"),
        ('x = "|"\n', 'abc"', 'abc"«"»'),
        ('x = "|"\n', "abc", "abc"),
        ('x = "|"\n', "it's", "it's"),
        ('x = "|"\n', 'a" + "b', 'a" + "b'),
        ('print("|")\n', 'hi")', 'hi")«")»'),
        ('print("|")\n', 'hi", x)', 'hi", x)«")»'),
        ('x = """|"""\n', 'a\n  b"""', 'a\n  b"""«"""»'),
        ("print('a)', |)\n", "x)", "x)«)»"),
        ("def f(|):\n", "a, b):", "a, b):«):»"),
        ("def f(|):\n", "a):\n    return a", "a):\n    return a«):»"),
        ("print(|)\n", "a,\n      b)", "a,\n      b)«)»"),
        # Two are open and one is closed: both closers are needed.
        ("max(min(|)\n", "n, 5), 3", "n, 5), 3"),
        # Nothing was closed by the editor.
        ("print(|\n", "x)", "x)"),
        ("print(\n    a,\n    |\n)\n", "b,\n)", "b,"),
    ],
)
def test_brackets_and_quotes_behind_the_cursor_are_not_doubled(
    around: str, draft: str, expected: str
) -> None:
    check(around, draft, expected)


@pytest.mark.parametrize(
    ("around", "draft", "expected"),
    [
        ("x = |\n", "1)", "1"),
        ("print(|)\n", "x))", "x)«)»"),
        ("x = [|\n", "1)", "1"),
        ("x = |\n", "1]\ny = 2", "1"),
    ],
)
def test_a_bracket_that_closes_nothing_ends_the_suggestion(around: str, draft: str, expected: str) -> None:
    check(around, draft, expected)


@pytest.mark.parametrize(
    ("around", "draft", "expected"),
    [
        ("f(a, |, value)\n", "b, value)", "b, value)«, value)»"),
        ("if x|:\n", " > 0:", " > 0:«:»"),
        ("x = | + y\n", "1 +", "1 +« +»"),
        ("x = |value\n", "1 + value", "1 + value«value»"),
        ("x = |b\n", "ab", "ab"),
    ],
)
def test_what_the_line_goes_on_with_is_not_repeated(around: str, draft: str, expected: str) -> None:
    check(around, draft, expected)


@pytest.mark.parametrize(
    ("around", "draft", "expected"),
    [
        ("    |\n    return x\n", "return x", None),
        ("    ret|\n    return x\n", "urn x", None),
        ("    |\n    return x\n", "y = 1\n    return x", "y = 1"),
        ("    |\n\n    y = 2\n    return x\n", "y = 1\n    y = 2\n    return x", "y = 1"),
        ("    |\n    return x\n", "return y", "return y"),
        ("    |\n    return x\n", "a = 1\n        return x", "a = 1"),
        ("x = [\n    |\n    4,\n]\n", "1,\n    2,\n    4,", "1,\n    2,"),
        ("|", "import os", "import os"),
    ],
)
def test_lines_below_are_not_suggested_again(around: str, draft: str, expected: str | None) -> None:
    check(around, draft, expected)


@pytest.mark.parametrize(
    ("around", "draft", "expected"),
    [
        ("import os\n|\n", "import os", None),
        ("import os\n\n|\n", "import os\nimport re", None),
        ("import os\nimp|\n", "ort os", None),
        ("import os\n|\n", "import os.path", "import os.path"),
        ("import os|\n", "\nimport re", "\nimport re"),
        ("x = [\n    0,\n    |\n]\n", "0,", "0,"),
    ],
)
def test_the_line_above_is_not_suggested_again(around: str, draft: str, expected: str | None) -> None:
    check(around, draft, expected)


@pytest.mark.parametrize(
    ("draft", "expected"),
    [
        ("f()\n" * 6, "f()"),
        ("f()\nf()\nf()", "f()\nf()\nf()"),
        ("a()\nb()\n" * 5, "a()\nb()"),
        ("a()\nb()\na()\nb()", "a()\nb()\na()\nb()"),
        ("x = 1\n" + "f()\n" * 9, "x = 1\nf()"),
        ("[0, 0, 0, 0, 0, 0, 0, 0, 0", None),
        ("x = 1\ny = 'abcabcabcabcabcabcabc", "x = 1"),
        ("# " + "=" * 40, "# " + "=" * 40),
        ("\n\n\n\n\nx = 1", "\n\n\n\n\nx = 1"),
    ],
)
def test_a_draft_that_goes_round_in_circles_is_cut(draft: str, expected: str | None) -> None:
    check("|\n", draft, expected)


@pytest.mark.parametrize("draft", ["", " ", "\n", " \n\t\n", ")", ",", ":"])
def test_nothing_and_next_to_nothing_is_not_shown(draft: str) -> None:
    check("x = |\n", draft, None)
    check("f(|)\n", draft, None)


@pytest.mark.parametrize("draft", ["1", "x", "()", "\u754c"])
def test_a_word_however_short_is_shown(draft: str) -> None:
    check("x = |\n", draft, draft)


@pytest.mark.parametrize(
    ("around", "draft", "expected"),
    [
        ("x = |\n", "1  ", "1"),
        ("x = |\n", "1\n\n", "1"),
        ("|\n", "a = 1  \n\t\nb = 2", "a = 1\n\nb = 2"),
        ("|\n", 'a = """x  \ny"""  \nb', 'a = """x  \ny"""\nb'),
        ("s = 'a|'\n", "b ", "b "),
        ("x = |  + 1\n", "y", "y"),
    ],
)
def test_no_line_ends_with_blanks(around: str, draft: str, expected: str) -> None:
    check(around, draft, expected)


@pytest.mark.parametrize(
    ("around", "draft", "expected"),
    [
        ("x = |\n", " 1", "1"),
        ("x =|\n", " 1", " 1"),
        ("s = 'a |'\n", " b", " b"),
        ("def f():\n    |\n", "\n    return 1", "return 1"),
        ("def f():\n    |\n", "\n\n    x = 1\n    return x", "x = 1\n    return x"),
        ("def f():\n    |\n", "\nreturn 1", None),
        ("def f():\n    pass\n|\n", "\n\ndef g():\n    pass", "\n\ndef g():\n    pass"),
        ("def f():\n    |\n", " return 1", "return 1"),
        ("def f():\n    x = 1\n|\n", "    return x", "    return x"),
        ("def f():\n    x = 1\n|\n", "   return x", "return x"),
        ("def f():\n|\n", "    return 1", "    return 1"),
        ("def f():\n    if x:\n        y = 1\n|\n", "    return x", "    return x"),
        ("|\n", " import os", "import os"),
        ("x = f(a,\n|\n", "      b)", "      b)"),
    ],
)
def test_it_begins_where_a_statement_may_begin(around: str, draft: str, expected: str | None) -> None:
    check(around, draft, expected)


@pytest.mark.parametrize(
    ("around", "draft", "expected"),
    [
        ("def f():\n\tif x:\n\t\t|\n", "y = 1\n        z = 2\n    return", "y = 1\n\t\tz = 2"),
        ("def f():\n\tfor x in y:|\n", "\n        print(x)", "\n\t\tprint(x)"),
        ("def f():\n\tx = g(|\n", "a,\n        b)", "a,\n\t\tb)"),
        ("def f():\n    if x:\n        |\n", "y = 1\n\t\tz = 2", "y = 1\n        z = 2"),
        ("def f():\n  if x:\n    |\n", "y = 1\n\t\tz = 2", "y = 1\n    z = 2"),
        ("if x:\n    a\nif y:\n\t|\n", "b\n    c", "b\n\tc"),
        ("if y:\n\tb\nif x:\n    |\n", "a\n\tc", "a\n    c"),
        ("|\n", "if x:\n\ty", "if x:\n\ty"),
        ("if x:\n\t|\n", 's = """\n    a"""', 's = """\n    a"""'),
    ],
)
def test_it_is_indented_with_what_the_document_is_indented_with(
    around: str, draft: str, expected: str
) -> None:
    check(around, draft, expected)


@pytest.mark.parametrize(
    ("around", "draft", "expected"),
    [
        # In the middle of a statement: to its end.
        ("x =|\n", " 1\ny = 2", " 1"),
        ("    x =|\n", " 1\n    y = 2\nz", " 1"),
        ("f(|\n", "a,\n  b,\n)\ng()", "a,\n  b,\n)"),
        ("for|\n", " x in y:\n    a\n    b\nc", " x in y:\n    a\n    b"),
        (
            "if x|\n",
            " > 1:\n    a\nelif y:\n    b\nelse:\n    c\nd",
            " > 1:\n    a\nelif y:\n    b\nelse:\n    c",
        ),
        ("s = |\n", '"""\na\n"""\nt = 1', '"""\na\n"""'),
        # At the beginning of one: to the end of the block.
        ("def f():|\n", "\n    a\n    b\nc", "\n    a\n    b"),
        ("def f():\n    |\n", "a\n    if b:\n        c\n    d\ne", "a\n    if b:\n        c\n    d"),
        ("x = 1|\n", "\ny = 2\nz = 3", "\ny = 2\nz = 3"),
        ("    x = 1|\n", "\n    y = 2\nz = 3", "\n    y = 2"),
        ("        x = 1|\n", "\n    y = 2\nz = 3", "\n    y = 2"),
        # A definition is enough.
        ("|\n", "def f():\n    a\n\ndef g():\n    b", "def f():\n    a"),
        ("|\n", "@a\n@b\ndef f():\n    c\n\nx = 1", "@a\n@b\ndef f():\n    c"),
        ("|\n", "x = 1\n\n@a\ndef f():\n    b", "x = 1"),
        (
            "class A:\n    |\n",
            "def f(self):\n        a\n\n    def g(self):\n        b",
            "def f(self):\n        a",
        ),
        ("class A:\n    |\n", "x = 1\n    y = 2\n    def g(self):\n        b", "x = 1\n    y = 2"),
    ],
)
def test_it_ends_with_what_it_began(around: str, draft: str, expected: str) -> None:
    check(around, draft, expected)


@pytest.mark.parametrize(
    ("around", "draft", "expected"),
    [
        ("x = |\n", "f(\n    a)", "f("),
        ("def f():\n    |\n", "a\n    b", "a"),
        ("def f():|\n", "\n    a", None),
    ],
)
def test_a_single_line_stays_one(around: str, draft: str, expected: str | None) -> None:
    check(around, draft, expected, is_single_line=True)


@pytest.mark.parametrize(
    ("around", "draft", "expected"),
    [
        ("# say wh|\n", "at\nx = 1", "at"),
        ("# 1) a|\n", "nd 2) b", "nd 2) b"),
        ("f(  # don|\n)\n", "'t (", "'t ("),
        ("x = '#|'\n", "a' + b)", "a' + b«'»"),
        ('f("""\n#""", |)\n', "x)", "x)«)»"),
        ("# a|\n", "\nx = (1)", "\nx = (1)"),
    ],
)
def test_a_comment_is_no_code(around: str, draft: str, expected: str) -> None:
    check(around, draft, expected)


def test_what_stands_behind_the_cursor_is_not_pushed_behind_other_lines() -> None:
    check("x = | + y\n", "f(\n    a)", "f(")
    check("if |: pass\n", "x\n    y", "x")


@pytest.mark.parametrize(
    ("around", "expected"),
    [
        ("x = |", True),
        ("pri|", True),
        ("pr|int", False),
        ("print(|)", True),
        ("f(g(|)]})  ", True),
        ("x = | + 12345678", False),
        ("x = | + y", True),
        ("", True),
        # The next key is Tab.
        ("def f():\n|", False),
        ("def f():\n\n|\n", False),
        ("def f():\n    |", True),
        ("    if x:\n    |", False),
        ("x = 1\n|", True),
        ("def f():\n    x\n|", True),
    ],
)
def test_nobody_is_disturbed_in_the_middle_of_something(around: str, expected: bool) -> None:
    before, _, after = around.partition("|")
    assert is_inviting(before, after) is expected


def test_how_much_may_follow_is_a_setting() -> None:
    assert is_inviting("x = ", " + 12345678", 20)
    assert not is_inviting("x = ", " + y", 1)
    assert is_inviting("f(", ")]}\n", 0)


def test_the_word_before_the_cursor_may_be_in_any_script() -> None:
    assert word_before("x.größe_1") == "größe_1"
    assert word_before("x.") == ""


PIECES = [
    "a",
    "bc",
    " ",
    "    ",
    "\t",
    "\n",
    "(",
    ")",
    "[",
    "]",
    "'",
    '"',
    ":",
    ",",
    "=",
    "#",
    '"""',
    "if ",
    "def ",
    "@",
]
codes = st.lists(st.sampled_from(PIECES), max_size=16).map("".join)
passages = st.builds(lambda before, after: Passage(before, "", after), codes, codes)


@given(draft=codes, passage=passages, is_single_line=st.booleans())
@example(draft="a\n)", passage=Passage("f(", "", ")"), is_single_line=False)
def test_what_fits_fits(draft: str, passage: Passage, is_single_line: bool) -> None:
    found = fit(draft, passage, is_single_line=is_single_line)
    if found is None:
        return
    assert fit(found.text, passage, is_single_line=is_single_line) == found
    assert found.text.strip()
    assert "\n" not in passage.after[: found.n_replaced]
    assert found.whole(passage).startswith(passage.before + found.text)
    assert found.whole(passage).endswith(passage.after[found.n_replaced :])
    assert not (is_single_line and "\n" in found.text)


openings = st.lists(st.sampled_from(["(", "[", "{", "f(", "x["]), min_size=1, max_size=4).map("".join)
contents = st.lists(st.sampled_from(["a", "b", ", ", "g(a)", "[1]", "'s'"]), min_size=1, max_size=4).map(
    "".join
)


@given(opened=openings, content=contents, n_closed=st.integers(0, 4))
def test_closing_what_the_editor_has_closed_leaves_a_balanced_line(
    opened: str, content: str, n_closed: int
) -> None:
    """The editor has closed every bracket; the draft closes some of them, and writes on."""
    closers = [{"(": ")", "[": "]", "{": "}"}[mark] for mark in reversed(opened) if mark in "([{"]
    passage = Passage(f"y = {opened}", "", "".join(closers) + "\n")
    draft = "a" + content + "".join(closers[:n_closed])
    found = fit(draft, passage)
    assert found is not None
    assert found.text == draft
    whole = nesting(found.whole(passage))
    assert (whole.open, whole.stray) == ((), None)


def test_far_away_strings_do_not_turn_code_into_text() -> None:
    far = 'TEXT = """\n' + "it's (\n" * 600 + '"""\n\n\ndef f():\n    pass\n\n\n' + "x = 1\n" * 200
    check(far + "print(|)\n", "x)", "x)«)»")
    check(far + "x = |\n", "1)", "1")


@pytest.mark.usefixtures("hang_guard")
@pytest.mark.parametrize(
    ("draft", "found"),
    [
        ("x = 1\n" * 500_000, Fit("x = 1")),
        ("(" * 500_000, Fit("(" * 500_000)),
        ("ab" * 2_000_000, None),
        ("'''\n" * 500_000, Fit("'''")),
    ],
    ids=["lines", "brackets", "words", "quotes"],
)
def test_a_draft_is_not_looked_at_again_and_again(draft: str, found: Fit | None) -> None:
    # In quadratic time each would take an hour.
    passage = Passage("def f(x):\n    return g(x)\n" * 2_000, "", "x = 1\n" * 5_000)
    assert fit(draft, passage) == found
