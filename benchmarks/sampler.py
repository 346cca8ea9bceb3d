"""Times the sampler: with its cache against without, and block policies against each other at equal cost.

    python benchmarks/sampler.py [--checkpoint FOLDER] [--device auto] [--source FOLDER] [--quick] [--results FOLDER]

The task is to restore masked tokens: pieces of about 160 tokens from Python files of a package that is not trained on
(`rich`, unless --source names another folder), three tokens of ten masked, with the text around them. "Restored" is
one minus the edit distance to the original over the number of masks, so a token more or less counts as well.

The first table compares `generate` with its slow twin `generate_reference`. The second one restores with fixed blocks
of 8, 16, 32 and 64 tokens and with syntax blocks of up to 16, 32 and 64, at thresholds of confidence. Blocks of fewer
tokens take more forward passes, so the third table sets each kind of syntax blocks against fixed blocks of the size
that costs as much, in passes and in seconds: what those restore lies on the line between the two nearest sizes.
Writes FOLDER/sampler-<device>.json and .md.
"""

import argparse
import importlib.util
import json
import platform
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import numpy as np
import numpy.typing as npt
import torch
from rapidfuzz.distance import Levenshtein
from redraft_model.decode.sampler import NEVER, Sampling, Trace, generate, generate_reference
from redraft_model.decode.selection import Thresholds
from redraft_model.errors import RedraftError
from redraft_model.network.checkpoint import Checkpoint, load_checkpoint
from redraft_model.network.checkpoint_info import BUNDLED
from redraft_model.noise import MaskNoise
from redraft_model.tokens.alignment import MASK_ID
from redraft_model.tokens.blocks import LARGEST, SMALLEST, fixed_blocks, syntax_blocks
from redraft_model.tokens.canvas import Canvas
from redraft_model.tokens.tokenizer import Tokenizer
from redraft_model.tokens.window import Limits, tiles

Ids = npt.NDArray[np.int32]
Blocks = list[tuple[int, int]]

MASKED = 0.3
LIMITS = Limits(region=160, before=80, after=60)
SMALLEST_REGION = 80
ENGINE_THRESHOLD = 0.9
PACKAGE = "rich"


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    n_pieces: int
    n_drafts: tuple[int, ...]
    thresholds: tuple[float, ...]


FULL = Size(128, (1, 4, 16), (0.5, 0.7, 0.9, 0.97))
FULL_ON_CPU = Size(24, (1, 4), (0.7, 0.9))
QUICK = Size(4, (1, 2), (0.9,))


@dataclass(frozen=True)
class Piece:
    """A canvas with masks, and the tokens that belong into its region."""

    canvas: Canvas
    clean: Ids


@dataclass(frozen=True)
class Row:
    """One way of sampling over all pieces: means per piece, of the first draft where there are several."""

    policy: str
    threshold: float
    n_drafts: int
    n_forward: float
    seconds: float
    tokens_per_second: float  # committed, of all drafts
    restored: float


@dataclass(frozen=True)
class Comparison:
    """What syntax blocks restore, and fixed blocks of the size that takes as many forward passes, or as long."""

    policy: str
    threshold: float
    restored: float
    fixed_at_equal_passes: float | None
    fixed_in_equal_time: float | None


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    device = torch.device(options.device)
    try:
        checkpoint = load_checkpoint(
            options.checkpoint, device, torch.bfloat16 if device.type == "cuda" else torch.float32
        )
    except RedraftError as error:
        print(f"sampler: {error}", file=sys.stderr)
        return 2
    size = QUICK if options.quick else FULL if device.type == "cuda" else FULL_ON_CPU
    drawn = pieces(checkpoint.tokenizer, options.source, size.n_pieces, options.seed)
    if not drawn:
        print(f"sampler: {options.source} has no Python files with {SMALLEST_REGION} tokens", file=sys.stderr)
        return 2
    with torch.inference_mode():
        twins = twin_rows(checkpoint, drawn, size)
        policies = policy_rows(checkpoint, drawn, size)
    write(options.results, checkpoint, device, options.source, drawn, twins, policies)
    return 0


