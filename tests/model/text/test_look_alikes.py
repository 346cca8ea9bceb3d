"""Characters that look like ASCII, and the code that held them."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redraft_model.noise.mutators import MUTATORS, lex
from redraft_model.text.look_alikes import ascii_for, respelt
from redraft_model.text.parser import problem

CODE = '''"""Prices – “as they are”."""

RATE = 7  # per cent – ’s


def priced(name, amount, factor=2):
    if amount >= 3 and name != "it’s – free":
        return {"name": name, "net": amount * factor - RATE}
    return [amount / 2, -amount]
'''


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x = a – b\n", "x = a - b\n"),
        ("x = a × b ÷ c\n", "x = a * b / c\n"),
        ("if a ≤ b：\n    f（a，b）\n", "if a <= b:\n    f(a,b)\n"),
        ("def later():\n    …\n", "def later():\n    ...\n"),
        ("def f() → int: ...\n", "def f() -> int: ...\n"),
        ("def f(x):\n\u00a0\u00a0\u00a0\u00a0return\u00a0x\n", "def f(x):\n    return x\n"),
        ("a = 1\u00a0\nb = 2\n", "a = 1\nb = 2\n"),
        ("import os\n\ufeffimport sys\n", "import os\nimport sys\n"),
        ("x = (3,\u200b4)\n", "x = (3,4)\n"),
        ("print(“a”, ‘b’)\n", "print(\"a\", 'b')\n"),
        ("print(”a” + ”b”)\n", 'print("a" + "b")\n'),
        ('print("a”)\nprint(“b")\n', 'print("a")\nprint("b")\n'),
        ("print(‘It’s late’)\n", "print('It’s late')\n"),
        ("print(“it's”)\n", 'print("it\'s")\n'),
        ('print(“say "so"”)\n', "print('say \"so\"')\n"),
        ('print(“it\'s "so"”)\n', 'print("it\'s \\"so\\"")\n'),
        ('f("a”, "b")\n', 'f("a", "b")\n'),
        ("print(«a», „b“)\n", 'print("a", "b")\n'),
        ("x = a ∗ b\n", "x = a * b\n"),  # from the table of confusable characters
    ],
)
def test_look_alikes_in_code_become_ascii(before: str, after: str) -> None:
    trouble = problem(before)
    assert trouble is not None
    assert respelt(before, trouble) == after


@pytest.mark.parametrize(
    "text",
    [
        "x = (1\n",
        "naïve = = 1\n",
        "s = '“a” – b'\nx = = 1\n",
        "x = 1 €\n",
        "größe = 1 +\n",
        "y = x² + 1\n",
        "y = ½\n",
        "H₂ = 1\n",
    ],
)
def test_what_is_wrong_otherwise_is_left_to_the_search(text: str) -> None:
    trouble = problem(text)
    assert trouble is not None
    assert respelt(text, trouble) is None


def test_comments_and_strings_in_ascii_quotes_stay() -> None:
    broken = CODE.replace("factor - RATE", "factor − RATE")
    trouble = problem(broken)
    assert trouble is not None
    assert respelt(broken, trouble) == CODE


@given(seed=st.integers(0, 10_000))
def test_whatever_signs_of_code_look_like_they_come_back(seed: int) -> None:
    rng = Random(seed)
    mutator = MUTATORS[rng.choice(["look_alike", "foreign_blank"])]
    broken = mutator(CODE, lex(CODE), rng)
    trouble = None if broken is None else problem(broken)
    assert broken is None or trouble is None or respelt(broken, trouble) == CODE


@pytest.mark.parametrize("letter", "éßжλ名")
def test_letters_are_names_whatever_they_look_like(letter: str) -> None:
    assert ascii_for(letter) == letter
