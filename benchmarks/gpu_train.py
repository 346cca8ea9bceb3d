"""Train the adapter of a base, or a network, on one CUDA machine within a time allowance, in as many calls as that takes.

    python benchmarks/gpu_train.py --base DIR --folders DIR... --minutes 12 [--total-minutes 24] [--out runs/gpu]
    python benchmarks/gpu_train.py --model small --folders DIR... --minutes 20

One call (a) builds token shards from the given folders and from the Python packages of this environment, unless they
are there already, (b) trains, or goes on with the run in --out, until its minutes are over, and (c) exports what was
trained, an adapter or an int8 checkpoint in files of at most 16 MB, with the metrics and their curves. The first call
measures the throughput of some twenty batches and settles the token budget, so that the learning rate has come down
when --total-minutes are used up; plan.json in the run's folder keeps it for later calls. Building the shards counts as
time, but is not cut short by it; a build that was killed goes on where it was.

A machine that is thrown away in between: `--export-state DIR` writes the whole state, weights and optimisers, in files
of at most 16 MB, and `--import-state DIR` on another machine goes on from it with the same numbers. `--start-from DIR`
begins a new run with exported weights, a tenth of that. A base travels in the same way: `--export-base DIR` writes it
in parts and ends, and `--base DIR` takes such parts as well as a base.

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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from redraft_model.data import corpus
from redraft_model.data.build import build
from redraft_model.errors import DataError, RedraftError
from redraft_model.tokens.tokenizer import Tokenizer

if TYPE_CHECKING:
    from redraft_model.data.batches import BatchStream
    from redraft_model.train.adapter_run import AdapterSettings
    from redraft_model.train.loop import AnyRun, Report
    from redraft_model.train.trainer import TrainSettings

    AnySettings = AdapterSettings | TrainSettings

ADAPTER = "adapter"
PART_BYTES = 16_000_000
CHUNK_TOKENS = 1 << 20  # a worker draws as many in some five to ten seconds
PLANNED_STEPS = 20
EVALUATE_CONTEXTS = 256  # some 5,000 masked tokens at the lower rate
MARGIN = 0.96  # of the throughput measured: a long run is a little slower than its first steps
TOKENIZER_FILES = 4000  # a vocabulary needs no more
STATE_PARTS, BASE_PARTS = "state.json", "base.json"
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
    # Batches have many shapes, and memory for one of them is of no use to another.
    os.environ.setdefault("PYTORCH_CUDA_ALLOC_CONF", "expandable_segments:True")
    try:
        if options.export_base is not None:
            export_base(base_folder(options), options.export_base)
        else:
            run(options, started)
    except RedraftError as error:
        tell(f"gpu_train: {error}")
        return 2
    return 0


def run(options: argparse.Namespace, started: float) -> None:
    """Everything one call does; `started` is when it began, by `time.perf_counter`."""
    from redraft_model.train.loop import STATE_FILE

    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    base = base_folder(options) if options.model == ADAPTER else None
    folders = [*options.folders, *([] if options.only_folders else environment_folders())]
    tokenizer = options.tokenizer or prepared_tokenizer(out / "tokenizer.json", folders, options.vocabulary)
    data = options.data or out / "data"
    prepare_data(data, folders, tokenizer, options)
    if options.import_state is not None and not (out / STATE_FILE).exists():
        import_state(options.import_state, out)
    settings = train_settings(options, data, tokenizer, base)
    plan = read_plan(out) or make_plan(settings, options, started)
    tell(f"{plan.tokens:,} tokens in all, for {plan.total_minutes:g} minutes on {plan.device}")
    minutes_left = options.minutes - (time.perf_counter() - started) / 60
    settings = replace(
        settings, tokens=plan.tokens, minutes=minutes_left, evaluate_every=max(10**6, plan.tokens // 40)
    )
    report = train(settings)
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


def train_settings(
    options: argparse.Namespace, data: Path, tokenizer: Path, base: Path | None
) -> "AnySettings":
    """The settings of the run, its token budget left open."""
    common: dict[str, Any] = {
        "data": data,
        "tokenizer": tokenizer,
        "out": options.out,
        "tokens": 1,
        "batch_tokens": options.batch_tokens,
        "batches_per_chunk": max(4, min(32, CHUNK_TOKENS // options.batch_tokens)),
        "seed": options.seed,
        "device": options.device,
        "n_workers": options.workers,
        "save_minutes": 3.0,
        "steps": options.steps,
        "evaluate_batches": options.evaluate_batches,
        "start_from": options.start_from,
        "pairs": tuple(options.pairs),
    }
    if base is not None:
        from redraft_model.network.adapter import AdapterConfig
        from redraft_model.train.adapter_run import AdapterSettings

        is_card = options.device.startswith("cuda")
        return AdapterSettings(
            base=base,
            adapter=AdapterConfig(options.rank, options.labels, options.suffix),
            recipe=options.recipe or "adapter",
            batches_per_step=options.batches_per_step or 2,
            rate=options.rate,
            evaluate_contexts=EVALUATE_CONTEXTS if is_card else 8,
            compile=is_card if options.compile is None else options.compile,
            **common,
        )
    from redraft_model.train.trainer import TrainSettings

    return TrainSettings(
        size=options.model,
        recipe=options.recipe or "editor",
        batches_per_step=options.batches_per_step or 1,
        matrix_rate=options.matrix_rate,
        other_rate=options.other_rate,
        compile=bool(options.compile),
        **common,
    )


def opened(settings: "AnySettings") -> "tuple[AnyRun[Any], BatchStream[Any]]":
    """The run of these settings, where it stands, and its batches."""
    from redraft_model.train.adapter_run import AdapterRun, AdapterSettings, region_stream
    from redraft_model.train.trainer import Run, batch_stream

    if isinstance(settings, AdapterSettings):
        adapter_run = AdapterRun(settings)
        return adapter_run, region_stream(settings, adapter_run.base.start_id)
    return Run(settings), batch_stream(settings)


def train(settings: "AnySettings") -> "Report":
    """Train until the budget or the minutes are used up."""
    from redraft_model.train.adapter_run import AdapterSettings, train_adapter
    from redraft_model.train.trainer import train as train_network

    if isinstance(settings, AdapterSettings):
        return train_adapter(settings, tell)
    return train_network(settings, tell)


def base_folder(options: argparse.Namespace) -> Path:
    """The folder of the base: the one named, or the one that `redraft model get base` has made; parts are joined in OUT/base."""
    named: Path | None = options.base
    if named is None:
        from redraft_server import models

        named = models.models_folder() / models.BASE.name
    if not (named / BASE_PARTS).is_file():
        return named
    joined: Path = options.out / "base"
    if not (joined / "config.json").is_file():
        joined.mkdir(parents=True, exist_ok=True)
        read_parts(named, BASE_PARTS, joined)
    return joined


def read_plan(out: Path) -> Plan | None:
    """The plan of the run in `out`, if it has one."""
    path = out / "plan.json"
    if not path.is_file():
        return None
    try:
        return Plan(**json.loads(path.read_text("utf-8")))
    except (ValueError, TypeError) as error:
        raise DataError(f"{path} is damaged ({error}); delete it to plan anew") from error


def make_plan(settings: "AnySettings", options: argparse.Namespace, started: float) -> Plan:
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


def measured_rate(settings: "AnySettings", at_most_seconds: float) -> tuple[float, float]:
    """Tokens per second of a step, and the seconds until the first one.

    Works on a network that is thrown away. The first step of every batch shape is a warm-up and does not count, nor does it
    count as time if the network is compiled.
    """
    from redraft_model.train.stages import recipe_named

    started = time.perf_counter()
    network, stream = opened(settings)
    mixture = recipe_named(settings.recipe).stages[-1].mixture
    seen = set[tuple[int, ...]]()
    n_tokens, seconds, n_steps, start_seconds, compiling = 0, 0.0, 0, 0.0, 0.0
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
            elif settings.compile:
                compiling += time.perf_counter() - step_started
            seen.add(batch.tokens.shape)
            is_late = time.perf_counter() - started > start_seconds + compiling + at_most_seconds
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
    """Copy what the run has trained, its metrics and curves into `folder`, and say there how the run went."""
    from redraft_model.train import curves

    shutil.rmtree(folder, ignore_errors=True)
    made = out / ADAPTER if (out / ADAPTER).is_dir() else out / "checkpoint"
    shutil.copytree(made, folder)
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

    write_parts({"state": out / STATE_FILE}, folder, STATE_PARTS)
    for name in ("plan.json", METRICS_FILE):
        shutil.copy(out / name, folder)


def import_state(folder: Path, out: Path) -> None:
    """Put the run that `export_state` wrote into `out`; DataError when a part is missing or damaged."""
    from redraft_model.train.curves import METRICS_FILE

    try:
        for name in ("plan.json", METRICS_FILE):
            shutil.copy(folder / name, out)
    except OSError as error:
        raise DataError(f"{folder} does not hold a whole state ({error}); copy it again") from error
    read_parts(folder, STATE_PARTS, out)


def export_base(base: Path, folder: Path) -> None:
    """Write a base into `folder` in parts, for `--base`."""
    files = sorted(path for path in base.iterdir() if path.is_file())
    if not files:
        raise DataError(f"{base} holds no base; `redraft model get base` fetches one")
    write_parts({path.name: path for path in files}, folder, BASE_PARTS)
    for path in sorted(folder.iterdir()):
        tell(f"{path.stat().st_size:>12,} {path}")


def write_parts(files: Mapping[str, Path], folder: Path, about: str) -> None:
    """Write files into a new `folder` in parts, each under a name of its own; the file `about` says what they make up."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    whole = []
    for name, path in files.items():
        n_parts = max(1, -(-path.stat().st_size // PART_BYTES))
        with path.open("rb") as stream:
            for i in range(n_parts):
                _part(folder, name, i, n_parts).write_bytes(stream.read(PART_BYTES))
        whole.append({"name": name, "file": path.name, "n_parts": n_parts, "sha256": _sha256(path)})
    (folder / about).write_text(json.dumps(whole, indent=1) + "\n", "utf-8")


def read_parts(folder: Path, about: str, out: Path) -> None:
    """Put the files that `write_parts` wrote into `out`; DataError when a part is missing or damaged."""
    made = []
    try:
        for entry in json.loads((folder / about).read_text("utf-8")):
            n_parts = entry["n_parts"]
            made.append(out / f"{Path(entry['file']).name}.partial")
            with made[-1].open("wb") as stream:
                for i in range(n_parts):
                    stream.write(_part(folder, entry["name"], i, n_parts).read_bytes())
            if _sha256(made[-1]) != entry["sha256"]:
                raise DataError(f"the parts in {folder} do not make up the file they are of; copy them again")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{folder} does not hold all parts ({error}); copy it again") from error
    for path in made:
        path.replace(path.with_suffix(""))


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


def _part(folder: Path, name: str, i: int, n_parts: int) -> Path:
    return folder / f"{name}-{i + 1:05}-of-{n_parts:05}.part"


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
    parser.add_argument("--steps", type=int, help="end this call after as many steps, to rehearse")
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
    parser.add_argument(
        "--model", default=ADAPTER, help="adapter, or the size of a network: nano, tiny, small"
    )
    parser.add_argument("--base", type=Path, metavar="DIR", help="the adapter's base, whole or in parts")
    parser.add_argument(
        "--export-base", type=Path, metavar="DIR", help="write the base there, in parts, and end"
    )
    parser.add_argument("--rank", type=int, default=32, help="of an adapter")
    parser.add_argument("--labels", default="vocabulary", help="of an adapter: vocabulary or head")
    parser.add_argument("--suffix", default="alone", help="how the base reads it: alone or after_prefix")
    parser.add_argument("--recipe", help="adapter for an adapter, editor for a network when left out")
    parser.add_argument(
        "--pairs",
        type=Path,
        nargs="*",
        default=[],
        metavar="FILE",
        help="real fixes, for recipes that want them",
    )
    parser.add_argument(
        "--batches-per-step", type=int, help="whose gradients are added up; 2 for an adapter, else 1"
    )
    parser.add_argument(
        "--batch-tokens", type=int, default=1 << 17, help="tokens in one batch, padding counted"
    )
    parser.add_argument("--rate", type=float, default=1.5e-3, help="peak learning rate of an adapter")
    parser.add_argument("--matrix-rate", type=float, default=4e-3, help="peak learning rate of Muon")
    parser.add_argument("--other-rate", type=float, default=3e-3, help="peak learning rate of AdamW")
    parser.add_argument("--evaluate-batches", type=int, default=64, help="held-out batches in one evaluation")
    parser.add_argument("--seed", type=int, default=0, help="of the weights and of the data")
    parser.add_argument("--device", default="cuda", help="cuda, cuda:1, cpu")
    parser.add_argument(
        "--compile",
        action=argparse.BooleanOptionalAction,
        help="compile the layers first; when left out an adapter's on a card",
    )
    parser.add_argument("--workers", type=int, default=n_workers, help="processes that prepare data")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
