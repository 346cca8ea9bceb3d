"""The server as an editor starts it, with the checkpoint that comes with it: what it offers is what it does, and right."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

SECONDS = 300.0  # only a test that hangs waits so long
CLIENT = {
    "textDocument": {
        "codeAction": {
            "codeActionLiteralSupport": {"codeActionKind": {"valueSet": []}},
            "dataSupport": True,
            "resolveSupport": {"properties": ["edit"]},
        }
    },
    "workspace": {"workspaceEdit": {"documentChanges": True}},
}
SERVE = [
    sys.executable,
    "-m",
    "redraft_server.cli",
    "lsp",
    "--standalone",
    "--device",
    "cpu",
    "--model",
    "tiny",
]

MENDED = """class Stack:
    def __init__(self):
        self._items = []

    def push(self, item):
        self._items.append(item)

    def pop(self):
        if not self._items:
            raise IndexError("pop from an empty stack")
        return self._items.pop()
"""
UNCLOSED = MENDED.replace("append(item)", "append(item")
BROKEN_TWICE = UNCLOSED.replace("if not self._items:", "if not self._items")


@pytest.fixture
async def editor(start_editor: Any) -> Any:
    """An editor with the real server and the real model."""
    editor = await start_editor(command=SERVE)
    await editor.initialize(CLIENT, initializationOptions={"threads": 1})
    return editor


async def offered(editor: Any, uri: str, line: int) -> Any:
    start = {"line": line, "character": 0}
    params = {
        "textDocument": {"uri": uri},
        "range": {"start": start, "end": start},
        "context": {"diagnostics": []},
    }
    return await editor.ask("textDocument/codeAction", params)


async def suggested(editor: Any, uri: str, text: str) -> list[str]:
    """What is suggested at the cursor of `text`, a █, in a document that is opened with it."""
    before, after = text.split("█")
    editor.open(before + after, uri=uri)
    params = {
        "textDocument": {"uri": uri},
        "position": {"line": before.count("\n"), "character": len(before.rpartition("\n")[2])},
        "context": {"triggerKind": 1},
    }
    found = await editor.ask("textDocument/inlineCompletion", params)
    return [item["insertText"] for item in found["items"]]


async def test_a_chosen_repair_gives_the_one_right_text(editor: Any) -> None:
    uri = editor.open(UNCLOSED, uri="file:///stack.py")
    line = UNCLOSED[: UNCLOSED.index("append")].count("\n")
    quick_fix = next(a for a in await offered(editor, uri, line) if a["kind"] == "quickfix.redraft")
    assert "edit" not in quick_fix
    editor.apply((await editor.ask("codeAction/resolve", quick_fix))["edit"])
    assert editor.texts[uri] == MENDED


async def test_fixing_all_repairs_every_error(editor: Any) -> None:
    uri = editor.open(BROKEN_TWICE, uri="file:///stack.py")
    fix_all = next(a for a in await offered(editor, uri, 0) if a["kind"] == "source.fixAll.redraft")
    editor.apply((await editor.ask("codeAction/resolve", fix_all))["edit"])
    assert editor.texts[uri] == MENDED


async def test_a_pasted_transcript_is_read_as_one(editor: Any) -> None:
    uri = editor.open(">>> x = 1\n>>> x  # one\n1\n# printed\n", uri="file:///pasted.py")
    quick_fix = next(a for a in await offered(editor, uri, 0) if a["kind"] == "quickfix.redraft")
    assert quick_fix["title"] == "Redraft: read as a transcript of the interpreter"
    editor.apply((await editor.ask("codeAction/resolve", quick_fix))["edit"])
    assert editor.texts[uri] == "x = 1\nx  # one\n"


async def test_a_line_for_the_shell_is_refused_with_a_sentence(editor: Any) -> None:
    uri = editor.open("import rich\n!pip install rich\n", uri="file:///pasted.py")
    quick_fix = next(a for a in await offered(editor, uri, 1) if a["kind"] == "quickfix.redraft")
    error = await editor.error("codeAction/resolve", quick_fix)
    assert error["message"] == "line 2 is a command for a shell; remove it"


async def test_a_suggestion_is_what_belongs_there(editor: Any) -> None:
    text = """class Probe:
    def __init__(self, host, port, timeout=3.0):
        self.host = host
        self.port = port
        self.timeout = █

    def __repr__(self):
        return f"Probe({self.host}, {self.port})"
"""
    items = await suggested(editor, "file:///probe.py", text)
    assert items[:1] == ["timeout"]


async def test_it_leaves_when_it_is_told_to(editor: Any) -> None:
    assert await suggested(editor, "file:///probe.py", "import os\n\n\ndef size(path):\n    return █\n")
    assert await editor.ask("shutdown", None) is None
    editor.notify("exit", None)
    assert await editor.exit_code() == 0


async def test_a_file_of_the_project_that_is_not_open_is_recalled(start_editor: Any, tmp_path: Path) -> None:
    check = '    if not order.lines:\n        raise OrderError("an order needs at least one line", order.number)\n'
    (tmp_path / "orders.py").write_text(
        "".join(
            f"def {name}(order):\n{check}    return order.{name}\n\n\n" for name in ("ship", "pay", "book")
        )
    )
    text = "def cancel(order):\n    if not order.lines:\n        raise OrderError(█\n"
    editor = await start_editor(command=SERVE)
    folder = {"uri": tmp_path.as_uri(), "name": "project"}
    await editor.initialize(CLIENT, initializationOptions={"threads": 1}, workspaceFolders=[folder])
    found: list[str] = []
    async with asyncio.timeout(SECONDS):
        while '"an order needs at least one line", order.number)' not in found:
            text += "\n"  # what was found while the project was not known yet is remembered for the old text
            found = await suggested(editor, (tmp_path / "cancel.py").as_uri(), text)
            assert found


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="this Python takes what is newer to others")
async def test_quotes_of_a_newer_python_are_repaired_for_an_older_one(start_editor: Any) -> None:
    editor = await start_editor(command=SERVE)
    await editor.initialize(CLIENT, initializationOptions={"threads": 1, "targetVersion": "3.11"})
    uri = editor.open('print(f"{row["name"]}")\n')
    (action, *_) = await offered(editor, uri, 0)
    editor.apply((await editor.ask("codeAction/resolve", action))["edit"])
    assert editor.texts[uri] == "print(f\"{row['name']}\")\n"
