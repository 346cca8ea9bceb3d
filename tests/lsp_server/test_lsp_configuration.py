"""Settings on their way from the editor and from pyproject.toml to what is offered."""

import json
from pathlib import Path
from typing import Any

import pytest
from redraft_server.engine.scheduler import Scheduler
from redraft_server.server import RedraftServer, session_of

ASKED = {"workspace": {"configuration": True}}
REGISTERING = {
    "workspace": {
        "didChangeConfiguration": {"dynamicRegistration": True},
        "didChangeWatchedFiles": {"dynamicRegistration": True},
    }
}
BROKEN = "retrun 1\n"


async def is_offered(editor: Any, uri: str) -> bool:
    """Whether there are actions for the broken document `uri`, which is opened for that."""
    editor.open(BROKEN, uri=uri)
    place = {"line": 0, "character": 0}
    params = {
        "textDocument": {"uri": uri},
        "range": {"start": place, "end": place},
        "context": {"diagnostics": []},
    }
    return bool(await editor.ask("textDocument/codeAction", params))


def logged(editor: Any) -> list[str]:
    return [m["params"]["message"] for m in editor.received if m.get("method") == "window/logMessage"]


def push(editor: Any, **settings: Any) -> None:
    editor.notify("workspace/didChangeConfiguration", {"settings": {"redraft": settings}})


def folder_at(path: Path, text: str) -> dict[str, str]:
    path.mkdir(exist_ok=True)
    (path / "pyproject.toml").write_text(text)
    return {"uri": path.as_uri(), "name": path.name}


