"""Train a network on one CUDA machine within a time allowance, in as many calls as that takes.

    python benchmarks/gpu_train.py --folders DIR... --minutes 20 [--total-minutes 40] [--out runs/gpu]

One call (a) builds token shards from the given folders and from the Python packages of this environment, unless they
are there already, (b) trains, or goes on with the run in --out, until its minutes are over, and (c) exports an int8
checkpoint in files of at most 16 MB, with the metrics and their curves. The first call measures the throughput of
some twenty steps and settles the token budget, so that the learning rate has come down when --total-minutes are
used up; plan.json in the run's folder keeps it for later calls. Building the shards counts as time, but is not cut
short by it; a build that was killed goes on where it was.

A machine that is thrown away in between: `--export-state DIR` writes the whole state in files of at most 16 MB, and
`--import-state DIR` on another machine goes on from it with the same numbers. A full state is about 8.5 bytes per
parameter; `--start-from CHECKPOINT` begins a new run with exported int8 weights, a tenth of that.

A bare machine needs Python 3.11 or newer, torch, triton, numpy, safetensors and tokenizers, and from a folder of
wheels what such images lack:

    pip download --only-binary=:all: --no-deps -d wheels tree-sitter tree-sitter-python rapidfuzz    # with a network
    pip install --no-index --no-deps --find-links wheels tree-sitter tree-sitter-python rapidfuzz    # there
    PYTHONPATH=kernels:model python benchmarks/gpu_train.py ...
"""

# Worker processes import this file too, so torch is imported where it is used.
import argparse
import hashlib
import json
import math
import os
import shutil
import sys
import sysconfig
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from redraft_model.data import corpus
from redraft_model.data.build import build
from redraft_model.errors import DataError, RedraftError
from redraft_model.tokens.tokenizer import Tokenizer

if TYPE_CHECKING:
    from redraft_model.train.loop import Report
    from redraft_model.train.trainer import TrainSettings

PART_BYTES = 16_000_000
CHUNK_TOKENS = 1 << 20  # a worker draws as many in some five seconds
PLANNED_STEPS = 20
MARGIN = 0.96  # of the throughput measured: a long run is a little slower than its first steps
TOKENIZER_FILES = 4000  # a vocabulary needs no more
# Installed almost everywhere, so that held-out numbers of different machines are comparable.
HELD_OUT = ("flask", "jinja2", "networkx", "pydantic", "rich", "werkzeug")


@dataclass(frozen=True)
class Plan:
    """What later calls have to know: the budget of the whole run, and how it came about."""

    tokens: int
    total_minutes: float
    tokens_per_second: float  # of the first steps, noise not counted
    start_seconds: float  # from the start of a call's training to its first step
    device: str


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    started = time.perf_counter()
    if options.compile:
        # The compiler fuses plain operations; a kernel it cannot look into is in its way.
        os.environ.setdefault("REDRAFT_KERNELS", "reference")
    # Batches have many shapes, and memory for one of them is of no use to another.
    os.environ.setdefault("PYTORCH_CUDA_ALLOC_CONF", "expandable_segments:True")
    try:
        run(options, started)
    except RedraftError as error:
        tell(f"gpu_train: {error}")
        return 2
    return 0


