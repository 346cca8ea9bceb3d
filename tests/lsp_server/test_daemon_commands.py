"""`redraft serve`, `status`, `stop` and `logs`, as people call them."""

import asyncio
import json
import re
import signal
import subprocess
import sys
from functools import partial
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no Unix sockets")

SECONDS = 300.0  # only a test that hangs waits so long


async def redraft(*words: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of one call."""
    command = [sys.executable, "-m", "redraft_server.cli", *words]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=SECONDS)
    return done.returncode, done.stdout, done.stderr


async def test_without_a_daemon_there_is_nothing_to_show_or_to_stop(daemons: Any) -> None:
    assert await redraft("status") == (1, "", "No daemon is running.\n")
    assert await redraft("status", "--json") == (1, "[]\n", "No daemon is running.\n")
    assert await redraft("stop") == (0, "", "No daemon is running.\n")
    assert await redraft("logs") == (1, "", "No daemon has logged anything yet.\n")


async def test_status_says_who_is_served_and_stop_ends_it(daemons: Any) -> None:
    process = await daemons.serve()
    editor = await daemons.join()
    await editor.initialize(clientInfo={"name": "Vi\x1b[31m", "version": "9"})
    code, out, err = await redraft("status")
    assert (code, err) == (0, "")
    assert re.search(rf"^redraft \S+, process {process.pid}, up \d+ s, until stopped$", out, re.MULTILINE)
    assert f"  listens on unix:{daemons.socket}\n" in out
    assert "  Vi\\x1b[31m 9, local client " in out
    code, out, _ = await redraft("status", "--json")
    (status,) = json.loads(out)
    assert code == 0
    assert set(status) == {"version", "pid", "uptime", "onDemand", "sockets", "connections", "model"}
    assert (status["pid"], status["onDemand"]) == (process.pid, False)
    assert await redraft("stop") == (0, "", "The daemon has stopped.\n")
    assert process.wait(SECONDS) == 0
    assert await editor.exit_code() == 0


async def test_a_daemon_that_was_killed_is_not_running(daemons: Any) -> None:
    process = await daemons.serve()
    process.kill()
    process.wait()
    assert daemons.socket.exists()
    assert (await redraft("status"))[0] == 1
    assert await redraft("stop") == (0, "", "No daemon is running.\n")


async def test_logs_shows_the_end_and_follows(daemons: Any) -> None:
    await daemons.serve()
    code, out, _ = await redraft("logs", "-n", "1")
    assert code == 0
    assert re.fullmatch(r"[\d-]+ [\d:,]+ INFO redraft_server\.daemon: Redraft \S+ listens on unix:\S+\n", out)
    assert (await redraft("logs", "-n", "0"))[1] == ""
    command = [sys.executable, "-m", "redraft_server.cli", "logs", "-n", "1", "--follow"]
    # Who runs the tests in the background has them ignore the interrupt, and children would, too.
    heeding = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=heeding) as follower:
        try:
            assert follower.stdout is not None
            assert "listens on" in await asyncio.to_thread(follower.stdout.readline)
            await redraft("stop")
            line = await asyncio.to_thread(follower.stdout.readline)
            assert "Stopping; editors that are connected: 0" in line
            follower.send_signal(signal.SIGINT)
            assert follower.wait(SECONDS) == 130
        finally:
            follower.kill()


async def test_status_names_the_checkpoint_and_its_base(daemons: Any) -> None:
    await daemons.serve()
    editor = await daemons.join()
    await editor.initialize()
    uri = editor.open('# drafts: ["1"]\nx = \n')
    place = {"line": 1, "character": 4}
    await editor.ask(
        "textDocument/inlineCompletion",
        {"textDocument": {"uri": uri}, "position": place, "context": {"triggerKind": 1}},
    )
    out = (await redraft("status"))[1]
    assert "fake + base of fakes (0.0 M parameters) on cpu" in out
    (status,) = json.loads((await redraft("status", "--json"))[1])
    assert (status["model"]["checkpoint"], status["model"]["base"]) == ("fake", "base of fakes")


async def test_serve_explains_what_it_cannot_do(
    daemons: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDRAFT_DATA_DIR", str(tmp_path / "data"))
    for words, said in (
        (("--tcp", "nowhere"), "'nowhere' is no address"),
        (("--ws", "0.0.0.0:0"), "0.0.0.0:0 can be reached from other machines"),
        (("--tcp", "127.0.0.1:0", "--tls-cert", "x.pem"), "TLS needs both"),
        (("--allow-origin", "https://a.example"), "Only WebSocket clients have an origin"),
        (("--tcp", "127.0.0.1:0", "--token-file", str(tmp_path / "none")), "cannot be read"),
        (("--checkpoint", "nowhere"), "there is no checkpoint folder nowhere"),
        (("--model", "base"), "the base is not installed; run `redraft model get base`"),
    ):
        code, out, err = await redraft("serve", *words)
        assert (code, out) == (2, "")
        assert said in err, words
        assert "Traceback" not in err
    await daemons.serve()
    code, _, err = await redraft("serve")
    assert code == 2
    assert "A daemon is running already" in err
    assert (await redraft("serve", "--on-demand"))[0] == 0


async def test_lsp_still_explains_itself(daemons: Any) -> None:
    code, out, _ = await redraft("lsp", "--help")
    assert code == 0
    assert "--standalone" in out
    code, _, err = await redraft("lsp", "--colour")
    assert code == 2
    assert "No such option" in err
    code, _, err = await redraft("lsp", "--connect", "127.0.0.1:1")
    assert code == 2
    assert "pass --token-file" in err
