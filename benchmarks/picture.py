"""The picture in the README: a terminal in which `redraft fix examples/broken.py` has just been run.

    python benchmarks/picture.py [--checkpoint FOLDER] [--out FILE]

Nothing is drawn by hand: the command runs in a pseudo-terminal and its very output is rendered. Linux and macOS.
"""

import argparse
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parents[1]
BROKEN = "examples/broken.py"
WIDTH = 100

# The usual template loads a font from a server; a picture should not.
SVG = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)


def main() -> None:
    options = _options()
    arguments = [] if options.checkpoint is None else ["--checkpoint", str(options.checkpoint)]
    output = run_in_terminal(
        [sys.executable, "-m", "redraft_server.cli", "fix", "--device", "cpu", BROKEN, *arguments]
    )
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(picture(f"redraft fix {BROKEN}", output), encoding="utf-8")
    print(f"written: {options.out}", file=sys.stderr)


def run_in_terminal(command: list[str]) -> str:
    """What a command says when its stdout is a terminal; exit code 1, something found, is fine."""
    terminal, inside = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color"}
    environment.pop("NO_COLOR", None)
    # stderr is no terminal, so there is no progress bar; what it says comes after the diff.
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=inside, stderr=subprocess.PIPE
    )
    os.close(inside)
    shown = b""
    while chunk := _read(terminal):
        shown += chunk
    os.close(terminal)
    _, talk = process.communicate()
    if process.returncode not in (0, 1):
        raise SystemExit(talk.decode())
    return shown.decode().replace("\r\n", "\n") + talk.decode()


def picture(command: str, output: str) -> str:
    """An SVG of a terminal with a prompt, the command and its output, escape sequences as colours."""
    console = Console(record=True, width=WIDTH, file=Path(os.devnull).open("w"), force_terminal=True)  # noqa: SIM115
    console.print(Text("$ ", "bold green") + Text(command, "bold"))
    console.print(Text.from_ansi(output.rstrip("\n")))
    return console.export_svg(title="Redraft", code_format=SVG, unique_id="redraft")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 2**16)
    except OSError:
        # Linux: the other side has been closed.
        return b""


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Render the README's picture.")
    parser.add_argument("--checkpoint", type=Path, default=None, help="folder; default: the bundled one")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "figures" / "demo.svg")
    return parser.parse_args()


if __name__ == "__main__":
    main()
