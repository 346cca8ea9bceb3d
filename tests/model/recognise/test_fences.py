"""Markdown: the code of Python fences stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redraft_model.recognise.fences import fenced, foreign_fence
from redraft_model.recognise.recogniser import recognised

CODE = 'def greet(name):\n    """Say `hello`."""\n    # politely\n    return f"hello {name}"\n'
PROSE = st.sampled_from(
    [
        "",
        "# A heading\n\nIt's what you asked for:\n\n",
        "Here you go:\n\n",
        "- one\n- two\n\n",
        "Note: it is short.\n\n",
    ]
)


@given(
    PROSE,
    st.sampled_from(["python", "py", "Python", "", "python title=a.py"]),
    PROSE,
    st.sampled_from(["```", "~~~~"]),
)
def test_the_code_of_a_fence_comes_back(before: str, language: str, after: str, fence: str) -> None:
    found = fenced(f"{before}{fence}{language}\n{CODE}{fence}\n{after}")
    assert found is not None
    assert found.text == CODE


def test_several_fences_are_joined_in_their_order() -> None:
    found = fenced(
        f"First:\n\n```python\n{CODE}```\n\nRun:\n\n```sh\npip install x\n```\n\nThen:\n\n```python\ngreet('you')\n```\n"
    )
    assert found is not None
    assert found.text == f"{CODE}\n\ngreet('you')\n"


def test_a_fence_without_a_language_beside_python_is_output() -> None:
    found = fenced(f"```python\n{CODE}```\n\nprints\n\n```\nhello you\n```\n")
    assert found is not None
    assert found.text == CODE


@pytest.mark.parametrize("source", [f"```python\n{CODE}", f"{CODE}```\n", f"{CODE}```"])
def test_one_of_the_two_signs_may_be_missing(source: str) -> None:
    found = fenced(source)
    assert found is not None
    assert found.text == CODE


def test_a_transcript_in_a_fence_is_read_twice() -> None:
    found = recognised("Try it:\n\n```pycon\n>>> x = 1\n>>> x\n1\n```\n")
    assert found is not None
    assert found.text == "x = 1\nx\n"
    assert found.what == "Python in a Markdown fence and a transcript of the interpreter"


@pytest.mark.parametrize(
    "source",
    [
        'def f(:\n    """Like this.\n\n    ```python\n    f()\n    ```\n    """\n',
        '"""Tools.\n\n```python\nuse()\n```\n"""\nx = (1\n',
        "import os\n\n```python\nx = 1\n```\n",
        "Some prose, and no code.\n",
        "x = f(`a` ``` b\n",
    ],
    ids=["docstring", "docstring of a module", "code above", "prose", "no fence"],
)
def test_fences_with_code_around_them_stay(source: str) -> None:
    assert recognised(source) is None


def test_a_fence_of_another_language_is_not_python() -> None:
    source = "Run this:\n\n```bash\npip install x\n```\n"
    assert recognised(source) is None
    fence = foreign_fence(source)
    assert fence is not None
    assert (fence.first, fence.language) == (2, "bash")
    assert foreign_fence(f"```\n{CODE}```\n") is None
