"""Editors in a hurry, editors that are broken, and documents nobody would write by hand, in the real server."""

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

FULL = {
    "textDocument": {
        "codeAction": {
            "codeActionLiteralSupport": {"codeActionKind": {"valueSet": []}},
            "dataSupport": True,
            "resolveSupport": {"properties": ["edit"]},
        }
    },
    "workspace": {"applyEdit": True, "workspaceEdit": {"documentChanges": True}},
}
PLAIN = {"textDocument": {"codeAction": {"codeActionLiteralSupport": {"codeActionKind": {"valueSet": []}}}}}
BROKEN, MENDED = "retrun 1\n", "return 1\n"
ENDLESS = "# steps: 1000000\n"

SECONDS = 300.0  # only a test that hangs waits so long


def at(line: int, column: int = 0) -> dict[str, Any]:
    place = {"line": line, "character": column}
    return {"start": place, "end": place}


async def first_action(editor: Any, uri: str, line: int) -> Any:
    params = {"textDocument": {"uri": uri}, "range": at(line), "context": {"diagnostics": []}}
    return (await editor.ask("textDocument/codeAction", params))[0]


async def repair(editor: Any, uri: str, line: int) -> None:
    """Resolve the first action on `line` and apply it."""
    action = await first_action(editor, uri, line)
    editor.apply((await editor.ask("codeAction/resolve", action))["edit"])


def completion(uri: str, line: int) -> dict[str, Any]:
    place = {"line": line, "character": 0}
    return {"textDocument": {"uri": uri}, "position": place, "context": {"triggerKind": 1}}


def tracebacks(folder: Path) -> list[str]:
    lines = [line for log in folder.glob("stderr-*.txt") for line in log.read_text().splitlines()]
    return [line for line in lines if "Traceback" in line or "could not be handled" in line]


def answers(editor: Any) -> list[Any]:
    return [message for message in editor.received if "method" not in message]


