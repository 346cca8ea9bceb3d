"""An editor as plain as can be: a child process, JSON both ways, and nothing of the server's own code."""

import asyncio
import contextlib
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import converters, types
from redraft_server import control
from redraft_server.lock import owner

SECONDS = 300.0  # only a test that hangs waits so long
ROOT = Path(__file__).parents[2]
CONVERTER = converters.get_converter()

Json = Any


class Editor:
    """One end of a conversation. Keeps every message it received, in order."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self.process = process
        self.received: list[Json] = []
        self.answers: dict[str, Json] = {
            "window/workDoneProgress/create": None,
            "client/registerCapability": None,
            "workspace/configuration": lambda params: [None] * len(params["items"]),
        }
        self.texts: dict[str, str] = {}
        self.versions: dict[str, int] = {}
        self.encoding = "utf-16"
        self._log = log
        self._ids = itertools.count(1)
        self._methods: dict[int, Json] = {}
        self._news = asyncio.Condition()
        self._has_left = False
        self._reader = asyncio.ensure_future(self._read())

    async def initialize(self, capabilities: Json = None, **params: Json) -> Json:
        result = await self.ask(
            "initialize", {"capabilities": capabilities or {}, "processId": None, **params}
        )
        self.encoding = result["capabilities"]["positionEncoding"]
        self.notify("initialized", {})
        return result

    def open(self, text: str, uri: str = "file:///a.py", language: str = "python", version: int = 1) -> str:
        self.texts[uri], self.versions[uri] = text, version
        item = {"uri": uri, "languageId": language, "version": version, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": item})
        return uri

    def change(self, uri: str, text: str, range_: Json = None) -> None:
        self.versions[uri] += 1
        edit = {"newText": text, "range": range_}
        self.texts[uri] = text if range_ is None else apply_edits(self.texts[uri], [edit], self.encoding)
        change = {"text": text} if range_ is None else {"text": text, "range": range_}
        document = {"uri": uri, "version": self.versions[uri]}
        self.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [change]})

    def apply(self, edit: Json) -> None:
        """Carry out a WorkspaceEdit as an editor would: all of it against the version it names."""
        changes = edit.get("documentChanges") or [
            {"textDocument": {"uri": uri, "version": None}, "edits": edits}
            for uri, edits in edit["changes"].items()
        ]
        for change in changes:
            uri, version = change["textDocument"]["uri"], change["textDocument"]["version"]
            assert version in (None, self.versions[uri])
            self.texts[uri] = apply_edits(self.texts[uri], change["edits"], self.encoding)

    def notify(self, method: str, params: Json) -> None:
        self.send({"jsonrpc": "2.0", "method": method, "params": params})

    def start(self, method: str, params: Json) -> int:
        """Send a request; gives its id."""
        return self.start_as_it_is({"jsonrpc": "2.0", "method": method, "params": params})

    def start_as_it_is(self, message: Json) -> int:
        """Send a request that may be malformed, with an id of its own; gives the id."""
        identity = next(self._ids)
        self._methods[identity] = message.get("method")
        self.send({**message, "id": identity})
        return identity

    async def ask(self, method: str, params: Json) -> Json:
        """The result of a request; fails the test if it is an error."""
        response = await self.response(self.start(method, params))
        assert "error" not in response, response
        return response["result"]

    async def error(self, method: str, params: Json) -> Json:
        """The error of a request; fails the test if it is a result."""
        response = await self.response(self.start(method, params))
        assert "result" not in response, response
        return response["error"]

    async def response(self, identity: int | None) -> Json:
        return await self.message(lambda m: "method" not in m and m.get("id", "") == identity)

    async def notification(self, method: str) -> Json:
        return (await self.message(lambda m: m.get("method") == method))["params"]

    async def message(self, is_it: Callable[[Json], bool]) -> Json:
        """The first message for which `is_it`, as soon as it is there."""
        return (await self.messages(is_it, 1))[0]

    async def messages(self, is_it: Callable[[Json], bool], n_messages: int) -> list[Json]:
        """The messages for which `is_it`, as soon as there are `n_messages`."""

        async def wait() -> list[Json]:
            async with self._news:
                while len(found := [m for m in self.received if is_it(m)]) < n_messages:
                    assert not self._has_left, f"the server left; received {self.received}"
                    await self._news.wait()
                return found

        return await asyncio.wait_for(wait(), SECONDS)

    async def logged(self, line: str) -> None:
        """Wait until the fake engine has noted `line`."""

        async def wait() -> None:
            while line not in self.log:
                await asyncio.sleep(0.005)

        await asyncio.wait_for(wait(), SECONDS)

    async def caught_up(self) -> None:
        """Wait until the server has read all that was sent to it."""
        await self.error("no/method", None)

    def let_go(self) -> None:
        """Let the fake engine go on with what is held."""
        self._log.with_name(self._log.name + ".go").touch()

    @property
    def log(self) -> list[str]:
        """What the fake engine has noted so far."""
        return self._log.read_text().split("\n")[:-1] if self._log.exists() else []

    def progress(self) -> list[Json]:
        """The progress notifications so far."""
        return [m["params"] for m in self.received if m.get("method") == "$/progress"]

    def send(self, message: Json) -> None:
        self.send_body(json.dumps(message).encode())

    def send_body(self, body: bytes) -> None:
        self.send_bytes(b"Content-Length: %d\r\n\r\n" % len(body) + body)

    def send_bytes(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)

    def close_stdin(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()

    async def stop_reading(self) -> None:
        """Close the pipe that the server writes to."""
        self.process._transport.get_pipe_transport(1).close()  # type: ignore[attr-defined]
        await self._reader

    async def exit_code(self) -> int:
        return await asyncio.wait_for(self.process.wait(), SECONDS)

    async def quit(self) -> None:
        """Make sure that the process is gone."""
        if self.process.returncode is None:
            os.kill(self.process.pid, signal.SIGKILL)
            await self.process.wait()
        await self._reader

    async def _read(self) -> None:
        try:
            await self._read_messages()
        finally:
            # Who waits must hear of a failed check, too.
            self._has_left = True
            await self._tell(None)

    async def _read_messages(self) -> None:
        stream = self.process.stdout
        assert stream is not None
        while header := await stream.readline():
            name, _, length = header.partition(b": ")
            assert name == b"Content-Length", f"something else than the protocol on stdout: {header!r}"
            assert await stream.readline() == b"\r\n"
            message = json.loads(await stream.readexactly(int(length)))
            self._check(message)
            if "method" in message and "id" in message:
                self._answer(message)
            await self._tell(message)

    async def _tell(self, message: Json) -> None:
        async with self._news:
            if message is not None:
                self.received.append(message)
            self._news.notify_all()

    def _answer(self, request: Json) -> None:
        answer = self.answers.get(request["method"], ...)
        if callable(answer):
            answer = answer(request["params"])
        if answer is not ...:
            self.send({"jsonrpc": "2.0", "id": request["id"], "result": answer})

    def _check(self, message: Json) -> None:
        """Every message of the server is one that the specification knows."""
        if message.get("method", "").startswith(("redraft/", "experimental/")):
            # Extensions of the protocol, for the tests that know them.
            assert set(message) == {"jsonrpc", "method", "params"}
        elif "method" in message:
            CONVERTER.structure(message, types.METHOD_TO_TYPES[message["method"]][0])
        elif "error" in message:
            assert set(message) == {"jsonrpc", "id", "error"}
            assert set(message["error"]) == {"code", "message"}
            assert "Traceback" not in message["error"]["message"]
        elif message["id"] in self._methods:
            CONVERTER.structure(message, types.METHOD_TO_TYPES[self._methods[message["id"]]][1])


def apply_edits(text: str, edits: list[Json], encoding: str) -> str:
    """`text` after `edits`, which all count in `text`; written down without a thought of speed."""
    if encoding == "utf-16":
        # An edit may fall between the halves of a character, so each half is a character here.
        units = text.encode("utf-16-le", "surrogatepass")
        text = "".join(chr(low + 256 * high) for low, high in zip(units[::2], units[1::2], strict=True))
    spans = sorted(
        (offset(text, e["range"]["start"], encoding), offset(text, e["range"]["end"], encoding), e["newText"])
        for e in edits
    )
    for start, end, new_text in reversed(spans):
        text = text[:start] + new_text + text[end:]
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def offset(text: str, position: Json, encoding: str) -> int:
    starts = [0] + [match.end() for match in re.finditer(r"\r\n|\r|\n", text)]
    if position["line"] >= len(starts):
        return len(text)
    index, left = starts[position["line"]], position["character"]
    while index < len(text) and text[index] not in "\r\n":
        size = {"utf-8": _n_utf8, "utf-16": _n_utf16, "utf-32": lambda _: 1}[encoding](text[index])
        if size > left:
            break
        index, left = index + 1, left - size
    return index


def _n_utf8(character: str) -> int:
    return len(character.encode("utf-8", "surrogatepass"))


def _n_utf16(character: str) -> int:
    return 2 if ord(character) > 0xFFFF else 1


StartEditor = Callable[..., Awaitable[Editor]]


@pytest.fixture
async def start_editor(tmp_path: Path) -> AsyncIterator[StartEditor]:
    """Starts real servers around the fake engine; `command` starts something else."""
    editors: list[Editor] = []

    async def start(*arguments: str, command: list[str] | None = None) -> Editor:
        log = tmp_path / f"engine-{len(editors)}.log"
        fake = [sys.executable, str(Path(__file__).with_name("serve_fake.py")), str(log)]
        paths = [str(ROOT / home) for home in ("kernels", "model", "lsp_server")]
        process = await asyncio.create_subprocess_exec(
            *(command or fake),
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=(tmp_path / f"stderr-{len(editors)}.txt").open("wb"),
            limit=2**26,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        )
        editors.append(Editor(process, log))
        return editors[-1]

    yield start
    for editor in editors:
        await editor.quit()


@pytest.fixture
def apply_text_edits() -> Callable[[str, list[Json], str], str]:
    """A plain reference for text edits in any position encoding."""
    return apply_edits


@pytest.fixture
def offset_at() -> Callable[[str, Json, str], int]:
    """A plain reference for positions in any encoding."""
    return offset


class Daemons:
    """Daemons around the fake engine, in folders of their own, and the editors that use them."""

    def __init__(self, folder: Path, tmp_path: Path, start_editor: StartEditor) -> None:
        self.folder = folder
        self.log = tmp_path / "engine.log"
        self._stderr = tmp_path / "daemon.txt"
        self._start_editor = start_editor
        self._processes: list[subprocess.Popen[bytes]] = []

    def command(self, *words: object) -> list[str]:
        return [
            sys.executable,
            str(Path(__file__).with_name("serve_fake_daemon.py")),
            str(self.log),
            *map(str, words),
        ]

    async def join(self, *options: str) -> Editor:
        """An editor behind a bridge."""
        editor = await self._start_editor(command=self.command("join", *options))
        editor._log = self.log
        return editor

    async def serve(self, *options: object) -> subprocess.Popen[bytes]:
        """A daemon in the foreground, once it listens."""
        process = self.start(*options)
        await until(lambda: process.poll() is not None or "listens on" in self.log_text)
        return process

    def start(self, *options: object) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(self.command("serve", *options), stderr=self._stderr.open("wb"))
        self._processes.append(process)
        return process

    @property
    def stderr(self) -> str:
        return self._stderr.read_text()

    @property
    def log_text(self) -> str:
        return "".join(path.read_text() for path in sorted((self.folder / "log").glob("*.log*")))

    @property
    def socket(self) -> Path:
        (path,) = self.folder.glob("*.sock")
        return path

    @property
    def pids(self) -> set[int]:
        """The processes that hold a lock."""
        found = {owner(path) for path in self.folder.glob("*.lock")}
        return {pid for pid in found if pid is not None}

    async def statuses(self) -> list[Json]:
        return await asyncio.to_thread(control.statuses)

    async def clients(self, n_clients: int) -> list[Json]:
        """What the one daemon says of its clients as soon as there are `n_clients`."""

        async def wait() -> list[Json]:
            while True:
                (status,) = await self.statuses()
                if len(status["connections"]) == n_clients:
                    return list(status["connections"])
                await asyncio.sleep(0.02)

        return await asyncio.wait_for(wait(), SECONDS)

    async def quit(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()
        # A daemon that came second may be about to take the place of the one that is killed here.
        while pids := self.pids | self._started_by_bridges():
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            await asyncio.sleep(0.01)

    def _started_by_bridges(self) -> set[int]:
        """The daemons that write into our log, where the system lists its processes as files."""
        found = set()
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                words = path.read_bytes().split(b"\0")
                if os.fsencode(self.log) in words and b"serve" in words:
                    found.add(int(path.parent.name))
        return found


async def until(is_so: Callable[[], bool]) -> None:
    """Wait until `is_so`; fails the test if that takes too long."""

    async def wait() -> None:
        while not is_so():
            await asyncio.sleep(0.01)

    await asyncio.wait_for(wait(), SECONDS)


@pytest.fixture
async def daemons(
    tmp_path: Path, start_editor: StartEditor, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Daemons]:
    # Not below tmp_path, because the path of a socket must be short.
    folder = Path(tempfile.mkdtemp(prefix="redraft-test-"))
    monkeypatch.setenv("REDRAFT_RUNTIME_DIR", str(folder))
    monkeypatch.setenv("REDRAFT_LOG_DIR", str(folder / "log"))
    paths = [str(ROOT / home) for home in ("kernels", "model", "lsp_server")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    daemons = Daemons(folder, tmp_path, start_editor)
    yield daemons
    await daemons.quit()
    shutil.rmtree(folder)
