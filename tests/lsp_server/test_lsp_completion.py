"""Suggestions in the completion list, for editors that cannot show them at the cursor."""

import json
from typing import Any

import pytest
from lsprotocol import converters
from pytest_lsp import client_capabilities

LIST_ONLY = {
    "general": {"positionEncodings": ["utf-16"]},
    "textDocument": {"completion": {"completionItem": {"insertTextModeSupport": {"valueSet": [1, 2]}}}},
}
BOTH = {"textDocument": {"completion": {}, "inlineCompletion": {}}}


def drafts(*texts: str) -> str:
    return f"# drafts: {json.dumps(texts)}\n"


async def listed(editor: Any, text: str, line: int, character: int, **opened: Any) -> Any:
    uri = editor.open(text, **opened)
    place = {"textDocument": {"uri": uri}, "position": {"line": line, "character": character}}
    return await editor.ask("textDocument/completion", place)


async def test_the_suggestion_is_the_last_entry_of_the_list(start_editor: Any) -> None:
    editor = await start_editor()
    several = {"multiLine": "always"}
    started = await editor.initialize(LIST_ONLY, initializationOptions=several)
    assert "completionProvider" in started["capabilities"]
    text = drafts("nt(x,\n      y)") + "s = '😀'; pri()\n"
    assert await listed(editor, drafts("nt(x,\n      y)") + "s = '😀'; pri\n", 1, 13) == {
        "isIncomplete": True,
        "items": [
            {
                "label": "print(x,…",
                "kind": 1,
                "detail": "Redraft",
                "sortText": "\U0010ffff",
                "filterText": "print(x,",
                "preselect": False,
                "insertTextFormat": 1,
                "insertTextMode": 1,
                "textEdit": {
                    "newText": "print(x,\n      y)",
                    "range": {"start": {"line": 1, "character": 10}, "end": {"line": 1, "character": 13}},
                },
            }
        ],
    }
    # Where brackets follow, a call in several lines has no place; the list is still not complete.
    nothing = await listed(editor, text, 1, 13, uri="file:///b.py")
    assert nothing == {"isIncomplete": True, "items": []}


@pytest.mark.parametrize(
    ("capabilities", "options"),
    [(BOTH, {}), ({}, {}), (LIST_ONLY, {"completionFallback": "never"})],
    ids=["inline", "no list", "not wanted"],
)
async def test_nobody_else_gets_it(start_editor: Any, capabilities: Any, options: Any) -> None:
    editor = await start_editor()
    result = await editor.initialize(capabilities, initializationOptions=options)
    assert "completionProvider" not in result["capabilities"]
    assert await listed(editor, drafts("1") + "x = \n", 1, 4) == {"isIncomplete": False, "items": []}
    assert editor.log == []


@pytest.mark.parametrize("client", ["neovim", "emacs", "visual-studio-code"])
async def test_editors_of_the_past_have_the_list(start_editor: Any, client: str) -> None:
    editor = await start_editor()
    await editor.initialize(converters.get_converter().unstructure(client_capabilities(client)))
    (item,) = (await listed(editor, drafts("1") + "x = \n", 1, 4))["items"]
    assert item["textEdit"]["newText"] == "1"


async def test_the_list_is_as_quiet_as_suggestions_that_nobody_asked_for(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(LIST_ONLY)
    assert (await listed(editor, drafts("guess") + "x = \n", 1, 4))["items"] == []
    log = editor.log
    assert (await listed(editor, drafts("1") + "x = 12345678901\n", 1, 4))["items"] == []
    assert (await listed(editor, drafts("1") + "x = \n", 1, 4, uri="file:///.env"))["items"] == []
    await editor.ask("workspace/executeCommand", {"command": "redraft.snooze", "arguments": [1]})
    assert (await listed(editor, drafts("1") + "x = \n", 1, 4))["items"] == []
    assert editor.log == log
