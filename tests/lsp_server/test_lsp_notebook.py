"""Notebooks: cells are documents that come and go, and magics are nobody's mistake."""

from typing import Any

NOTEBOOK = "file:///n.ipynb"
ONE, TWO = "vscode-notebook-cell:/n.ipynb#W0s%3D", "vscode-notebook-cell:/n.ipynb#W1s%3D"
CAPABLE = {
    "general": {"positionEncodings": ["utf-16"]},
    "notebookDocument": {"synchronization": {"executionSummarySupport": True}},
    "textDocument": {
        "codeAction": {
            "codeActionLiteralSupport": {"codeActionKind": {"valueSet": []}},
            "dataSupport": True,
            "resolveSupport": {"properties": ["edit"]},
        }
    },
}


def cell(uri: str) -> dict[str, Any]:
    return {"kind": 2, "document": uri}


def item(uri: str, text: str) -> dict[str, Any]:
    return {"uri": uri, "languageId": "python", "version": 1, "text": text}


def open_notebook(editor: Any, *cells: dict[str, Any]) -> None:
    notebook = {
        "uri": NOTEBOOK,
        "notebookType": "jupyter-notebook",
        "version": 1,
        "cells": [cell(c["uri"]) for c in cells],
    }
    for c in cells:
        editor.texts[c["uri"]], editor.versions[c["uri"]] = c["text"], 1
    editor.notify("notebookDocument/didOpen", {"notebookDocument": notebook, "cellTextDocuments": [*cells]})


def change(editor: Any, **cells: Any) -> None:
    editor.notify(
        "notebookDocument/didChange",
        {"notebookDocument": {"uri": NOTEBOOK, "version": 2}, "change": {"cells": cells}},
    )


async def actions(editor: Any, uri: str, line: int = 0) -> Any:
    place = {"line": line, "character": 0}
    params = {
        "textDocument": {"uri": uri},
        "range": {"start": place, "end": place},
        "context": {"diagnostics": []},
    }
    return await editor.ask("textDocument/codeAction", params)


async def start(start_editor: Any, *cells: dict[str, Any]) -> Any:
    editor = await start_editor()
    await editor.initialize(CAPABLE)
    open_notebook(editor, *cells)
    return editor


async def repaired(editor: Any, uri: str, line: int) -> str:
    """The text of a cell after the first action for `line`."""
    action = (await actions(editor, uri, line))[0]
    editor.apply((await editor.ask("codeAction/resolve", action))["edit"])
    return str(editor.texts[uri])


async def test_only_a_client_with_notebooks_is_told_that_we_know_them(start_editor: Any) -> None:
    editor = await start_editor()
    result = await editor.initialize(CAPABLE)
    assert result["capabilities"]["notebookDocumentSync"] == {
        "notebookSelector": [{"notebook": "*", "cells": [{"language": "python"}]}]
    }
    editor = await start_editor()
    assert "notebookDocumentSync" not in (await editor.initialize())["capabilities"]


async def test_each_cell_is_a_document(start_editor: Any) -> None:
    editor = await start(start_editor, item(ONE, "x = 1\n"), item(TWO, "retrun 1\n"))
    assert await actions(editor, ONE) == []
    assert len(await actions(editor, TWO)) == 2


async def test_edits_of_a_cell_are_followed_under_its_own_version(start_editor: Any) -> None:
    editor = await start(start_editor, item(ONE, "😀 = 1\n"), item(TWO, "x = 1\n"))
    place = {"line": 0, "character": 0}
    edit = {"range": {"start": place, "end": {"line": 0, "character": 6}}, "text": "retrun 1"}
    change(editor, textContent=[{"document": {"uri": ONE, "version": 7}, "changes": [edit]}])
    editor.texts[ONE], editor.versions[ONE] = "retrun 1\n", 7
    assert await repaired(editor, ONE, 0) == "return 1\n"
    assert await actions(editor, TWO) == []


async def test_cells_come_and_go(start_editor: Any) -> None:
    editor = await start(start_editor, item(ONE, "retrun 1\n"))
    array = {"start": 0, "deleteCount": 1, "cells": [cell(TWO)]}
    change(
        editor,
        structure={"array": array, "didOpen": [item(TWO, "retrun 2\n")], "didClose": [{"uri": ONE}]},
    )
    assert await actions(editor, ONE) is None
    assert len(await actions(editor, TWO)) == 2
    # Not every client lists the cells of a notebook that it closes.
    editor.notify(
        "notebookDocument/didClose", {"notebookDocument": {"uri": NOTEBOOK}, "cellTextDocuments": []}
    )
    assert await actions(editor, TWO) is None


