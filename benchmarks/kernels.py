"""Times every operation of redraft_kernels, reference against Triton twin.

    python benchmarks/kernels.py [--quick] [--results FOLDER]

Prints a table and writes it to FOLDER/kernels-<device>.json and .md. On a GPU a row is only timed after both
twins gave the same answer. Without a GPU the Triton column stays empty (the interpreter's speed says nothing)
and the references are timed on the CPU at the quick sizes.
"""

import argparse
import json
import platform
import re
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from redraft_kernels import KeySegment, dispatch, rotary_angles
from redraft_kernels.block_attention import block_attention_reference, block_attention_triton
from redraft_kernels.cross_entropy import cross_entropy_reference, cross_entropy_triton
from redraft_kernels.region_attention import region_attention_reference, region_attention_triton
from redraft_kernels.rms_norm import rms_norm_reference, rms_norm_triton
from redraft_kernels.rotary import rotary_reference, rotary_triton
from torch import Tensor

DTYPE = torch.bfloat16
# Of the outputs, relative to the largest: a few roundings of bfloat16.
TOLERANCE = 2e-2


@dataclass(frozen=True)
class Sizes:
    """One set of shapes: batch, tokens, heads, key heads, head width, vocabulary, block of a denoise step."""

    B: int
    T: int
    H: int
    G: int
    D: int
    V: int
    block: int


FULL = Sizes(B=16, T=2048, H=16, G=4, D=64, V=16_384, block=32)
QUICK = Sizes(B=2, T=512, H=8, G=2, D=64, V=8192, block=32)


@dataclass(frozen=True)
class Case:
    """One operation at one shape: what is timed, by either twin."""

    operation: str
    shape: str
    reference: Callable[[], Tensor]
    triton: Callable[[], Tensor]


@dataclass(frozen=True)
class Row:
    """One line of the table: median milliseconds, None where a twin was not run."""

    operation: str
    shape: str
    reference_ms: float
    triton_ms: float | None

    @property
    def speed_up(self) -> float | None:
        """How many times faster the Triton twin is."""
        return None if self.triton_ms is None else self.reference_ms / self.triton_ms


