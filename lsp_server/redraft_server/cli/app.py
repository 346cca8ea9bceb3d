"""The commands and their options, one file each. Loads neither torch nor the model."""

from collections.abc import Sequence
from typing import Annotated

import typer
from redraft_model.errors import Cancelled, RedraftError

from redraft_server import __version__
from redraft_server.cli import (
    adapt,
    complete,
    data,
    doctor,
    doubt,
    evaluate,
    fix,
    logs,
    lsp,
    model,
    serve,
    status,
    stop,
    train,
)
from redraft_server.cli.terminal import talk
from redraft_server.report import Exit

app = typer.Typer(
    name="redraft",
    no_args_is_help=True,
    add_completion=False,
    # Plain help needs no rich, whose import costs as much as everything else together.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("fix")(fix.fix)
app.command("complete")(complete.complete)
app.command("doubt")(doubt.doubt)
app.command("eval")(evaluate.evaluate)
app.command("train")(train.train)
app.command("adapt")(adapt.adapt)
app.add_typer(data.app, name="data")
app.add_typer(model.app, name="model")
app.command("doctor")(doctor.doctor)
app.command("lsp")(lsp.lsp)
app.command("serve")(serve.serve)
app.command("status")(status.status)
app.command("stop")(stop.stop)
app.command("logs")(logs.logs)


def run(arguments: Sequence[str]) -> int:
    """Run the command line `arguments` and return the exit code."""
    try:
        app(args=list(arguments), prog_name="redraft")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else Exit.FINE
    except RedraftError as error:
        talk(f"redraft: {error}")
        return Exit.FAILED
    except (KeyboardInterrupt, Cancelled):
        return Exit.INTERRUPTED
    return Exit.FINE


def _print_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"redraft {__version__}")
        raise typer.Exit


@app.callback()
def redraft(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Repair and complete Python code with a local diffusion language model."""
