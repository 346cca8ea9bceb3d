"""The daemon as an editor feels it: how soon it is there, what it costs, and how it takes a blow.

    python benchmarks/daemon.py [--checkpoint FOLDER] [--device cpu] [--idle-seconds 60] [--quick]

Starts daemons of its own in a temporary folder, with real bridges (`redraft lsp`) and the real engine process;
only the overhead of an inline completion is measured with an engine that answers at once (null_engine.py).
Prints Markdown and writes benchmarks/results/daemon-<machine>.json. Linux: reads /proc.
"""

import argparse
import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from redraft_model.evaluate.machine import Machine
from redraft_model.passage import About
from redraft_server import control
from redraft_server.framing import Frames, framed

RESULTS = Path(__file__).parent / "results"
REDRAFT = Path(sys.executable).with_name("redraft")
N_LINES = 300
N_CLIENTS = 10
SECONDS = 120.0

CAPABILITIES = {
    "textDocument": {
        "codeAction": {
            "codeActionLiteralSupport": {"codeActionKind": {"valueSet": []}},
            "dataSupport": True,
            "resolveSupport": {"properties": ["edit"]},
        },
        "inlineCompletion": {},
    },
    "workspace": {"workspaceEdit": {"documentChanges": True}},
}

Json = Any


@dataclass(frozen=True)
class Row:
    """One measurement: what, the bound it is held against, what was measured, how often."""

    what: str
    bound: str
    measured: str
    n: int
    values: tuple[float, ...]


class Editor:
    """An editor as plain as can be, on the standard streams of a bridge. One thread, no patience beyond `SECONDS`."""

    def __init__(self, command: Sequence[str]) -> None:
        self.started = perf_counter()
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._frames = Frames()
        self._received: list[Json] = []
        self._ids = itertools.count(1)

    def initialize(self) -> float:
        """Seconds from the request to its answer."""
        start = perf_counter()
        self.ask("initialize", {"capabilities": CAPABILITIES, "processId": None})
        seconds = perf_counter() - start
        self.tell("initialized", {})
        return seconds

    def open(self, text: str, uri: str = "file:///a.py") -> None:
        item = {"uri": uri, "languageId": "python", "version": 1, "text": text}
        self.tell("textDocument/didOpen", {"textDocument": item})

    def add_line(self, version: int) -> None:
        """Put a comment before everything else; the document has this version afterwards."""
        place = {"line": 0, "character": 0}
        change = {"range": {"start": place, "end": place}, "text": "#\n"}
        document = {"uri": "file:///a.py", "version": version}
        self.tell("textDocument/didChange", {"textDocument": document, "contentChanges": [change]})

    def tell(self, method: str, params: Json) -> None:
        self._send({"jsonrpc": "2.0", "method": method, "params": params})

    def start(self, method: str, params: Json) -> int:
        identity = next(self._ids)
        self._send({"jsonrpc": "2.0", "id": identity, "method": method, "params": params})
        return identity

    def ask(self, method: str, params: Json) -> Json:
        return self.answer(self.start(method, params))

    def answer(self, identity: int) -> Json:
        """The whole response to a request."""
        deadline = perf_counter() + SECONDS
        assert self.process.stdout is not None
        while perf_counter() < deadline:
            for message in self._received:
                if "method" not in message and message["id"] == identity:
                    self._received.remove(message)
                    return message
            data = os.read(self.process.stdout.fileno(), 2**16)
            if not data:
                raise RuntimeError("the server left")
            self._received += [
                json.loads(body) for body in self._frames.feed(data) if isinstance(body, bytes)
            ]
        raise TimeoutError(f"no answer within {SECONDS} s")

    def first_action(self, line: int, uri: str = "file:///a.py") -> Json:
        place = {"line": line, "character": 0}
        params = {
            "textDocument": {"uri": uri},
            "range": {"start": place, "end": place},
            "context": {"diagnostics": []},
        }
        return self.ask("textDocument/codeAction", params)["result"][0]

    def leave(self) -> float:
        """Say goodbye; seconds until the bridge has left."""
        start = perf_counter()
        self._send({"jsonrpc": "2.0", "id": 0, "method": "shutdown", "params": None})
        self._send({"jsonrpc": "2.0", "method": "exit", "params": None})
        self.process.wait(SECONDS)
        return perf_counter() - start

    def _send(self, message: Json) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(framed(json.dumps(message).encode()))
        self.process.stdin.flush()


