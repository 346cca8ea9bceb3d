"""Notebooks on disk: the cells with Python are repaired, and nothing else in the file changes by a byte."""

import json
import random
import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redraft_server.notebook_files import Notebook

# Written as people's tools do, and as they do not: odd blanks, escapes, keys in any order, a number that is not a float's.
ODD = r"""{"metadata" : {"kernelspec":{"language":"python","name":"p\u00fcthon"}},
 "cells": [
  {"cell_type": "markdown", "source": ["b = (1"], "metadata": {}},
  {
   "outputs": [ {"text": ["caf\u00e9 \ud83d\ude00"], "n": 1.50e+3 , "data": {"image/png": "b = (1\n"}} ],
   "source": [
    "x = 'caf\u00e9'\n",
    "b = (1\n",
    "\u0079 = 2"
   ], "execution_count": 1, "cell_type": "code",
   "metadata": {"tags": [ ]}
  }
 ,{"cell_type": "code", "metadata": {}, "source": "", "outputs": []}
 ], "nbformat_minor":5, "nbformat": 4}
"""


def notebook(*sources: object, metadata: object = None, **more: object) -> dict[str, Any]:
    cells = [
        {
            "cell_type": "code",
            "execution_count": None,
            "id": f"c{index}",
            "metadata": {},
            "outputs": [],
            "source": source,
        }
        for index, source in enumerate(sources)
    ]
    return {"cells": cells, "metadata": metadata or {}, "nbformat": 4, "nbformat_minor": 5, **more}


@pytest.fixture
def put(folder: Path) -> Callable[..., Path]:
    def put(*sources: object, name: str = "a.ipynb", **more: Any) -> Path:
        path = folder / name
        path.write_text(json.dumps(notebook(*sources, **more), indent=1, ensure_ascii=False) + "\n")
        return path

    return put


def sources(path: Path) -> list[Any]:
    return [cell["source"] for cell in json.loads(path.read_bytes())["cells"]]


def test_only_the_line_that_is_repaired_changes(run, folder) -> None:
    path = folder / "a.ipynb"
    path.write_text(ODD)
    assert run("fix", "--write", "a.ipynb").code == 0
    before, after = ODD.splitlines(), path.read_text().splitlines()
    assert [(a, b) for a, b in zip(before, after, strict=True) if a != b] == [
        (r'    "b = (1\n",', r'    "b = (1)\n",')
    ]
    assert run("fix", "--write", "a.ipynb").err == "1 clean.\n"


def test_a_byte_order_mark_and_windows_line_ends_stay(run, folder) -> None:
    path = folder / "a.ipynb"
    before = b"\xef\xbb\xbf" + ODD.replace("\n", "\r\n").encode()
    path.write_bytes(before)
    assert run("fix", "--write", "a.ipynb").code == 0
    assert path.read_bytes() == before.replace(rb'"b = (1\n",', rb'"b = (1)\n",')


def test_cells_are_repaired_one_by_one(put, run, engine) -> None:
    path = put(["a = 1\n", "b = (1"], ["x = 3"], ["b = (1\n", "y = 2"])
    outcome = run("fix", "--write", path.name)
    assert outcome.code == 0
    assert sources(path) == [["a = 1\n", "b = (1)"], ["x = 3"], ["b = (1)\n", "y = 2"]]
    assert engine.asked == [("a = 1\nb = (1", False), ("b = (1\ny = 2", False)]
    assert outcome.err.startswith("fixed: a.ipynb (2 edits in 0.2 s)\n1 fixed; 4 forward passes")


def test_lines_that_come_and_go_leave_the_others_as_they_are_spelled(folder, run, engine) -> None:
    path = folder / "a.ipynb"
    path.write_text(ODD)

    def check(repaired: str, expected: list[str]) -> None:
        path.write_text(ODD)
        engine.repairs = lambda _: repaired
        assert run("fix", "--write", "a.ipynb").code == 0
        text = path.read_text()
        start = text.index("[", text.index('"source": [\n'))
        assert text[start : text.index("]", start) + 1] == "[\n    " + ",\n    ".join(expected) + "\n   ]"
        json.loads(text)

    check("x = 'café'\ny = 2", [r'"x = ' + r"'caf\u00e9'\n" + '"', r'"\u0079 = 2"'])
    check(
        "# é\nx = 'café'\nb = (1)\ny = 2",
        [r'"# \u00e9\n"', r'"x = ' + r"'caf\u00e9'\n" + '"', r'"b = (1)\n"', r'"\u0079 = 2"'],
    )
    check("x = 'café'", [r'"x = ' + r"'caf\u00e9'" + '"'])