async def test_a_thousand_changes_in_a_row_are_all_followed(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize({**FULL, "general": {"positionEncodings": ["utf-8"]}})
    dice = random.Random(5)
    uri = editor.open("é 😀\r\n" * 5)
    for _ in range(1_000):
        n_lines = editor.texts[uri].count("\n") + 1
        place = {"line": dice.randrange(n_lines), "character": dice.randrange(9)}
        new_text = dice.choice(["x", "😀", "\n", "\r\n", "\r", "\f", "\u2028", "é", " prnt( "])
        editor.change(uri, new_text, {"start": place, "end": place})
    wanted = editor.texts[uri].replace("prnt(", "print(")
    everything = {"start": {"line": 0, "character": 0}, "end": {"line": 2**31 - 1, "character": 0}}
    params = {
        "textDocument": {"uri": uri},
        "range": everything,
        "context": {"diagnostics": [], "only": ["refactor"]},
    }
    (action,) = await editor.ask("textDocument/codeAction", params)
    editor.apply((await editor.ask("codeAction/resolve", action))["edit"])
    assert editor.texts[uri] == wanted


async def test_five_hundred_requests_that_are_all_cancelled_are_each_answered_once(
    start_editor: Any, tmp_path: Path
) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    uri = editor.open(ENDLESS + BROKEN)
    action = await first_action(editor, uri, 1)
    command = {"command": "redraft.repair", "arguments": [action["data"]]}
    requests = []
    for _ in range(125):
        requests += [
            editor.start("codeAction/resolve", action),
            editor.start("workspace/executeCommand", command),
            editor.start("textDocument/inlineCompletion", completion(uri, 1)),
            editor.start("textDocument/inlineCompletion", completion(uri, 2)),
        ]
    random.Random(6).shuffle(requests)
    for request in requests:
        editor.notify("$/cancelRequest", {"id": request})
    outcomes = [await editor.response(request) for request in requests]
    # An inline completion may have been superseded before it was cancelled.
    assert {o["error"]["code"] if "error" in o else str(o["result"]) for o in outcomes} <= {
        -32800,
        "{'items': []}",
    }
    # The engine is idle again, and nothing that was cancelled is started any more.
    other = editor.open(BROKEN, uri="file:///other.py")
    await repair(editor, other, 0)
    assert editor.texts[other] == MENDED
    assert await editor.ask("shutdown", None) is None
    assert sorted(a["id"] for a in answers(editor)) == list(range(1, len(answers(editor)) + 1))
    n_begun = sum(line.startswith(("repair", "complete")) for line in editor.log)
    assert n_begun == editor.log.count("cancelled") + editor.log.count("done")
    assert editor.log[-1] == "done"
    assert tracebacks(tmp_path) == []


async def test_cancelling_what_does_not_exist_does_nothing(start_editor: Any, tmp_path: Path) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    for identity in (999, "999", -1, None, True, 1.5, 1e300, {}, [], [[]], {"id": 1}, "\ud800", 10**400):
        editor.notify("$/cancelRequest", {"id": identity})
        editor.notify("window/workDoneProgress/cancel", {"token": identity})
    for params in (None, {}, [], 3, "x", [1]):
        editor.notify("$/cancelRequest", params)
    # As a request it is one that need not be known.
    assert (await editor.error("$/cancelRequest", {"id": 1}))["code"] == -32601
    assert await editor.ask("shutdown", None) is None
    assert len(answers(editor)) == 3
    assert tracebacks(tmp_path) == []


async def test_notifications_sent_as_requests_are_refused(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    uri = editor.open(BROKEN)
    for method, params in (
        ("initialized", {}),
        ("textDocument/didClose", {"textDocument": {"uri": uri}}),
        ("$/setTrace", {"value": "off"}),
        ("exit", None),
    ):
        assert (await editor.error(method, params))["code"] == -32600, method
    await repair(editor, uri, 0)
    assert editor.texts[uri] == MENDED


async def test_nothing_that_comes_before_initialize_is_done_or_answered(
    start_editor: Any, tmp_path: Path
) -> None:
    editor = await start_editor()
    uri = editor.open(BROKEN)
    editor.change(uri, "x", at(0))
    editor.notify("$/cancelRequest", {"id": 1})
    editor.notify("$/cancelRequest", {"id": {}})
    editor.notify("initialized", {})
    editor.notify("workspace/didChangeConfiguration", {"settings": {"redraft": {"enable": False}}})
    editor.notify("window/workDoneProgress/cancel", {"token": []})
    editor.send({"jsonrpc": "2.0", "id": 7, "result": None})
    await editor.initialize(FULL)
    uri = editor.open(BROKEN)
    await repair(editor, uri, 0)
    assert editor.texts[uri] == MENDED
    assert len(answers(editor)) == 3
    assert tracebacks(tmp_path) == []


@pytest.mark.parametrize("depth", [400, 900, 980, 100_000])
async def test_nesting_is_survived_wherever_it_is(start_editor: Any, tmp_path: Path, depth: int) -> None:
    editor = await start_editor()
    deep = "[" * depth + "]" * depth

    def send(method: str, params: str, identity: int | None = None) -> None:
        # Python's own encoder would not get that deep.
        name = "" if identity is None else f'"id": {identity}, '
        body = f'{{"jsonrpc": "2.0", {name}"method": "{method}", "params": {params.replace("DEEP", deep)}}}'
        editor.send_body(body.encode())

    send(
        "initialize",
        '{"capabilities": {}, "processId": null, "initializationOptions": {"enable": DEEP}}',
        1_001,
    )
    if "error" in await editor.message(lambda m: "method" not in m and m["id"] in (1_001, None)):
        await editor.initialize(FULL)
    uri = editor.open(BROKEN)
    for method, params in (
        ("codeAction/resolve", '{"title": "x", "data": DEEP}'),
        ("codeAction/resolve", '{"title": "x", "data": {"uri": "file:///a.py", "more": DEEP}}'),
        ("workspace/executeCommand", '{"command": "redraft.repair", "arguments": DEEP}'),
        ("workspace/executeCommand", '{"command": "x", "arguments": [DEEP]}'),
        ("textDocument/codeAction", '{"context": {"diagnostics": [{"data": DEEP}]}}'),
        ("no/method", "DEEP"),
    ):
        n_done = len(answers(editor))
        send(method, params, 2_000 + n_done)
        response = (await editor.messages(lambda m: "method" not in m, n_done + 1))[-1]
        assert response["id"] in (2_000 + n_done, None)
        assert response["error"]["code"] in (-32700, -32601, -32602), response
    send("workspace/didChangeConfiguration", '{"settings": {"redraft": {"threads": DEEP}}}')
    send("workspace/didChangeConfiguration", '{"settings": DEEP}')
    send("$/cancelRequest", '{"id": DEEP}')
    editor.change(uri, "", at(0))
    assert await editor.ask("shutdown", None) is None
    assert tracebacks(tmp_path) == []


async def test_typing_in_a_line_of_a_megabyte_is_no_trouble(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    line = "x = '" + "é😀a" * 240_000 + "'"
    uri = editor.open(line + "\n" + BROKEN)
    end = len(line) + line.count("😀")
    for n_typed in range(20):
        # Followed by the plain way, each would take this test's own model a second.
        change = {"text": "#", "range": at(0, end + n_typed)}
        document = {"uri": uri, "version": n_typed + 2}
        editor.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [change]})
    editor.versions[uri], editor.texts[uri] = 21, line + "#" * 20 + "\n" + BROKEN
    await repair(editor, uri, 1)
    assert editor.texts[uri] == line + "#" * 20 + "\n" + MENDED


async def test_a_document_may_be_called_anything(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    for opened, asked in (
        ("file:///a%20folder/with%23/100%25.py", "file:///a folder/with#/100%25.py"),
        ("file:///c%3A/code/a.py", "file:///C:/code/a.py"),
        ("file:///%E5%9C%96/%F0%9F%98%80.py", "file:///圖/😀.py"),
        ("untitled:Untitled-1", "untitled:Untitled-1"),
        ("vscode-notebook-cell:/a.ipynb#W0sZmlsZQ%3D%3D", "vscode-notebook-cell:/a.ipynb#W0sZmlsZQ%3D%3D"),
        ("redraft-test+x://host:1/a?b=c#d", "redraft-test+x://host:1/a?b=c#d"),
        ("no uri at all", "no uri at all"),
        ("", ""),
    ):
        editor.open("x = 1\n" + BROKEN, uri=opened)
        action = await first_action(editor, asked, 1)
        resolved = await editor.ask("codeAction/resolve", action)
        # An editor knows a document only as it has named it itself.
        assert resolved["edit"]["documentChanges"][0]["textDocument"]["uri"] == opened
        editor.apply(resolved["edit"])
        assert editor.texts[opened] == "x = 1\n" + MENDED


async def test_names_that_no_encoding_knows_stay_apart(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    for name, text in (("file:///caf%E9.py", BROKEN), ("file:///caf%E8.py", "x = 1\n" + BROKEN)):
        editor.open(text, uri=name)
    for name, line, text in (("file:///caf%E9.py", 0, MENDED), ("file:///caf%E8.py", 1, "x = 1\n" + MENDED)):
        await repair(editor, name, line)
        assert editor.texts[name] == text


@pytest.mark.parametrize("is_reopened", [False, True])
async def test_a_document_that_is_closed_during_the_work_gets_nothing_of_it(
    start_editor: Any, is_reopened: bool
) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    text = '# held\n# drafts: ["2"]\n' + BROKEN
    uri = editor.open(text)
    complete = editor.start("textDocument/inlineCompletion", completion(uri, 3))
    await editor.logged("batch of 1")
    resolve = editor.start("codeAction/resolve", await first_action(editor, uri, 2))
    editor.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
    if is_reopened:
        # The same version again, but who knows what happened to the file in between.
        editor.open("x = 1\n")
    await editor.caught_up()
    editor.let_go()
    assert (await editor.response(resolve))["error"]["code"] == -32803
    assert (await editor.response(complete))["result"] == {"items": []}


async def test_a_step_that_does_not_end_holds_up_neither_lists_nor_cancels(
    start_editor: Any,
) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    uri = editor.open("# stuck\n" + BROKEN)
    action = await first_action(editor, uri, 1)
    requests = [editor.start("codeAction/resolve", action) for _ in range(2)]
    await editor.logged("repair semantic=False")
    assert await first_action(editor, uri, 1) == action
    for request in requests:
        editor.notify("$/cancelRequest", {"id": request})
        assert (await editor.response(request))["error"]["code"] == -32800


async def test_an_answer_that_nobody_waits_for_any_more_is_ignored(start_editor: Any, tmp_path: Path) -> None:
    editor = await start_editor()
    await editor.initialize(PLAIN)
    uri = editor.open(BROKEN)
    command = (await first_action(editor, uri, 0))["command"]
    request = editor.start("workspace/executeCommand", {k: command[k] for k in ("command", "arguments")})
    asked = await editor.message(lambda m: m.get("method") == "workspace/applyEdit")
    editor.notify("$/cancelRequest", {"id": request})
    assert (await editor.response(request))["error"]["code"] == -32800
    for _ in range(2):
        editor.send({"jsonrpc": "2.0", "id": asked["id"], "result": {"applied": True}})
        editor.send({"jsonrpc": "2.0", "id": asked["id"], "error": {"code": 1, "message": "?"}})
    assert await editor.ask("shutdown", None) is None
    assert tracebacks(tmp_path) == []


async def test_an_answer_that_makes_no_sense_fails_only_what_waits_for_it(
    start_editor: Any, tmp_path: Path
) -> None:
    editor = await start_editor()
    await editor.initialize(PLAIN)
    uri = editor.open(BROKEN)
    command = (await first_action(editor, uri, 0))["command"]
    params = {key: command[key] for key in ("command", "arguments")}
    for n_asked, answer in enumerate(
        ({"result": None}, {"result": 3}, {"error": 3}, {"error": {"code": "x"}})
    ):
        request = editor.start("workspace/executeCommand", params)
        asked = await editor.messages(lambda m: m.get("method") == "workspace/applyEdit", n_asked + 1)
        editor.send({"jsonrpc": "2.0", "id": asked[-1]["id"], **answer})
        assert "error" in await editor.response(request)
    assert await editor.ask("shutdown", None) is None
    assert tracebacks(tmp_path) == []


async def test_a_response_cannot_answer_a_request_of_the_editor_itself(
    start_editor: Any, tmp_path: Path
) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    uri = editor.open(ENDLESS + BROKEN)
    action = await first_action(editor, uri, 1)
    request = editor.start("codeAction/resolve", action)
    await editor.logged("repair semantic=False")
    editor.send({"jsonrpc": "2.0", "id": request, "result": {"title": "x"}})
    editor.send({"jsonrpc": "2.0", "id": request, "method": "codeAction/resolve", "params": action})
    assert (await editor.response(request))["error"]["code"] == -32600
    editor.notify("$/cancelRequest", {"id": request})
    both = await editor.messages(lambda m: "method" not in m and m["id"] == request, 2)
    assert both[1]["error"]["code"] == -32800
    assert tracebacks(tmp_path) == []


async def test_it_leaves_when_nobody_can_hear_it_any_more(start_editor: Any, tmp_path: Path) -> None:
    editor = await start_editor()
    await editor.initialize({**FULL, "window": {"workDoneProgress": True}})
    uri = editor.open(ENDLESS + BROKEN)
    action = await first_action(editor, uri, 1)
    for _ in range(20):
        editor.start("codeAction/resolve", action)
    await editor.message(lambda m: m.get("params", {}).get("value", {}).get("kind") == "report")
    await editor.stop_reading()
    # Its stdin is still open: only the pipe that nobody reads tells.
    assert await editor.exit_code() == 1
    log = (tmp_path / "stderr-0.txt").read_text()
    assert len(log) < 5_000
    assert tracebacks(tmp_path) == []


@pytest.mark.parametrize("last", ["exit", "the end of stdin"])
def test_it_leaves_although_its_answers_are_not_read(tmp_path: Path, last: str) -> None:
    serve = [sys.executable, str(Path(__file__).with_name("serve_fake.py")), str(tmp_path / "engine.log")]
    server = subprocess.Popen(serve, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert server.stdin is not None
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "x" * 1_000, "params": None}).encode()
    leave = json.dumps({"jsonrpc": "2.0", "method": "exit"}).encode()
    # More than fits into any pipe, so the server has to wait with something in its hand.
    for message in [body] * 3_000 + [leave] * (last == "exit"):
        server.stdin.write(b"Content-Length: %d\r\n\r\n" % len(message) + message)
    if last == "exit":
        server.stdin.flush()
    else:
        server.stdin.close()
    try:
        assert server.wait(SECONDS) == 1
    finally:
        server.kill()
        server.wait()