def main() -> None:
    options = _options()
    n = 5 if options.quick else 20
    choice = ["--device", options.device]
    if options.checkpoint is not None:
        choice += ["--checkpoint", str(options.checkpoint)]
    lsp = [str(REDRAFT), "lsp", *choice]
    rows: list[Row] = []
    with own_folder():
        rows.append(cold_starts(lsp, 2 if options.quick else 5))
    with own_folder(), daemon([str(REDRAFT), "serve", *choice]):
        rows += warm_starts(lsp, n)
        rows.append(lists(lsp, 10 * n))
        rows.append(cancels(lsp, n))
        rows += idleness(lsp, options.idle_seconds)
        rows += many_clients(lsp)
        rows.append(crashes(lsp, 1 if options.quick else 3))
        rows.append(leaving(lsp, n))
        about = _about()
        rows.append(stopping(lsp))
    with own_folder():
        rows.append(overhead(10 * n))
    machine = Machine.here(0, about.device)
    report = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine.fields(),
        "checkpoint": about.name,
        "rows": [row.__dict__ for row in rows],
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"daemon-{machine.slug}.json"
    path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(f"Measured with `python benchmarks/daemon.py` on {machine.cpu}, {machine.n_cores} cores.\n")
    print("| what | bound | measured | n |\n|---|---|---|---:|")
    for row in rows:
        print(f"| {row.what} | {row.bound} | {row.measured} | {row.n} |")
    print(f"written: {path}", file=sys.stderr)


def cold_starts(lsp: Sequence[str], n: int) -> Row:
    seconds = []
    for _ in range(n):
        editor = Editor(lsp)
        editor.initialize()
        seconds.append(perf_counter() - editor.started)
        editor.leave()
        subprocess.run([REDRAFT, "stop"], check=True, capture_output=True)
    return _seconds("no daemon yet: `redraft lsp` until initialize is answered", "-", seconds)


def warm_starts(lsp: Sequence[str], n: int) -> list[Row]:
    starts, answers = [], []
    for _ in range(n):
        editor = Editor(lsp)
        editor.initialize()
        starts.append(perf_counter() - editor.started)
        editor.leave()
        editor = Editor(lsp)
        time.sleep(0.5)
        answers.append(editor.initialize())
        editor.leave()
    return [
        _seconds("daemon there: `redraft lsp` until initialize is answered", "0.3 s", starts),
        _seconds("initialize, bridge and daemon there", "0.1 s", answers),
    ]


def lists(lsp: Sequence[str], n: int) -> Row:
    editor = Editor(lsp)
    editor.initialize()
    text = _text()
    editor.open(text)
    seconds = []
    for version in range(2, n + 2):
        # An edit each time, so that nothing is remembered.
        editor.add_line(version)
        start = perf_counter()
        editor.first_action(_error_line(text) + version - 1)
        seconds.append(perf_counter() - start)
    editor.leave()
    return _seconds(f"codeAction list after an edit, {N_LINES} lines with an error", "p95 50 ms", seconds)


def cancels(lsp: Sequence[str], n: int) -> Row:
    editor = Editor(lsp)
    editor.initialize()
    text = _text()
    editor.open(text)
    action = editor.first_action(_error_line(text))
    # The first one loads the model.
    editor.ask("codeAction/resolve", action)
    seconds = []
    for index in range(n):
        identity = editor.start("codeAction/resolve", action)
        time.sleep(0.05 + 0.01 * index)
        start = perf_counter()
        editor.tell("$/cancelRequest", {"id": identity})
        if editor.answer(identity).get("error", {}).get("code") == -32800:
            seconds.append(perf_counter() - start)
    editor.leave()
    return _seconds("cancel of a running repair until it is answered", "50 ms", seconds)