def test_a_source_that_is_one_string_stays_one(put, run) -> None:
    path = put("é = '\t'\nb = (1")
    assert run("fix", "--write", path.name).code == 0
    assert sources(path) == ["é = '\t'\nb = (1)"]
    assert "é" in path.read_text()


def test_a_source_that_is_cut_elsewhere_is_cut_into_lines(put, run) -> None:
    path = put(["a = 1\nb", " = (1\n", "c = 2"], ["a = 1\nb = (1\n", ""])
    assert run("fix", "--write", path.name).code == 0
    assert sources(path) == [["a = 1\n", "b = (1)\n", "c = 2"], ["a = 1\n", "b = (1)\n"]]


def test_lines_of_ipython_are_no_errors_and_stay(put, run, engine) -> None:
    path = put(
        ["%matplotlib inline\n", "!pip install x\n", "b = (1"],
        ["%%bash\n", "echo (1"],
        ["%%time\n", "b = (1"],
    )
    assert run("fix", "--write", path.name).code == 0
    assert sources(path) == [
        ["%matplotlib inline\n", "!pip install x\n", "b = (1)"],
        ["%%bash\n", "echo (1"],
        ["%%time\n", "b = (1)"],
    ]
    assert [source for source, _ in engine.asked] == [
        "0#atplotlib inline\n0#ip install x\nb = (1",
        "0#time\nb = (1",
    ]


def test_a_repair_that_changes_a_line_of_ipython_is_refused(put, run, engine) -> None:
    path = put(["%matplotlib inline\n", "b = (1"])
    before = path.read_bytes()
    engine.repairs = lambda source: source.replace("0#", "1#").replace("(1", "(1)")
    outcome = run("fix", "--write", path.name)
    assert (outcome.code, path.read_bytes()) == (1, before)
    assert "unfixable: a.ipynb (The rewrite would " in outcome.err


def test_await_needs_no_function_in_a_cell(put, run, engine) -> None:
    path = put(["await f()"])
    assert (run("fix", path.name).code, engine.asked) == (0, [])


def test_a_notebook_with_a_cell_that_stays_broken_is_not_written(put, run) -> None:
    path = put(["b = (1"], ["a = ["])
    before = path.read_bytes()
    outcome = run("fix", "--write", path.name)
    assert (outcome.code, path.read_bytes()) == (1, before)
    assert outcome.err.startswith(
        "partly fixed: a.ipynb (1 edit in 0.2 s; left: '[' was never closed in line 1 of cell 2; not written)\n"
    )


def test_a_notebook_is_as_sure_as_all_its_cells_together(put, run, engine) -> None:
    engine.about, engine.confidence = replace(engine.about, is_calibrated=True), 0.8
    path = put(["b = (1"], ["b = (1"])
    assert (
        "unsure: a.ipynb (2 edits in 0.2 s, 64 % sure; below"
        in run("fix", "--min-confidence", 0.7, path.name).err
    )


def test_the_problem_is_the_line_of_the_cell_in_the_file(put, run) -> None:
    path = put(["x = 1"], ["y = 2\n", "b = (1"])
    problem = json.loads(run("fix", "--json", path.name).out)["files"][0]["problem"]
    assert problem["message"] == "cell 2, line 2: '(' was never closed"
    assert path.read_text().split("\n")[problem["line"] - 1] == '    "b = (1"'


def test_git_takes_the_patch_of_a_notebook(put, run, folder) -> None:
    path = put(["é = 1\n", "b = (1"], name="odd näme.ipynb")
    patch = run("fix", "--diff", path.name).out
    subprocess.run(["git", "init", "-q"], check=True)
    subprocess.run(["git", "apply", "-"], input=patch, check=True)
    assert sources(path) == [["é = 1\n", "b = (1)"]]


def test_semantic_repair_looks_at_every_cell(put, run, engine) -> None:
    path = put(["x = oops"], ["y = 2"])
    engine.repairs = lambda source: source.replace("oops", "good")
    assert run("fix", "--semantic", "--write", path.name).code == 0
    assert sources(path) == [["x = good"], ["y = 2"]]
    assert len(engine.asked) == 2


def test_folders_are_searched_for_notebooks_and_checkpoints_left_out(put, run, folder) -> None:
    put(["b = (1"])
    (folder / ".ipynb_checkpoints").mkdir()
    put(["b = (1"], name=".ipynb_checkpoints/a-checkpoint.ipynb")
    found = json.loads(run("fix", "--json").out)["files"]
    assert [(file["path"], file["status"]) for file in found] == [("a.ipynb", "fixed")]


