"""Times what makes training samples of code: each forward process, and the alignment that gives its labels.

    python benchmarks/noise.py [--seed 0] [--quick]

Training must never wait for them. The code are the functions of a few modules of this interpreter's standard library,
as the bundled checkpoint's tokenizer reads them; each is corrupted once, on one core. Prints Markdown.
"""

import argparse
import inspect
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from random import Random
from statistics import median
from time import perf_counter

import numpy as np
from redraft_model.evaluate.machine import Machine
from redraft_model.network.checkpoint_info import BUNDLED
from redraft_model.noise import EditNoise, MaskNoise, SemanticNoise, SpanNoise, SyntaxNoise
from redraft_model.noise.registry import TokenIds
from redraft_model.tokens.alignment import MASK_ID, labels
from redraft_model.tokens.tokenizer import Tokenizer

MODULES = ("argparse", "configparser", "csv", "heapq", "random", "shlex", "shutil", "statistics", "textwrap")
N_QUICK = 20
N_DELETED = 8  # tokens, before an alignment finds them


@dataclass(frozen=True)
class Piece:
    """A function: its text, and the same as token ids."""

    text: str
    ids: TokenIds


@dataclass(frozen=True)
class Row:
    """One line of the table: median milliseconds for a piece, and tokens in a second over all of them."""

    what: str
    milliseconds: float
    tokens_per_second: float
    n: int


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    tokenizer = Tokenizer.load(BUNDLED / "tokenizer.json")
    pieces = functions(tokenizer)[: N_QUICK if options.quick else None]
    rows = [timed(what, work, pieces, options.seed) for what, work in works(tokenizer).items()]
    n_lines = median(piece.text.count("\n") for piece in pieces)
    print(f"{Machine.here(1)}; {len(pieces)} functions, half of them of more than {n_lines:.0f} lines.\n")
    print("| what | ms for one, median | tokens/s | n |\n|---|---:|---:|---:|")
    for row in rows:
        print(f"| {row.what} | {row.milliseconds:.3f} | {row.tokens_per_second:,.0f} | {row.n} |")
    return 0


def functions(tokenizer: Tokenizer) -> list[Piece]:
    """The functions and methods that are defined in `MODULES`, dedented, in a fixed order."""
    texts = set[str]()
    for module in map(import_module, MODULES):
        owners = [module, *(owner for _, owner in inspect.getmembers(module, inspect.isclass))]
        members = [member for owner in owners for _, member in inspect.getmembers(owner, inspect.isfunction)]
        texts |= {
            textwrap.dedent(inspect.getsource(member))
            for member in members
            if member.__module__ == module.__name__
        }
    ordered = sorted(texts)
    Random(0).shuffle(ordered)
    return [Piece(text, tokenizer.encode(text)) for text in ordered]


def works(tokenizer: Tokenizer) -> dict[str, Callable[[Piece, int], object]]:
    """What is timed: each gets a piece and a seed."""
    mask, span, syntax, semantic = MaskNoise(MASK_ID), SpanNoise(), SyntaxNoise(), SemanticNoise()
    edit = EditNoise(low=tokenizer.n_specials, high=tokenizer.n_vocabulary)
    return {
        "mask noise": lambda piece, seed: mask.corrupt(piece.ids, 0.5, np.random.default_rng(seed)),
        "edit noise": lambda piece, seed: edit.corrupt(piece.ids, 1.0, np.random.default_rng(seed)),
        "span noise": lambda piece, seed: span.cut(piece.text, Random(seed)),
        "syntax noise": lambda piece, seed: syntax.corrupt(piece.text, Random(seed)),
        "semantic noise": lambda piece, seed: semantic.corrupt(piece.text, Random(seed)),
        f"alignment, {N_DELETED} tokens deleted": aligned,
    }


def aligned(piece: Piece, seed: int) -> object:
    """The labels that lead back to a piece that has lost some tokens."""
    rng = np.random.default_rng(seed)
    return labels(np.delete(piece.ids, rng.integers(0, len(piece.ids), N_DELETED)), piece.ids)


def timed(what: str, work: Callable[[Piece, int], object], pieces: Sequence[Piece], seed: int) -> Row:
    """One pass over all pieces, after one that is not counted."""
    work(pieces[0], seed)
    seconds = []
    for number, piece in enumerate(pieces):
        start = perf_counter()
        work(piece, seed + number)
        seconds.append(perf_counter() - start)
    n_tokens = sum(len(piece.ids) for piece in pieces)
    return Row(what, 1e3 * median(seconds), n_tokens / sum(seconds), len(pieces))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Time the forward processes and the alignment.")
    parser.add_argument("--seed", type=int, default=0, help="of the noise")
    parser.add_argument("--quick", action="store_true", help=f"only {N_QUICK} functions")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main())
