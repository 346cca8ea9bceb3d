"""`redraft data`: token shards and tokenizers from folders of Python files."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from redraft_model.errors import DataError, PassageError

from redraft_server import loading
from redraft_server.cli.opening import CheckpointOption, Device, DeviceOption, ModelOption, SeedOption
from redraft_server.cli.terminal import bar, hand_over, talk
from redraft_server.model_choice import AUTO, ModelChoice

if TYPE_CHECKING:
    from redraft_model.data.git_pairs import GitOptions

app = typer.Typer(no_args_is_help=True, help="Prepare training data from folders of Python files.")

FoldersArgument = Annotated[list[Path], typer.Argument(metavar="DIR...", help="Folders with Python files.")]

DecontaminateOption = Annotated[
    Path, typer.Option("--decontaminate", metavar="DIR", help="Leave out what resembles these benchmarks.")
]


@app.command("build")
def build(
    folders: FoldersArgument,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the shards and the report go.")],
    tokenizer: Annotated[
        Path | None,
        typer.Option("--tokenizer", metavar="FILE", help="tokenizer.json [default: the bundled one]"),
    ] = None,
    decontaminate: Annotated[
        Path | None,
        typer.Option("--decontaminate", metavar="DIR", help="Leave out what resembles these benchmarks."),
    ] = None,
    held_out: Annotated[
        list[str] | None,
        typer.Option("--held-out", metavar="NAME", help="Package never to train on; may be repeated."),
    ] = None,
    workers: Annotated[int, typer.Option("--workers", metavar="N", min=1, help="Processes to use.")] = 1,
) -> None:
    """Choose, clean and tokenize files; a build that was stopped goes on where it was."""
    from redraft_model.data.build import build as build_shards

    with bar(1) as progress:
        report = build_shards(
            folders,
            out,
            tokenizer or _bundled_tokenizer(),
            decontaminate=decontaminate,
            n_workers=workers,
            held_out=held_out or [],
            progress=progress.at,
        )
    hand_over(f"{report.summary()}\n".encode())


@app.command("tokenizer")
def tokenizer(
    folders: FoldersArgument,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The tokenizer.json to write.")],
    size: Annotated[
        int, typer.Option("--size", metavar="N", min=512, max=1 << 16, help="Entries of the vocabulary.")
    ],
) -> None:
    """Learn a tokenizer from the files that `redraft data build` would keep."""
    from redraft_model.data import corpus
    from redraft_model.tokens.tokenizer import Tokenizer

    files = corpus.find(folders).files
    with bar(len(files)) as progress:

        def texts() -> Iterator[str]:
            for n_done, file in enumerate(files, 1):
                found = corpus.read(file.full_path)
                if isinstance(found, corpus.Source):
                    yield found.text
                progress.at(n_done)

        if not files:
            raise DataError(f"there is no Python file in {', '.join(map(str, folders))}")
        trained = Tokenizer.train(texts(), size)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        trained.save(out)
    except OSError as error:
        raise DataError(f"{out} cannot be written: {error.strerror or error}") from error
    talk(f"wrote {out} with {trained.n_vocabulary} entries from {len(files)} files")


@app.command("pairs")
def pairs(
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Where real.jsonl.gz and held.jsonl.gz go.")
    ],
    decontaminate: DecontaminateOption,
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="Folder with the benchmark files.")
    ] = None,
    git: Annotated[
        list[Path] | None,
        typer.Option("--git", metavar="REPO", help="Git repository, instead of a folder; may be repeated."),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option("--limit", metavar="N", min=1, help="Only the newest commits of a repository."),
    ] = None,
    licence_checked: Annotated[
        bool,
        typer.Option("--licence-checked", help="Take repositories of any licence: somebody has checked it."),
    ] = False,
    tokenizer: Annotated[
        Path | None,
        typer.Option(
            "--tokenizer", metavar="FILE", help="Counts what fits a sample [default: the bundled one]"
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Chooses what is held out.")] = 0,
) -> None:
    """Turn benchmark files whose licence allows training, or small commits, into pairs of text, a tenth held out."""
    from redraft_model.data.git_pairs import GitOptions

    if (folder is None) == (not git):
        raise DataError("name either a folder with benchmark files, or git repositories with --git")
    if folder is None:
        options = GitOptions(limit, licence_checked, seed)
        hand_over(f"{_pairs_from_git(git or [], out, decontaminate, options, tokenizer)}\n".encode())
    else:
        hand_over(f"{_pairs_from_benchmarks(folder, out, decontaminate, seed)}\n".encode())


def _pairs_from_benchmarks(folder: Path, out: Path, decontaminate: Path, seed: int) -> str:
    """Write the pair files; what to say of them."""
    from redraft_model.data.pair_sets import convert
    from redraft_model.data.pairs import write_pairs

    report = convert(folder, decontaminate, seed)
    write_pairs(out / "real.jsonl.gz", report.real)
    write_pairs(out / "held.jsonl.gz", report.held)
    return report.summary()


def _pairs_from_git(
    repositories: Sequence[Path],
    out: Path,
    decontaminate: Path,
    options: "GitOptions",
    tokenizer: Path | None,
) -> str:
    """Write the pair files and report.json; what to say of them."""
    from redraft_model.data.batches import BatchSource
    from redraft_model.data.git_pairs import collect
    from redraft_model.data.json_lines import json_lines_writer, write_json
    from redraft_model.data.pair_window import is_usable
    from redraft_model.tokens.tokenizer import Tokenizer

    words = Tokenizer.load(tokenizer or _bundled_tokenizer())
    with (
        bar(1) as progress,
        json_lines_writer(out / "real.jsonl.gz") as write_real,
        json_lines_writer(out / "held.jsonl.gz") as write_held,
    ):
        report = collect(
            repositories,
            decontaminate,
            options,
            keep=lambda pair, is_held: (write_held if is_held else write_real)(pair),
            fits=lambda pair: is_usable(words, pair, BatchSource.longest),
            progress=progress.at,
        )
    write_json(out / "report.json", report.to_json())
    return report.summary()


@app.command("broken")
def broken(
    folders: FoldersArgument,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The .jsonl.gz to write.")],
    decontaminate: DecontaminateOption,
    benchmarks: Annotated[
        Path | None,
        typer.Option("--benchmarks", metavar="DIR", help="Also leave out what these benchmark files hold."),
    ] = None,
    lines: Annotated[int, typer.Option("--lines", metavar="N", min=1, help="Leave out longer texts.")] = 200,
) -> None:
    """Collect Python files and examples that do not parse."""
    from redraft_model.data.broken import collect, write_broken

    report = collect(folders, decontaminate, benchmarks, lines)
    write_broken(out, report.texts)
    hand_over(f"{report.summary()}\n".encode())


@app.command("young")
def young(
    folders: FoldersArgument,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The .jsonl.gz to write.")],
    items: Annotated[int, typer.Option("--items", metavar="N", min=1, help="Items of each kind.")] = 150,
    seed: SeedOption = 0,
) -> None:
    """Make a benchmark for `redraft eval young` from packages that no network can know."""
    from redraft_model.data.young import collect, write_young

    report = collect(folders, items, seed)
    write_young(out, report.items)
    hand_over(f"{report.summary()}\n".encode())


@app.command("fix")
def fix(
    broken: Annotated[Path, typer.Argument(metavar="FILE", help="Texts from `redraft data broken`.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The pair file to write.")],
    checkpoint: CheckpointOption = None,
    device: DeviceOption = Device.AUTO,
    model: ModelOption = AUTO,
) -> None:
    """Repair broken texts with the model and keep what parses within four token edits as pairs.

    Stopped with Ctrl+C it writes what it has.
    """
    from redraft_model.data.broken import read_broken
    from redraft_model.data.pairs import write_pairs
    from redraft_model.data.self_training import fixed
    from redraft_model.evaluate.syntax_repair import judge_repair

    texts = read_broken(broken)
    engine = loading.open_engine(ModelChoice(checkpoint, device, model))

    def repaired(text: str) -> str | None:
        try:
            return engine.repair(text).text
        except PassageError:
            return None

    def is_small(before: str, after: str) -> bool:
        return bool(judge_repair(before, after)["bifi"])

    kept = []
    try:
        with bar(len(texts)) as progress:
            for pair in fixed(texts, repaired, is_small, progress.at):
                kept.append(pair)
    finally:
        write_pairs(out, kept)
    hand_over(f"{len(kept)} of {len(texts)} broken texts repaired and kept\n".encode())


def _bundled_tokenizer() -> Path:
    # This import loads torch.
    from redraft_model.network.checkpoint_info import BUNDLED

    return BUNDLED / "tokenizer.json"
