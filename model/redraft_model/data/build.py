"""From folders of Python files to token shards: list, judge in parallel, remove duplicates in order, write.

The list of files is fixed when a build begins. Its files are examined in parts by worker processes; a
finished part is a file in `out/parts/`, so a build that was stopped continues where it was. Duplicates are
removed at the end by one process that reads the parts in order: the result depends neither on the number of
workers nor on interruptions.
"""

import json
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from redraft_model.data import units
from redraft_model.data.corpus import (
    Corpus,
    Dropped,
    Package,
    Source,
    SourceFile,
    find,
    line_hashes,
    read,
    text_digest,
)
from redraft_model.data.decontamination import Decontamination
from redraft_model.data.shards import ShardWriter
from redraft_model.errors import DataError
from redraft_model.tokens.tokenizer import Tokenizer

FORMAT = 1  # raise it when a filter changes, so that old parts are not mixed with new ones
PART_SIZE = 2000  # files
CHUNK_SIZE = 16  # files a worker takes at once
NEAR_DUPLICATE = 0.8  # share of lines that were seen before
SPLITS = ("train", "heldout")


@dataclass(frozen=True)
class SplitReport:
    """What one split holds; bytes are those of the UTF-8 text."""

    n_files: int = 0
    n_bytes: int = 0
    n_tokens: int = 0
    n_statements: int = 0


@dataclass(frozen=True)
class DropReport:
    """Files left out for one reason."""

    reason: str
    n_files: int
    n_bytes: int


@dataclass(frozen=True)
class PackageReport:
    """Text kept from one distribution, for the model card."""

    name: str
    licence: str
    n_bytes: int


@dataclass(frozen=True)
class BuildReport:
    """What a build found, kept and left out, and why."""

    n_files: int
    n_bytes: int
    train: SplitReport
    heldout: SplitReport
    dropped: tuple[DropReport, ...]
    packages: tuple[PackageReport, ...]
    tokenizer_sha256: str
    decontamination: dict[str, int]  # set -> number of shingles; empty when no sets were given

    def to_json(self) -> dict[str, Any]:
        """A plain dict for report.json."""
        return asdict(self)

    def summary(self) -> str:
        """A few lines of plain text."""
        lines = [f"files seen  {self.n_files:>10,}  {_megabytes(self.n_bytes)}"]
        for name, split in zip(SPLITS, (self.train, self.heldout), strict=True):
            lines.append(
                f"{name:<11} {split.n_files:>10,}  {_megabytes(split.n_bytes)}"
                f"  {split.n_tokens:,} tokens, {split.n_statements:,} statements"
            )
        lines.append("left out")
        lines += [
            f"  {drop.n_files:>10,}  {_megabytes(drop.n_bytes)}  {drop.reason}" for drop in self.dropped
        ]
        if not self.decontamination:
            lines.append("not checked against benchmarks")
        return "\n".join(lines)


def build(
    folders: Sequence[Path],
    out: Path,
    tokenizer_path: Path,
    *,
    decontaminate: Path | None,
    n_workers: int,
    held_out: Sequence[str] = (),
    progress: Callable[[int, int], None],
) -> BuildReport:
    """Write the shards `out/train` and `out/heldout` and `out/report.json`, and return the report.

    Args:
        folders: walked for *.py files, see `corpus.find`.
        out: made if need be; a build with the same arguments that was interrupted is continued, a finished
            one repeated from its parts. DataError when it holds parts of a different build.
        tokenizer_path: tokenizer.json; it may have 65,536 entries at most.
        decontaminate: folder of *.u64 sets (see `Decontamination`), None to check against nothing.
        n_workers: processes; 1 works in this one.
        held_out: names of packages whose files go to `out/heldout` and are never trained on.
        progress: called with the files examined so far and the files there are.
    """
    if not folders:
        raise DataError("there is nothing to build from; name at least one folder with Python files")
    if n_workers < 1:
        raise DataError(f"{n_workers} workers cannot work; use 1 or more")
    tools = _load_tools(tokenizer_path, decontaminate)
    parts = out / "parts"
    parts.mkdir(parents=True, exist_ok=True)
    settings = _settings(folders, tools, held_out)
    corpus = _fixed_list(parts / "files.json", settings, folders, held_out)
    _examine_all(corpus.files, parts, tools, (tokenizer_path, decontaminate), n_workers, progress)
    report = _merge(corpus, _read_parts(parts, len(corpus.files)), out, tools)
    _write_whole(out / "report.json", (json.dumps(report.to_json(), indent=1) + "\n").encode())
    return report


