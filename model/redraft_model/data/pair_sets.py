"""Pairs from the development sets whose licence allows training. Knows nothing of tokens.

- ConDefects (https://arxiv.org/abs/2310.16253), `logic_condefects_to_2023.jsonl.gz`: whole programs, MIT.
- PyTyDefects, `types_pytydefects.jsonl.gz`: a few lines around the fix of a type error, MIT.
"""

import ast
import textwrap
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from redraft_model.data.benchmark_file import Row, read_rows
from redraft_model.data.corpus import parse, text_digest
from redraft_model.data.decontamination import Decontamination
from redraft_model.data.pairs import Pair
from redraft_model.errors import DataError

HELD_OUT = 10  # one source in so many is kept for measuring


@dataclass(frozen=True)
class PairSet:
    """One development set: its origin is its file's name without endings, `known_as` the name of its hashes."""

    origin: str
    known_as: str
    licence: str
    is_whole: bool
    source: Callable[[Row], str]

    @property
    def file(self) -> str:
        """Its file in the benchmark folder."""
        return f"{self.origin}.jsonl.gz"


SETS = (
    PairSet(
        "logic_condefects_to_2023", "condefects", "MIT", True, lambda row: row.text("id").partition("/")[0]
    ),
    PairSet("types_pytydefects", "pytydefects", "MIT", False, lambda row: row.text("project")),
)

# Projects whose other commits are in the halves of benchmarks that are kept back; stands beside the hashes.
EXCLUDED_PROJECTS = "exclude_repos_must.txt"


@dataclass(frozen=True)
class PairReport:
    """Pairs to train on, pairs to measure with, and how many were left out for which reason."""

    real: tuple[Pair, ...]
    held: tuple[Pair, ...]
    n_dropped: Counter[str]

    def summary(self) -> str:
        """One line for every number."""
        lines = [f"{len(self.real):>7,} pairs to train on", f"{len(self.held):>7,} pairs held out"]
        lines += [f"{n:>7,} left out: {reason}" for reason, n in self.n_dropped.most_common()]
        return "\n".join(lines)


def convert(folder: Path, decontaminate: Path, seed: int = 0) -> PairReport:
    """The pairs of every set whose file is in `folder`, decontaminated against all benchmarks but the set itself.

    A text that does not parse after its fix is left out, and so is a pair seen before. One project or task in ten, chosen
    by `seed`, is held out with all its pairs. Raises DataError when no set is there.
    """
    checks = Decontamination.load(decontaminate)
    excluded = _words(decontaminate / EXCLUDED_PROJECTS)
    sets = [one for one in SETS if (folder / one.file).is_file()]
    if not sets:
        raise DataError(
            f"{folder} holds none of {', '.join(one.file for one in SETS)}; name the folder that does"
        )
    split: tuple[list[Pair], list[Pair]] = [], []
    n_dropped = Counter[str]()
    seen: set[bytes] = set()
    for one in sets:
        others = {name: known for name, known in checks.sets.items() if name != one.known_as}
        against = Decontamination(others, checks.entry_points)
        for row in read_rows(folder / one.file):
            pair = Pair(
                row.text("before"),
                row.text("after"),
                one.origin,
                one.source(row),
                one.licence,
                one.is_whole,
            )
            reason = "its project is kept back" if pair.source in excluded else _flaw(pair, against, seen)
            if reason:
                n_dropped[reason] += 1
            else:
                split[is_held_out(pair, seed)].append(pair)
    return PairReport(tuple(split[False]), tuple(split[True]), n_dropped)


def is_held_out(pair: Pair, seed: int) -> bool:
    """Whether the pair's source is one of those to measure with; the same for all pairs of a source."""
    name = f"{seed}/{pair.origin}/{pair.source}".encode()
    return int.from_bytes(blake2b(name, digest_size=8).digest(), "big") % HELD_OUT == 0


def fingerprint(pair: Pair) -> bytes:
    """Bytes that are equal for pairs that differ in blanks only; none when nothing changes."""
    digest = text_digest(pair.before) + text_digest(pair.after)
    if digest[:16] != digest[16:]:
        return digest
    # Indentation counts and the digest does not see it.
    return b"" if pair.before.strip() == pair.after.strip() else digest + pair.after.encode()


def _flaw(pair: Pair, against: Decontamination, seen: set[bytes]) -> str:
    """Why the pair is not kept; empty when it is. A pair that passes is noted in `seen`."""
    digest = fingerprint(pair)
    if not digest:
        return "nothing changes"
    if digest in seen:
        return "duplicate"
    if not _parses(pair):
        return "does not parse afterwards"
    if overlap := against.overlap(pair.before) or against.overlap(pair.after):
        return f"repeats {overlap}"
    seen.add(digest)
    return ""


def _parses(pair: Pair) -> bool:
    """Whether the text after the fix parses: a piece may stand at any indentation and end before its block begins."""
    if pair.is_whole:
        return parse(pair.after) is not None
    text = textwrap.dedent(pair.after).strip("\n")
    last = text.rpartition("\n")[2]
    margin = last[: len(last) - len(last.lstrip())]
    return any(map(_says_something, (text, f"{text}\n{margin} pass")))


def _says_something(text: str) -> bool:
    tree = parse(text)
    return tree is not None and any(not isinstance(statement, ast.Pass) for statement in tree.body)


def _words(path: Path) -> frozenset[str]:
    return frozenset(path.read_text("utf-8").split()) if path.is_file() else frozenset()
