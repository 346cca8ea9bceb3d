"""`redraft train`: train a network from token shards."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from redraft_model.errors import DataError

from redraft_server.cli.terminal import hand_over_json, talk


def train(
    config: Annotated[str, typer.Argument(metavar="CONFIG", help="Size: nano, tiny or small.")],
    data: Annotated[Path, typer.Option("--data", metavar="DIR", help="Shards from `redraft data build`.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the run and its checkpoint go.")],
    tokens: Annotated[int, typer.Option("--tokens", metavar="N", min=1, help="Budget of the whole run.")],
    tokenizer: Annotated[
        Path, typer.Option("--tokenizer", metavar="FILE", help="The tokenizer the shards were built with.")
    ],
    minutes: Annotated[
        float | None,
        typer.Option("--minutes", metavar="M", min=0, help="Stop after M minutes; a later call goes on."),
    ] = None,
    batch_tokens: Annotated[int, typer.Option("--batch-tokens", min=1, help="Tokens in one step.")] = 4096,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the weights and of the data.")] = 0,
    device: Annotated[str, typer.Option("--device", help="cpu, cuda or one card, such as cuda:1.")] = "cpu",
    workers: Annotated[int, typer.Option("--workers", min=1, help="Processes that prepare batches.")] = 1,
    compile: Annotated[bool, typer.Option("--compile", help="Compile the network first.")] = False,  # noqa: A002
    resume: Annotated[
        bool, typer.Option("--resume/--no-resume", help="Go on with the run in --out if there is one.")
    ] = True,
    start_from: Annotated[
        Path | None,
        typer.Option(
            "--start-from", metavar="DIR", help="A run or a checkpoint whose weights a new run begins with."
        ),
    ] = None,
    recipe: Annotated[
        str,
        typer.Option(
            "--recipe",
            metavar="NAME",
            help="What to learn in which order: editor, real, further, curriculum.",
        ),
    ] = "editor",
    pairs: Annotated[
        list[Path] | None,
        typer.Option(
            "--pairs", metavar="FILE", help="Real fixes for the recipes real and further; may be repeated."
        ),
    ] = None,
    held_pairs: Annotated[
        list[Path] | None,
        typer.Option("--held-pairs", metavar="FILE", help="Real fixes to evaluate on; may be repeated."),
    ] = None,
    rate: Annotated[
        float, typer.Option("--rate", metavar="X", min=0, help="Multiplies the peak learning rates.")
    ] = 1.0,
    curves: Annotated[
        Path | None,
        typer.Option("--curves", metavar="FILE", help="Draw the run's metrics in the end: .png, .svg."),
    ] = None,
) -> None:
    """Train a network, or go on with a run that was stopped."""
    from redraft_model.train import curves as metrics
    from redraft_model.train.stages import recipe_named
    from redraft_model.train.trainer import STATE_FILE, TrainSettings
    from redraft_model.train.trainer import train as run_training

    if not resume and (out / STATE_FILE).exists():
        raise DataError(f"{out} holds a run already; choose another --out or leave --no-resume away")
    recipe_named(recipe)
    if curves is not None:
        metrics.require_drawable(curves)
    settings = TrainSettings(
        size=config,
        data=data,
        tokenizer=tokenizer,
        out=out,
        tokens=tokens,
        minutes=minutes,
        batch_tokens=batch_tokens,
        seed=seed,
        device=device,
        compile=compile,
        n_workers=workers,
        start_from=start_from,
        recipe=recipe,
        pairs=tuple(pairs or ()),
        held_pairs=tuple(held_pairs or ()),
        matrix_rate=TrainSettings.matrix_rate * rate,
        other_rate=TrainSettings.other_rate * rate,
    )
    report = run_training(settings, tell=talk)
    if curves is not None:
        metrics.draw(out, curves)
    hand_over_json(asdict(report))
