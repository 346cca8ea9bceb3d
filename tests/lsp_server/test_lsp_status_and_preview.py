"""What an editor can show of the server: whether it is well, and a rewrite before it is applied."""

from typing import Any

FOLLOWS = {"experimental": {"serverStatusNotification": True}}
FULL = {
    **FOLLOWS,
    "textDocument": {
        "codeAction": {
            "codeActionLiteralSupport": {"codeActionKind": {"valueSet": []}},
            "dataSupport": True,
            "resolveSupport": {"properties": ["edit"]},
        }
    },
    "workspace": {"workspaceEdit": {"documentChanges": True}, "textDocumentContent": {}},
}
BROKEN = "def f():\r\n    retrun 1\r\n"


async def first_action(editor: Any, uri: str) -> Any:
    place = {"line": 1, "character": 4}
    params = {
        "textDocument": {"uri": uri},
        "range": {"start": place, "end": place},
        "context": {"diagnostics": []},
    }
    return (await editor.ask("textDocument/codeAction", params))[0]


async def preview(editor: Any, data: Any) -> Any:
    return await editor.ask("workspace/executeCommand", {"command": "redraft.preview", "arguments": [data]})


def statuses(editor: Any) -> list[Any]:
    return [m["params"] for m in editor.received if m.get("method") == "experimental/serverStatus"]


async def test_who_follows_the_status_is_told_at_once_and_when_it_changes(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    assert await editor.notification("experimental/serverStatus") == {
        "health": "ok",
        "quiescent": True,
        "message": None,
    }
    request = editor.start("codeAction/resolve", await first_action(editor, editor.open("# held\n" + BROKEN)))
    await editor.messages(lambda m: m.get("method") == "experimental/serverStatus", 2)
    editor.let_go()
    assert "result" in await editor.response(request)
    await editor.messages(lambda m: m.get("method") == "experimental/serverStatus", 3)
    assert [status["quiescent"] for status in statuses(editor)] == [True, False, True]


async def test_a_checkpoint_that_cannot_be_used_is_an_error_one_can_see(start_editor: Any) -> None:
    editor = await start_editor("--no-checkpoint")
    await editor.initialize(FULL)
    await editor.error("codeAction/resolve", await first_action(editor, editor.open(BROKEN)))
    await editor.message(lambda m: m.get("params", {}).get("health") == "error")
    assert statuses(editor)[-1]["message"] == "There is no checkpoint here; pass --checkpoint."


async def test_nobody_else_is_told(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize({**FULL, "experimental": {}})
    await editor.ask("codeAction/resolve", await first_action(editor, editor.open(BROKEN)))
    assert statuses(editor) == []


async def test_a_preview_shows_the_text_and_gives_the_edit_without_applying_it(start_editor: Any) -> None:
    editor = await start_editor()
    result = await editor.initialize(FULL)
    assert result["capabilities"]["workspace"]["textDocumentContent"] == {"schemes": ["redraft-preview"]}
    uri = editor.open(BROKEN, uri="file:///folder/a%20b.py")
    answer = await preview(editor, (await first_action(editor, uri))["data"])
    assert answer["uri"].startswith("redraft-preview:/")
    content = await editor.ask("workspace/textDocumentContent", {"uri": answer["uri"]})
    assert content == {"text": "def f():\r\n    return 1\r\n"}
    assert not any(m.get("method") == "workspace/applyEdit" for m in editor.received)
    editor.apply(answer["edit"])
    assert editor.texts[uri] == content["text"]


async def test_previews_of_long_ago_are_forgotten(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    data = (await first_action(editor, editor.open(BROKEN)))["data"]
    uris = [(await preview(editor, data))["uri"] for _ in range(9)]
    assert len(set(uris)) == 9
    texts = [(await editor.ask("workspace/textDocumentContent", {"uri": uri}))["text"] for uri in uris]
    assert texts[0] == ""
    assert all(texts[1:])


async def test_a_preview_of_nothing_is_refused_with_the_reason(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    for arguments in ([], [1], [{}, {}]):
        params = {"command": "redraft.preview", "arguments": arguments}
        assert (await editor.error("workspace/executeCommand", params))["code"] == -32602
    uri = editor.open(BROKEN)
    data = (await first_action(editor, uri))["data"]
    editor.change(uri, "x = 1\n")
    params = {"command": "redraft.preview", "arguments": [data]}
    assert "has changed" in (await editor.error("workspace/executeCommand", params))["message"]
