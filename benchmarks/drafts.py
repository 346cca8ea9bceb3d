"""Times what a pretrained base writes in parallel, under its adapter, against what it writes from left to right.

    python benchmarks/drafts.py [--base FOLDER] [--adapter FOLDER] [--device auto] [--source FOLDER] [--quick] [--results FOLDER]

Both have the same weights, the same cache of what stands around, the same process, one after the other at each place. The first
table is one forward pass over a region of so many tokens, at batch 1 and 8, beside one over a single token: the paper's figure of
time against block size (Seed Diffusion, arXiv 2508.02193). The second one fills places of held-out files, the rest of a line
each: the beam, the denoised drafts at several thresholds, and lossless writing with blocks of several sizes beside the greedy text
that it equals. Exact match stands beside every speed. Without --adapter the base's own weights draft, which says how long a draft
takes but not how good it is.

Writes FOLDER/drafts-<device>.json and .md.
"""

import argparse
import importlib.util
import json
import platform
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch
from redraft_model.decode.drafter import Drafter, Drafting
from redraft_model.decode.left_to_right import LeftToRight, LeftToRightSettings
from redraft_model.decode.lossless import Lossless
from redraft_model.decode.reading import Reader
from redraft_model.decode.region_forward import ContextReader, RegionForward
from redraft_model.decode.selection import Thresholds
from redraft_model.errors import RedraftError
from redraft_model.network.adapter import AdapterConfig, load_adapter, new_adapter
from redraft_model.network.base import Base, load_base
from redraft_model.network.hardware import device_named, fast_dtype
from redraft_model.network.region import RegionNetwork, merged
from redraft_model.tokens.alignment import MASK_ID
from redraft_model.tokens.canvas import Canvas
from redraft_model.tokens.tokenizer import SPECIALS

Ids = npt.NDArray[np.int32]
T = TypeVar("T")

PACKAGE = "rich"
N_BEFORE = 256  # tokens before a place that are read
N_BEHIND = 64


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    n_places: int
    n_repeats: int
    blocks: tuple[int, ...] = (1, 4, 8, 16, 32, 64)
    batches: tuple[int, ...] = (1, 8)
    thresholds: tuple[float, ...] = (0.5, 0.7, 0.9)


FULL = Size(200, 20)
FULL_ON_CPU = Size(24, 5)
QUICK = Size(2, 1, blocks=(1, 4), batches=(1,), thresholds=(0.7,))


@dataclass(frozen=True)
class Place:
    """Text around a place, and the rest of the line that was there."""

    prefix: str
    line: str
    suffix: str


@dataclass(frozen=True)
class Step:
    """One forward pass over regions of so many tokens."""

    n_tokens: int
    n_rows: int
    milliseconds: float


