"""What goes wrong around an editor, and that it goes on: killed processes, a missing server, several editors."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from conftest import Open
from editor import ROOT, environment, python, until

ADD = 'def add(a, b):\n    # drafts: ["return a + b"]\n    \n'


def _statuses(runtime: Path) -> list[dict[str, Any]]:
    done = subprocess.run(
        [python(), "-m", "redraft_server.cli", "status", "--json"],
        env=environment(runtime, runtime),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return json.loads(done.stdout or "[]")


def test_after_the_daemon_was_killed_the_editor_goes_on(open_editor: Open, own: Path) -> None:
    editor = open_editor(ADD, runtime=own)
    os.kill(_statuses(own)[0]["pid"], signal.SIGKILL)
    until(
        lambda: editor.lua("return #vim.lsp.get_clients({ name = 'redraft' }) == 0"),
        "the client sees that it is gone",
    )
    editor.attached()
    editor.keys("3GA")
    editor.wait_for_ghost("return a + b")
    editor.keys("<Tab>")
    editor.wait_for_text(ADD.replace("    \n", "    return a + b\n"))


def test_a_rewrite_whose_server_is_lost_ends_with_a_sentence(open_editor: Open, own: Path) -> None:
    editor = open_editor("# steps: 3000\nx = 1\n", runtime=own)
    editor.keys("2G:.Redraft types<CR>")
    until(lambda: "/3000" in editor.shown(), "it runs")
    os.kill(_statuses(own)[0]["pid"], signal.SIGKILL)
    editor.wait_for_words("the server was lost while it worked")
    assert editor.state() is None
    assert editor.shown() == editor.text


def test_after_the_engine_was_killed_the_next_repair_works(open_editor: Open, own: Path) -> None:
    editor = open_editor("def f():\n    retrun 3\n", runtime=own)
    editor.run("2")
    editor.run("Redraft repair")
    editor.wait_for_state("shown")
    editor.run("Redraft reject")
    os.kill(_statuses(own)[0]["model"]["pid"], signal.SIGKILL)
    deadline = time.monotonic() + 30
    while editor.state() != "shown" and time.monotonic() < deadline:
        if editor.state() is None:
            editor.run("Redraft repair")
        time.sleep(0.2)
    editor.run("Redraft accept")
    editor.wait_for_text("def f():\n    return 3\n")


def test_two_editors_share_one_daemon_and_one_engine(open_editor: Open, own: Path) -> None:
    for _ in range(2):
        editor = open_editor(ADD, runtime=own)
        editor.keys("3GA")
        editor.wait_for_ghost("return a + b")
    (daemon,) = _statuses(own)
    assert [one["client"] for one in daemon["connections"]] == ["Neovim", "Neovim"]
    assert daemon["model"]["pid"]
    assert daemon["model"]["lost"] == 0
    assert (own / "engine.log").read_text().count("loaded\n") == 1


def test_a_missing_server_is_reported_once_and_typing_goes_on(open_editor: Open) -> None:
    editor = open_editor("x = 1\n", waits=False, options={"cmd": ["no-such-redraft", "lsp"]}, alone=True)
    editor.wait_for_words("the command “no-such-redraft” cannot be found")
    editor.keys("Go")
    editor.type("y = 2")
    editor.keys("<Tab><Esc>")
    editor.run("edit other.py")
    editor.keys("iz = 3<Esc>")
    time.sleep(0.5)
    assert len(editor.said) == 1, editor.said
    assert editor.lua("return vim.v.errmsg") == ""
    editor.run("Redraft repair")
    editor.wait_for_words(
        "the server is not running; :checkhealth redraft says why, :Redraft restart tries again."
    )
    assert editor.lua("return require('redraft').status()") == ""


def test_a_server_that_dies_at_once_is_not_started_again_and_again(open_editor: Open, tmp_path: Path) -> None:
    script = tmp_path / "dying"
    script.write_text(f"#!/bin/sh\necho once >> {tmp_path}/starts\nexit 3\n")
    script.chmod(0o755)
    editor = open_editor("x = 1\n", waits=False, options={"cmd": [str(script)]}, alone=True)
    editor.wait_for_words("the server could not start; :Redraft log says why, :Redraft restart tries again.")
    editor.keys("Go")
    editor.type("y = 2")
    editor.keys("<Esc>")
    editor.run("edit other.py")
    time.sleep(0.7)
    assert (tmp_path / "starts").read_text() == "once\n"
    ours = [sentence for sentence in editor.said if sentence.startswith("Redraft: ")]
    assert len(ours) == 1, editor.said


def test_the_server_is_stopped_and_restarted_by_command(open_editor: Open) -> None:
    editor = open_editor(ADD, alone=True)
    editor.run("Redraft stop")
    until(lambda: editor.lua("return #vim.lsp.get_clients({ name = 'redraft' }) == 0"), "it stops")
    editor.run("Redraft repair")
    editor.wait_for_words("the server is stopped; :Redraft restart starts it.")
    editor.run("Redraft restart")
    editor.attached()
    editor.keys("3GA")
    editor.wait_for_ghost("return a + b")
