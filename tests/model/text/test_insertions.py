"""What a completion must never do to the text around it."""

import pytest
from redraft_model.passage import Passage
from redraft_model.text.comments import Place, place_behind
from redraft_model.text.insertions import Insertions
from redraft_model.text.parser import can_begin

LOOP = "def longest(words):\n    best = ''\n    for word in?\n"
BODY = "        best = max(best, word)\n    return best\n"
DOCSTRING = (
    'def area(width):\n    """?\n    Return the area.\n\n    Return the square of the width.\n    """\n'
)


def place(text: str) -> Insertions:
    before, _, after = text.partition("?")
    return Insertions(Passage(before, "", after))


@pytest.mark.parametrize(
    ("text", "inserted", "is_kept"),
    [
        ("x = ?\ny = 2\n", "1", True),
        ("x = ?\ny = 2\n", "(1", False),
        ("x = ?\ny = 2\n", "1 +", False),
        ("x = ?\ny = 2 +\n", "(1", True),  # the rest does not parse either
        ("x = 1\n?\ny = 2\n", "if x:", False),
        ("?", "return", False),
        ("?", "import os", True),
        ("\n\n?\n", "return None", False),
        ("def f():\n    ?\n", "return None", True),
        ("def f():\n    ?\n", "break", False),
        ("retu?\n", "rn 1", False),
        # Whoever leaves a loop that is none has to live with it; the rest of the file has not.
        ("if x:\n    break\n    ?\n", "return", True),
        ("break\n\ndef f():\n    pass\n\n?\n", "return", False),
        # The header of a block without its body yet; text that is no Python.
        (LOOP, "words:", False),
        (LOOP, " words:", True),
        (LOOP, " words", False),
        (LOOP + BODY, " words:", True),
        (LOOP + BODY, "words:", False),
        (LOOP + "    return best\n", " words:", True),
        ("def broken(:\n    pass\n\n" + LOOP + BODY, "words:", False),
        ("def broken(:\n    pass\n\n" + LOOP + BODY, " words:", True),
        # What the user has opened need not be closed at once.
        ("f(?\n", "x,", True),
        ("f(?\n", "x y", False),
        ("f(?\nx = 1\n", "x)", True),
        ("print(f'{?\n", "x}')", True),
        ("print(f'{?\n", "x}", False),
        ("class A:\n    def f(self):\n        '''Some ?\n", "words", True),
    ],
)
def test_what_parses_and_compiles_is_left_so(text: str, inserted: str, is_kept: bool) -> None:
    assert place(text).keeps_syntax(inserted) is is_kept


@pytest.mark.parametrize(
    ("text", "inserted", "repeats"),
    [
        ("total = 0\n?\nitems = []\n", "total = 0", True),
        ("total = 0\n\n?\n\nitems = []\n", "items = []", True),
        ("total = 0\n?\nitems = []\n", "total = 1", False),
        ("total = 0\n?\nitems = []\n", "total = 1\ntotal = 1", True),
        ("total = 0\n?\nitems = []\n", "total = 1\nitems = []", True),
        ("to?\nitems = []\ntotal = 0\n", "tal = 0", False),
        ("f(\n    ?\n    ),\n", "),", False),  # brackets follow each other
        ("# Written by ?\nimport os\n", "import os", True),
        ("# The first.\n# ?\n", "The first.", True),
        (DOCSTRING, "Return the area.", True),
        (DOCSTRING, "Return the square of the width.", True),
        (DOCSTRING, "Return the width.", False),
        # Every docstring has its headings.
        ('def g():\n    """Args:\n        x\n    """\n\n' + DOCSTRING, "Args:", False),
    ],
)
def test_lines_beside_are_not_repeated(text: str, inserted: str, repeats: bool) -> None:
    assert place(text).repeats(inserted) is repeats


@pytest.mark.parametrize(
    ("text", "inserted", "is_code"),
    [
        (DOCSTRING, "return width * width", True),
        (DOCSTRING, "width = 2", True),
        (DOCSTRING, "= width", True),
        (DOCSTRING, "Returns the area", False),
        (DOCSTRING, "Returns:", False),
        (DOCSTRING, "width: the width", False),
        ("# ?\n", "import os", True),
        ("def f(a, b):\n    # ?\n    return a\n", "(a, b):", True),
        ("# ?\n", "noqa: E501", False),
        ("# See ?\n", "os.path", False),
        ("# ?\n", "half-typed words and/or signs", False),
        ("# ?\n", "pass or raise", False),
        ("# x = 1\n# ?\n", "y = 2", False),  # code that is commented out
        ('"""\n>>> ?\n"""\n', "f(1)", False),
        ("?\n", "import os", False),
        ("query = '?'\n", "a = b", False),
        ("x = 1  # ?\n", "x = 2", True),
    ],
)
def test_no_code_is_put_into_prose(text: str, inserted: str, is_code: bool) -> None:
    assert place(text).is_code_in_prose(inserted) is is_code
    assert not (place(text).allows(inserted) and is_code)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x = 1\n", Place.CODE),
        ("f(x)\n", Place.CODE),
        ("f(x, [1]", Place.BRACKET),
        ("f('(')\n", Place.CODE),
        ("x = '(", Place.STRING),
        ("x = '('", Place.CODE),
        ("x = '\\'", Place.STRING),
        ("x = ''", Place.CODE),
        ("x = 1  # f(", Place.COMMENT),
        ("x = 1  # f(\n", Place.CODE),
        ('def f():\n    r"""Some', Place.DOCSTRING),
        ('def f():\n    """Some"""', Place.CODE),
        ('x = """Some', Place.STRING),
        ('f(\n    """Some', Place.STRING),
        ('"""', Place.DOCSTRING),
    ],
)
def test_what_the_end_of_a_text_is_in(text: str, expected: Place) -> None:
    assert place_behind(text) is expected


@pytest.mark.parametrize(
    ("text", "is_beginning"),
    [
        ("", True),
        ("for x in y:\n", True),
        ("for x iny:\n", False),
        ("f(x,\n", True),
        ("f(x y\n", False),
        ("@f\n", True),
        ("'''doc\n", True),
        ("return\n", False),
        ("def f():\n    return\n", True),
        ("x = \0", False),
    ],
)
def test_what_a_program_can_begin_with(text: str, is_beginning: bool) -> None:
    assert can_begin(text) is is_beginning