async def test_a_notebook_whose_change_cannot_be_read_is_left_alone_from_then_on(start_editor: Any) -> None:
    editor = await start(start_editor, item(ONE, "retrun 1\n"))
    change(editor, textContent=[{"document": {"uri": ONE}, "changes": [{"text": 3}]}])
    assert await actions(editor, ONE) is None


async def test_changes_of_what_is_not_open_are_only_logged(start_editor: Any, tmp_path: Any) -> None:
    editor = await start_editor()
    await editor.initialize(CAPABLE)
    change(editor, textContent=[{"document": {"uri": ONE, "version": 2}, "changes": [{"text": "x"}]}])
    open_notebook(editor, item(TWO, "x = 1\n"))
    change(editor, textContent=[{"document": {"uri": ONE, "version": 2}, "changes": [{"text": "x"}]}])
    assert await actions(editor, TWO) == []
    log = (tmp_path / "stderr-0.txt").read_text()
    assert "a notebook that is not open" in log
    assert "a cell that is not open" in log


async def test_a_cell_may_await_and_must_compile_otherwise(start_editor: Any) -> None:
    text = "lost = await f()\nasync with g() as h:\n    pass\n"
    editor = await start(start_editor, item(ONE, text), item(TWO, "%time\nlost = 1\nreturn lost\n"))
    assert await actions(editor, ONE) == []
    (action, _) = await actions(editor, TWO, 2)
    assert action["title"] == "Redraft: repair syntax error: 'return' outside function"
    assert await repaired(editor, TWO, 2) == "%time\nlost = 1\nprint(lost)\n"


async def test_the_future_may_be_imported_behind_magics(start_editor: Any) -> None:
    text = "%matplotlib inline\n!ls \\\n  -l\nfrom __future__ import annotations\n"
    editor = await start(start_editor, item(ONE, text), item(TWO, text + "retrun 1\n"))
    assert await actions(editor, ONE, 3) == []
    assert await repaired(editor, TWO, 4) == text + "return 1\n"


async def test_magics_are_no_syntax_errors(start_editor: Any) -> None:
    text = "%matplotlib inline\n!pip install x\nfiles = !ls\nx?\n"
    editor = await start(start_editor, item(ONE, text), item(TWO, "%%time\nx = 1\n"))
    assert await actions(editor, ONE) == []
    assert await actions(editor, TWO) == []
    # In a file they are.
    editor.open(text)
    assert len(await actions(editor, "file:///a.py")) == 2


async def test_a_repair_leaves_magics_alone(start_editor: Any) -> None:
    editor = await start(start_editor, item(ONE, "%time f()\nretrun 1\n!ls\n"))
    assert await repaired(editor, ONE, 1) == "%time f()\nreturn 1\n!ls\n"


async def test_a_repair_that_would_change_a_magic_is_refused(start_editor: Any) -> None:
    editor = await start(start_editor, item(ONE, "!ls breakme\nretrun 1\n"))
    error = await editor.error("codeAction/resolve", (await actions(editor, ONE, 1))[0])
    assert error["code"] == -32803
    assert "drop the comment" in error["message"] or "only IPython understands" in error["message"]


async def test_a_cell_for_another_program_is_left_alone(start_editor: Any) -> None:
    text = '%%bash\n# drafts: ["1"]\nfor x in\n'
    editor = await start(start_editor, item(ONE, text))
    assert await actions(editor, ONE) is None
    assert await suggested(editor, ONE, 2, 8) == []
    assert editor.log == []


async def suggested(editor: Any, uri: str, line: int, character: int) -> list[str]:
    params = {
        "textDocument": {"uri": uri},
        "position": {"line": line, "character": character},
        "context": {"triggerKind": 1},
    }
    items = (await editor.ask("textDocument/inlineCompletion", params))["items"]
    return [item["insertText"] for item in items]


async def test_suggestions_in_a_cell_may_stand_beside_magics_but_not_in_them(start_editor: Any) -> None:
    text = '# drafts: ["1"]\n!pip in\nx = \n'
    editor = await start(start_editor, item(ONE, text))
    assert await suggested(editor, ONE, 2, 4) == ["1"]
    log = editor.log
    assert await suggested(editor, ONE, 1, 7) == []
    assert editor.log == log
