"""`redraft serve`: the daemon in the foreground."""

from pathlib import Path
from typing import Annotated

import typer

from redraft_server.cli.opening import CheckpointOption, Device, DeviceOption, ModelOption, require
from redraft_server.model_choice import AUTO, ModelChoice


def serve(
    on_demand: Annotated[
        bool, typer.Option("--on-demand", help="Leave when no editor has been connected for some time.")
    ] = False,
    idle_minutes: Annotated[
        float, typer.Option("--idle-minutes", min=0, help="How long that is, with --on-demand.")
    ] = 10.0,
    tcp: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Listen there as well, for `redraft lsp --connect`."),
    ] = None,
    ws: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Listen there as well, for WebSocket clients.")
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Network clients need the token in it (default: one is made up)."),
    ] = None,
    allow_origin: Annotated[
        list[str] | None,
        typer.Option(metavar="ORIGIN", help="Let pages of this origin in, if they have the token."),
    ] = None,
    tls_cert: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Encrypt, with this certificate.")
    ] = None,
    tls_key: Annotated[Path | None, typer.Option(metavar="FILE", help="The certificate's key.")] = None,
    device: DeviceOption = Device.AUTO,
    checkpoint: CheckpointOption = None,
    model: ModelOption = AUTO,
) -> None:
    """Serve all editors of this user from one process until told to stop.

    Other machines are only let in with --tls-cert, --tls-key and --token-file.
    """
    choice = ModelChoice(checkpoint, device, model)
    choice.require_folders()
    if not on_demand:
        # An editor is told by the server, not by a daemon that does not start.
        require(choice)
    from redraft_model.network.checkpoint_info import learnt_actions

    from redraft_server import daemon
    from redraft_server.access import Address
    from redraft_server.engine.child import command
    from redraft_server.engine.scheduler import Scheduler
    from redraft_server.network import Network
    from redraft_server.runtime import place_of

    network = Network(
        Address.parsed(tcp) if tcp else None,
        Address.parsed(ws) if ws else None,
        token_file,
        tuple(allow_origin or ()),
        tls_cert,
        tls_key,
    )
    serving = daemon.Serving(idle_minutes * 60 if on_demand else None, network)
    scheduler = Scheduler(command(choice), learnt_actions(checkpoint))
    raise typer.Exit(daemon.run(place_of(choice), serving, scheduler))