@dataclass(frozen=True)
class Row:
    """One way of filling places: means per place."""

    way: str
    seconds: float
    n_forward: float
    tokens_per_second: float
    tokens_per_pass: float
    exact: float  # share of the places where the first text is the one that was there
    exact_of_five: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and write; 2 if something that was named is not there."""
    options = _options(arguments)
    try:
        device = device_named(options.device)
        base = load_base(options.base, device, fast_dtype(device))
        adapter = (
            new_adapter(base.model, AdapterConfig(), 0)
            if options.adapter is None
            else load_adapter(options.adapter, base)[0]
        )
    except RedraftError as error:
        print(f"drafts: {error}", file=sys.stderr)
        return 2
    network = merged(base.model, adapter)
    size = QUICK if options.quick else FULL if device.type == "cuda" else FULL_ON_CPU
    drawn = places(options.source, size.n_places, options.seed)
    if not drawn:
        print(f"drafts: {options.source} has no Python files with lines to fill", file=sys.stderr)
        return 2
    with torch.inference_mode():
        steps = time_steps(base, network, drawn[0], size)
        rows = fill_places(base, network, drawn, size)
    write(options, base, device, drawn, steps, rows)
    return 0


def places(source: Path, n: int, seed: int) -> list[Place]:
    """Up to `n` rests of lines of the files below `source`; the same for the same seed."""
    rng = Random(seed)
    files = sorted(source.rglob("*.py"))
    rng.shuffle(files)
    found: list[Place] = []
    for file in files:
        lines = file.read_text("utf-8").splitlines(keepends=True)
        long = [i for i, line in enumerate(lines) if len(line.strip()) > 12 and i > 8]
        for i in rng.sample(long, min(2, len(long))):
            indent = len(lines[i]) - len(lines[i].lstrip())
            at = rng.choice([indent, rng.randint(indent, len(lines[i]) - 4)])
            line = lines[i].rstrip("\n")
            found.append(
                Place("".join(lines[:i]) + line[:at], line[at:], "\n" + "".join(lines[i + 1 : i + 30]))
            )
        if len(found) >= n:
            break
    return found[:n]


def time_steps(base: Base, network: RegionNetwork, place: Place, size: Size) -> list[Step]:
    """The fastest of some passes over a region, for each number of tokens and of rows."""
    reader = Reader(base)
    contexts = ContextReader(network, reader)
    shift = np.int32(len(SPECIALS))
    head = base.tokenizer.encode(place.prefix)[-N_BEFORE:] + shift
    tail = base.tokenizer.encode(place.suffix)[:N_BEHIND] + shift
    steps = []
    for n_rows in size.batches:
        for n_tokens in size.blocks:
            rng = np.random.default_rng(0)
            # Different regions, because equal ones are computed once.
            n_ids = min(3000, base.tokenizer.n_vocabulary)
            canvases = [
                Canvas(head, rng.integers(300, n_ids, n_tokens).astype(np.int32), tail) for _ in range(n_rows)
            ]
            for canvas in canvases:
                canvas.region[-1] = MASK_ID
            times = []
            for _ in range(size.n_repeats):
                forward = RegionForward(network, contexts)
                forward.refresh(canvases[:1])
                forward.forget()
                times.append(timed(lambda: forward.refresh(canvases), base)[1])  # noqa: B023
            steps.append(Step(n_tokens, n_rows, 1e3 * min(times)))
    return steps


def fill_places(base: Base, network: RegionNetwork, drawn: Sequence[Place], size: Size) -> list[Row]:
    """Every way of filling the same places. What stands around each has been read when the clock starts."""
    reader = Reader(base)
    beam = LeftToRight(base, reader)
    one = LeftToRight(base, reader, LeftToRightSettings(beam=1))

    def written(writer: LeftToRight) -> Callable[[Place], tuple[list[str], int, int]]:
        def fill(place: Place) -> tuple[list[str], int, int]:
            found = writer.lines(place.prefix)
            n = max((text.n_tokens for text in found), default=0)
            return [text.text for text in found], n, n

        return fill

    def drafted(drafting: Drafting) -> Callable[[Place], tuple[list[str], int, int]]:
        drafter = Drafter(base, network, reader, drafting)

        def fill(place: Place) -> tuple[list[str], int, int]:
            found = drafter.lines(place.prefix, place.suffix)
            n_forward = max((draft.n_forward for draft in found), default=0)
            return [draft.text for draft in found], found[0].n_tokens if found else 0, n_forward

        return fill

    ways = {"left to right, greedy": written(one), "left to right, beam of 6": written(beam)}
    default = Drafting()
    for threshold in size.thresholds:
        sampling = replace(
            default.sampling, thresholds=Thresholds(threshold, default.sampling.thresholds.edit)
        )
        ways[f"denoised, threshold {threshold:g}"] = drafted(replace(default, sampling=sampling))
    for n_masks in (0, *size.blocks[1:4]):
        ways[f"lossless, block {n_masks}"] = lossless(base, network, reader, n_masks)
    return [measure(way, fill, drawn, base) for way, fill in ways.items()]


def lossless(
    base: Base, network: RegionNetwork, reader: Reader, n_masks: int
) -> Callable[[Place], tuple[list[str], int, int]]:
    """The greedy text up to the end of the line, drafted in blocks of `n_masks`."""
    writer = Lossless(base, network, reader, n_masks)
    tokenizer = base.tokenizer
    ends = frozenset(i for i in range(tokenizer.n_vocabulary) if b"\n" in tokenizer.decode_bytes([i]))
    start = np.array([base.start_id], np.int32)

    def fill(place: Place) -> tuple[list[str], int, int]:
        cut = tokenizer.settled(place.prefix)
        head = np.concatenate([start, tokenizer.encode(place.prefix[:cut])[-N_BEFORE:]])
        found = writer.text(head, tokenizer.encode(place.suffix)[:N_BEHIND], 24, ends)
        text = tokenizer.decode(found.tokens).removeprefix(place.prefix[cut:]).rstrip()
        return [text], len(found.tokens), found.n_verified + found.n_drafted

    return fill


def measure(
    way: str,
    fill: Callable[[Place], tuple[list[str], int, int]],
    drawn: Sequence[Place],
    base: Base,
) -> Row:
    """Fill every place, one after the other; what stands before it is read first."""
    seconds = n_tokens = n_forward = n_exact = n_among = 0.0
    for place in drawn:
        fill(place)  # reads the surroundings, which both sides keep
        (texts, tokens, passes), took = timed(lambda: fill(place), base)  # noqa: B023
        stripped = [text.rstrip() for text in texts]
        wanted = place.line.rstrip()
        seconds, n_tokens, n_forward = seconds + took, n_tokens + tokens, n_forward + passes
        n_exact += stripped[:1] == [wanted]
        n_among += wanted in stripped[:5]
    n = len(drawn)
    return Row(
        way,
        seconds / n,
        n_forward / n,
        n_tokens / max(seconds, 1e-9),
        n_tokens / max(n_forward, 1),
        n_exact / n,
        n_among / n,
    )


def timed(work: Callable[[], T], base: Base) -> tuple[T, float]:
    """What `work` returns, and the seconds until the device has done it."""
    device = base.model.embedding.weight.device
    _wait(device)
    started = time.perf_counter()
    result = work()
    _wait(device)
    return result, time.perf_counter() - started


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def write(
    options: argparse.Namespace,
    base: Base,
    device: torch.device,
    drawn: Sequence[Place],
    steps: Sequence[Step],
    rows: Sequence[Row],
) -> None:
    """Print the tables and keep them, and the numbers, in the folder of results."""
    name = device_name(device)
    about = (
        f"{base.name} ({base.model.n_parameters / 1e6:.0f} M parameters, {base.model.stream_dtype}), "
        f"{'no adapter' if options.adapter is None else options.adapter.name}, torch {torch.__version__}, "
        f"{len(drawn)} places of {options.source.name}"
    )
    single = {
        step.n_rows: step.milliseconds for step in steps if step.n_tokens == min(s.n_tokens for s in steps)
    }
    text = "\n\n".join(
        [
            f"# Drafts on {name}",
            about + ".",
            "## One pass over a region",
            table(
                ["tokens", "rows", "ms", "over one token"],
                [
                    [
                        str(step.n_tokens),
                        str(step.n_rows),
                        f"{step.milliseconds:.1f}",
                        f"{step.milliseconds / single[step.n_rows]:.2f}",
                    ]
                    for step in steps
                ],
            ),
            "## The rest of a line",
            table(
                ["way", "ms", "passes", "tokens/s", "tokens a pass", "exact", "among five"],
                [
                    [
                        row.way,
                        f"{1e3 * row.seconds:.0f}",
                        f"{row.n_forward:.1f}",
                        f"{row.tokens_per_second:.1f}",
                        f"{row.tokens_per_pass:.2f}",
                        f"{100 * row.exact:.1f} %",
                        f"{100 * row.exact_of_five:.1f} %",
                    ]
                    for row in rows
                ],
            ),
        ]
    )
    print(text)
    result = {
        "date": datetime.now(UTC).date().isoformat(),
        "device": name,
        "torch": torch.__version__,
        "base": base.name,
        "dtype": str(base.model.stream_dtype),
        "adapter": None if options.adapter is None else options.adapter.name,
        "source": options.source.name,
        "n_places": len(drawn),
        "steps": [asdict(step) for step in steps],
        "rows": [asdict(row) for row in rows],
    }
    options.results.mkdir(parents=True, exist_ok=True)
    stem = "drafts-" + re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    (options.results / f"{stem}.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    (options.results / f"{stem}.md").write_text(text + "\n", encoding="utf-8")


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; all columns but the first are numbers."""
    lines = [header, ["---", *("---:" for _ in header[1:])], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def device_name(device: torch.device) -> str:
    """What the results are filed under: the GPU's name, or the CPU's architecture."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"cpu {platform.machine()} {torch.get_num_threads()} threads"


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--base", type=Path, help="folder; default: the one that `redraft model get base` installed"
    )
    parser.add_argument("--adapter", type=Path, help="folder; default: the base's own weights draft")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument(
        "--source", type=Path, help=f"folder with Python files; default: the package {PACKAGE}"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="a few places, to see that it runs")
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results", help="folder")
    options = parser.parse_args(arguments)
    if options.base is None:
        from redraft_server.loading import installed_base

        options.base = installed_base()
        if options.base is None:
            parser.error("the base is not installed; run `redraft model get base`, or name one with --base")
    if options.source is None:
        spec = importlib.util.find_spec(PACKAGE)
        if spec is None or spec.origin is None:
            parser.error(f"the package {PACKAGE} is not installed; name a folder with --source")
        options.source = Path(spec.origin).parent
    return options


if __name__ == "__main__":
    sys.exit(main())
