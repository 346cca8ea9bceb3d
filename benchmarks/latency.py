"""Latency: how long a user waits for the repair of one planted error, and for the rest of a line, in a file of about 300 lines.

    python benchmarks/latency.py [--checkpoint FOLDER] [--device cpu] [--model auto|tiny|base|FOLDER] [--seed 0]

The file comes from this interpreter's standard library: of a few modules, the longest prefix of whole
top-level statements that has at most 300 lines. Each variant lacks one closing bracket or one colon. Measured
are `redraft --help`, cold repairs (the process `redraft fix FILE`, from start to exit), warm repairs
(`Engine.repair` in one process), and in the same process rests of lines (`Engine.complete`) at random places of the
file, with two other modules as files that are open besides. Prints Markdown and writes
benchmarks/results/latency-<machine>.json, or latency-<machine>-base.json if a base judged.
"""

import argparse
import ast
import io
import json
import os
import subprocess
import sys
import sysconfig
import tempfile
import tokenize
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from statistics import median
from time import perf_counter

from redraft_model.evaluate.machine import Machine
from redraft_model.evaluate.parsing import is_same_tree, parses
from redraft_server.loading import open_engine
from redraft_server.model_choice import AUTO, ModelChoice
from redraft_server.report import model_name

N_LINES = 300
N_VARIANTS = 20
N_COLD = 5
N_HELP = 5
N_COMPLETED = 40
N_OPEN = 2
RESULTS = Path(__file__).parent / "results"

# Pure-Python modules that have been in the library for long, so that most versions have them.
MODULES = (
    *("argparse", "bisect", "calendar", "configparser", "copy", "csv", "difflib", "fractions"),
    *("heapq", "shlex", "statistics", "string", "textwrap", "tokenize", "zipfile"),
)


@dataclass(frozen=True)
class Variant:
    """A source with one character taken out: what it was, and the line it stood on, from 1."""

    text: str
    removed: str
    line: int


@dataclass(frozen=True)
class Process:
    """One run of the command: wall seconds, largest resident memory in MiB, exit code."""

    seconds: float
    peak_mib: float
    exit_code: int


@dataclass(frozen=True)
class Warm:
    """Repairs and rests of lines in one process: seconds to load the engine, of each variant and each line, how many were right."""

    load_seconds: float
    seconds: tuple[float, ...]
    n_parsing: int
    n_restored: int
    line_seconds: tuple[float, ...]
    n_lines_right: int
    n_threads: int
    device: str
    checkpoint: str
    base: str | None
    model: str


def main() -> None:
    options = _options()
    module, source = library_source()
    variants = plant(source, N_VARIANTS, options.seed)
    choice = ModelChoice(options.checkpoint, options.device, options.model)
    # Processes first: on Linux a child's peak memory starts at that of its parent, here still without torch.
    help_runs = [run_command(["--help"]) for _ in range(N_HELP)]
    cold_runs = [cold_repair(variant, choice.options()) for variant in variants[:N_COLD]]
    warm = warm_runs(module, source, variants, choice, options.seed)
    machine = Machine.here(warm.n_threads, warm.device)
    report = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine.fields(),
        "model": warm.model,
        "checkpoint": warm.checkpoint,
        "base": warm.base,
        "file": {"module": module, "lines": source.count("\n"), "characters": len(source)},
        "seed": options.seed,
        "help_seconds_best": min(run.seconds for run in help_runs),
        "cold": [asdict(run) for run in cold_runs],
        "warm": asdict(warm)
        | {
            "p50": median(warm.seconds),
            "p95": quantile(warm.seconds, 0.95),
            "line_p50": median(warm.line_seconds),
            "line_p95": quantile(warm.line_seconds, 0.95),
        },
        "variants": [{"removed": variant.removed, "line": variant.line} for variant in variants],
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"latency-{machine.slug}{'-base' if warm.base else ''}.json"
    path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(table(machine, module, source, help_runs, cold_runs, warm))
    print(f"written: {path}", file=sys.stderr)


def library_source() -> tuple[str, str]:
    """(module, its first whole top-level statements, at most `N_LINES` lines), the longest of `MODULES`."""
    prefixes = [(module, _prefix(text)) for module, text in library_sources()]
    return max(prefixes, key=lambda prefix: prefix[1].count("\n"))


def library_sources() -> list[tuple[str, str]]:
    """Those of `MODULES` that this library has, with their texts."""
    folder = Path(sysconfig.get_paths()["stdlib"])
    return [
        (module, path.read_text(encoding="utf-8"))
        for module in MODULES
        if (path := folder / f"{module}.py").is_file()
    ]


