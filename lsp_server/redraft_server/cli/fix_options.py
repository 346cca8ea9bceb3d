"""The options of `redraft fix`, but for those that other commands have as well: their names, and what --help says of them."""

from pathlib import Path
from typing import Annotated

import typer

from redraft_server.cli.fix_output import Format
from redraft_server.settings import DEFAULT_MIN_CONFIDENCE

Paths = Annotated[
    list[Path] | None,
    typer.Argument(metavar="PATH|-", help="Files and folders; - is stdin. [default: this folder]"),
]
Write = Annotated[bool, typer.Option("--write", help="Write the repairs into the files.")]
Diff = Annotated[bool, typer.Option("--diff", help="Print a patch for git apply.")]
Check = Annotated[bool, typer.Option("--check", help="Only say which files would change.")]
Interactive = Annotated[
    bool, typer.Option("--interactive", help="Ask about each change, and write those that are wanted.")
]
FormatOption = Annotated[
    Format | None,
    typer.Option("--format", help="How results are printed. [default: text]", show_default=False),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object, as --format json.")]
Semantic = Annotated[bool, typer.Option("--semantic", help="Also look at code that compiles.")]
MinConfidence = Annotated[
    float | None,
    typer.Option(
        "--min-confidence",
        metavar="P",
        min=0,
        max=1,
        help=f"Write only what is at least this likely right. [default: {DEFAULT_MIN_CONFIDENCE:g}]",
    ),
]
Timeout = Annotated[
    float,
    typer.Option(
        "--timeout", metavar="SECONDS", min=0, help="Give a file up after so many seconds; 0: never."
    ),
]
TargetVersion = Annotated[
    str | None,
    typer.Option(
        "--target-version",
        metavar="X.Y",
        help="The oldest Python that the code is for. [default: what requires-python says, else the newest]",
    ),
]
Changed = Annotated[
    bool,
    typer.Option(
        "--changed", help="Only files that differ from the last commit, or that git does not know yet."
    ),
]
ChangedSince = Annotated[
    str | None,
    typer.Option(
        "--changed-since",
        metavar="REVISION",
        help="Only files that differ from this revision, or are unknown to git.",
    ),
]
Exclude = Annotated[
    list[str] | None,
    typer.Option(
        "--exclude",
        metavar="PATTERN",
        help="Leave these files alone, with patterns as in .gitignore; may be repeated.",
    ),
]
Lines = Annotated[
    str | None,
    typer.Option("--lines", metavar="A-B", help="Of the one file that is named, only these lines change."),
]
StdinFilename = Annotated[
    Path | None,
    typer.Option("--stdin-filename", metavar="NAME", help="What the source from stdin is called."),
]
NoCache = Annotated[
    bool, typer.Option("--no-cache", help="Neither use nor keep what runs have found out about files.")
]
RunFileOption = Annotated[
    Path | None,
    typer.Option(
        "--run-file",
        metavar="FILE",
        help="Note in FILE what is done; the same command then goes on where it stopped.",
    ),
]
TestCommand = Annotated[
    str | None,
    typer.Option(
        "--test-cmd",
        metavar="COMMAND",
        help="Keep a repair only if COMMAND does not end worse with it. It is run, once before and after each file.",
    ),
]
TestTimeout = Annotated[
    float, typer.Option("--test-timeout", metavar="SECONDS", min=0.001, help="How long COMMAND may take.")
]
DiagnosticsOption = Annotated[
    Path | None,
    typer.Option(
        "--diagnostics",
        metavar="FILE",
        help="Put right the names that FILE says are wrong: SARIF, or the JSON of ruff, pyright or mypy.",
    ),
]
LinterOption = Annotated[
    str | None,
    typer.Option(
        "--linter",
        metavar="NAME|COMMAND",
        help="Put right the names that ruff, pyright, mypy or COMMAND finds wrong. It is run on the files.",
    ),
]
LinterTimeout = Annotated[
    float,
    typer.Option("--linter-timeout", metavar="SECONDS", min=0.001, help="How long the linter may take."),
]
