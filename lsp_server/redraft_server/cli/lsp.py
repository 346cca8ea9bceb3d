"""`redraft lsp`: the language server, as editors start it."""

from pathlib import Path
from typing import Annotated

import typer

from redraft_server.cli import joining, streams
from redraft_server.cli.opening import CheckpointOption, Device, DeviceOption, ModelOption, require
from redraft_server.model_choice import AUTO, ModelChoice


def lsp(
    standalone: Annotated[
        bool,
        typer.Option("--standalone", show_default=False, help="Serve one editor from this process alone."),
    ] = False,
    _stdio: Annotated[
        bool,
        typer.Option("--stdio", show_default=False, help="Accepted because editors say it; changes nothing."),
    ] = False,
    connect: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Use the server there instead, with --token-file.")
    ] = None,
    token_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The token that server wants.")
    ] = None,
    tls_ca: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Trust this certificate (default: those the system trusts)."),
    ] = None,
    device: DeviceOption = Device.AUTO,
    checkpoint: CheckpointOption = None,
    model: ModelOption = AUTO,
) -> None:
    """Serve an editor over stdin and stdout.

    All editors share one daemon, which is started when it is needed.
    """
    choice = require(ModelChoice(checkpoint, device, model))
    streams.require_conversation()
    if standalone:
        from redraft_server.server import run_stdio

        run_stdio(choice)
        return
    if connect is not None:
        raise typer.Exit(_join_remote(connect, token_file, tls_ca))
    raise typer.Exit(joining.join(choice))


def _join_remote(connect: str, token_file: Path | None, tls_ca: Path | None) -> int:
    from redraft_server import access, bridge

    if token_file is None:
        raise access.AccessError(f"The server at {connect} wants a token; pass --token-file.")
    address = access.Address.parsed(connect)
    return bridge.join(bridge.connect(address, access.read_token(token_file), tls_ca))