def plant(source: str, n: int, seed: int) -> list[Variant]:
    """`n` variants of `source`, half without a closing bracket, half without a colon; none of them parses."""
    random = Random(seed)
    offsets = _offsets(source)
    brackets = [offset for offset in offsets if source[offset] in ")]}"]
    colons = [offset for offset in offsets if source[offset] == ":"]
    variants: list[Variant] = []
    for places, n_wanted in ((brackets, n - n // 2), (colons, n // 2)):
        random.shuffle(places)
        # Some colons are not missed: a slice and an annotation parse, or mean something else, without theirs.
        broken = [variant for offset in places if not parses((variant := _without(source, offset)).text)]
        variants += broken[:n_wanted]
    random.shuffle(variants)
    return variants


def cold_repair(variant: Variant, arguments: Sequence[str]) -> Process:
    """One `redraft fix` of a file with this variant in it, from start to exit."""
    with tempfile.TemporaryDirectory(prefix="redraft-latency-") as name:
        path = Path(name) / "broken.py"
        path.write_text(variant.text, encoding="utf-8")
        process = run_command(["fix", str(path), *arguments])
    if process.exit_code not in (0, 1):
        raise SystemExit(f"redraft fix ended with exit code {process.exit_code}; see the message above")
    return process


def run_command(arguments: Sequence[str]) -> Process:
    """One run of the command `redraft` with this interpreter; its result is dropped, its errors are shown."""
    start = perf_counter()
    command = [sys.executable, "-m", "redraft_server.cli", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    # wait4 knows the memory of this one child; getrusage only the largest of all children so far.
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    # Linux counts in KiB, macOS in bytes.
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return Process(perf_counter() - start, usage.ru_maxrss / unit, process.returncode)


def warm_runs(module: str, source: str, variants: Sequence[Variant], choice: ModelChoice, seed: int) -> Warm:
    """All variants and as many lines in one process, after one of each that are not counted."""
    # Imported here, so that loading the engine is timed without them.
    import redraft_model.engine  # noqa: F401
    import torch
    from redraft_model.fit.pieces import Piece, cursor

    start = perf_counter()
    engine = open_engine(choice)
    load_seconds = perf_counter() - start
    engine.repair(variants[0].text)
    seconds: list[float] = []
    answers: list[str] = []
    for variant in variants:
        start = perf_counter()
        answers.append(engine.repair(variant.text).text)
        seconds.append(perf_counter() - start)
    others = tuple(text for name, text in library_sources() if name != module)[:N_OPEN]
    random, lines = Random(seed), list[tuple[float, bool]]()
    for _ in range(1 + N_COMPLETED):
        passage, rest = cursor(Piece(0, source), random)
        start = perf_counter()
        drafts = engine.complete(passage, single_line=True, retrieved_context=others)
        seconds_taken = perf_counter() - start
        lines.append((seconds_taken, bool(drafts) and drafts[0].text.strip() == rest.strip()))
    return Warm(
        load_seconds=load_seconds,
        seconds=tuple(seconds),
        n_parsing=sum(map(parses, answers)),
        n_restored=sum(is_same_tree(answer, source) for answer in answers),
        line_seconds=tuple(taken for taken, _ in lines[1:]),
        n_lines_right=sum(is_right for _, is_right in lines[1:]),
        n_threads=torch.get_num_threads(),
        device=engine.about.device,
        checkpoint=engine.about.name,
        base=engine.about.base,
        model=model_name(engine.about),
    )


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest of `values` that at least `share` of them do not exceed."""
    ordered = sorted(values)
    rank = -int(-share * len(ordered) // 1)
    return ordered[max(rank, 1) - 1]


def table(
    machine: Machine,
    module: str,
    source: str,
    help_runs: Sequence[Process],
    cold_runs: Sequence[Process],
    warm: Warm,
) -> str:
    """The measurement as Markdown."""
    n = len(warm.seconds)
    cold_seconds = [run.seconds for run in cold_runs]
    rows = [
        (f"`redraft --help`, best of {len(help_runs)}", _seconds(min(run.seconds for run in help_runs))),
        (f"cold `redraft fix FILE`, median of {len(cold_runs)}", _seconds(median(cold_seconds))),
        (f"cold `redraft fix FILE`, slowest of {len(cold_runs)}", _seconds(max(cold_seconds))),
        ("peak memory of `redraft fix FILE`", f"{max(run.peak_mib for run in cold_runs):.0f} MiB"),
        ("loading the engine", _seconds(warm.load_seconds)),
        (f"warm repair, p50 of {n}", _seconds(median(warm.seconds))),
        (f"warm repair, p95 of {n}", _seconds(quantile(warm.seconds, 0.95))),
        ("repaired file parses", f"{warm.n_parsing} of {n}"),
        ("repaired file has the original's syntax tree", f"{warm.n_restored} of {n}"),
        (f"rest of a line, p50 of {len(warm.line_seconds)}", _seconds(median(warm.line_seconds))),
        (f"rest of a line, p95 of {len(warm.line_seconds)}", _seconds(quantile(warm.line_seconds, 0.95))),
        ("rest of a line as it was", f"{warm.n_lines_right} of {len(warm.line_seconds)}"),
    ]
    n_lines = len(source.splitlines())
    head = f"{warm.model} on {machine}; {n_lines} lines of `{module}.py`, one planted error each."
    return "\n".join([head, "", "| measure | value |", "|---|---:|", *(f"| {a} | {b} |" for a, b in rows)])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure how long one repair takes.")
    parser.add_argument(
        "--checkpoint", type=Path, default=None, help="folder; default: the bundled checkpoint"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--model", default=AUTO, help="auto, tiny, base or the folder of a base")
    parser.add_argument("--seed", type=int, default=0, help="draws the planted errors")
    return parser.parse_args()


def _prefix(text: str) -> str:
    ends = [statement.end_lineno or 0 for statement in ast.parse(text).body]
    last = max((end for end in ends if end <= N_LINES), default=0)
    return "".join(text.splitlines(keepends=True)[:last])


def _offsets(source: str) -> list[int]:
    """Where the operators of one character stand: a bracket in a string is no bracket."""
    line_starts = [0]
    for line in source.splitlines(keepends=True):
        line_starts.append(line_starts[-1] + len(line))
    return [
        line_starts[token.start[0] - 1] + token.start[1]
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.OP and len(token.string) == 1
    ]


def _without(source: str, offset: int) -> Variant:
    text = source[:offset] + source[offset + 1 :]
    return Variant(text, source[offset], source.count("\n", 0, offset) + 1)


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{1000 * seconds:.0f} ms"


if __name__ == "__main__":
    main()
