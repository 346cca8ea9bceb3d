"""`redraft complete`: what could stand at one place of a file."""

import re
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from redraft_model.errors import RedraftError
from redraft_model.passage import Passage, Span

from redraft_server import loading
from redraft_server.cli.opening import (
    CheckpointOption,
    Device,
    DeviceOption,
    ForceOption,
    ModelOption,
    SeedOption,
    open_document,
)
from redraft_server.cli.terminal import hand_over, hand_over_json, talk
from redraft_server.document import Document
from redraft_server.features.fitting import fits
from redraft_server.model_choice import AUTO, ModelChoice
from redraft_server.report import Exit, effort

_PLACE = re.compile(r"(.+):(\d+):(\d+)", re.DOTALL)


def complete(
    place: Annotated[
        str, typer.Argument(metavar="FILE:LINE:COL", help="Where; line and column count from 1.")
    ],
    drafts: Annotated[int, typer.Option("--drafts", min=1, max=16, help="How many to ask for.")] = 1,
    single_line: Annotated[bool, typer.Option("--single-line", help="Stop at the end of the line.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    force: ForceOption = False,
    seed: SeedOption = 0,
    device: DeviceOption = Device.AUTO,
    checkpoint: CheckpointOption = None,
    model: ModelOption = AUTO,
) -> None:
    """Print the text to insert at a place of a file, best first.

    Recalls what stands elsewhere in the file and in the files of its project that are most like it.

    A text that breaks what parses or compiles, or repeats the line above or below, is not printed. One that goes on as the line
    does behind the place is to replace that.

    Exit code 0: there is one; 1: there is none.
    """
    document, offset = _located(place, is_forced=force)
    engine = loading.open_engine(ModelChoice(checkpoint, device, model))
    passage = Passage.cut(document.text, Span(offset, offset))
    asked = engine.complete(
        passage, n_drafts=drafts, seed=seed, single_line=single_line, retrieved_context=_elsewhere(document)
    )
    found = fits(asked, passage, is_single_line=single_line)
    if json:
        shown = [asdict(draft) | {"text": fit.text, "n_replaced": fit.n_replaced} for fit, draft in found]
        for each in shown:
            del each["reading"], each["corrected"]  # only repairs have them
        hand_over_json({"drafts": shown, "model": asdict(engine.about)})
    for number, (fit, draft) in enumerate([] if json else found, 1):
        replaced = f", in place of {passage.after[: fit.n_replaced]!r}" if fit.n_replaced else ""
        talk(
            f"draft {number} of {len(found)}: confidence {draft.confidence:.2f}, {effort(draft.cost)}{replaced}"
        )
        hand_over((fit.text.removesuffix("\n") + "\n").encode("utf-8", "surrogatepass"))
    if not found:
        talk("there is nothing to suggest here")
        raise typer.Exit(Exit.FOUND)


def _elsewhere(document: Document) -> tuple[str, ...]:
    """The files of its project that are most like a document, without those that look like ones with secrets."""
    # Only this command needs them, and the others should start at once.
    from redraft_server.configuration import Configuration
    from redraft_server.features.scope import obstacle_at
    from redraft_server.project_files import ProjectFiles

    files = ProjectFiles().look(Path(document.name).absolute(), document.text)
    return tuple(file.text for file in files if obstacle_at(file.path.as_uri(), Configuration()) is None)


def _located(place: str, *, is_forced: bool) -> tuple[Document, int]:
    """The document and the character offset that FILE:LINE:COL names."""
    match = _PLACE.fullmatch(place)
    if not match:
        raise typer.BadParameter(f"{place!r} is not FILE:LINE:COL, such as app.py:12:5")
    name, line, column = match[1], int(match[2]), int(match[3])
    document = open_document(Path(name), is_forced=is_forced)
    lines = document.text.split("\n")
    if not 1 <= line <= len(lines):
        raise RedraftError(f"{document.name} has {len(lines)} lines; there is no line {line}")
    if not 1 <= column <= len(lines[line - 1]) + 1:
        raise RedraftError(
            f"line {line} of {document.name} has columns 1 to {len(lines[line - 1]) + 1}; "
            f"there is no column {column}"
        )
    return document, sum(len(text) + 1 for text in lines[: line - 1]) + column - 1
