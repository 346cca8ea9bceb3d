"""`redraft status`: what the daemons of this user say of themselves."""

from typing import Annotated, Any

import typer

from redraft_server import control
from redraft_server.cli.terminal import escaped, hand_over_json, show, talk
from redraft_server.report import Exit


def status(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON list, an object for each daemon.")
    ] = False,
) -> None:
    """Show whether a daemon is running, and for whom.

    Exit code 0: yes; 1: no.
    """
    statuses = control.statuses()
    if as_json:
        hand_over_json(statuses)
    for one in statuses:
        if not as_json:
            show(escaped(_described(one)))
    if not statuses:
        talk("No daemon is running.")
    raise typer.Exit(Exit.FINE if statuses else Exit.FOUND)


def _described(status: dict[str, Any]) -> str:
    kind = "started on demand" if status["onDemand"] else "until stopped"
    lines = [
        f"redraft {status['version']}, process {status['pid']}, up {_duration(status['uptime'])}, {kind}"
    ]
    lines += [f"  listens on {socket}" for socket in status["sockets"]]
    lines += [f"  model: {_model(status['model'])}"]
    for connection in status["connections"]:
        name = " ".join(filter(None, (connection["client"] or "an editor", connection["version"])))
        lines.append(f"  {name}, {connection['link']}, for {_duration(connection['seconds'])}")
    return "\n".join(lines) + "\n"


def _model(model: dict[str, Any]) -> str:
    words = [model["state"]]
    if model["checkpoint"]:
        name = " + ".join(filter(None, (model["checkpoint"], model["base"])))
        words.append(f"{name} ({model['parameters'] / 1e6:.1f} M parameters) on {model['device']}")
    if model["residentBytes"]:
        words.append(f"{model['residentBytes'] / 2**20:.0f} MiB in process {model['pid']}")
    if model["waiting"]:
        words.append(f"{model['waiting']} requests waiting")
    if model["lost"]:
        words.append(f"lost {model['lost']} times")
    return ", ".join(words) + (f": {model['message']}" if model["message"] else "")


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