def build_files(
    corpus: Corpus, out: Path, tokenizer_path: Path, *, progress: Callable[[int, int], None]
) -> BuildReport:
    """Write the shards of files that are listed already, in this process and at once; otherwise as `build`."""
    tools = _load_tools(tokenizer_path, None)

    def examined() -> Iterator[_Examined]:
        for n_done, file in enumerate(corpus.files, 1):
            yield _examine(tools, file)
            progress(n_done, len(corpus.files))

    out.mkdir(parents=True, exist_ok=True)
    return _merge(corpus, examined(), out, tools)


@dataclass(frozen=True)
class _Tools:
    tokenizer: Tokenizer
    decontamination: Decontamination | None


@dataclass(frozen=True)
class _Examined:
    """What is left of one file: everything the merge needs, or the reason it is dropped."""

    reason: str
    n_bytes: int
    digest: bytes
    tokens: npt.NDArray[np.uint16]
    statements: npt.NDArray[np.int32]
    next_siblings: npt.NDArray[np.int32]
    lines: npt.NDArray[np.uint64]

    @classmethod
    def dropped(cls, reason: str, n_bytes: int) -> "_Examined":
        return cls(
            reason,
            n_bytes,
            bytes(16),
            np.empty(0, np.uint16),
            np.empty((0, 4), np.int32),
            np.empty(0, np.int32),
            np.empty(0, np.uint64),
        )


def _load_tools(tokenizer_path: Path, decontaminate: Path | None) -> _Tools:
    tokenizer = Tokenizer.load(tokenizer_path)
    if len(tokenizer.byte_lengths) > 1 << 16:
        raise DataError(
            f"{tokenizer_path} has {len(tokenizer.byte_lengths)} entries, shards hold 65,536 at most; "
            "train a smaller tokenizer"
        )
    return _Tools(tokenizer, Decontamination.load(decontaminate) if decontaminate else None)


@lru_cache(maxsize=1)
def _tools_of_this_worker(tokenizer_path: Path, decontaminate: Path | None) -> _Tools:
    return _load_tools(tokenizer_path, decontaminate)


def _examine_in_worker(tokenizer_path: Path, decontaminate: Path | None, file: SourceFile) -> _Examined:
    return _examine(_tools_of_this_worker(tokenizer_path, decontaminate), file)


def _examine(tools: _Tools, file: SourceFile) -> _Examined:
    source = read(file.full_path)
    if isinstance(source, Dropped):
        return _Examined.dropped(source.reason, _size(file.full_path))
    data = source.text.encode()
    if tools.decontamination and (name := tools.decontamination.overlap(source.text)):
        return _Examined.dropped(f"repeats a benchmark: {name}", len(data))
    tokens = tools.tokenizer.encode(source.text)
    borders = np.concatenate([[0], np.cumsum(tools.tokenizer.byte_lengths[tokens], dtype=np.int64)])
    if borders[-1] != len(data):
        return _Examined.dropped("not restored by the tokenizer", len(data))
    statements, next_siblings = _token_statements(source, data, borders)
    return _Examined(
        "",
        len(data),
        text_digest(source.text),
        tokens.astype(np.uint16),
        statements,
        next_siblings,
        np.frombuffer(line_hashes(source.text), dtype="<u8"),
    )


