"""Transcripts: what was typed comes back, whatever was printed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redraft_model.recognise.prompts import transcript
from redraft_model.recognise.recogniser import recognised

STATEMENTS = (
    "import math",
    "radius = 2.5",
    "# an area",
    "def area(r):\n    return math.pi * r**2\n",
    "for r in (1, 2):\n    # each\n    print(area(r))\n",
    'text = """two\nlines"""',
    "area(radius)",
)
PRINTED = (
    "19.63",
    "# no comment",
    "'>>> not typed'",
    "a = 1",
    "Traceback (most recent call last):\n  File ...\n",
    "",
)


def check(shown: str, expected: str | None, what: str = "a transcript of the interpreter") -> None:
    found = transcript(shown)
    assert (found.text if found else None) == expected
    if found:
        assert found.what == what


@given(st.lists(st.tuples(st.sampled_from(STATEMENTS), st.sampled_from(PRINTED)), min_size=1))
def test_what_was_typed_comes_back(session: list[tuple[str, str]]) -> None:
    shown = "".join(
        f">>> {typed.replace(chr(10), chr(10) + '... ')}\n{printed}\n" for typed, printed in session
    )
    check(shown, "\n".join(typed for typed, _ in session).strip("\n") + "\n")


def test_a_dotted_line_alone_is_an_empty_line() -> None:
    check(">>> if x:\n...     y = 1\n...\n>>> z = 2\n", "if x:\n    y = 1\n\nz = 2\n")


def test_the_start_of_the_interpreter_is_no_code() -> None:
    banner = '$ python3\nPython 3.12.1 (main) [GCC 13] on linux\nType "help" for more information.\n'
    check(f"{banner}>>> x = 1\n>>> x\n1\n>>>\n", "x = 1\nx\n")


def test_an_indented_transcript_loses_its_indentation() -> None:
    check("    >>> x = [1,\n    ...      2]\n    >>> x\n    [1, 2]", "x = [1,\n     2]\nx")


def test_cells_of_ipython() -> None:
    shown = "In [1]: import os\n\nIn [2]: def f():\n   ...:     return 2\n   ...:\n\nIn [3]: f()\nOut[3]: 2\n"
    check(shown, "import os\ndef f():\n    return 2\n\nf()\n", "a transcript of IPython")


@pytest.mark.parametrize(
    "source",
    [
        'def f(:\n    """Call it.\n\n    >>> f()\n    1\n    """\n',
        'x = (1\n""">>> x\n1\n"""\n',
        "import os\n>>> os.getcwd()\n'/home'\n",
        ">>> f()\n1\n\ndef f():\n    return 1\n",
        ">>>> x\n",
        "x >>> 1\n",
    ],
    ids=["docstring", "string", "code above", "code below", "four signs", "an operator"],
)
def test_code_that_only_holds_prompts_is_no_transcript(source: str) -> None:
    assert recognised(source) is None