def idleness(lsp: Sequence[str], seconds: float) -> list[Row]:
    editor = Editor(lsp)
    editor.initialize()
    editor.open(_text())
    processes = [_status()["pid"], _status()["model"]["pid"], editor.process.pid]
    time.sleep(2)
    before = sum(map(_cpu_seconds, processes))
    time.sleep(seconds)
    share = (sum(map(_cpu_seconds, processes)) - before) / seconds
    editor.leave()
    what = f"idle for {seconds:.0f} s: processor time of daemon, engine and bridge"
    return [Row(what, "0.5 %", f"{share:.2%}", 1, (share,))]


def many_clients(lsp: Sequence[str]) -> list[Row]:
    text = _text()
    editors = [Editor(lsp) for _ in range(N_CLIENTS)]
    for index, editor in enumerate(editors):
        editor.initialize()
        editor.open(text, f"file:///{index}.py")
    actions = [e.first_action(_error_line(text), f"file:///{i}.py") for i, e in enumerate(editors)]
    requests = [e.start("codeAction/resolve", a) for e, a in zip(editors, actions, strict=True)]
    n_edits = sum("result" in e.answer(r) for e, r in zip(editors, requests, strict=True))
    status = _status()
    assert len(status["connections"]) == N_CLIENTS
    engines = _children(status["pid"])
    sizes = [_resident_mib(pid) for pid in (status["pid"], *engines, *(e.process.pid for e in editors))]
    for editor in editors:
        editor.leave()
    return [
        Row(f"{N_CLIENTS} editors: engine processes", "1", str(len(engines)), 1, (len(engines),)),
        Row(f"{N_CLIENTS} editors: repairs answered", f"{N_CLIENTS}", str(n_edits), 1, (n_edits,)),
        Row(
            f"{N_CLIENTS} editors: resident memory of daemon, engine, a bridge",
            "one model",
            f"{sizes[0]:.0f}, {sizes[1]:.0f}, {median(sizes[2:]):.0f} MiB",
            1,
            tuple(sizes),
        ),
    ]


def crashes(lsp: Sequence[str], n: int) -> Row:
    editor = Editor(lsp)
    editor.initialize()
    text = _text()
    editor.open(text)
    action = editor.first_action(_error_line(text))
    seconds = []
    for _ in range(n):
        assert "result" in editor.ask("codeAction/resolve", action)
        os.kill(_status()["model"]["pid"], signal.SIGKILL)
        start = perf_counter()
        response = editor.ask("codeAction/resolve", action)
        if "error" in response:
            # Asked before the loss was noticed: as any user would, once more.
            response = editor.ask("codeAction/resolve", action)
        assert "result" in response, response
        seconds.append(perf_counter() - start)
    editor.leave()
    return _seconds("kill -9 of the engine until the next repair is there", "10 s", seconds)


def leaving(lsp: Sequence[str], n: int) -> Row:
    seconds = []
    for _ in range(n):
        editor = Editor(lsp)
        editor.initialize()
        text = _text()
        editor.open(text)
        editor.start("codeAction/resolve", editor.first_action(_error_line(text)))
        time.sleep(0.1)
        seconds.append(editor.leave())
        assert editor.process.returncode == 0
    return _seconds("shutdown and exit with a repair running", "2 s", seconds)


def stopping(lsp: Sequence[str]) -> Row:
    editor = Editor(lsp)
    editor.initialize()
    text = _text()
    editor.open(text)
    editor.start("codeAction/resolve", editor.first_action(_error_line(text)))
    time.sleep(0.2)
    start = perf_counter()
    subprocess.run([REDRAFT, "stop"], check=True, capture_output=True)
    seconds = perf_counter() - start
    editor.process.wait(SECONDS)
    return _seconds("`redraft stop` with a repair running", "2 s", [seconds])


