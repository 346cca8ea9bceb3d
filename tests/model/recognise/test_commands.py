"""Lines for IPython or a shell."""

import pytest
from redraft_model.recognise.commands import command


@pytest.mark.parametrize(
    "line",
    [
        "!pip install rich",
        "!ls -la",
        "    !cp a b",
        "$ pip install rich",
        "cd project",
        "python -m pip install rich",
        "python3 setup.py install",
        "pip install -r requirements.txt",
        "sudo apt-get install python3",
        "source venv/bin/activate",
        "git clone https://example.org/x.git",
    ],
)
def test_a_command_is_found_where_it_stands(line: str) -> None:
    found = command(f"import os\n\n{line}\nx = 1\n")
    assert found is not None
    assert (found.line, found.what) == (2, "a command for a shell")


@pytest.mark.parametrize("line", ["%matplotlib inline", "%%time", "%load_ext autoreload", "  %timeit f(x)"])
def test_a_magic_is_found(line: str) -> None:
    found = command(f"{line}\nx = 1\n")
    assert found is not None
    assert (found.line, found.what) == (0, "an IPython magic")


@pytest.mark.parametrize(
    "source",
    [
        '"""\n%matplotlib inline\n$ pip install x\n"""\nx = (\n',
        "x = (y\n%z\n",
        "x = y \\\n  %z\nif\n",
        "!isdigit(x)\nif\n",
        "python = 3\npip.main()\ncd(x)\nif\n",
        "# pip install x\nif\n",
        "$x = 1\n",
    ],
    ids=["string", "bracket", "backslash", "negation", "names", "comment", "variable"],
)
def test_other_lines_are_none(source: str) -> None:
    assert command(source) is None