def pieces(tokenizer: Tokenizer, source: Path, n: int, seed: int) -> list[Piece]:
    """Up to `n` pieces of the files below `source`, with masks; the same for the same seed."""
    rng, generator = Random(seed), np.random.default_rng(seed)
    noise = MaskNoise(MASK_ID)
    files = sorted(source.rglob("*.py"))
    rng.shuffle(files)
    found: list[Piece] = []
    for file in files:
        windows = tiles(tokenizer, file.read_text("utf-8"), limits=LIMITS)
        long = [window.canvas for window in windows if len(window.canvas.region) >= SMALLEST_REGION]
        for canvas in rng.sample(long, min(2, len(long))):
            masked = noise.corrupt(canvas.region, MASKED, generator)
            found.append(Piece(canvas.with_region(masked), canvas.region))
        if len(found) >= n:
            break
    return found[:n]


def twin_rows(checkpoint: Checkpoint, drawn: Sequence[Piece], size: Size) -> list[Row]:
    """The cached sampler and its slow twin, for one draft and for several."""
    return [
        measure(
            name,
            checkpoint,
            drawn,
            lambda region: fixed_blocks(len(region), 32),
            ENGINE_THRESHOLD,
            n_drafts,
            twin,
        )
        for n_drafts in size.n_drafts
        for name, twin in (("generate_reference", generate_reference), ("generate", generate))
    ]