def overhead(n: int) -> Row:
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from redraft_server import daemon\n"
        "from redraft_server.engine.scheduler import Scheduler\n"
        "from redraft_server.model_choice import ModelChoice\n"
        "from redraft_server.runtime import place_of\n"
        "daemon.run(place_of(ModelChoice()), daemon.Serving(), Scheduler([sys.executable, sys.argv[1]]))\n"
    )
    null_engine = str(Path(__file__).with_name("null_engine.py"))
    with daemon([sys.executable, "-c", program, null_engine]):
        editor = Editor([str(REDRAFT), "lsp"])
        editor.initialize()
        lines = _text(is_broken=False)
        editor.open(lines + "def f():\n    \n")
        seconds = []
        for version in range(2, n + 3):
            # An edit makes each request a new one.
            editor.add_line(version)
            params = {
                "textDocument": {"uri": "file:///a.py"},
                "position": {"line": lines.count("\n") + version, "character": 4},
                "context": {"triggerKind": 2},
            }
            start = perf_counter()
            response = editor.ask("textDocument/inlineCompletion", params)
            seconds.append(perf_counter() - start)
            assert response["result"]["items"], response
        editor.leave()
        # The first one starts the engine process.
        row = _seconds("inline completion but for the model, through a bridge", "p50 10 ms", seconds[1:])
        subprocess.run([REDRAFT, "stop"], check=True, capture_output=True)
    return row


@contextmanager
def own_folder() -> Iterator[None]:
    """Daemons started meanwhile are not the user's."""
    with tempfile.TemporaryDirectory(prefix="redraft-bench-") as folder:
        os.environ["REDRAFT_RUNTIME_DIR"] = f"{folder}/run"
        os.environ["REDRAFT_LOG_DIR"] = f"{folder}/log"
        yield


@contextmanager
def daemon(command: Sequence[str]) -> Iterator[None]:
    """A daemon that listens, ended afterwards if it is still there."""
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        _wait_until(lambda: bool(control.statuses()))
        yield
    finally:
        process.terminate()
        process.wait(SECONDS)


def _wait_until(is_so: Callable[[], bool]) -> None:
    deadline = perf_counter() + SECONDS
    while not is_so():
        if perf_counter() > deadline:
            raise TimeoutError("the daemon does not listen")
        time.sleep(0.02)


def _status() -> Json:
    (status,) = control.statuses()
    return status


def _about() -> About:
    model = _status()["model"]
    return About(model["checkpoint"], "", model["parameters"], 0, 0, (), model["device"])


def _text(*, is_broken: bool = True) -> str:
    """About `N_LINES` lines of Python; if it is broken, a bracket is missing in the middle."""
    function = "def area_{0}(width, height):\n    total = (width + {0}) * height\n    return total\n\n\n"
    functions = [function.format(i) for i in range(N_LINES // 5)]
    if is_broken:
        middle = len(functions) // 2
        functions[middle] = functions[middle].replace(f"+ {middle})", f"+ {middle}")
    return "".join(functions)


def _error_line(text: str) -> int:
    """The number of the line with the missing bracket."""
    lines = text.split("\n")
    return next(i for i, line in enumerate(lines) if line.count("(") > line.count(")"))


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident_mib(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]


def _seconds(what: str, bound: str, seconds: Sequence[float]) -> Row:
    ordered = sorted(seconds)
    p95 = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    several = f"p50 {_shown(median(ordered))}, p95 {_shown(p95)}"
    measured = several if len(ordered) > 1 else _shown(ordered[0])
    return Row(what, bound, measured, len(ordered), tuple(round(s, 5) for s in seconds))


def _shown(seconds: float) -> str:
    return (
        f"{seconds:.2f} s"
        if seconds >= 1
        else f"{1000 * seconds:.0f} ms"
        if seconds >= 0.01
        else f"{1000 * seconds:.1f} ms"
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--checkpoint", type=Path, default=None, help="folder; default: the bundled checkpoint"
    )
    parser.add_argument("--device", default="auto")
    parser.add_argument("--idle-seconds", type=float, default=60.0)
    parser.add_argument(
        "--quick", action="store_true", help="a few repetitions of each, to see that it works"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