def cases(sizes: Sizes, device: torch.device) -> list[Case]:
    """Every operation at `sizes`; the ones used in training forward and backward."""
    B, T, H, G, D, V, block = asdict(sizes).values()
    N, width = B * T, H * D
    # Losses are computed on the target positions only, confidences on one block per sequence.
    n_targets = N // 4

    def random(*shape: int) -> Tensor:
        return torch.randn(*shape, device=device).to(DTYPE)

    x, weight, grad_x = random(N, width), random(width), random(N, width)
    q, k, v, grad_q = random(B, T, H, D), random(B, T, G, D), random(B, T, G, D), random(B, T, H, D)
    cos, sin = rotary_angles(torch.arange(T, device=device), D)
    lengths = torch.randint(T // 2, T + 1, (B,), device=device)
    logits, targets = random(n_targets, V), torch.randint(1, V, (n_targets,), device=device)
    forbidden = torch.tensor([0], device=device)
    grad_loss = torch.rand(n_targets, device=device)
    attention = f"B{B} Q{T} K{T} H{H} G{G} D{D}"

    def both(
        operation: str,
        shape: str,
        reference: Callable[..., Any],
        triton: Callable[..., Any],
        *arguments: Any,
        **options: Any,
    ) -> Case:
        return Case(
            operation, shape, lambda: reference(*arguments, **options), lambda: triton(*arguments, **options)
        )

    def both_ways(
        operation: str,
        shape: str,
        reference: Callable[..., Any],
        triton: Callable[..., Any],
        grad: Tensor,
        x: Tensor,
        *rest: Any,
        **options: Any,
    ) -> Case:
        x = x.clone().requires_grad_()

        def run(twin: Callable[..., Any]) -> Tensor:
            (grad_x,) = torch.autograd.grad(twin(x, *rest, **options), x, grad)
            return grad_x

        return Case(f"{operation}, with backward", shape, lambda: run(reference), lambda: run(triton))

    norms = (rms_norm_reference, rms_norm_triton)
    turns = (rotary_reference, rotary_triton)
    attentions = (block_attention_reference, block_attention_triton)
    regions = (region_attention_reference, region_attention_triton)
    losses = (cross_entropy_reference, cross_entropy_triton)
    # As many contexts as the batch has rows, four regions over each.
    own = [random(4 * B, block, heads, D) for heads in (H, G, G)]
    contexts = [
        KeySegment(own[0], *(random(B, G, n, D).transpose(1, 2) for _ in "kv"), lengths=lengths.clamp_max(n))
        for n in (T, T // 4)
    ]
    return [
        both("rms_norm", f"N{N} D{width}", *norms, x, weight),
        both_ways("rms_norm", f"N{N} D{width}", *norms, grad_x, x, weight),
        both("rotary", f"B{B} T{T} H{H} D{D}", *turns, q, cos, sin),
        both_ways("rotary", f"B{B} T{T} H{H} D{D}", *turns, grad_q, q, cos, sin),
        both("block_attention, full", attention, *attentions, q, k, v),
        both("block_attention, padded", attention, *attentions, q, k, v, key_lengths=lengths),
        both("block_attention, block-causal", attention, *attentions, q, k, v, block_size=block),
        both(
            "block_attention, one block",
            f"B{B} Q{block} K{T} H{H} G{G} D{D}",
            *attentions,
            q[:, -block:],
            k,
            v,
        ),
        both(
            "region_attention, four regions",
            f"B{B} C4 Q{block} S{T}+{T // 4} H{H} G{G} D{D}",
            *regions,
            *own,
            contexts,
        ),
        both("cross_entropy", f"N{n_targets} V{V}", *losses, logits, targets, forbidden=forbidden),
        both_ways(
            "cross_entropy", f"N{n_targets} V{V}", *losses, grad_loss, logits, targets, forbidden=forbidden
        ),
    ]


def milliseconds(run: Callable[[], Tensor], device: torch.device, seconds: float) -> float:
    """Median wall time of one call, after a warm-up, over about `seconds`."""

    def once() -> float:
        start = time.perf_counter()
        run()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return time.perf_counter() - start

    for _ in range(3):
        once()
    times: list[float] = []
    while len(times) < 5 or sum(times) < seconds:
        times.append(once())
    return statistics.median(times) * 1e3


def measure(case: Case, device: torch.device, seconds: float) -> Row:
    """Time one case; on a GPU both twins, after checking that they agree."""
    if device.type != "cuda":
        return Row(case.operation, case.shape, milliseconds(case.reference, device, seconds), None)
    expected, found = case.reference().float(), case.triton().float()
    error = ((found - expected).abs().max() / expected.abs().max()).item()
    if not error <= TOLERANCE:
        raise SystemExit(
            f"{case.operation} ({case.shape}): the twins differ by {error:.1e} of the largest value; "
            "run `pytest tests/kernels` before timing anything."
        )
    return Row(
        case.operation,
        case.shape,
        milliseconds(case.reference, device, seconds),
        milliseconds(case.triton, device, seconds),
    )


def table(rows: list[Row]) -> str:
    """The rows as a Markdown table."""
    lines = ["| operation | shape | reference ms | Triton ms | speed-up |", "|---|---|---:|---:|---:|"]
    for row in rows:
        triton = "" if row.triton_ms is None else f"{row.triton_ms:.3f}"
        speed_up = "" if row.speed_up is None else f"{row.speed_up:.1f}x"
        lines.append(f"| {row.operation} | {row.shape} | {row.reference_ms:.3f} | {triton} | {speed_up} |")
    return "\n".join(lines)


def device_name(device: torch.device) -> str:
    """What the results are filed under: the GPU's name, or the CPU's architecture."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"cpu {platform.machine()} {torch.get_num_threads()} threads"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small shapes, a tenth of a second per row")
    parser.add_argument(
        "--results", type=Path, default=Path(__file__).parent / "results", help="folder to write to"
    )
    options = parser.parse_args()

    torch.manual_seed(0)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    is_quick = options.quick or device.type == "cpu"
    if device.type == "cpu":
        print("No GPU here: timing the references only, at the quick sizes.", file=sys.stderr)
    elif dispatch.IS_INTERPRETED or not dispatch.TRITON_IS_INSTALLED:
        raise SystemExit("Triton is missing or interpreted; install it and unset TRITON_INTERPRET.")

    rows = [
        measure(case, device, 0.1 if is_quick else 1.0) for case in cases(QUICK if is_quick else FULL, device)
    ]
    name = device_name(device)
    about = f"{name}, torch {torch.__version__}, {DTYPE}".replace("torch.bf", "bf")
    print(about, table(rows), sep="\n\n")

    options.results.mkdir(parents=True, exist_ok=True)
    stem = "kernels-" + re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    result = {
        "device": name,
        "torch": torch.__version__,
        "dtype": str(DTYPE),
        "rows": [asdict(row) for row in rows],
    }
    (options.results / f"{stem}.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    (options.results / f"{stem}.md").write_text(f"# Kernels on {about}\n\n{table(rows)}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