def test_a_notebook_comes_through_stdin_under_its_name(run, folder) -> None:
    words = ["fix", "--stdin-filename", "a.ipynb", "-"]
    outcome = run(*words, stdin=ODD.encode())
    assert (outcome.code, outcome.out) == (0, ODD.replace(r'"b = (1\n",', r'"b = (1)\n",').encode())


def test_lines_and_notebooks_do_not_go_together(put, run) -> None:
    outcome = run("fix", "--lines", "1", put(["b = (1"]).name)
    assert outcome.code == 2
    assert "failed: a.ipynb is a notebook; --lines goes with a file in Python\n" in outcome.err


def test_other_commands_do_not_take_notebooks(put, run) -> None:
    assert "a.ipynb is not Python" in run("doubt", put(["b = (1"]).name).err


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is not a notebook: Expecting '{' in line 1"),
        (b"[]", "is not a notebook: Expecting '{' in line 1"),
        (b'{"cells": [}', "is not a notebook: Expecting value in line 1"),
        (b'{"cells": []} x', "is not a notebook: there is something behind its end"),
        (b'{"cells": []}', "is not a notebook: there is no 'nbformat' in it"),
        (b"\xff", "is not a notebook: it is not valid utf-8 text"),
        (b'{"nbformat": 3, "metadata": {}, "worksheets": []}', "is a notebook of format 3; convert it with"),
        (b'{"nbformat": 4, "metadata": [], "cells": []}', "is not a notebook: it is not built like one"),
        (b'{"nbformat": 4, "metadata": {}, "cells": [1]}', "is not a notebook: Expecting '{' in line 1"),
        (b'{"nbformat": 4, "metadata": {}, "cells": [{"cell_type": "code"}]}', "there is no 'source' in it"),
        (
            b'{"nbformat": 4, "metadata": {}, "cells": [{"cell_type": "code", "source": [1]}]}',
            "it is not built like one",
        ),
        (b'{"a": ' + b"[" * 100_000, "is not a notebook: it is nested too deeply"),
        (
            b'{"nbformat": 4, "metadata": {"kernelspec": {"language": "R"}}, "cells": []}',
            "is a notebook in r",
        ),
    ],
)
def test_what_is_no_notebook_in_python_is_skipped_with_one_sentence(
    data: bytes, reason: str, run, folder
) -> None:
    Path("a.ipynb").write_bytes(data)
    outcome = run("fix", "--write", "a.ipynb")
    assert (outcome.code, Path("a.ipynb").read_bytes()) == (2, data)
    assert outcome.err.startswith("skipped: a.ipynb ")
    assert reason in outcome.err.split("\n")[0]


def test_cells_of_other_languages_are_left_alone(folder, run, engine) -> None:
    made = notebook(["SELECT (1"])
    made["cells"][0]["metadata"] = {"vscode": {"languageId": "sql"}}
    Path("a.ipynb").write_text(json.dumps(made))
    assert (run("fix", "a.ipynb").code, engine.asked) == (0, [])


LINES = st.lists(st.text('ab\\"é\t€😀 \r', max_size=6), min_size=1, max_size=6).map("\n".join)


@given(
    old=LINES, new=LINES, style=st.sampled_from([None, 1, "\t"]), is_one=st.booleans(), seed=st.integers(0, 9)
)
def test_any_text_comes_back_and_the_rest_stays(
    old: str, new: str, style: Any, is_one: bool, seed: int
) -> None:
    # Jupyter cuts behind a line feed; others cut elsewhere.
    chunks = old.splitlines(keepends=True) if seed % 2 else re.findall(r"[^\n]*\n|[^\n]+", old)
    made = notebook("x = 1", old if is_one else chunks, ["y = 2"], metadata={"a": "é\u2028"})
    text = json.dumps(made, indent=style, ensure_ascii=bool(random.Random(seed).getrandbits(1)))
    found = Notebook.from_bytes(text.encode(), name="a.ipynb")
    assert found.encode({}) == text.encode()
    cell = found.cells[1]
    wanted = new.replace("\r", "")
    after = found.encode({2: wanted})
    again = Notebook.from_bytes(after, name="a.ipynb").cells
    assert again[1].document.text == wanted
    assert (again[0].document, again[2].document) == (found.cells[0].document, found.cells[2].document)
    place = cell.place
    assert after.decode().startswith(text[: place.start])
    assert after.decode().endswith(text[place.end :])
