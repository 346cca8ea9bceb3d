"""`redraft lsp`: the language server."""

from typing import Annotated

import typer

from redraft_server.cli.opening import CheckpointOption, Device, DeviceOption, require_folder


def lsp(
    _standalone: Annotated[
        bool,
        typer.Option(
            "--standalone",
            "--stdio",
            show_default=False,
            help="Serve one editor from this process, over stdin and stdout; so far there is no other way.",
        ),
    ] = True,
    device: DeviceOption = Device.AUTO,
    checkpoint: CheckpointOption = None,
) -> None:
    """Serve an editor over the language server protocol."""
    require_folder(checkpoint)
    from redraft_server.server import run_stdio

    run_stdio(checkpoint, device)
