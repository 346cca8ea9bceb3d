"""`redraft doubt`: the tokens of a file that the model did not expect."""

from bisect import bisect_right
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from redraft_model.passage import Doubt

from redraft_server import loading
from redraft_server.cli.opening import (
    CheckpointOption,
    Device,
    DeviceOption,
    ForceOption,
    ModelOption,
    open_document,
)
from redraft_server.cli.terminal import BOLD, CYAN, UNDERLINED, escaped, hand_over_json, painted, show, talk
from redraft_server.document import Document
from redraft_server.model_choice import AUTO, ModelChoice
from redraft_server.report import Exit


def doubt(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to read.")],
    threshold: Annotated[
        float, typer.Option("--threshold", min=0, max=1, help="Least doubt to report, from 0 to 1.")
    ] = 0.5,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    force: ForceOption = False,
    device: DeviceOption = Device.AUTO,
    checkpoint: CheckpointOption = None,
    model: ModelOption = AUTO,
) -> None:
    """Underline the tokens of a file that the model did not expect, and say what it expected.

    Exit code 0: there are none; 1: there are some.
    """
    document = open_document(file, is_forced=force)
    engine = loading.open_engine(ModelChoice(checkpoint, device, model))
    doubts = engine.doubt(document.text, threshold=threshold)
    text = document.text
    starts = _line_starts(text)
    if json:
        hand_over_json(
            {
                "path": document.name,
                "doubts": [
                    {
                        "line": (line := bisect_right(starts, found.span.start)),
                        "column": found.span.start - starts[line - 1] + 1,
                        "text": found.span.of(text),
                        **asdict(found),
                    }
                    for found in doubts
                ],
                "model": asdict(engine.about),
            }
        )
    else:
        for found in doubts:
            show(_shown(document, starts, found))
        talk(f"{len(doubts)} doubtful tokens." if len(doubts) != 1 else "1 doubtful token.")
    raise typer.Exit(Exit.FOUND if doubts else Exit.FINE)


def _shown(document: Document, starts: list[int], found: Doubt) -> str:
    """Three lines for people: where, the line with the token underlined, a caret and what was expected."""
    # Wide characters take two cells; rich knows which.
    from rich.cells import cell_len

    text = document.text
    line = bisect_right(starts, found.span.start)
    line_start = starts[line - 1]
    line_end = text.find("\n", line_start)
    line_end = len(text) if line_end < 0 else line_end
    token_end = min(max(found.span.end, found.span.start), line_end)
    # A tab would put the caret in a place that depends on the terminal.
    before, token, after = (
        escaped(piece.replace("\t", "    "))
        for piece in (
            text[line_start : found.span.start],
            text[found.span.start : token_end],
            text[token_end:line_end],
        )
    )
    number = str(line)
    place = f"{document.name}:{line}:{found.span.start - line_start + 1}"
    carets = "^" * max(1, cell_len(token))
    return (
        f"{painted(escaped(place), BOLD)}: {_expectation(found)} ({found.probability:.1%} likely as it is)\n"
        f"  {painted(number, CYAN)} | {before}{painted(token, UNDERLINED)}{after}\n"
        f"  {' ' * len(number)} | {' ' * cell_len(before)}{carets} {_expectation(found)}\n"
    )


def _expectation(found: Doubt) -> str:
    proposal = escaped(repr(found.proposal))
    match found.kind:
        case "delete":
            return "expected nothing here"
        case "insert":
            return f"expected {proposal if found.proposal else 'something'} before this"
        case _:
            return f"expected {proposal}"


def _line_starts(text: str) -> list[int]:
    starts = [0]
    for line in text.split("\n")[:-1]:
        starts.append(starts[-1] + len(line) + 1)
    return starts
