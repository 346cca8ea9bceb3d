"""Neovim in a real terminal: what a user sees and presses, from outside."""

import json
import os
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import fake_server
from editor import INIT, environment, program, until

TEXT = 'def add(a, b):\n    # drafts: ["return a + b"]\n    \n\n# masks\nsecond = first\n'


class Terminal:
    """Neovim inside tmux, with a server of tmux's of its own."""

    def __init__(self, version: str, folder: Path, runtime: Path) -> None:
        self.path = folder / "a.py"
        self.path.write_text(TEXT)
        self._tmux = ["tmux", "-S", str(folder / "tmux"), "-f", os.devnull]
        variables = environment(folder / "home", runtime) | {
            "REDRAFT_OPTIONS": json.dumps({"cmd": fake_server(runtime)}),
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
        }
        command = shlex.join([program(version), "-n", "-u", str(INIT), str(self.path)])
        variables_only = [f"{name}={value}" for name, value in variables.items()]
        self._call(
            "new-session", "-d", "-x", "90", "-y", "20", shlex.join(["env", *variables_only]) + " " + command
        )

    def _call(self, *arguments: str) -> str:
        return subprocess.run(
            [*self._tmux, *arguments], check=True, capture_output=True, text=True, timeout=30
        ).stdout

    def press(self, *keys: str) -> None:
        self._call("send-keys", *keys)

    def type(self, text: str) -> None:
        self._call("send-keys", "-l", text)

    @property
    def screen(self) -> str:
        return self._call("capture-pane", "-p")

    def sees(self, words: str) -> str:
        return until(lambda: words in self.screen and self.screen, f"{words!r} on the screen\n{self.screen}")

    def close(self) -> None:
        subprocess.run([*self._tmux, "kill-server"], check=False, capture_output=True, timeout=30)


@pytest.fixture
def terminal(version: str, tmp_path: Path, shared: Path) -> Iterator[Terminal]:
    terminal = Terminal(version, tmp_path, shared)
    yield terminal
    terminal.close()


def test_a_user_sees_a_suggestion_and_a_rewrite_and_takes_both(terminal: Terminal) -> None:
    # The status line says it when the server is there.
    terminal.sees("  Redraft\n")
    terminal.press("3G")
    terminal.type("A")
    terminal.sees("    return a + b\n")
    assert terminal.path.read_text() == TEXT
    terminal.press("Tab")
    terminal.press("Escape")
    terminal.type(":w")
    terminal.press("Enter")
    first = TEXT.replace("    \n", "    return a + b\n")
    until(lambda: terminal.path.read_text() == first, "the suggestion is in the file")

    terminal.type("6G:.Redraft types")
    terminal.press("Enter")
    screen = terminal.sees(":Redraft accept or :Redraft reject")
    # Old and new text, both on the screen; only the old one in the file.
    assert "first" in screen
    assert "FIRST" in screen
    terminal.type(":Redraft accept")
    terminal.press("Enter")
    terminal.type(":w")
    terminal.press("Enter")
    second = first.replace("second = first", "SECOND = FIRST")
    until(lambda: terminal.path.read_text() == second, "the rewrite is in the file")
