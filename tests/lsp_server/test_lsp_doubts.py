"""Underlined doubts: pulled or pushed, off unless wanted, and never in the way of anything else."""

from typing import Any

import pytest

PULLS = {"textDocument": {"diagnostic": {}}}
ON = {"doubtDiagnostics": True}
TEXT = "a = 1\nb = wrong\n"
UNDERLINED = {
    "range": {"start": {"line": 1, "character": 4}, "end": {"line": 1, "character": 9}},
    "message": "The model expected “right” here (90% sure).",
    "severity": 3,
    "code": "doubt",
    "source": "redraft",
    "data": "right",
}
LITERALS = {"codeActionLiteralSupport": {"codeActionKind": {"valueSet": []}}}


async def pull(editor: Any, uri: str, previous: str | None = None) -> Any:
    params = {"textDocument": {"uri": uri}}
    return await editor.ask(
        "textDocument/diagnostic", {**params, "previousResultId": previous} if previous else params
    )


async def test_a_client_that_pulls_is_told_what_the_model_did_not_expect(start_editor: Any) -> None:
    editor = await start_editor()
    result = await editor.initialize(PULLS, initializationOptions={**ON, "doubtThreshold": 0.8})
    assert result["capabilities"]["diagnosticProvider"] == {
        "identifier": "redraft",
        "interFileDependencies": False,
        "workspaceDiagnostics": False,
    }
    report = await pull(editor, editor.open(TEXT))
    assert (report["kind"], report["items"]) == ("full", [UNDERLINED])
    assert "doubt threshold=0.8" in editor.log


async def test_what_did_not_change_is_not_looked_at_again(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(PULLS, initializationOptions=ON)
    uri = editor.open(TEXT)
    identity = (await pull(editor, uri))["resultId"]
    assert await pull(editor, uri, identity) == {"kind": "unchanged", "resultId": identity}
    editor.change(uri, TEXT.upper())
    assert (await pull(editor, uri, identity))["items"] == []
    assert editor.log.count("doubt threshold=0.5") == 2


@pytest.mark.parametrize("options", [{}, {**ON, "enable": False}, {**ON, "disabledGlobs": ["*.py"]}])
async def test_it_is_off_unless_it_is_wanted(start_editor: Any, options: Any) -> None:
    editor = await start_editor()
    await editor.initialize(PULLS, initializationOptions=options)
    assert await pull(editor, editor.open(TEXT)) == {"kind": "full", "items": []}
    assert editor.log == []


async def test_it_is_quiet_while_it_snoozes(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(PULLS, initializationOptions=ON)
    uri = editor.open(TEXT)
    await editor.ask("workspace/executeCommand", {"command": "redraft.snooze", "arguments": [5]})
    assert (await pull(editor, uri))["items"] == []
    await editor.ask("workspace/executeCommand", {"command": "redraft.unsnooze"})
    assert (await pull(editor, uri))["items"] == [UNDERLINED]


async def test_an_edit_overtakes_the_search_for_doubts(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(PULLS, initializationOptions=ON)
    uri = editor.open("# steps: 100000\n" + TEXT)
    first = editor.start("textDocument/diagnostic", {"textDocument": {"uri": uri}})
    await editor.logged("doubt threshold=0.5")
    editor.change(uri, TEXT)
    assert (await pull(editor, uri))["items"] == [UNDERLINED]
    assert (await editor.response(first))["result"] == {"kind": "full", "items": []}


async def test_a_repair_does_not_wait_for_doubts(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(PULLS, initializationOptions=ON)
    doubtful = editor.open("# held\n" + TEXT, uri="file:///doubtful.py")
    waiting = editor.start("textDocument/diagnostic", {"textDocument": {"uri": doubtful}})
    await editor.logged("doubt threshold=0.5")
    uri = editor.open("retrun 1\n", uri="file:///broken.py")
    completion = {
        "textDocument": {"uri": uri},
        "position": {"line": 1, "character": 0},
        "context": {"triggerKind": 1},
    }
    await editor.ask("textDocument/inlineCompletion", completion)
    assert not any(m.get("id") == waiting for m in editor.received)
    editor.let_go()
    assert len((await editor.response(waiting))["result"]["items"]) == 1


async def test_any_other_client_is_sent_them_when_the_typing_has_stopped(start_editor: Any) -> None:
    editor = await start_editor()
    result = await editor.initialize(initializationOptions=ON)
    assert "diagnosticProvider" not in result["capabilities"]
    uri = editor.open("a = 1\n")
    for _ in range(5):
        editor.change(uri, TEXT)
    published = await editor.notification("textDocument/publishDiagnostics")
    assert published == {"uri": uri, "version": 6, "diagnostics": [UNDERLINED]}
    assert editor.log.count("doubt threshold=0.5") == 1


async def test_a_document_that_is_closed_or_edited_loses_its_underlines(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(initializationOptions=ON)
    uri = editor.open(TEXT)
    await editor.notification("textDocument/publishDiagnostics")
    editor.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
    _, second = await editor.messages(lambda m: m.get("method") == "textDocument/publishDiagnostics", 2)
    assert second["params"]["diagnostics"] == []


async def actions(editor: Any, diagnostic: Any) -> Any:
    """The quick fixes offered for `diagnostic` in a document with TEXT."""
    params = {
        "textDocument": {"uri": editor.open(TEXT)},
        "range": diagnostic["range"],
        "context": {"diagnostics": [diagnostic], "only": ["quickfix"]},
    }
    return await editor.ask("textDocument/codeAction", params)


async def test_what_the_model_expected_can_be_written_at_once(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize({"textDocument": {"codeAction": LITERALS}}, initializationOptions=ON)
    (action,) = await actions(editor, UNDERLINED)
    assert action["title"] == "Redraft: write “right”"
    assert action["diagnostics"] == [UNDERLINED]
    ((edit,),) = action["edit"]["changes"].values()
    assert apply(TEXT, edit) == "a = 1\nb = right\n"
    assert "command" not in action
    assert "data" not in action
    assert editor.log == [], "the model is not asked again"


def apply(text: str, edit: Any) -> str:
    lines = text.splitlines(keepends=True)
    start, end = edit["range"]["start"], edit["range"]["end"]
    assert start["line"] == end["line"]
    line = lines[start["line"]]
    lines[start["line"]] = line[: start["character"]] + edit["newText"] + line[end["character"] :]
    return "".join(lines)


@pytest.mark.parametrize(
    "diagnostic",
    [
        {name: value for name, value in UNDERLINED.items() if name != "data"},
        {**UNDERLINED, "data": "right("},
        {**UNDERLINED, "data": "wrong"},
        {**UNDERLINED, "data": {"of": "somebody else"}},
    ],
)
async def test_where_nothing_usable_is_known_the_model_is_asked(start_editor: Any, diagnostic: Any) -> None:
    editor = await start_editor()
    await editor.initialize({"textDocument": {"codeAction": LITERALS}}, initializationOptions=ON)
    (action,) = await actions(editor, diagnostic)
    assert action["title"].startswith("Redraft: repair “The model expected")
    assert action["diagnostics"] == [diagnostic]
    assert "edit" not in action


async def test_a_client_that_knows_commands_only_gets_one(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(initializationOptions=ON)
    (command,) = await actions(editor, UNDERLINED)
    assert command["command"] == "redraft.repair"
