"""The door to the engine and to the file it is to work on, and the options that choose them."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from redraft_server import loading
from redraft_server.discovery import why_not_python
from redraft_server.document import Document, UnreadableDocument
from redraft_server.model_choice import AUTO, MODELS, ModelChoice


class Device(StrEnum):
    """Where the model runs; AUTO takes the graphics card if there is one that works."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


CheckpointOption = Annotated[
    Path | None,
    typer.Option("--checkpoint", metavar="FOLDER", help="Use this checkpoint instead of the bundled one."),
]
DeviceOption = Annotated[Device, typer.Option("--device", help="Where the model runs.")]
ModelOption = Annotated[
    str,
    typer.Option(
        "--model",
        metavar=f"{'|'.join(MODELS)}|FOLDER",
        help="tiny: the checkpoint alone; base: the installed base judges what it proposes; FOLDER: another base does; "
        "auto: the base if it is installed and the device multiplies bfloat16.",
    ),
]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same result.")]
ForceOption = Annotated[
    bool, typer.Option("--force", help="Take a file that is named for Python whatever it is.")
]


def require(choice: ModelChoice) -> ModelChoice:
    """`choice`; raises CheckpointError if a model that the user named is not there. Loads nothing."""
    choice.require_folders()
    if choice.model != AUTO:
        loading.decision(choice)
    return choice


def open_document(path: Path, *, is_forced: bool) -> Document:
    """The file `path`, which has to be Python unless `is_forced`; raises UnreadableDocument."""
    if not is_forced and (reason := why_not_python(path)):
        raise UnreadableDocument(reason)
    return Document.read(path)
