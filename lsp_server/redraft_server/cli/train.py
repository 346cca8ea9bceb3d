"""`redraft train`: train a network, or the adapter of a pretrained base, from token shards."""

from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from redraft_model.errors import DataError

from redraft_server import models
from redraft_server.cli.terminal import hand_over_json, talk

if TYPE_CHECKING:
    from redraft_model.train.loop import Report

ADAPTER = "adapter"


def train(
    config: Annotated[
        str, typer.Argument(metavar="CONFIG", help="Size: nano, tiny or small; or adapter, beside a base.")
    ],
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
        str | None,
        typer.Option(
            "--recipe",
            metavar="NAME",
            help="What to learn in which order: editor, real, further, curriculum; adapter, adapter_mask, adapter_real.",
        ),
    ] = None,
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
    batches_per_step: Annotated[
        int | None,
        typer.Option("--batches-per-step", metavar="N", min=1, help="Batches whose gradients are added up."),
    ] = None,
    base: Annotated[
        Path | None,
        typer.Option("--base", metavar="DIR", help="The base of an adapter [default: the one that was got]."),
    ] = None,
    rank: Annotated[int, typer.Option("--rank", metavar="R", min=1, help="Rank of an adapter.")] = 32,
    labels: Annotated[
        str, typer.Option("--labels", help="Labels of an adapter: in the vocabulary, or from a head.")
    ] = "vocabulary",
    suffix: Annotated[
        str, typer.Option("--suffix", help="How a base reads the suffix: alone or after_prefix.")
    ] = "alone",
) -> None:
    """Train a network or an adapter, or go on with a run that was stopped."""
    from redraft_model.train import curves as metrics
    from redraft_model.train.loop import STATE_FILE
    from redraft_model.train.stages import recipe_named

    recipe = recipe or ("adapter" if config == ADAPTER else "editor")
    if not resume and (out / STATE_FILE).exists():
        raise DataError(f"{out} holds a run already; choose another --out or leave --no-resume away")
    recipe_named(recipe)
    if curves is not None:
        metrics.require_drawable(curves)
    common: dict[str, Any] = {
        "data": data,
        "tokenizer": tokenizer,
        "out": out,
        "tokens": tokens,
        "minutes": minutes,
        "batch_tokens": batch_tokens,
        "seed": seed,
        "device": device,
        "compile": compile,
        "n_workers": workers,
        "start_from": start_from,
        "recipe": recipe,
        "pairs": tuple(pairs or ()),
        "held_pairs": tuple(held_pairs or ()),
    }
    if batches_per_step is not None:
        common["batches_per_step"] = batches_per_step
    is_adapter = config == ADAPTER
    learn = (
        partial(_train_adapter, base, rank, labels, suffix) if is_adapter else partial(_train_network, config)
    )
    report = learn(rate, common)
    if curves is not None:
        metrics.draw(out, curves)
    hand_over_json(asdict(report))


def _train_network(size: str, rate: float, common: dict[str, Any]) -> "Report":
    from redraft_model.train.trainer import TrainSettings, train

    settings = TrainSettings(
        size=size,
        matrix_rate=TrainSettings.matrix_rate * rate,
        other_rate=TrainSettings.other_rate * rate,
        **common,
    )
    return train(settings, tell=talk)


def _train_adapter(
    base: Path | None, rank: int, labels: str, suffix: str, rate: float, common: dict[str, Any]
) -> "Report":
    from redraft_model.network.adapter import AdapterConfig
    from redraft_model.train.adapter_run import AdapterSettings, train_adapter

    settings = AdapterSettings(
        base=base or models.models_folder() / models.BASE.name,
        adapter=AdapterConfig(rank, labels, suffix),
        rate=AdapterSettings.rate * rate,
        **common,
    )
    return train_adapter(settings, tell=talk)
