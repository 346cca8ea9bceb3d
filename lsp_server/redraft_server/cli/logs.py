"""`redraft logs`: what the daemon has logged. It never logs source text."""

import time
from pathlib import Path
from typing import Annotated

import typer

from redraft_server import runtime
from redraft_server.cli import streams
from redraft_server.cli.terminal import escaped, show, talk
from redraft_server.report import Exit

_SECONDS_BETWEEN_LOOKS = 0.2


def logs(
    n_lines: Annotated[int, typer.Option("-n", "--lines", min=0, help="How many lines, from the end.")] = 50,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what is logged from now on.")
    ] = False,
) -> None:
    """Print the end of the newest daemon's log.

    Exit code 1: there is none.
    """
    newest = next(iter(runtime.logs()), None)
    if newest is None:
        talk("No daemon has logged anything yet.")
        raise typer.Exit(Exit.FOUND)
    talk(f"{newest}:")
    text = newest.read_text("utf-8", "replace")
    show(escaped("".join(text.splitlines(keepends=True)[-n_lines:] if n_lines else [])))
    if follow:
        _follow(newest, len(text.encode("utf-8", "replace")))


def _follow(path: Path, place: int) -> None:
    """Print what is added to `path` behind `place`, also after the log was begun anew; until nobody reads it."""
    while streams.has_reader():
        size = path.stat().st_size if path.exists() else 0
        if size < place:
            place = 0
        if size > place:
            with path.open("rb") as file:
                file.seek(place)
                added = file.read()
            place += len(added)
            show(escaped(added.decode("utf-8", "replace")))
        time.sleep(_SECONDS_BETWEEN_LOOKS)
