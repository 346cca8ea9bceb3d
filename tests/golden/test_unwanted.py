"""What the bundled checkpoint must not suggest, wherever the cursor is: each text is judged here by Python alone."""

import ast

import pytest
from redraft_model.engine import Engine
from redraft_model.passage import Passage

CURSOR = "█"
SOURCE = '''\
"""Clocks that can be stopped."""

import time


class Clock:
    """A clock.

    It starts when it is made.
    """

    def __init__(self):
        self.started = time.monotonic()
        self.stopped = None

    def stop(self):
        # Whoever stops it twice is told.
        if self.stopped is not None:
            raise RuntimeError("the clock has stopped")
        self.stopped = time.monotonic()

    def elapsed(self):
        end = time.monotonic() if self.stopped is None else self.stopped
        return end - self.started
'''
LINES = SOURCE.split("\n")


def drafts(engine: Engine, text: str, *, single_line: bool = True) -> list[str]:
    """All texts for the cursor in `text`."""
    before, after = text.split(CURSOR)
    asked = engine.complete(Passage(before, "", after), n_drafts=3, single_line=single_line)
    return [draft.text for draft in asked]


def compiles(source: str) -> bool:
    try:
        compile(source, "unwanted.py", "exec")
    except SyntaxError:
        return False
    return True


@pytest.mark.parametrize("number", range(1, len(LINES), 4))
def test_between_the_lines_of_a_file_nothing_breaks_or_repeats_it(engine: Engine, number: int) -> None:
    indent = LINES[number][: len(LINES[number]) - len(LINES[number].lstrip())]
    above, below = "\n".join(LINES[:number]), "\n".join(LINES[number:])
    neighbours = {next((line.strip() for line in lines if line.strip()), "") for lines in (
        reversed(LINES[:number]), LINES[number:],
    )}  # fmt: skip
    for text in drafts(engine, f"{above}\n{indent}{CURSOR}\n{below}", single_line=number % 8 > 1):
        assert compiles(f"{above}\n{indent}{text}\n{below}"), text
        for line in text.split("\n"):
            assert len(line.strip()) < 3 or line.strip() not in neighbours


@pytest.mark.parametrize(
    "text", [CURSOR, f"\n\n{CURSOR}\n", f"import os\n{CURSOR}\n", f"x = 1\nretu{CURSOR}\n"]
)
def test_outside_of_functions_nothing_is_returned(engine: Engine, text: str) -> None:
    before, after = text.split(CURSOR)
    for draft in drafts(engine, text):
        statements = ast.parse(before + draft + after).body
        assert not any(isinstance(statement, ast.Return) for statement in statements)


@pytest.mark.parametrize(
    "text",
    [
        f"def longest(words):\n    for best in{CURSOR}",
        f"def longest(words):\n    for best in{CURSOR}\n        print(best)\n    return best\n",
        f"def broken(:\n    pass\n\ndef longest(words):\n    for best in{CURSOR}\n        print(best)\n",
        f"def first(words):\n    if words{CURSOR}\n",
        f"import sys\n\nwith open(sys.argv[1]) as{CURSOR}\n",
    ],
)
def test_the_line_of_a_block_is_python_with_a_body(engine: Engine, text: str) -> None:
    line = text.partition(CURSOR)[0].rpartition("\n")[2]
    for draft in drafts(engine, text):
        header = (line + draft.partition("\n")[0]).strip()
        assert compiles(f"async def f():\n  {header}\n    pass") or compiles(f"async def f():\n  {header}")


@pytest.mark.parametrize(
    "text",
    [
        f'def area(width):\n    """{CURSOR}\n    Return the area of a square.\n    """\n    return width * width\n',
        f'def area(width):\n    """Return the area of a square.\n\n    {CURSOR}\n    """\n    return width * width\n',
        f"def area(width):\n    # {CURSOR}\n    return width * width\n",
        f"# {CURSOR}\nimport os\n\nprint(os.name)\n",
        f"# TODO: {CURSOR}\ndef area(width):\n    return width * width\n",
    ],
)
def test_comments_and_docstrings_get_no_code(engine: Engine, text: str) -> None:
    code = (
        ast.Assign,
        ast.AugAssign,
        ast.BinOp,
        ast.Call,
        ast.FunctionDef,
        ast.If,
        ast.Import,
        ast.ImportFrom,
    )
    for draft in drafts(engine, text):
        assert "Return the area of a square." not in draft
        line = draft.partition("\n")[0].strip()
        for form in (line, f"{line} pass"):
            try:
                tree = ast.parse(form)
            except SyntaxError:
                continue
            assert not any(isinstance(node, code) for node in ast.walk(tree)), line