async def test_settings_come_with_initialize_and_later(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(initializationOptions={"enable": False})
    assert not await is_offered(editor, "file:///a.py")
    push(editor, enable=True)
    assert await is_offered(editor, "file:///a.py")
    push(editor)
    assert not await is_offered(editor, "file:///a.py")


async def test_what_cannot_be_used_is_told_once(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(initializationOptions={"threads": "many", "colour": 1})
    expected = [
        "The setting 'threads' cannot be 'many'; it is a whole number, at least 0.",
        "There is no setting 'colour'.",
    ]
    message = await editor.notification("window/showMessage")
    assert message == {"type": 2, "message": "Redraft: " + " ".join(expected)}
    for _ in range(3):
        push(editor, colour=1, shape=2)
    assert await is_offered(editor, "file:///a.py")
    assert logged(editor) == [*expected, "There is no setting 'shape'."]
    assert sum(m.get("method") == "window/showMessage" for m in editor.received) == 1


async def test_a_client_that_can_be_asked_is_asked_for_every_folder(start_editor: Any) -> None:
    editor = await start_editor()
    off = {"file:///one": True, "file:///one/two": False}
    questions: list[Any] = []

    def answer(params: Any) -> Any:
        questions.append(params["items"])
        return [{"enable": not off.get(item.get("scopeUri"), False)} for item in params["items"]]

    editor.answers["workspace/configuration"] = answer
    folders = [{"uri": uri, "name": uri} for uri in off]
    await editor.initialize(ASKED, workspaceFolders=folders)
    await editor.message(lambda m: m.get("method") == "workspace/configuration")
    assert questions[0] == [
        {"section": "redraft"},
        {"scopeUri": "file:///one", "section": "redraft"},
        {"scopeUri": "file:///one/two", "section": "redraft"},
    ]
    assert not await is_offered(editor, "file:///one/a.py")
    assert await is_offered(editor, "file:///one/two/a.py")
    assert await is_offered(editor, "file:///a.py")
    # Now it says only that something changed, and means it.
    off["file:///one"] = False
    editor.notify("workspace/didChangeConfiguration", {"settings": None})
    await editor.messages(lambda m: m.get("method") == "workspace/configuration", 2)
    assert await is_offered(editor, "file:///one/a.py")


async def test_the_model_is_not_asked_before_the_client_has_said_no(start_editor: Any) -> None:
    editor = await start_editor()
    del editor.answers["workspace/configuration"]
    await editor.initialize(ASKED)
    uri = editor.open('# drafts: ["1"]\nx = \n')
    params = {
        "textDocument": {"uri": uri},
        "position": {"line": 1, "character": 4},
        "context": {"triggerKind": 1},
    }
    request = editor.start("textDocument/inlineCompletion", params)
    question = await editor.message(lambda m: m.get("method") == "workspace/configuration")
    editor.send({"jsonrpc": "2.0", "id": question["id"], "result": [{"inlineCompletion": False}]})
    assert (await editor.response(request))["result"] == {"items": []}
    assert editor.log == []


@pytest.mark.parametrize(
    "reply",
    [{"error": {"code": -32601, "message": "no"}}, {"result": None}, {"result": []}, {"result": "x"}, None],
    ids=["error", "null", "too few", "nonsense", "silence"],
)
async def test_a_client_that_does_not_answer_has_the_defaults(start_editor: Any, reply: Any) -> None:
    editor = await start_editor()
    del editor.answers["workspace/configuration"]
    await editor.initialize(ASKED)
    question = await editor.message(lambda m: m.get("method") == "workspace/configuration")
    if reply is not None:
        editor.send({"jsonrpc": "2.0", "id": question["id"], **reply})
    uri = editor.open('# drafts: ["1"]\nx = \n')
    params = {
        "textDocument": {"uri": uri},
        "position": {"line": 1, "character": 4},
        "context": {"triggerKind": 1},
    }
    assert len((await editor.ask("textDocument/inlineCompletion", params))["items"]) == 1


async def test_it_asks_to_be_told_of_changes(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(REGISTERING)
    asked = await editor.message(lambda m: m.get("method") == "client/registerCapability")
    assert [(r["method"], r["registerOptions"]) for r in asked["params"]["registrations"]] == [
        ("workspace/didChangeConfiguration", {"section": "redraft"}),
        ("workspace/didChangeWatchedFiles", {"watchers": [{"globPattern": "**/pyproject.toml"}]}),
    ]


async def test_a_project_counts_and_is_read_again_when_it_changes(start_editor: Any, tmp_path: Path) -> None:
    folder = folder_at(tmp_path / "one", "[tool.redraft]\nenable = false\nthreads = 64\n")
    document = folder["uri"] + "/a.py"
    editor = await start_editor()
    await editor.initialize(workspaceFolders=[folder])
    assert not await is_offered(editor, document)
    assert await is_offered(editor, "file:///elsewhere/a.py")
    project = tmp_path / "one" / "pyproject.toml"
    assert logged(editor) == [
        f"{project}: The setting 'threads' is personal: set it in the editor, not in a repository."
    ]
    project.write_text("[tool.redraft]\n")
    changes = [{"uri": folder["uri"] + "/pyproject.toml", "type": 2}]
    editor.notify("workspace/didChangeWatchedFiles", {"changes": changes})
    assert await is_offered(editor, document)


async def test_folders_come_and_go(start_editor: Any, tmp_path: Path) -> None:
    one = folder_at(tmp_path / "one", "")
    inner = folder_at(tmp_path / "one" / "inner", "[tool.redraft]\nenable = false\n")
    editor = await start_editor()
    await editor.initialize(workspaceFolders=[one])
    assert await is_offered(editor, inner["uri"] + "/a.py")
    editor.notify("workspace/didChangeWorkspaceFolders", {"event": {"added": [inner], "removed": []}})
    assert not await is_offered(editor, inner["uri"] + "/a.py")
    assert await is_offered(editor, one["uri"] + "/a.py")
    editor.notify("workspace/didChangeWorkspaceFolders", {"event": {"added": [], "removed": [inner]}})
    assert await is_offered(editor, inner["uri"] + "/a.py")


async def test_an_old_client_names_one_root(start_editor: Any, tmp_path: Path) -> None:
    folder = folder_at(tmp_path / "one", "[tool.redraft]\nenable = false\n")
    editor = await start_editor()
    await editor.initialize(rootUri=folder["uri"], workspaceFolders=None)
    assert not await is_offered(editor, folder["uri"] + "/a.py")


class Sent:
    """What a server has sent, as JSON."""

    def __init__(self) -> None:
        self.messages: list[Any] = []

    def send(self, body: bytes) -> None:
        self.messages.append(json.loads(body))


@pytest.mark.parametrize("shares_machine", [True, False])
async def test_a_client_from_elsewhere_neither_has_files_here_nor_decides_about_the_engine(
    tmp_path: Path, shares_machine: bool
) -> None:
    folder = folder_at(tmp_path / "one", "[tool.redraft]\nenable = false\ncolour = 1\n")
    configured: list[Any] = []

    class Watched(Scheduler):
        def configure(self, *, n_threads: int, keep_alive: float) -> None:
            configured.append((n_threads, keep_alive))

    server, sent = RedraftServer(), Sent()
    session = session_of(server, Watched(["never started"]))
    session.shares_machine = shares_machine
    server.protocol.send_to(sent)
    params = {
        "capabilities": {},
        "processId": None,
        "workspaceFolders": [folder],
        "initializationOptions": {"threads": 2},
    }
    request = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}
    server.protocol.receive(json.dumps(request).encode())
    assert session.configuration.for_document(folder["uri"] + "/a.py").enable is not shares_machine
    assert configured == ([(2, 900)] if shares_machine else [])
    assert len([m for m in sent.messages if m.get("method") == "window/logMessage"]) == shares_machine


INLINE = "textDocument/inlineCompletion"


def inline(uri: str, kind: int) -> dict[str, Any]:
    return {
        "textDocument": {"uri": uri},
        "position": {"line": 1, "character": 4},
        "context": {"triggerKind": kind},
    }


@pytest.mark.parametrize(
    ("uri", "settings"),
    [
        ("file:///a.py", {"enable": False}),
        ("file:///vendor/a.py", {"disabledGlobs": ["vendor/"]}),
        ("file:///secrets.py", {}),
        ("untitled:/srv/me/.env", {}),
        ("vscode-remote://box/srv/me/.ssh/a.py", {}),
    ],
)
async def test_disabled_means_that_no_request_reaches_the_engine(
    start_editor: Any, uri: str, settings: Any
) -> None:
    editor = await start_editor()
    await editor.initialize(RESOLVING)
    text = '# drafts: ["1"]\nx = \nretrun 1\n'
    editor.open(text, uri=uri)
    # What was offered before is refused as well.
    action = {
        "title": "x",
        "data": {"title": "x", "uri": uri, "version": 1, "range": None, "is_complete": False},
    }
    push(editor, **settings)
    for kind in (1, 2):
        assert (await editor.ask(INLINE, inline(uri, kind))) == {"items": []}
    assert not await is_offered(editor, uri)
    assert (await editor.error("codeAction/resolve", action))["code"] == -32803
    command = {"command": "redraft.repair", "arguments": [action["data"]]}
    assert (await editor.ask("workspace/executeCommand", command))["applied"] is False
    assert editor.log == []


RESOLVING = {
    "textDocument": {
        "codeAction": {
            "codeActionLiteralSupport": {"codeActionKind": {"valueSet": []}},
            "dataSupport": True,
            "resolveSupport": {"properties": ["edit"]},
        }
    }
}


async def test_who_snoozes_is_left_alone_but_answered(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize()
    uri = editor.open('# drafts: ["1"]\nx = \n')

    async def command(name: str, *arguments: Any) -> Any:
        return await editor.ask("workspace/executeCommand", {"command": name, "arguments": [*arguments]})

    assert await command("redraft.snooze", 5) == {"minutes": 5}
    assert (await editor.ask(INLINE, inline(uri, 2)))["items"] == []
    assert editor.log == []
    assert len((await editor.ask(INLINE, inline(uri, 1)))["items"]) == 1
    assert await command("redraft.unsnooze") == {"minutes": 0}
    assert len((await editor.ask(INLINE, inline(uri, 2)))["items"]) == 1
    assert await command("redraft.snooze", 0.0005) == {"minutes": 0.0005}
    assert await command("redraft.snooze") == {"minutes": 10}
    for arguments in ([0], [-1], ["x"], [True], [1, 2], [10_000]):
        error = await editor.error(
            "workspace/executeCommand", {"command": "redraft.snooze", "arguments": arguments}
        )
        assert error["code"] == -32602
