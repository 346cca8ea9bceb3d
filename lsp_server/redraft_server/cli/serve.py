"""`redraft serve`: the daemon in the foreground."""

from functools import partial
from typing import Annotated

import typer

from redraft_server.cli.opening import CheckpointOption, Device, DeviceOption, require_folder


def serve(
    on_demand: Annotated[
        bool, typer.Option("--on-demand", help="Leave when no editor has been connected for some time.")
    ] = False,
    idle_minutes: Annotated[
        float, typer.Option("--idle-minutes", min=0, help="How long that is, with --on-demand.")
    ] = 10.0,
    device: DeviceOption = Device.AUTO,
    checkpoint: CheckpointOption = None,
) -> None:
    """Serve all editors of this user from one process until told to stop."""
    require_folder(checkpoint)
    from redraft_server import daemon, loading
    from redraft_server.runtime import place_of

    serving = daemon.Serving(idle_seconds=idle_minutes * 60 if on_demand else None)
    open_engine = partial(loading.open_engine, checkpoint, device)
    raise typer.Exit(daemon.run(place_of(checkpoint, device), serving, open_engine))