def run(options: argparse.Namespace, started: float) -> None:
    """Everything one call does; `started` is when it began, by `time.perf_counter`."""
    from redraft_model.train.loop import STATE_FILE
    from redraft_model.train.trainer import train

    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    folders = [*options.folders, *([] if options.only_folders else environment_folders())]
    tokenizer = options.tokenizer or prepared_tokenizer(out / "tokenizer.json", folders, options.vocabulary)
    data = options.data or out / "data"
    prepare_data(data, folders, tokenizer, options)
    if options.import_state is not None and not (out / STATE_FILE).exists():
        import_state(options.import_state, out)
    settings = train_settings(options, data, tokenizer)
    plan = read_plan(out) or make_plan(settings, options, started)
    tell(f"{plan.tokens:,} tokens in all, for {plan.total_minutes:g} minutes on {plan.device}")
    minutes_left = options.minutes - (time.perf_counter() - started) / 60
    settings = replace(
        settings, tokens=plan.tokens, minutes=minutes_left, evaluate_every=max(10**6, plan.tokens // 40)
    )
    report = train(settings, tell)
    export(out, options.export or out / "export", plan, report)
    if options.export_state is not None:
        export_state(out, options.export_state)
    print(summary(plan, report, time.perf_counter() - started))


def environment_folders() -> list[Path]:
    """Where this interpreter keeps its library and its packages."""
    named = [Path(sysconfig.get_paths()[name]) for name in ("stdlib", "purelib", "platlib")]
    on_path = [Path(name) for name in sys.path if Path(name).name in ("site-packages", "dist-packages")]
    return list(dict.fromkeys(folder.resolve() for folder in (*named, *on_path) if folder.is_dir()))


def prepared_tokenizer(path: Path, folders: Sequence[Path], size: int) -> Path:
    """The bundled checkpoint's tokenizer; without one, one learnt from the folders and kept at `path`."""
    from redraft_model.network.checkpoint_info import BUNDLED

    bundled = BUNDLED / "tokenizer.json"
    if bundled.is_file() or path.is_file():
        return bundled if bundled.is_file() else path
    files = corpus.find(folders).files
    some = files[:: max(1, len(files) // TOKENIZER_FILES)]
    tell(f"learning a tokenizer of {size} entries from {len(some)} files")

    def texts() -> Iterator[str]:
        for file in some:
            found = corpus.read(file.full_path)
            if isinstance(found, corpus.Source):
                yield found.text

    partial = path.with_name(path.name + ".partial")
    Tokenizer.train(texts(), size).save(partial)
    partial.replace(path)
    return path


def prepare_data(data: Path, folders: Sequence[Path], tokenizer: Path, options: argparse.Namespace) -> None:
    """Build the shards unless a build has been finished there."""
    if (data / "report.json").is_file():
        tell(f"{data} is there already")
        return
    last_told = 0.0

    def progress(done: int, total: int) -> None:
        nonlocal last_told
        if done == total or time.perf_counter() - last_told > 10:
            last_told = time.perf_counter()
            tell(f"examined {done:,} of {total:,} files")

    report = build(
        folders,
        data,
        tokenizer,
        decontaminate=options.decontaminate,
        n_workers=options.workers,
        held_out=options.held_out,
        progress=progress,
    )
    tell(report.summary())


def train_settings(options: argparse.Namespace, data: Path, tokenizer: Path) -> "TrainSettings":
    """The settings of the run, its token budget left open."""
    from redraft_model.train.trainer import TrainSettings

    return TrainSettings(
        size=options.size,
        data=data,
        tokenizer=tokenizer,
        out=options.out,
        tokens=1,
        batch_tokens=options.batch_tokens,
        batches_per_chunk=max(4, min(32, CHUNK_TOKENS // options.batch_tokens)),
        recipe=options.recipe,
        matrix_rate=options.matrix_rate,
        other_rate=options.other_rate,
        seed=options.seed,
        device=options.device,
        compile=options.compile,
        n_workers=options.workers,
        save_minutes=3.0,
        evaluate_batches=options.evaluate_batches,
        start_from=options.start_from,
    )


def read_plan(out: Path) -> Plan | None:
    """The plan of the run in `out`, if it has one."""
    path = out / "plan.json"
    if not path.is_file():
        return None
    try:
        return Plan(**json.loads(path.read_text("utf-8")))
    except (ValueError, TypeError) as error:
        raise DataError(f"{path} is damaged ({error}); delete it to plan anew") from error


def make_plan(settings: "TrainSettings", options: argparse.Namespace, started: float) -> Plan:
    """Time some steps, and budget as many tokens as fit into what is left of the total time."""
    tell("timing the first steps")
    rate, start_seconds = measured_rate(settings, options.minutes * 60 * 0.1)
    total_minutes = options.total_minutes or options.minutes
    n_later_calls = max(1, math.ceil(total_minutes / options.minutes)) - 1
    seconds = total_minutes * 60 - (time.perf_counter() - started) - (n_later_calls + 1) * start_seconds
    # Even a call without time left trains for one step.
    tokens = max(settings.batch_tokens, int(rate * seconds * MARGIN))
    plan = Plan(tokens, total_minutes, round(rate, 1), round(start_seconds, 1), device_name(settings.device))
    (settings.out / "plan.json").write_text(json.dumps(asdict(plan), indent=1) + "\n", "utf-8")
    return plan


def measured_rate(settings: "TrainSettings", at_most_seconds: float) -> tuple[float, float]:
    """Tokens per second of a step, and the seconds until the first one.

    Works on a network that is thrown away. The first step of every batch shape is a warm-up and does not count.
    """
    from redraft_model.train.stages import recipe_named
    from redraft_model.train.trainer import Run, batch_stream

    started = time.perf_counter()
    network = Run(settings)
    stream = batch_stream(settings)
    mixture = recipe_named(settings.recipe).stages[-1].mixture
    seen = set[tuple[int, ...]]()
    n_tokens, seconds, n_steps, start_seconds = 0, 0.0, 0, 0.0
    try:
        for batch in (
            batch for chunk in stream.chunks((index, mixture) for index in count()) for batch in chunk
        ):
            start_seconds = start_seconds or time.perf_counter() - started
            step_started = time.perf_counter()
            network.step([batch], 0.0).item()
            if batch.tokens.shape in seen:
                n_tokens += batch.n_tokens
                seconds += time.perf_counter() - step_started
                n_steps += 1
            seen.add(batch.tokens.shape)
            is_late = time.perf_counter() - started > start_seconds + at_most_seconds
            if n_steps == PLANNED_STEPS or (is_late and n_steps):
                break
    finally:
        stream.close()
    return n_tokens / seconds, start_seconds


def device_name(device: str) -> str:
    """The card's name, or "cpu"."""
    import torch

    return torch.cuda.get_device_name(device) if device.startswith("cuda") else device


def export(out: Path, folder: Path, plan: Plan, report: "Report") -> None:
    """Copy the run's checkpoint, metrics and curves into `folder`, and say there how the run went."""
    from redraft_model.train import curves

    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(out / "checkpoint", folder)
    shutil.copy(out / curves.METRICS_FILE, folder)
    result = {"plan": asdict(plan), "report": asdict(report)}
    (folder / "training.json").write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    try:
        curves.draw(out, folder / "curves.svg")
    except DataError as error:
        tell(str(error))
    for path in sorted(folder.iterdir()):
        tell(f"{path.stat().st_size:>12,} {path}")


def export_state(out: Path, folder: Path) -> None:
    """Write the run's state into `folder` in parts, with what `import_state` needs."""
    from redraft_model.train.curves import METRICS_FILE
    from redraft_model.train.loop import STATE_FILE

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    state = out / STATE_FILE
    n_parts = -(-state.stat().st_size // PART_BYTES)
    with state.open("rb") as stream:
        for i in range(n_parts):
            _part(folder, i, n_parts).write_bytes(stream.read(PART_BYTES))
    digest = _sha256(state)
    (folder / "state.json").write_text(json.dumps({"n_parts": n_parts, "sha256": digest}) + "\n", "utf-8")
    for name in ("plan.json", METRICS_FILE):
        shutil.copy(out / name, folder)


def import_state(folder: Path, out: Path) -> None:
    """Put the run that `export_state` wrote into `out`; DataError when a part is missing or damaged."""
    from redraft_model.train.curves import METRICS_FILE
    from redraft_model.train.loop import STATE_FILE

    try:
        about = json.loads((folder / "state.json").read_text("utf-8"))
        parts = [_part(folder, i, about["n_parts"]) for i in range(about["n_parts"])]
        partial = out / f"{STATE_FILE}.partial"
        with partial.open("wb") as stream:
            for part in parts:
                stream.write(part.read_bytes())
        if _sha256(partial) != about["sha256"]:
            raise DataError(f"the parts in {folder} do not make up the state they are of; copy them again")
        for name in ("plan.json", METRICS_FILE):
            shutil.copy(folder / name, out)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{folder} does not hold a whole state ({error}); copy it again") from error
    partial.replace(out / STATE_FILE)


def summary(plan: Plan, report: "Report", seconds: float) -> str:
    """What happened, in a few lines."""
    share = report.tokens / plan.tokens
    end = "The run is finished." if report.finished else "Call again to go on."
    return (
        f"{report.tokens:,} tokens in {report.step:,} steps, {share:.0%} of the run; this call took {seconds:.0f} s\n"
        f"{report.tokens_per_second:,.0f} tokens/s, {report.tokens_per_second_without_noise:,.0f} without waiting for "
        f"noise (planned with {plan.tokens_per_second:,.0f})\n{end}"
    )


def tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _part(folder: Path, i: int, n_parts: int) -> Path:
    return folder / f"state-{i + 1:05}-of-{n_parts:05}.part"


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").partition("\n\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    folders, minutes = "folders with Python files", "end this call after as many minutes"
    n_workers = max(1, (os.cpu_count() or 1) - 1)
    parser.add_argument("--folders", type=Path, nargs="*", default=[], metavar="DIR", help=folders)
    parser.add_argument("--only-folders", action="store_true", help="leave this environment's packages out")
    parser.add_argument("--minutes", type=float, required=True, help=minutes)
    parser.add_argument("--total-minutes", type=float, help="of all calls together; --minutes when left out")
    parser.add_argument("--out", type=Path, default=Path("runs/gpu"), help="folder of the run")
    parser.add_argument("--data", type=Path, help="folder of the shards; OUT/data when left out")
    parser.add_argument("--export", type=Path, help="folder for the checkpoint; OUT/export when left out")
    parser.add_argument("--export-state", type=Path, metavar="DIR", help="write the state there, in parts")
    parser.add_argument("--import-state", type=Path, metavar="DIR", help="go on from a state in parts")
    parser.add_argument(
        "--start-from", type=Path, metavar="DIR", help="a run or checkpoint whose weights to begin with"
    )
    parser.add_argument(
        "--tokenizer", type=Path, help="tokenizer.json; the bundled checkpoint's when left out"
    )
    parser.add_argument(
        "--vocabulary", type=int, default=8192, help="entries, if a tokenizer has to be learnt"
    )
    parser.add_argument(
        "--decontaminate", type=Path, metavar="DIR", help="leave out what resembles these benchmarks"
    )
    parser.add_argument(
        "--held-out", nargs="*", default=list(HELD_OUT), metavar="NAME", help="packages never trained on"
    )
    parser.add_argument("--size", default="small", help="nano, tiny or small")
    parser.add_argument("--recipe", default="editor", help="curriculum or editor")
    parser.add_argument(
        "--batch-tokens", type=int, default=1 << 17, help="tokens in one step, padding counted"
    )
    parser.add_argument("--matrix-rate", type=float, default=4e-3, help="peak learning rate of Muon")
    parser.add_argument("--other-rate", type=float, default=3e-3, help="peak learning rate of AdamW")
    parser.add_argument("--evaluate-batches", type=int, default=64, help="held-out batches in one evaluation")
    parser.add_argument("--seed", type=int, default=0, help="of the weights and of the data")
    parser.add_argument("--device", default="cuda", help="cuda, cuda:1, cpu")
    parser.add_argument("--compile", action="store_true", help="compile the network first")
    parser.add_argument("--workers", type=int, default=n_workers, help="processes that prepare data")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
