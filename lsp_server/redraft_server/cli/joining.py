"""`redraft lsp` as editors call it, understood without typer, whose loading would double an editor's wait.

Everything else that can stand behind `lsp`, from --help to mistakes, is left to the command in `lsp.py`.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from redraft_server import bridge
from redraft_server.runtime import place_of

DEVICES = ("auto", "cpu", "cuda")


@dataclass(frozen=True)
class Wanted:
    """The daemon an editor wants to be joined to."""

    device: str = "auto"
    checkpoint: Path | None = None


def understood(words: Sequence[str]) -> Wanted | None:
    """What `words` (all of the command line) ask for; None if that is anything but joining a daemon."""
    if not words or words[0] != "lsp":
        return None
    device, checkpoint = Wanted.device, Wanted.checkpoint
    rest = [part for word in words[1:] for part in (word.split("=", 1) if word.startswith("--") else [word])]
    while rest:
        match rest:
            case ["--stdio", *rest]:
                pass
            case ["--device", value, *rest] if value in DEVICES:
                device = value
            case ["--checkpoint", value, *rest] if Path(value).is_dir():
                checkpoint = Path(value)
            case _:
                return None
    return Wanted(device, checkpoint)


def join(wanted: Wanted) -> int:
    """Join stdin and stdout to the daemon, or serve them alone if there is none to be had; the exit code."""
    place = place_of(wanted.checkpoint, wanted.device)
    try:
        return bridge.run(place, _command(wanted), lambda: _serve_alone(wanted))
    except KeyboardInterrupt:
        return 130


def _command(wanted: Wanted) -> list[str]:
    """The command that starts the daemon. It runs in the root folder, from which nothing must be imported."""
    command = [
        sys.executable,
        "-P",
        "-m",
        "redraft_server.cli",
        "serve",
        "--on-demand",
        "--device",
        wanted.device,
    ]
    if wanted.checkpoint is not None:
        command += ["--checkpoint", str(wanted.checkpoint.resolve())]
    return command


def _serve_alone(wanted: Wanted) -> None:
    from redraft_server.server import run_stdio

    run_stdio(wanted.checkpoint, wanted.device)
