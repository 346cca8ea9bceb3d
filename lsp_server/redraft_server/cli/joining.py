"""`redraft lsp` as editors call it, understood without typer, whose loading would double an editor's wait.

Everything else that can stand behind `lsp`, from --help to mistakes, is left to the command in `lsp.py`.
"""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from redraft_server import bridge
from redraft_server.model_choice import DEVICES, MODELS, ModelChoice
from redraft_server.runtime import place_of


def understood(words: Sequence[str]) -> ModelChoice | None:
    """The model that `words` (all of the command line) ask for; None if that is anything but joining a daemon."""
    if not words or words[0] != "lsp":
        return None
    choice = ModelChoice()
    rest = [part for word in words[1:] for part in (word.split("=", 1) if word.startswith("--") else [word])]
    while rest:
        match rest:
            case ["--stdio", *rest]:
                pass
            case ["--device", value, *rest] if value in DEVICES:
                choice = replace(choice, device=value)
            case ["--checkpoint", value, *rest] if Path(value).is_dir():
                choice = replace(choice, checkpoint=Path(value))
            case ["--model", value, *rest] if value in MODELS or Path(value).is_dir():
                choice = replace(choice, model=value)
            case _:
                return None
    return choice


def join(choice: ModelChoice) -> int:
    """Join stdin and stdout to the daemon, or serve them alone if there is none to be had; the exit code."""
    place = place_of(choice)
    try:
        return bridge.run(place, _command(choice), lambda: _serve_alone(choice))
    except KeyboardInterrupt:
        return 130


def _command(choice: ModelChoice) -> list[str]:
    """The command that starts the daemon. It runs in the root folder, from which nothing must be imported."""
    program = [sys.executable, "-P", "-m", "redraft_server.cli"]
    return [*program, "serve", "--on-demand", *choice.resolved().options()]


def _serve_alone(choice: ModelChoice) -> None:
    from redraft_server.server import run_stdio

    run_stdio(choice)