def _token_statements(
    source: Source, data: bytes, borders: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Statements in tokens of the file, (n, 4), and next siblings, (n,), without those that cut a token."""
    found = units.units(source.tree, data)
    starts, stops = found.rows[:, units.START].tolist(), found.rows[:, units.STOP].tolist()
    content_starts = np.array([units.indent_end(data, start) for start in starts], dtype=np.int64)
    content_stops = np.array(
        [start + len(data[start:stop].rstrip()) for start, stop in zip(starts, stops, strict=True)],
        dtype=np.int64,
    )
    first = np.searchsorted(borders, content_starts)
    end = np.searchsorted(borders, content_stops)
    fits = (borders[first] == content_starts) & (borders[end] == content_stops)
    # New row of every statement; -1 for those left out and, as the last entry, for the module itself.
    renumbered = np.append(np.where(fits, np.cumsum(fits) - 1, -1), -1).astype(np.int32)
    parents = found.rows[:, units.PARENT].copy()
    for row in np.flatnonzero(
        ~fits
    ).tolist():  # in document order, so a parent is settled before its children
        parents[parents == row] = parents[row]
    statements = np.stack([first, end, found.rows[:, units.DEPTH], renumbered[parents]], axis=1)[fits]
    return statements.astype(np.int32), renumbered[found.next_siblings[fits]]


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _settings(folders: Sequence[Path], tools: _Tools, held_out: Sequence[str]) -> dict[str, Any]:
    """Everything the parts depend on, apart from the files' contents."""
    checks = tools.decontamination
    return {
        "format": FORMAT,
        "part_size": PART_SIZE,
        "folders": [str(folder.resolve()) for folder in folders],
        "held_out": sorted(held_out),
        "tokenizer": tools.tokenizer.sha256,
        "decontamination": {name: sha256(known.tobytes()).hexdigest() for name, known in checks.sets.items()}
        if checks
        else {},
        "entry_points": sorted(checks.entry_points) if checks else [],
    }


def _fixed_list(
    path: Path, settings: dict[str, Any], folders: Sequence[Path], held_out: Sequence[str]
) -> Corpus:
    """The list of files an earlier call has begun with, or a new one."""
    if not path.is_file():
        corpus = find(folders, held_out)
        if not corpus.files:
            raise DataError(
                f"there are no *.py files below {', '.join(map(str, folders))}; name other folders"
            )
        stored = {
            "settings": settings,
            "packages": [[package.name, package.licence] for package in corpus.packages],
            "files": [[file.root, file.path, file.package, file.is_held_out] for file in corpus.files],
        }
        # Names of files may hold bytes that are no text; JSON escapes keep them.
        _write_whole(path, json.dumps(stored, ensure_ascii=True).encode())
        return corpus
    try:
        stored = json.loads(path.read_bytes())
    except ValueError as error:
        raise DataError(f"{path} is damaged ({error}); delete {path.parent} and build again") from error
    if stored.get("settings") != settings:
        raise DataError(
            f"{path.parent} belongs to a build with other folders, tokenizer or checks; "
            "delete it or choose another --out"
        )
    return Corpus(
        tuple(SourceFile(*file) for file in stored["files"]),
        tuple(Package(*package) for package in stored["packages"]),
    )


def _part_path(parts: Path, index: int) -> Path:
    return parts / f"{index:05}.npz"


def _examine_all(
    files: Sequence[SourceFile],
    parts: Path,
    tools: _Tools,
    tool_paths: tuple[Path, Path | None],
    n_workers: int,
    progress: Callable[[int, int], None],
) -> None:
    """Make sure that every part is there."""
    batches = [range(start, min(start + PART_SIZE, len(files))) for start in range(0, len(files), PART_SIZE)]
    missing = [index for index in range(len(batches)) if not _part_path(parts, index).is_file()]
    n_missing = sum(len(batches[index]) for index in missing)
    n_done = len(files) - n_missing
    progress(n_done, len(files))
    todo = [files[i] for index in missing for i in batches[index]]
    with closing(
        _examine_each(todo, tools, tool_paths, min(n_workers, -(-len(todo) // CHUNK_SIZE)))
    ) as examined:
        for index in missing:
            part: list[_Examined] = []
            for _ in batches[index]:
                part.append(next(examined))
                n_done += 1
                if n_done % CHUNK_SIZE == 0 or n_done == len(files):
                    progress(n_done, len(files))
            _write_part(_part_path(parts, index), part)


def _examine_each(
    files: Sequence[SourceFile], tools: _Tools, tool_paths: tuple[Path, Path | None], n_workers: int
) -> Generator[_Examined, None, None]:
    """Examine files in worker processes; results come in the order of the files."""
    if n_workers <= 1:
        yield from (_examine(tools, file) for file in files)
        return
    # Fresh interpreters: a forked child of a process that runs threads can hang. An executor, unlike
    # multiprocessing.Pool, notices when a worker is killed.
    executor = ProcessPoolExecutor(n_workers, mp_context=get_context("spawn"))
    try:
        yield from executor.map(partial(_examine_in_worker, *tool_paths), files, chunksize=CHUNK_SIZE)
    except BrokenProcessPool as error:
        raise DataError(
            "a worker process was killed, perhaps for want of memory; build again with fewer workers, "
            "finished parts are kept"
        ) from error
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def _write_part(path: Path, part: Sequence[_Examined]) -> None:
    def offsets(lengths: Iterable[int]) -> npt.NDArray[np.int64]:
        return np.cumsum([0, *lengths], dtype=np.int64)

    partial_path = path.with_name(path.name + ".partial")
    with partial_path.open("wb") as stream:
        np.savez(
            stream,
            reasons=np.array([file.reason for file in part], dtype=np.str_),
            n_bytes=np.array([file.n_bytes for file in part], dtype=np.int64),
            digests=np.frombuffer(b"".join(file.digest for file in part), dtype=np.uint8).reshape(-1, 16),
            tokens=np.concatenate([file.tokens for file in part]),
            token_offsets=offsets(len(file.tokens) for file in part),
            statements=np.concatenate([file.statements for file in part]),
            next_siblings=np.concatenate([file.next_siblings for file in part]),
            statement_offsets=offsets(len(file.statements) for file in part),
            lines=np.concatenate([file.lines for file in part]),
            line_offsets=offsets(len(file.lines) for file in part),
        )
    partial_path.replace(path)


def _read_part(path: Path) -> Iterator[_Examined]:
    try:
        with np.load(path, allow_pickle=False) as stored:
            part = {name: stored[name] for name in stored.files}
    except (OSError, ValueError, EOFError, KeyError, BadZipFile) as error:
        raise DataError(f"{path} is damaged; delete it and build again") from error
    slices: dict[str, list[slice]] = {
        name: [slice(a, b) for a, b in zip(part[name].tolist(), part[name][1:].tolist(), strict=False)]
        for name in ("token_offsets", "statement_offsets", "line_offsets")
    }
    for i, reason in enumerate(part["reasons"].tolist()):
        rows = slices["statement_offsets"][i]
        yield _Examined(
            reason,
            int(part["n_bytes"][i]),
            part["digests"][i].tobytes(),
            part["tokens"][slices["token_offsets"][i]],
            part["statements"][rows],
            part["next_siblings"][rows],
            part["lines"][slices["line_offsets"][i]],
        )


class SeenLines:
    """A growing set of 8-byte hashes: a sorted array, and a set of those that came since the last sorting.

    Takes 8 bytes per hash where a Python set takes about 90.
    """

    def __init__(self, n_unsorted: int = 1 << 20) -> None:
        self._n_unsorted = n_unsorted
        self._sorted = np.empty(0, dtype=np.uint64)
        self._recent: set[int] = set()

    def n_common(self, hashes: npt.NDArray[np.uint64]) -> int:
        """How many of `hashes` are in the set."""
        n_common = sum(map(self._recent.__contains__, hashes.tolist()))
        if len(self._sorted):
            # No hash is in both homes, see `add`.
            places = np.minimum(np.searchsorted(self._sorted, hashes), len(self._sorted) - 1)
            n_common += int(np.count_nonzero(self._sorted[places] == hashes))
        return n_common

    def add(self, hashes: npt.NDArray[np.uint64]) -> None:
        """Put `hashes` into the set."""
        if len(self._sorted):
            places = np.minimum(np.searchsorted(self._sorted, hashes), len(self._sorted) - 1)
            hashes = hashes[self._sorted[places] != hashes]
        self._recent.update(hashes.tolist())
        if len(self._recent) > self._n_unsorted:
            recent = np.fromiter(self._recent, dtype=np.uint64, count=len(self._recent))
            self._sorted = np.sort(np.concatenate([self._sorted, recent]))
            self._recent = set()


def _merge(corpus: Corpus, files: Iterable[_Examined], out: Path, tools: _Tools) -> BuildReport:
    """Write the splits from what is left of the corpus's files, without duplicates."""
    writers = {split: ShardWriter(out / split) for split in SPLITS}
    n_kept_bytes: Counter[str] = Counter()
    n_package_bytes: Counter[int] = Counter()
    n_dropped: Counter[str] = Counter()
    n_dropped_bytes: Counter[str] = Counter()
    digests: set[bytes] = set()
    lines = SeenLines()
    for file, examined in zip(corpus.files, files, strict=True):
        reason = examined.reason or _duplicate(examined, digests, lines)
        if reason:
            n_dropped[reason] += 1
            n_dropped_bytes[reason] += examined.n_bytes
            continue
        digests.add(examined.digest)
        lines.add(examined.lines)
        split = SPLITS[file.is_held_out]
        writers[split].add(str(file.full_path), examined.tokens, examined.statements, examined.next_siblings)
        n_kept_bytes[split] += examined.n_bytes
        n_package_bytes[file.package] += examined.n_bytes
    splits = {
        split: SplitReport(writer.n_files, n_kept_bytes[split], writer.n_tokens, writer.n_statements)
        for split, writer in writers.items()
    }
    for split, writer in writers.items():
        writer.finish(tools.tokenizer.sha256, asdict(splits[split]))
    checks = tools.decontamination
    return BuildReport(
        len(corpus.files),
        n_kept_bytes.total() + n_dropped_bytes.total(),
        splits["train"],
        splits["heldout"],
        tuple(DropReport(reason, n, n_dropped_bytes[reason]) for reason, n in n_dropped.most_common()),
        tuple(
            PackageReport(corpus.packages[index].name, corpus.packages[index].licence, n_bytes)
            for index, n_bytes in n_package_bytes.most_common()
        ),
        tools.tokenizer.sha256,
        {name: len(known) for name, known in checks.sets.items()} if checks else {},
    )


def _read_parts(parts: Path, n_files: int) -> Iterator[_Examined]:
    for index in range(-(-n_files // PART_SIZE)):
        yield from _read_part(_part_path(parts, index))


def _duplicate(examined: _Examined, digests: set[bytes], lines: SeenLines) -> str:
    if examined.digest in digests:
        return "duplicate"
    n_lines = len(examined.lines)
    if n_lines and lines.n_common(examined.lines) >= NEAR_DUPLICATE * n_lines:
        return "near duplicate"
    return ""


def _write_whole(path: Path, data: bytes) -> None:
    """Write a file that is there entirely or not at all."""
    partial_path = path.with_name(path.name + ".partial")
    partial_path.write_bytes(data)
    partial_path.replace(path)


def _megabytes(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:>10,.1f} MB"