def policy_rows(checkpoint: Checkpoint, drawn: Sequence[Piece], size: Size) -> list[Row]:
    """Every block policy at every threshold."""

    def fixed(n_tokens: int) -> Callable[[Ids], Blocks]:
        return lambda region: fixed_blocks(len(region), n_tokens)

    def syntax(largest: int) -> Callable[[Ids], Blocks]:
        return lambda region: syntax_blocks(
            checkpoint.tokenizer, region, min(SMALLEST, largest // 2), largest
        )

    policies = {f"fixed {n}": fixed(n) for n in (8, 16, 32, 64)}
    policies |= {f"syntax {n}": syntax(n) for n in (16, 32, LARGEST)}
    return [
        measure(name, checkpoint, drawn, blocks, threshold, 1, generate)
        for name, blocks in policies.items()
        for threshold in size.thresholds
    ]


def measure(
    policy: str,
    checkpoint: Checkpoint,
    drawn: Sequence[Piece],
    blocks: Callable[[Ids], Blocks],
    threshold: float,
    n_drafts: int,
    sample: Callable[..., list[Trace]],
) -> Row:
    """Restore every piece, one after the other, after one that is not counted."""
    # Visible tokens are taken as they are: here only the masks are asked for.
    sampling = Sampling(Thresholds(fill=threshold, edit=NEVER), steps_per_block=LIMITS.region)

    def restore(piece: Piece) -> tuple[list[Trace], float]:
        started = time.perf_counter()
        traces = sample(checkpoint.model, [piece.canvas] * n_drafts, blocks(piece.canvas.region), sampling)
        return traces, time.perf_counter() - started

    restore(drawn[0])
    results = [restore(piece) for piece in drawn]
    seconds = sum(duration for _, duration in results)
    n = len(drawn)
    return Row(
        policy,
        threshold,
        n_drafts,
        n_forward=sum(traces[0].n_forward for traces, _ in results) / n,
        seconds=seconds / n,
        tokens_per_second=sum(trace.n_tokens for traces, _ in results for trace in traces) / seconds,
        restored=sum(restored(piece, traces[0]) for piece, (traces, _) in zip(drawn, results, strict=True))
        / n,
    )


def restored(piece: Piece, trace: Trace) -> float:
    """Share of the masks that was restored; 0 at the least."""
    distance = Levenshtein.distance(trace.canvas.region.tolist(), piece.clean.tolist())
    return max(0.0, 1.0 - distance / piece.canvas.n_masks)


def equal_cost(policies: Sequence[Row]) -> list[Comparison]:
    """Every row of syntax blocks against fixed blocks at the same threshold."""
    comparisons = []
    for row in policies:
        if row.policy.startswith("syntax"):
            fixed = [r for r in policies if r.policy.startswith("fixed") and r.threshold == row.threshold]
            passes = at_cost(fixed, lambda row: row.n_forward, row.n_forward)
            seconds = at_cost(fixed, lambda row: row.seconds, row.seconds)
            comparisons.append(Comparison(row.policy, row.threshold, row.restored, passes, seconds))
    return comparisons


def at_cost(rows: Sequence[Row], cost_of: Callable[[Row], float], cost: float) -> float | None:
    """What is restored at that cost, on the line between the two nearest rows; None outside of what was measured."""
    points = sorted((cost_of(row), row.restored) for row in rows)
    if not points or not points[0][0] <= cost <= points[-1][0]:
        return None
    return float(np.interp(cost, [x for x, _ in points], [y for _, y in points]))


def write(
    folder: Path,
    checkpoint: Checkpoint,
    device: torch.device,
    source: Path,
    drawn: Sequence[Piece],
    twins: Sequence[Row],
    policies: Sequence[Row],
) -> None:
    """Print the tables and keep them, and the numbers, in `folder`."""
    name = device_name(device)
    comparison = equal_cost(policies)
    about = (
        f"{checkpoint.path.name} ({checkpoint.model.n_parameters / 1e6:.1f} M parameters, "
        f"{checkpoint.training.tokens:,} tokens seen), torch {torch.__version__}, {len(drawn)} pieces of {source.name}, "
        f"{sum(piece.canvas.n_masks for piece in drawn) / len(drawn):.0f} masks in a piece of "
        f"{sum(len(piece.clean) for piece in drawn) / len(drawn):.0f} tokens on average"
    )
    header = ["policy", "threshold", "drafts", "forward passes", "ms a piece", "tokens/s", "restored"]
    text = "\n\n".join(
        [
            f"# Sampler on {name}",
            about + ".",
            "## Cache against no cache",
            table(["twin", *header[1:]], [cells(row) for row in twins]),
            "## Block policies",
            table(header, [cells(row) for row in policies]),
            "## Syntax blocks against fixed blocks at equal cost",
            table(
                ["policy", "threshold", "restored", "fixed, equal passes", "fixed, equal time"],
                [
                    [
                        *(c.policy, f"{c.threshold:g}", percent(c.restored)),
                        *(percent(c.fixed_at_equal_passes), percent(c.fixed_in_equal_time)),
                    ]
                    for c in comparison
                ],
            ),
        ]
    )
    print(text)
    result = {
        "date": datetime.now(UTC).date().isoformat(),
        "device": name,
        "torch": torch.__version__,
        "checkpoint": checkpoint.path.name,
        "trained_tokens": checkpoint.training.tokens,
        "source": source.name,
        "n_pieces": len(drawn),
        "twins": [asdict(row) for row in twins],
        "policies": [asdict(row) for row in policies],
        "equal_cost": [asdict(c) for c in comparison],
    }
    folder.mkdir(parents=True, exist_ok=True)
    stem = "sampler-" + re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    (folder / f"{stem}.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    (folder / f"{stem}.md").write_text(text + "\n", encoding="utf-8")


def cells(row: Row) -> list[str]:
    return [
        row.policy,
        f"{row.threshold:g}",
        str(row.n_drafts),
        f"{row.n_forward:.1f}",
        f"{1e3 * row.seconds:.0f}",
        f"{row.tokens_per_second:.0f}",
        percent(row.restored),
    ]


def percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"


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
        "--checkpoint", type=Path, default=BUNDLED, help="folder; default: the bundled checkpoint"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument(
        "--source", type=Path, default=None, help="folder with Python files; default: the package rich"
    )
    parser.add_argument("--seed", type=int, default=0, help="draws the pieces and their masks")
    parser.add_argument("--quick", action="store_true", help="few pieces, drafts and thresholds")
    parser.add_argument(
        "--results", type=Path, default=Path(__file__).parent / "results", help="folder to write to"
    )
    options = parser.parse_args(arguments)
    if options.device == "auto":
        options.device = "cuda" if torch.cuda.is_available() else "cpu"
    if options.source is None:
        spec = importlib.util.find_spec(PACKAGE)
        if spec is None or spec.origin is None:
            parser.error(f"the package {PACKAGE} is not installed; name a folder with --source")
        options.source = Path(spec.origin).parent
    return options


if __name__ == "__main__":
    sys.exit(main())
