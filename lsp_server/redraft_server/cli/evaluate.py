"""`redraft eval`: measure the model on a benchmark."""

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from redraft_server import loading
from redraft_server.cli.opening import CheckpointOption, Device, DeviceOption, ModelOption, SeedOption
from redraft_server.cli.terminal import bar, hand_over, talk
from redraft_server.document import UnwritableDocument
from redraft_server.model_choice import AUTO, ModelChoice
from redraft_server.report import model_name


class Split(StrEnum):
    """The items to measure with while working, and those that are kept for the last measurement."""

    DEV = "dev"
    TEST = "test"


def evaluate(
    suite: Annotated[str, typer.Argument(metavar="SUITE", help="Name of the benchmark suite.")],
    data: Annotated[
        Path, typer.Option("--data", metavar="DIR", exists=True, help="Folder with the benchmark files.")
    ],
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", min=1, help="Try N items, chosen at random.")
    ] = None,
    json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Also write everything to FILE.")
    ] = None,
    split: Annotated[
        Split, typer.Option("--split", help="Which items of a suite that keeps some back.")
    ] = Split.DEV,
    seed: SeedOption = 0,
    device: DeviceOption = Device.AUTO,
    checkpoint: CheckpointOption = None,
    model: ModelOption = AUTO,
) -> None:
    """Run a benchmark suite with the model and print a table."""
    from redraft_model.evaluate import SUITES, run_suite

    if suite not in SUITES:
        raise typer.BadParameter(f"there is no suite {suite!r}; choose from {', '.join(SUITES)}")
    engine = loading.open_engine(ModelChoice(checkpoint, device, model))
    with bar(limit or 1) as progress:
        result = run_suite(suite, data, engine, limit=limit, seed=seed, split=split, progress=progress.at)
    result = replace(result, system=model_name(engine.about))
    if json is not None:
        try:
            json.write_text(result.to_json() + "\n", "utf-8")
        except OSError as error:
            raise UnwritableDocument(f"{json} cannot be written: {error.strerror or error}") from error
    hand_over(result.to_markdown().encode())
    talk(f"{result.n} items in {result.seconds:.1f} s")
