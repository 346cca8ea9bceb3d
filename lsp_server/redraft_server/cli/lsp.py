"""`redraft lsp`: the language server, as editors start it."""

from typing import Annotated

import typer

from redraft_server.cli import joining
from redraft_server.cli.opening import CheckpointOption, Device, DeviceOption, require_folder


def lsp(
    standalone: Annotated[
        bool,
        typer.Option("--standalone", show_default=False, help="Serve one editor from this process alone."),
    ] = False,
    _stdio: Annotated[
        bool,
        typer.Option("--stdio", show_default=False, help="Accepted because editors say it; changes nothing."),
    ] = False,
    device: DeviceOption = Device.AUTO,
    checkpoint: CheckpointOption = None,
) -> None:
    """Serve an editor over stdin and stdout.

    All editors share one daemon, which is started when it is needed.
    """
    require_folder(checkpoint)
    if standalone:
        from redraft_server.server import run_stdio

        run_stdio(checkpoint, device)
    raise typer.Exit(joining.join(joining.Wanted(device, checkpoint)))
