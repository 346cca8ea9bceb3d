"""The command `redraft`. One command per file; results go to stdout, talk to stderr.

Importing this loads neither torch nor the model: the engine is imported by the command that runs it.
"""

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

import typer
from redraft_model.errors import Cancelled, RedraftError

from redraft_server.cli import complete, data, doctor, doubt, evaluate, fix, lsp, train
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
app.add_typer(data.app, name="data")
app.command("doctor")(doctor.doctor)
app.command("lsp")(lsp.lsp)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line `arguments` (default: this process's) and return the exit code."""
    try:
        app(args=arguments, prog_name="redraft")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else Exit.FINE
    except RedraftError as error:
        talk(f"redraft: {error}")
        return Exit.FAILED
    except (KeyboardInterrupt, Cancelled):
        return Exit.INTERRUPTED
    return Exit.FINE


def installed_version() -> str:
    """Redraft's version; "0+source" in a checkout that is not installed."""
    try:
        return version("redraft")
    except PackageNotFoundError:
        return "0+source"


def _print_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"redraft {installed_version()}")
        raise typer.Exit


@app.callback()
def redraft(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Repair and complete Python code with a local diffusion language model."""
