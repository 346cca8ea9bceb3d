"""From the first byte to the exit code, with editors that behave and editors that do not."""

import asyncio
import os
import random
import signal
import subprocess
import sys
from typing import Any

import pytest
from lsprotocol import converters
from pytest_lsp import client_capabilities

SLOW = "# steps: 100000\nretrun 1\n"


def action_params(uri: str, line: int = 0, **context: Any) -> dict[str, Any]:
    place = {"line": line, "character": 0}
    return {
        "textDocument": {"uri": uri},
        "range": {"start": place, "end": place},
        "context": {"diagnostics": [], **context},
    }


RESOLVING = {
    "textDocument": {
        "codeAction": {
            "codeActionLiteralSupport": {"codeActionKind": {"valueSet": []}},
            "dataSupport": True,
            "resolveSupport": {"properties": ["edit"]},
        }
    }
}


async def start_slow_repair(editor: Any) -> int:
    """The id of a request that the engine would work on for a quarter of an hour."""
    await editor.initialize(RESOLVING)
    uri = editor.open(SLOW)
    actions = await editor.ask("textDocument/codeAction", action_params(uri, 1))
    identity = editor.start("codeAction/resolve", actions[0])
    await editor.logged("repair semantic=False")
    return identity


async def test_it_announces_what_it_can_do(start_editor: Any) -> None:
    editor = await start_editor()
    result = await editor.initialize(RESOLVING)
    assert result["serverInfo"]["name"] == "redraft"
    assert result["capabilities"] == {
        "positionEncoding": "utf-16",
        "textDocumentSync": {"openClose": True, "change": 2},
        "codeActionProvider": {
            "codeActionKinds": [
                "quickfix.redraft",
                "refactor.rewrite.redraft.repair",
                "source.fixAll.redraft",
            ],
            "resolveProvider": True,
        },
        "inlineCompletionProvider": {},
        "executeCommandProvider": {
            "commands": ["redraft.repair", "redraft.preview", "redraft.snooze", "redraft.unsnooze"],
            "workDoneProgress": True,
        },
        "workspace": {"workspaceFolders": {"supported": True, "changeNotifications": True}},
    }


@pytest.mark.parametrize(
    ("client", "encoding"),
    [("visual-studio-code", "utf-16"), ("neovim", "utf-8"), ("emacs", "utf-32")],
)
async def test_it_counts_as_each_editor_prefers(start_editor: Any, client: str, encoding: str) -> None:
    editor = await start_editor()
    capabilities = converters.get_converter().unstructure(client_capabilities(client))
    result = await editor.initialize(capabilities)
    assert result["capabilities"]["positionEncoding"] == encoding


async def test_an_unknown_encoding_is_passed_over(start_editor: Any) -> None:
    editor = await start_editor()
    result = await editor.initialize({"general": {"positionEncodings": ["utf-7", "utf-32"]}})
    assert result["capabilities"]["positionEncoding"] == "utf-32"


