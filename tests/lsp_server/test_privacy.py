"""What Redraft promises about a user's code: nothing is sent anywhere, nothing of it is run, little is written down."""

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
HOMES = ("kernels/redraft_kernels", "model/redraft_model", "lsp_server/redraft_server")

# Where a connection may be made or awaited, and why.
SOCKETS = {
    "lsp_server/redraft_server/access.py": "who may come in",
    "lsp_server/redraft_server/bridge.py": "the editor's way to the daemon",
    "lsp_server/redraft_server/control.py": "status and stop",
    "lsp_server/redraft_server/local.py": "the daemon's Unix socket",
    "lsp_server/redraft_server/network.py": "listening on a port, if asked to",
}
NETWORK = ("ftplib", "http", "requests", "smtplib", "socket", "ssl", "telnetlib", "urllib.request", "xmlrpc")
CLIENTS = ("websockets.client", "websockets.asyncio.client", "websockets.sync", "httpx", "aiohttp")
UNPICKLING = ("pickle", "cPickle", "dill", "joblib", "marshal", "shelve")

SECRET = "a_very_private_name"
BROKEN = f"{SECRET} = (1\n"

# Loaded by every Python process of a test before anything else; blocks whatever leaves the machine, and tells.
GUARD = """
import os, sys

def guard(event, arguments):
    is_connection = event == "socket.connect" and not isinstance(arguments[1], (str, bytes))
    if is_connection or event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        with open(os.environ["GUARD_LOG"], "a") as log:
            log.write(f"{event} {arguments[1:]}\\n")
        raise PermissionError("nothing leaves this machine")

sys.addaudithook(guard)
"""


def modules() -> Iterator[tuple[str, ast.Module]]:
    for home in HOMES:
        for path in sorted((ROOT / home).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text("utf-8"))


def imported(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_in(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(package + ".") for package in packages)


def test_only_the_doors_know_sockets() -> None:
    users = {
        path for path, module in modules() if any(is_in(name, NETWORK + CLIENTS) for name in imported(module))
    }
    assert users - set(SOCKETS) == set()
    assert not any(is_in(name, CLIENTS) for _, module in modules() for name in imported(module))


def test_only_one_command_lets_pip_download_something() -> None:
    starters, callers = set(), set()
    for path, module in modules():
        for node in ast.walk(module):
            if isinstance(node, ast.List | ast.Tuple):
                words = {entry.value for entry in node.elts if isinstance(entry, ast.Constant)}
                starters |= {path} if "pip" in words else set()
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("models.get", "get"):
                callers.add(path)
    assert starters == {"lsp_server/redraft_server/models.py"}
    assert callers == {"lsp_server/redraft_server/cli/model.py"}


def test_nothing_is_unpickled_and_no_text_is_run() -> None:
    found = []
    for path, module in modules():
        found += [f"{path}: {name}" for name in imported(module) if is_in(name, UNPICKLING)]
        for node in ast.walk(module):
            if not isinstance(node, ast.Call):
                continue
            called = ast.unparse(node.func)
            if called in ("eval", "exec", "torch.load", "torch.jit.load", "os.system"):
                found.append(f"{path}:{node.lineno}: {called}")
    assert found == []


@pytest.fixture
def guarded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The log of a guard that stands in every Python process started from now on."""
    folder = tmp_path / "guard"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(GUARD)
    log = tmp_path / "guard.log"
    homes = [str(ROOT / home.split("/")[0]) for home in HOMES]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), *homes]))
    monkeypatch.setenv("GUARD_LOG", str(log))
    return log


def test_the_guard_sees_what_leaves_the_machine(guarded: Path) -> None:
    program = "import socket; socket.create_connection(('localhost', 9))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert done.returncode != 0
    assert "socket.getaddrinfo" in guarded.read_text()


def converse(command: list[str], cwd: Path) -> tuple[list[Any], str]:
    """A whole conversation with a broken document: all messages received, and what was said on stderr."""
    uri = "file:///private.py"
    place = {"line": 0, "character": 0}
    capabilities = {
        "textDocument": {"codeAction": {"codeActionLiteralSupport": {"codeActionKind": {"valueSet": []}}}}
    }
    data = {"title": "x", "uri": uri, "version": 1}
    end = {"line": 1, "character": 0}
    messages: list[Any] = [
        {"id": 1, "method": "initialize", "params": {"capabilities": capabilities, "processId": None}},
        {"method": "initialized", "params": {}},
        {
            "method": "textDocument/didOpen",
            "params": {
                "textDocument": {"uri": uri, "languageId": "python", "version": 1, "text": BROKEN},
            },
        },
        {
            "id": 2,
            "method": "codeAction/resolve",
            "params": {"title": "x", "data": data},
        },
        {
            "id": 3,
            "method": "textDocument/inlineCompletion",
            "params": {"textDocument": {"uri": uri}, "position": end, "context": {"triggerKind": 1}},
        },
        {
            "id": 4,
            "method": "textDocument/codeAction",
            "params": {
                "textDocument": {"uri": uri},
                "range": {"start": place, "end": place},
                "context": {"diagnostics": []},
            },
        },
    ]
    process = subprocess.Popen(
        command, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    for message in messages:
        _send(process.stdin, message)
    received: list[Any] = []
    while sum("method" not in message for message in received) < 4:
        received.append(_receive(process.stdout))
    _send(process.stdin, {"id": 5, "method": "shutdown", "params": None})
    _send(process.stdin, {"method": "exit", "params": None})
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0
    return received, errors.decode()


def _send(stream: Any, message: Any) -> None:
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    stream.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
    stream.flush()


def _receive(stream: Any) -> Any:
    header = stream.readline()
    assert header.startswith(b"Content-Length: "), header
    assert stream.readline() == b"\r\n"
    return json.loads(stream.read(int(header.split(b": ")[1])))


STANDALONE = [sys.executable, "-P", "-m", "redraft_server.cli", "lsp", "--standalone", "--device", "cpu"]


def test_a_conversation_with_the_real_model_leaves_nothing_outside(guarded: Path, tmp_path: Path) -> None:
    received, errors = converse(STANDALONE, tmp_path)
    answer = next(message for message in received if message.get("id") == 2)
    assert "result" in answer, answer
    assert not guarded.exists(), guarded.read_text()
    # Neither the text nor what was made of it is anybody else's business.
    assert SECRET not in errors


def test_nothing_in_a_project_is_imported(guarded: Path, tmp_path: Path) -> None:
    marker = tmp_path / "imported"
    trap = f"open({str(marker)!r}, 'a').write(__name__)\nraise SystemExit(3)\n"
    project = tmp_path / "project"
    for name in ("json", "torch", "typer", "lsprotocol", "redraft_server", "redraft_model", "sitecustomize"):
        (project / name).mkdir(parents=True)
        (project / name / "__init__.py").write_text(trap)
    received, _ = converse(STANDALONE, project)
    assert "result" in next(message for message in received if message.get("id") == 2)
    assert not marker.exists(), marker.read_text()
    assert not guarded.exists()


def test_a_crash_says_where_but_not_what_it_worked_on(tmp_path: Path) -> None:
    program = (
        "from redraft_server.engine.process import serve\n"
        "def load():\n"
        f"    raise ValueError({SECRET!r})\n"
        "serve(load)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path
    ) as process:
        assert process.stderr is not None
        errors = process.stderr.read().decode()
    assert "ValueError" in errors
    assert SECRET not in errors.replace(program, "")
