"""An editor behind a bridge cannot tell it from a server of its own."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redraft_server import runtime
from redraft_server.cli.joining import understood
from redraft_server.conversation import Conversation
from redraft_server.model_choice import ModelChoice
from redraft_server.runtime import Place, RuntimeFolderError, private_folder

SECONDS = 300.0  # only a test that hangs waits so long

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no Unix sockets")


def framed(method: str, identity: int | None = None, **params: Any) -> bytes:
    message = {"jsonrpc": "2.0", "method": method, "params": params}
    body = json.dumps(message if identity is None else {**message, "id": identity}).encode()
    return b"Content-Length: %d\r\n\r\n" % len(body) + body


INITIALIZE, SHUTDOWN, EXIT = framed("initialize", 1), framed("shutdown", 2), framed("exit")
EDIT = framed("textDocument/didChange", text='{"method": "shutdown", "id": 1} exit initialize')


@pytest.mark.parametrize(
    ("messages", "exit_code"),
    [
        ([INITIALIZE, EDIT, SHUTDOWN, EXIT], 0),
        ([INITIALIZE, SHUTDOWN], 1),
        ([INITIALIZE, EXIT], 1),
        ([SHUTDOWN, EXIT], 1),
        ([SHUTDOWN, INITIALIZE, EXIT], 1),
        ([INITIALIZE, EDIT, EXIT], 1),
        ([INITIALIZE, framed("shutdown"), EXIT], 1),
        ([INITIALIZE, SHUTDOWN, framed("exit", 3)], 1),
        ([b"Length: 3\r\n\r\n", INITIALIZE, b"Content-Length: 1\r\n\r\n{", SHUTDOWN, EXIT], 0),
        ([], 1),
    ],
)
@given(n_bytes=st.integers(1, 60))
def test_the_exit_code_follows_from_what_was_said_however_it_was_cut(
    messages: list[bytes], exit_code: int, n_bytes: int
) -> None:
    stream, conversation = b"".join(messages), Conversation()
    for start in range(0, len(stream), n_bytes):
        conversation.note(stream[start : start + n_bytes])
    assert conversation.exit_code == exit_code


@pytest.mark.parametrize(
    ("last_words", "exit_code"), [(["shutdown", "exit"], 0), (["exit"], 1), (["shutdown"], 0), ([], 1)]
)
async def test_the_exit_code_is_that_of_a_server(daemons: Any, last_words: list[str], exit_code: int) -> None:
    await daemons.serve()
    editor = await daemons.join()
    await editor.initialize()
    for method in last_words:
        if method == "shutdown":
            await editor.ask(method, None)
        else:
            editor.notify(method, None)
    if "exit" not in last_words:
        editor.close_stdin()
    assert await editor.exit_code() == exit_code


async def test_the_end_of_stdin_in_the_middle_of_a_message_is_the_end(daemons: Any) -> None:
    await daemons.serve()
    editor = await daemons.join()
    await editor.initialize()
    editor.send_bytes(SHUTDOWN[:-1])
    editor.close_stdin()
    assert await editor.exit_code() == 1
    await daemons.clients(0)


async def test_an_editor_that_stopped_reading_may_still_say_goodbye(daemons: Any) -> None:
    await daemons.serve()
    editor = await daemons.join()
    await editor.initialize()
    await editor.stop_reading()
    for _ in range(50):
        editor.start("shutdown", None)
    editor.close_stdin()
    assert await editor.exit_code() == 0


async def test_the_daemon_outlives_the_editor_that_started_it_and_its_session(daemons: Any) -> None:
    editor = await daemons.join()
    await editor.initialize()
    (pid,) = daemons.pids
    assert os.getsid(pid) == pid != os.getsid(editor.process.pid)
    if sys.platform == "linux":
        assert Path(f"/proc/{pid}/cwd").readlink() == Path("/")
    os.kill(editor.process.pid, signal.SIGKILL)
    await daemons.clients(0)
    assert daemons.pids == {pid}


async def test_a_bridge_leaves_when_whoever_started_it_dies(daemons: Any, tmp_path: Path) -> None:
    await daemons.serve()
    # The editor's end of the pipe stays open here, as if another of its children had inherited it.
    ours, theirs = os.pipe()
    code = "import subprocess, sys, time; subprocess.Popen(sys.argv[1:], stdin=0); time.sleep(600)"
    parent = subprocess.Popen(
        [sys.executable, "-c", code, *daemons.command("join")], stdin=ours, stdout=subprocess.DEVNULL
    )
    os.write(theirs, framed("initialize", 1, capabilities={}, processId=None))
    await daemons.clients(1)
    parent.kill()
    parent.wait()
    await daemons.clients(0)
    os.close(theirs)
    os.close(ours)


@pytest.mark.parametrize("obstacle", ["a file", "a link", "open to others"])
async def test_without_a_folder_for_sockets_the_editor_gets_a_server_of_its_own(
    daemons: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, obstacle: str
) -> None:
    folder = tmp_path / "folder"
    if obstacle == "a file":
        folder.write_text("")
    elif obstacle == "a link":
        folder.symlink_to(daemons.folder)
    else:
        folder.mkdir()
        folder.chmod(0o755)
    monkeypatch.setenv("REDRAFT_RUNTIME_DIR", str(folder))
    editor = await daemons.join()
    await editor.initialize()
    await editor.ask("shutdown", None)
    editor.notify("exit", None)
    assert await editor.exit_code() == 0
    said = (tmp_path / "stderr-0.txt").read_text().splitlines()[0]
    assert said.startswith(f"redraft: {folder} ")
    assert said.endswith("This editor gets a server of its own.")


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir(mode=0o700)
    os.chown(folder, 65534, 65534)
    with pytest.raises(RuntimeFolderError, match="belongs to somebody else"):
        private_folder(folder)


def test_a_long_folder_has_its_sockets_in_a_short_one(tmp_path: Path) -> None:
    short = Place("redraft-0123456789abcdef", Path("/run/user/1000/redraft"), tmp_path)
    assert short.socket == Path("/run/user/1000/redraft/redraft-0123456789abcdef.sock")
    long, other = (Place(short.name, Path(f"/{letter * 90}"), tmp_path) for letter in "xy")
    assert len(os.fsencode(long.socket)) <= runtime.MAX_SOCKET_PATH
    assert long.socket.parent != other.socket.parent
    assert long.lock.parent == Path("/" + "x" * 90)


def test_each_checkpoint_each_device_and_each_model_has_a_daemon_of_its_own(tmp_path: Path) -> None:
    folder, other = tmp_path, tmp_path / "x"
    choices = [ModelChoice(), ModelChoice(None, "cpu"), ModelChoice(folder, "cpu"), ModelChoice(other, "cpu")]
    choices += [ModelChoice(model=model) for model in ("tiny", "base", str(folder), str(other))]
    assert len({runtime.place_of(choice).name for choice in choices}) == len(choices)
    same = other / ".."
    assert runtime.place_of(ModelChoice(same)) == runtime.place_of(ModelChoice(folder))
    assert runtime.place_of(ModelChoice(model=str(same))) == runtime.place_of(ModelChoice(model=str(folder)))


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["lsp"], ModelChoice()),
        (["lsp", "--stdio"], ModelChoice()),
        (["lsp", "--device", "cpu", "--stdio"], ModelChoice(device="cpu")),
        (["lsp", "--device=cuda", "--checkpoint=/"], ModelChoice(Path("/"), "cuda")),
        (["lsp", "--model", "tiny"], ModelChoice(model="tiny")),
        (["lsp", "--model=/", "--stdio"], ModelChoice(model="/")),
        (["lsp", "--model", "/nowhere"], None),
        (["lsp", "--help"], None),
        (["lsp", "--standalone"], None),
        (["lsp", "--device", "tpu"], None),
        (["lsp", "--device"], None),
        (["lsp", "--checkpoint", "/nowhere"], None),
        (["lsp", "--connect", "x:1"], None),
        (["lsp", "--stdio=3"], None),
        (["fix"], None),
        ([], None),
    ],
)
def test_what_editors_say_is_understood_and_the_rest_left_to_typer(
    words: list[str], wanted: ModelChoice | None
) -> None:
    assert understood(words) == wanted


async def test_the_bridge_loads_nothing_an_editor_would_have_to_wait_for(daemons: Any) -> None:
    await daemons.serve()
    code = (
        "import sys; from redraft_server.cli import main; assert main(['lsp', '--stdio']) == 1; "
        "print(sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    loaded = set(json.loads(done.stderr.replace("'", '"')))
    heavy = {
        "asyncio",
        "typer",
        "click",
        "rich",
        "pygls",
        "lsprotocol",
        "cattrs",
        "torch",
        "ssl",
        "subprocess",
    }
    assert loaded & heavy == set()