async def test_initialize_is_answered_before_any_model_is_loaded(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize()
    assert editor.log == []


async def test_the_server_imports_no_torch() -> None:
    code = "import sys, redraft_server.server; sys.exit('torch' in sys.modules)"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
    assert await process.wait() == 0


async def test_requests_before_initialize_are_refused(start_editor: Any) -> None:
    editor = await start_editor()
    assert (await editor.error("textDocument/codeAction", action_params("file:///a.py")))["code"] == -32002
    assert (await editor.error("shutdown", None))["code"] == -32002
    assert (await editor.initialize())["capabilities"]


async def test_notifications_before_initialize_are_dropped(start_editor: Any) -> None:
    editor = await start_editor()
    uri = editor.open("retrun 1\n")
    await editor.initialize()
    assert await editor.ask("textDocument/codeAction", action_params(uri)) is None


async def test_a_second_initialize_is_refused_and_keeps_the_documents(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(RESOLVING)
    uri = editor.open("retrun 1\n")
    assert (await editor.error("initialize", {"capabilities": {}, "processId": None}))["code"] == -32600
    assert len(await editor.ask("textDocument/codeAction", action_params(uri))) == 2


@pytest.mark.parametrize("params", [{}, {"params": None}, {"params": {}}], ids=["absent", "null", "empty"])
async def test_shutdown_and_exit_end_with_0(start_editor: Any, params: dict[str, Any]) -> None:
    editor = await start_editor()
    await editor.initialize()
    editor.send({"jsonrpc": "2.0", "id": "bye", "method": "shutdown", **params})
    assert await editor.response("bye") == {"jsonrpc": "2.0", "id": "bye", "result": None}
    assert (await editor.error("textDocument/codeAction", action_params("file:///a.py")))["code"] == -32600
    assert (await editor.error("shutdown", None))["code"] == -32600
    editor.send({"jsonrpc": "2.0", "method": "exit", **params})
    assert await editor.exit_code() == 0


async def test_initialized_may_come_without_parameters(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.ask("initialize", {"capabilities": {}, "processId": None})
    editor.send({"jsonrpc": "2.0", "method": "initialized"})
    assert await editor.ask("shutdown", None) is None


async def test_exit_without_shutdown_ends_with_1(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize()
    editor.notify("exit", None)
    assert await editor.exit_code() == 1


async def test_exit_before_initialize_ends_with_1(start_editor: Any) -> None:
    editor = await start_editor()
    editor.notify("exit", None)
    assert await editor.exit_code() == 1


async def test_the_end_of_stdin_is_the_end(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize()
    editor.close_stdin()
    assert await editor.exit_code() == 1


async def test_the_end_of_stdin_after_shutdown_ends_with_0(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize()
    await editor.ask("shutdown", None)
    editor.close_stdin()
    assert await editor.exit_code() == 0


async def test_shutdown_cancels_what_runs_and_exit_does_not_wait(start_editor: Any) -> None:
    editor = await start_editor()
    repair = await start_slow_repair(editor)
    await editor.ask("shutdown", None)
    assert (await editor.response(repair))["error"]["code"] == -32800
    await editor.logged("cancelled")
    editor.notify("exit", None)
    assert await editor.exit_code() == 0


async def test_exit_in_the_middle_of_work_does_not_wait(start_editor: Any) -> None:
    editor = await start_editor()
    await start_slow_repair(editor)
    editor.notify("exit", None)
    assert await editor.exit_code() == 1


async def test_exit_does_not_wait_for_a_step_that_does_not_end(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(RESOLVING)
    uri = editor.open("# stuck\nretrun 1\n")
    action = (await editor.ask("textDocument/codeAction", action_params(uri, 1)))[0]
    editor.start("codeAction/resolve", action)
    await editor.logged("repair semantic=False")
    await editor.ask("shutdown", None)
    editor.notify("exit", None)
    assert await editor.exit_code() == 0


async def test_it_leaves_when_the_editor_is_killed(start_editor: Any) -> None:
    parent = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    editor = await start_editor()
    await editor.initialize(processId=parent.pid)
    parent.kill()
    parent.wait()
    # Its stdin is still open; only the missing process tells.
    assert await editor.exit_code() == 1


async def test_a_process_id_from_another_world_is_not_watched(start_editor: Any) -> None:
    editor = await start_editor()
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    await editor.initialize(processId=gone.pid)
    assert await editor.ask("shutdown", None) is None


async def test_it_survives_nobody_reading_its_answers(start_editor: Any, tmp_path: Any) -> None:
    editor = await start_editor()
    repair = await start_slow_repair(editor)
    await editor.stop_reading()
    editor.notify("$/cancelRequest", {"id": repair})
    for _ in range(50):
        editor.start("shutdown", None)
    editor.close_stdin()
    # Whether it sees first that nobody reads or that it was shut down is up to the machine.
    assert await editor.exit_code() in (0, 1)
    log = (tmp_path / "stderr-0.txt").read_text()
    assert log.count("Nobody reads our answers") == 1
    assert "Traceback" not in log
    assert len(log) < 5_000


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGTERM to send")
async def test_sigterm_ends_it(start_editor: Any) -> None:
    editor = await start_editor()
    await start_slow_repair(editor)
    os.kill(editor.process.pid, signal.SIGTERM)
    assert await editor.exit_code() == -signal.SIGTERM


async def test_what_cannot_be_read_is_answered(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize()
    for n_done, (body, code) in enumerate(
        (
            (b"{", -32700),
            (b"\xff\xfe", -32700),
            (b"", -32700),
            (b"[" * 100_000, -32700),
            (b"[]", -32600),
            (b"3", -32600),
            (b"{}", -32600),
            (b'{"jsonrpc":"1.0","id":null,"method":"shutdown"}', -32600),
            (b'{"jsonrpc":"2.0","id":null,"method":"shutdown"}', -32600),
            (b'{"jsonrpc":"2.0","id":1.5,"method":"shutdown"}', -32600),
            (b'{"jsonrpc":"2.0","id":true,"method":"shutdown"}', -32600),
            (b'{"jsonrpc":"2.0","method":3}', -32600),
        )
    ):
        editor.send_body(body)
        errors = await editor.messages(lambda m: m.get("id", "") is None, n_done + 1)
        assert errors[-1]["error"]["code"] == code, body
    assert await editor.ask("shutdown", None) is None


async def test_bytes_that_are_no_message_are_answered_and_survived(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize()
    editor.send_bytes(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert (await editor.response(None))["error"]["code"] == -32700
    assert await editor.ask("shutdown", None) is None


async def test_requests_that_make_no_sense_are_answered_as_such(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize()
    for method, params in (
        ("textDocument/codeAction", {}),
        ("textDocument/codeAction", None),
        ("textDocument/codeAction", {"textDocument": {"uri": 3}}),
        ("textDocument/codeAction", {**action_params("file:///a.py"), "range": {"start": {"line": -1}}}),
        ("textDocument/inlineCompletion", {"textDocument": {"uri": "file:///a.py"}}),
        ("codeAction/resolve", {"title": "x"}),
        ("codeAction/resolve", {"title": "x", "data": {"uri": "file:///a.py"}}),
        ("codeAction/resolve", {"title": "x", "data": "x"}),
        ("workspace/executeCommand", {"command": "redraft.repair"}),
        ("workspace/executeCommand", {"command": "redraft.repair", "arguments": [{}, {}]}),
        ("workspace/executeCommand", {"command": "rm -rf", "arguments": []}),
    ):
        assert (await editor.error(method, params))["code"] == -32602, (method, params)
    for method in ("$/unknown", "textDocument/hover", "redraft/unknown"):
        assert (await editor.error(method, {}))["code"] == -32601, method
    assert await editor.ask("shutdown", None) is None


async def test_every_request_is_answered_whatever_its_parameters(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(RESOLVING)
    uri = editor.open("x = (1\n" * 3)
    place = {"line": 0, "character": 0}
    action = (await editor.ask("textDocument/codeAction", action_params(uri)))[0]
    inline = {"textDocument": {"uri": uri}, "position": place, "context": {"triggerKind": 1}}
    command = {"command": "redraft.repair", "arguments": [action["data"]]}
    dice = random.Random(7)
    requests = []
    for method, params in (
        ("textDocument/codeAction", action_params(uri, only=["quickfix"], triggerKind=1)),
        ("textDocument/inlineCompletion", inline),
        ("codeAction/resolve", action),
        ("workspace/executeCommand", command),
    ):
        requests += [editor.start(method, mutated(params, dice)) for _ in range(100)]
    responses = [await editor.response(request) for request in requests]
    assert {"error" in response for response in responses} == {True, False}
    codes = {response["error"]["code"] for response in responses if "error" in response}
    assert codes <= {-32602, -32803}
    assert await editor.ask("shutdown", None) is None


def mutated(value: Any, dice: random.Random) -> Any:
    """`value` with a part of it, or all, replaced by something else."""
    odd = [None, True, -1, 2**31, 1e300, "", "\ud800", [], {}, [[]], {"uri": "file:///b.py"}, 0, 3]
    if not isinstance(value, dict | list) or not value or dice.random() < 0.1:
        return dice.choice(odd)
    copy = value.copy()
    key = dice.choice(list(value)) if isinstance(value, dict) else dice.randrange(len(value))
    if isinstance(copy, dict) and dice.random() < 0.2:
        del copy[key]
    else:
        copy[key] = mutated(value[key], dice)
    return copy


async def test_unknown_notifications_and_responses_are_ignored(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize()
    editor.notify("$/unknown", {})
    editor.notify("textDocument/didSave", {"textDocument": {"uri": "file:///a.py"}})
    editor.notify("$/cancelRequest", {"id": 999})
    editor.notify("window/workDoneProgress/cancel", {"token": "nothing"})
    editor.send({"jsonrpc": "2.0", "id": "never asked", "result": 3})
    editor.send({"jsonrpc": "2.0", "id": None, "error": {"code": 1, "message": "?"}})
    assert await editor.ask("shutdown", None) is None
    assert [m for m in editor.received if "method" in m] == []


async def test_a_change_of_a_document_that_is_not_open_is_only_logged(
    start_editor: Any, tmp_path: Any
) -> None:
    editor = await start_editor()
    await editor.initialize()
    document = {"uri": "file:///unopened.py", "version": 2}
    editor.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [{"text": "x"}]})
    editor.notify("textDocument/didClose", {"textDocument": {"uri": "file:///unopened.py"}})
    assert await editor.ask("shutdown", None) is None
    assert [m for m in editor.received if "method" in m] == []
    assert "unopened.py" in (tmp_path / "stderr-0.txt").read_text()


async def test_a_document_whose_change_cannot_be_read_is_left_alone_from_then_on(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(RESOLVING)
    uri = editor.open("retrun 1\n")
    change = {"text": 3, "range": None}
    editor.notify(
        "textDocument/didChange", {"textDocument": {"uri": uri, "version": 2}, "contentChanges": [change]}
    )
    assert await editor.ask("textDocument/codeAction", action_params(uri)) is None
