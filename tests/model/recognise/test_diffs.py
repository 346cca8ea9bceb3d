"""Diffs: the new side stays."""

import difflib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redraft_model.recognise.diffs import patched
from redraft_model.recognise.recogniser import recognised

LINES = tuple(f"value_{n} = compute({n})" for n in range(8))
HEADER = "diff --git a/a.py b/a.py\nindex 1a2b3c4..5d6e7f8 100644\n--- a/a.py\n+++ b/a.py\n"


@given(st.lists(st.sampled_from(LINES)), st.lists(st.sampled_from(LINES), min_size=1))
def test_the_new_side_of_a_whole_diff_comes_back(old: list[str], new: list[str]) -> None:
    diff = list(difflib.unified_diff(old, new, "a/a.py", "b/a.py", lineterm="", n=100))
    if not diff:
        return
    found = recognised("\n".join(diff) + "\n")
    assert found is not None
    assert (found.text, found.what) == ("\n".join(new) + "\n", "the new side of a diff")


def test_headers_of_git_go() -> None:
    found = patched(
        f"{HEADER}@@ -1,3 +1,3 @@ def f():\n import os\n \n-x = 1\n+x = 2\n\\ No newline at end of file\n"
    )
    assert found is not None
    assert found.text == "import os\n\nx = 2\n"


def test_a_deleted_line_that_looks_like_a_header_is_deleted() -> None:
    found = patched("--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,1 @@\n--- x\n y = 1\n")
    assert found is not None
    assert found.text == "y = 1\n"


def test_a_diff_of_two_files_is_not_one_text() -> None:
    one = "@@ -1 +1 @@\n-x = 1\n+x = 2\n"
    assert patched(HEADER + one + HEADER + one) is None


def test_signs_in_front_of_single_lines() -> None:
    source = '''"""Where we are.

- here
- there
"""
import os


def here():
-    return os.getcwd()
+    return os.path.abspath(os.getcwd())
'''
    found = recognised(source)
    assert found is not None
    assert found.text == source.replace("-    return os.getcwd()\n+", "")


def test_a_changed_line_of_a_docstring() -> None:
    found = patched(
        '"""Tools.\n\n-Use with care.\n+Use with great care.\n\n- one\n"""\n-x = 1\n+x = 2\n+if x:\n+    y = 1\n'
    )
    assert found is not None
    assert found.text == '"""Tools.\n\nUse with great care.\n\n- one\n"""\nx = 2\nif x:\n    y = 1\n'


@pytest.mark.parametrize("sign", ["+ ", "+"])
def test_all_lines_are_new(sign: str) -> None:
    source = "import os\n\nif os.name:\n    x = 1\n"
    found = patched("".join(f"{sign}{line}\n" if line else "+\n" for line in source.splitlines()))
    assert found is not None
    assert found.text == source


@pytest.mark.parametrize(
    "source",
    [
        "x = (a\n-b\n+c\n",
        "-x\n+y\nz = (1\n",
        "def f(:\n    return 1\n-x = 1\n",
        '"""\n- a\n+ b\n"""\nif x\n',
        "Steps:\n- one\n+ two\n",
        "+ not 3\n",
        "+\n\nx + y\n",
    ],
    ids=["terms", "signed names", "a stray sign", "docstring", "prose", "one line", "one sign"],
)
def test_other_signs_stay(source: str) -> None:
    assert recognised(source) is None
