"""One daemon for many editors: what they share, what they do not, and what is left when somebody dies."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from redraft_server.parent import is_alive

SLOW = "# steps: 100000\nretrun 1\n"
RESOLVING = {
    "textDocument": {
        "codeAction": {
            "codeActionLiteralSupport": {"codeActionKind": {"valueSet": []}},
            "dataSupport": True,
            "resolveSupport": {"properties": ["edit"]},
        }
    }
}
SECONDS = 300.0  # only a test that hangs waits so long

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no Unix sockets")


def framed(message: Any) -> bytes:
    body = json.dumps(message).encode()
    return b"Content-Length: %d\r\n\r\n" % len(body) + body


def hello(pid: int | None = None) -> bytes:
    params = {"capabilities": {}, "processId": pid}
    return framed({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params})


def connected(path: Path) -> socket.socket:
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(SECONDS)
    client.connect(str(path))
    return client


async def first_client(daemons: Any) -> socket.socket:
    """A connection to a daemon from the moment it listens."""
    async with asyncio.timeout(SECONDS):
        while True:
            with contextlib.suppress(OSError, ValueError):
                return connected(daemons.socket)
            await asyncio.sleep(0.005)


def answer(client: socket.socket) -> Any:
    file = client.makefile("rb")
    length = int(file.readline().split(b":")[1])
    file.readline()
    return json.loads(file.read(length))


def rest(client: socket.socket) -> bytes:
    """All that comes until the other side closes; a reset closes, too."""
    data = b""
    try:
        while chunk := client.recv(2**16):
            data += chunk
    except ConnectionResetError:
        pass
    return data


async def start_slow_repair(editor: Any) -> int:
    uri = editor.open(SLOW)
    params = {
        "textDocument": {"uri": uri},
        "range": {"start": {"line": 1, "character": 0}, "end": {"line": 1, "character": 0}},
        "context": {"diagnostics": []},
    }
    actions = await editor.ask("textDocument/codeAction", params)
    identity = editor.start("codeAction/resolve", actions[0])
    await editor.logged("repair semantic=False")
    return identity


async def completion(editor: Any, draft: str) -> str:
    """What is offered in a document that asks for `draft`; all documents here have the same name."""
    uri = editor.open(f'# drafts: ["{draft}"]\nx = \n')
    context = {"triggerKind": 1}
    params = {"textDocument": {"uri": uri}, "position": {"line": 1, "character": 4}, "context": context}
    result = await editor.ask("textDocument/inlineCompletion", params)
    items = result["items"] if isinstance(result, dict) else result
    return str(items[0]["insertText"])


async def test_two_editors_share_one_daemon_that_the_first_one_starts(daemons: Any) -> None:
    for name in ("one", "two"):
        editor = await daemons.join()
        await editor.initialize(clientInfo={"name": name, "version": "7"})
    (status,) = await daemons.statuses()
    assert {status["pid"]} == daemons.pids
    assert status["onDemand"] is True
    assert status["sockets"] == [f"unix:{daemons.socket}"]
    assert {(c["client"], c["version"]) for c in status["connections"]} == {("one", "7"), ("two", "7")}


async def test_editors_that_start_at_once_get_one_daemon(daemons: Any) -> None:
    editors = [await daemons.join() for _ in range(4)]
    await asyncio.gather(*(editor.initialize() for editor in editors))
    assert len(await daemons.clients(4)) == 4
    assert len(daemons.pids) == 1
    assert daemons.log_text.count("listens on") == 1


async def test_ten_editors_have_the_same_document_with_different_texts(daemons: Any) -> None:
    await daemons.serve()
    editors = [await daemons.join() for _ in range(10)]
    await asyncio.gather(*(editor.initialize() for editor in editors))
    drafts = [f"value_{index}" for index in range(10)]
    found = await asyncio.gather(*map(completion, editors, drafts))
    assert found == drafts
    assert daemons.log.read_text().count("loaded") == 1


async def test_a_shutdown_cancels_only_its_own_work(daemons: Any) -> None:
    await daemons.serve()
    slow, other = await daemons.join(), await daemons.join()
    await slow.initialize(RESOLVING)
    await other.initialize()
    repair = await start_slow_repair(slow)
    await other.ask("shutdown", None)
    other.notify("exit", None)
    assert await other.exit_code() == 0
    await daemons.clients(1)
    slow.notify("$/cancelRequest", {"id": repair})
    assert (await slow.response(repair))["error"]["code"] == -32800


async def test_a_killed_bridge_takes_its_work_with_it_and_nothing_else(daemons: Any) -> None:
    await daemons.serve()
    victim, other = await daemons.join(), await daemons.join()
    await victim.initialize(RESOLVING)
    await other.initialize()
    await start_slow_repair(victim)
    os.kill(victim.process.pid, signal.SIGKILL)
    await victim.logged("cancelled")
    await daemons.clients(1)
    assert await completion(other, "still_here") == "still_here"


async def test_a_killed_daemon_is_replaced(daemons: Any) -> None:
    editors = [await daemons.join(), await daemons.join()]
    for editor in editors:
        await editor.initialize()
    assert await completion(editors[0], "here") == "here"
    (status,) = await daemons.statuses()
    pid, engine = status["pid"], status["model"]["pid"]
    os.kill(pid, signal.SIGKILL)
    assert [await editor.exit_code() for editor in editors] == [1, 1]
    assert daemons.socket.exists()
    again = await daemons.join()
    await again.initialize()
    async with asyncio.timeout(SECONDS):
        while is_alive(engine):
            await asyncio.sleep(0.01)
    assert len(daemons.pids - {pid}) == 1


async def test_an_editor_that_died_loses_its_connection_and_nobody_else_does(daemons: Any) -> None:
    await daemons.serve()
    other = await daemons.join()
    await other.initialize()
    dying = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with connected(daemons.socket) as client:
        client.sendall(hello(dying.pid))
        assert await asyncio.to_thread(answer, client)
        dying.kill()
        dying.wait()
        assert await asyncio.to_thread(rest, client) == b""
    assert await completion(other, "still_here") == "still_here"


async def test_half_a_message_is_none(daemons: Any) -> None:
    await daemons.serve()
    with connected(daemons.socket) as client:
        client.sendall(hello()[:-1])
        client.shutdown(socket.SHUT_WR)
        assert await asyncio.to_thread(rest, client) == b""
    await daemons.clients(0)


async def test_a_client_that_does_not_read_is_dropped_and_holds_nobody_up(daemons: Any) -> None:
    await daemons.serve()
    other = await daemons.join()
    await other.initialize()
    # The answer repeats the name of a method that does not exist.
    request = framed({"jsonrpc": "2.0", "id": 1, "method": "x" * 2**20})
    with connected(daemons.socket) as client:
        client.sendall(hello())

        def talk() -> None:
            for _ in range(200):
                client.sendall(request)

        with pytest.raises(OSError):
            await asyncio.to_thread(talk)
    assert await completion(other, "still_here") == "still_here"
    await daemons.clients(1)
    assert "unread and was dropped" in daemons.log_text


async def test_stop_answers_what_is_open_and_does_not_wait(daemons: Any) -> None:
    process = await daemons.serve()
    editor = await daemons.join()
    await editor.initialize(RESOLVING)
    repair = await start_slow_repair(editor)
    name = daemons.socket.stem
    with connected(daemons.socket) as client:
        client.sendall(framed({"jsonrpc": "2.0", "id": 1, "method": "redraft/stop"}))
        assert await asyncio.to_thread(answer, client) == {"jsonrpc": "2.0", "id": 1, "result": None}
    assert (await editor.response(repair))["error"]["code"] == -32800
    # An editor that sees 0 does not start it again.
    assert await editor.exit_code() == 0
    # The repair would take a quarter of an hour.
    assert await asyncio.to_thread(process.wait, SECONDS) == 0
    assert {path.name for path in daemons.folder.iterdir()} == {"log", f"{name}.stopped"}


async def test_a_daemon_that_was_stopped_once_is_missed_when_it_is_killed(daemons: Any) -> None:
    process = await daemons.serve()
    with connected(daemons.socket) as client:
        client.sendall(framed({"jsonrpc": "2.0", "id": 1, "method": "redraft/stop"}))
    assert await asyncio.to_thread(process.wait, SECONDS) == 0
    editor = await daemons.join()
    await editor.initialize()
    (status,) = await daemons.statuses()
    os.kill(status["pid"], signal.SIGKILL)
    assert await editor.exit_code() == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_a_signal_stops_it_even_in_a_step_that_does_not_end(daemons: Any, number: int) -> None:
    process = await daemons.serve()
    editor = await daemons.join()
    await editor.initialize()
    uri = editor.open("# stuck\n\n")
    params = {"textDocument": {"uri": uri}, "position": {"line": 1, "character": 0}}
    editor.start("textDocument/inlineCompletion", {**params, "context": {"triggerKind": 1}})
    await editor.logged("complete n_drafts=3 single_line=True")
    process.send_signal(number)
    assert await asyncio.to_thread(process.wait, SECONDS) == 0
    assert await editor.exit_code() == 1
    assert [path.name for path in daemons.folder.iterdir()] == ["log"]


async def test_it_leaves_when_nobody_has_needed_it_and_not_before(daemons: Any) -> None:
    process = daemons.start("--idle-seconds", "2")
    with await first_client(daemons):
        # It cannot leave now, however long the editor takes to come.
        editor = await daemons.join()
        await editor.initialize()
        await daemons.clients(1)
    assert await completion(editor, "here") == "here"
    assert process.poll() is None
    await editor.ask("shutdown", None)
    editor.notify("exit", None)
    assert await editor.exit_code() == 0
    assert await asyncio.to_thread(process.wait, SECONDS) == 0
    assert [path.name for path in daemons.folder.iterdir()] == ["log"]
    assert "Nobody has needed this daemon for 2 s" in daemons.log_text


async def test_a_second_daemon_for_the_same_model_is_refused(daemons: Any) -> None:
    first = await daemons.serve()
    second = daemons.start()
    assert await asyncio.to_thread(second.wait, SECONDS) == 1
    assert f"A daemon is running already (process {first.pid}); `redraft stop` ends it." in daemons.stderr
    assert daemons.pids == {first.pid}


async def test_its_files_are_for_nobody_else_and_its_log_has_no_source_text(daemons: Any) -> None:
    await daemons.serve("--tcp", "127.0.0.1:0")
    editor = await daemons.join()
    await editor.initialize(RESOLVING)
    await completion(editor, "geheim")
    editor.notify("textDocument/didChange", {"textDocument": {"uri": "file:///a.py"}, "x": "geheim"})
    await start_slow_repair(editor)
    modes = {path.suffix: path.stat().st_mode & 0o777 for path in daemons.folder.iterdir()}
    assert modes == {".sock": 0o600, ".lock": 0o600, ".token": 0o600, "": 0o700}
    assert daemons.folder.stat().st_mode & 0o777 == 0o700
    assert [path.stat().st_mode & 0o777 for path in (daemons.folder / "log").iterdir()] == [0o600]
    assert "Ignored notification" in daemons.log_text
    assert "geheim" not in daemons.log_text
    (token,) = daemons.folder.glob("*.token")
    assert token.read_text().strip() not in daemons.log_text + daemons.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who is at the other end")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
async def test_another_user_is_turned_away_even_if_the_socket_is_open(daemons: Any) -> None:
    await daemons.serve()
    daemons.folder.chmod(0o711)
    daemons.socket.chmod(0o666)
    code = (
        "import os, socket, sys; os.setgid(65534); os.setuid(65534); client = socket.socket(socket.AF_UNIX); "
        "client.connect(sys.argv[1]); print(client.recv(9))"
    )
    command = [sys.executable, "-c", code, str(daemons.socket)]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True)
    assert done.stdout == "b''\n", done.stderr
    assert "Another user was turned away" in daemons.log_text


async def test_without_unix_sockets_a_port_and_a_token_in_a_file_do(daemons: Any) -> None:
    process = await daemons.serve("--without-unix-sockets")
    editor = await daemons.join("--without-unix-sockets")
    await editor.initialize()
    assert await completion(editor, "here") == "here"
    (address,) = daemons.folder.glob("*.address")
    assert address.stat().st_mode & 0o777 == 0o600
    port, _token = address.read_text().split()
    with socket.create_connection(("127.0.0.1", int(port)), SECONDS) as client:
        client.sendall(hello())
        assert (await asyncio.to_thread(answer, client))["error"][
            "message"
        ] == "The token is missing or wrong."
        assert await asyncio.to_thread(rest, client) == b""
    process.terminate()
    assert await asyncio.to_thread(process.wait, SECONDS) == 0
    assert [path.name for path in daemons.folder.iterdir()] == ["log"]
