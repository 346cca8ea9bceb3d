"""Which texts repeat a benchmark: hashes of 13-token shingles against known ones. Knows nothing of models.

The 13-gram overlap test is the one of GPT-3 (https://arxiv.org/abs/2005.14165, appendix C), on code tokens.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from pathlib import Path

import numpy as np
import numpy.typing as npt

from redraft_model.errors import DataError

SHINGLE = 13  # tokens
MIN_HITS = 3
MIN_SHARE = 0.1
MIN_WORDS = 3  # different words of two letters or more in a shingle that counts
MIN_ENTRY_POINTS = 3

Hashes = npt.NDArray[np.uint64]

_TOKEN = re.compile(r"\w+|[^\w\s]")
_SEPARATOR = "\x1f"  # a blank for the pattern above, so it is never part of a token
_FUNCTION = re.compile(r"^[ \t]*(?:async[ \t]+)?def[ \t]+(\w+)", re.M)
# Sets are files of digests in the order of their bytes: as big-endian numbers they are sorted.
_STORED = np.dtype(">u8")


@dataclass(frozen=True)
class Decontamination:
    """Named sets of sorted shingle hashes, and names of functions that only benchmarks define together."""

    sets: Mapping[str, Hashes]
    entry_points: frozenset[str] = frozenset()

    @classmethod
    def load(cls, folder: Path) -> "Decontamination":
        """Read every `*.u64` of a folder and, if it is there, `entry_points.txt` (one name per line).

        Raises DataError when there is no set, or when one is cut off or not sorted.
        """
        paths = sorted(folder.glob("*.u64"))
        if not paths:
            raise DataError(f"{folder} holds no *.u64 sets of benchmark shingles; name the folder that does")
        names = folder / "entry_points.txt"
        entry_points = names.read_text("utf-8").split() if names.is_file() else []
        return cls({path.stem: _read_set(path) for path in paths}, frozenset(entry_points))

    def overlap(self, text: str) -> str | None:
        """Name of the set this text repeats, None when it is clean.

        A text repeats a set when three of its different shingles, or a tenth of them, are in it. Shingles
        with fewer than three different words (rulers such as "# -----", lists of numbers) are not counted as
        hits: benchmarks have them in common with most projects.
        A text that defines three functions of `entry_points` repeats "entry points".
        """
        tokens = _TOKEN.findall(text)
        hashes, places = np.unique(_hashes(tokens), return_index=True)
        suspects = np.flatnonzero(_are_in(hashes, self._all))
        if len(suspects):
            telling = [i for i in suspects if _is_telling(tokens[places[i] : places[i] + SHINGLE])]
            hits = hashes[np.array(telling, dtype=np.int64)]
            n_hits = {name: int(np.count_nonzero(_are_in(hits, known))) for name, known in self.sets.items()}
            name = max(n_hits, key=n_hits.__getitem__)
            if n_hits[name] and (n_hits[name] >= MIN_HITS or n_hits[name] >= MIN_SHARE * len(hashes)):
                return name
        if len(self.entry_points.intersection(_FUNCTION.findall(text))) >= MIN_ENTRY_POINTS:
            return "entry points"
        return None

    @cached_property
    def _all(self) -> Hashes:
        # One look into the union is quicker than one into each set, and nearly every shingle is in none.
        return np.unique(np.concatenate([np.empty(0, np.uint64), *self.sets.values()]))


def shingle_hashes(text: str) -> Hashes:
    """Hash of every run of 13 tokens in `text`, uint64 (n_tokens - 12,) or (0,) for a shorter text."""
    return _hashes(_TOKEN.findall(text))


def shingle_hashes_reference(text: str) -> Hashes:
    """`shingle_hashes` as its definition reads."""
    tokens = _TOKEN.findall(text)
    shingles = [_SEPARATOR.join(tokens[i : i + SHINGLE]) for i in range(len(tokens) - SHINGLE + 1)]
    digests = [blake2b(shingle.encode(), digest_size=8).digest() for shingle in shingles]
    return np.array([int.from_bytes(digest, "big") for digest in digests], dtype=np.uint64)


def save_set(path: Path, hashes: Hashes) -> None:
    """Write a set that `Decontamination.load` reads."""
    path.write_bytes(np.unique(hashes).astype(_STORED).tobytes())


def _hashes(tokens: Sequence[str]) -> Hashes:
    if len(tokens) < SHINGLE:
        return np.empty(0, dtype=np.uint64)
    # Slices of one long string are cheaper than joining 13 tokens again for every shingle.
    joined = _SEPARATOR.join(tokens).encode()
    separators = np.flatnonzero(np.frombuffer(joined, np.uint8) == ord(_SEPARATOR))
    starts = [0, *(separators + 1).tolist()]
    ends = [*separators.tolist(), len(joined)]
    digests = [
        blake2b(joined[start:end], digest_size=8).digest()
        for start, end in zip(starts, ends[SHINGLE - 1 :], strict=False)
    ]
    return np.frombuffer(b"".join(digests), dtype=_STORED).astype(np.uint64)


def _are_in(hashes: Hashes, known: Hashes) -> npt.NDArray[np.bool_]:
    """For each of `hashes` whether it is in the sorted `known`."""
    if not len(known):
        return np.zeros(len(hashes), dtype=np.bool_)
    places = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
    return np.asarray(known[places] == hashes)


def _is_telling(shingle: Sequence[str]) -> bool:
    # Tokens of more than one character are words or numbers.
    return len({token for token in shingle if len(token) > 1 and not token[0].isdigit()}) >= MIN_WORDS


def _read_set(path: Path) -> Hashes:
    data = path.read_bytes()
    if len(data) % _STORED.itemsize:
        raise DataError(f"{path} is cut off: {len(data)} bytes are not a multiple of 8; copy it again")
    hashes = np.frombuffer(data, dtype=_STORED).astype(np.uint64)
    if (hashes[1:] <= hashes[:-1]).any():
        raise DataError(f"{path} is not sorted by bytes without duplicates; make the set again")
    return hashes
