"""Batches of samples of like length, drawn by worker processes. The stream is a function of the seed alone.

A chunk is about a fixed number of batches, drawn by one worker from its own seed: its samples, put in the order of their lengths,
are cut into batches of the same size, so that little is padding and no length is rarer than the samples make it. Chunk i is
the same whoever draws it and whenever, so a run that resumes at chunk i goes on exactly as the one that was interrupted. No torch
here.
"""

import multiprocessing
import random
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from redraft_model.data.pair_window import is_usable
from redraft_model.data.pairs import read_pairs
from redraft_model.data.samples import IGNORED, Mixture, Sample, SampleMaker
from redraft_model.data.shards import Shards
from redraft_model.data.worker import end_with_parent
from redraft_model.errors import DataError
from redraft_model.tokens.alignment import PAD_ID
from redraft_model.tokens.tokenizer import Tokenizer

FILL = 0.92  # tokens drawn for a batch, as a share of its size; what is left is about what padding takes
GRAIN = 8  # rows are padded to a multiple of this, which processors like


@dataclass(frozen=True)
class Batch:
    """Rows of about the same length."""

    tokens: npt.NDArray[np.int32]  # (B, T), padded with PAD
    lengths: npt.NDArray[np.int64]  # (B,)
    targets: npt.NDArray[np.int32]  # (B, T), IGNORED where nothing is asked
    weights: npt.NDArray[np.float32]  # (B, T)
    marks: npt.NDArray[np.int32]  # (B, T), 0 is no mark, i one of kind i - 1
    processes: tuple[str, ...]  # (B,)

    @property
    def n_tokens(self) -> int:
        """Tokens that are not padding."""
        return int(self.lengths.sum())


@dataclass(frozen=True)
class BatchSource:
    """Everything a worker needs to draw a chunk."""

    data: Path
    tokenizer: Path
    batch_tokens: int = 4096  # rows x padded length, at most
    batches_per_chunk: int = 32  # about
    longest: int = 384
    seed: int = 0
    pairs: tuple[Path, ...] = ()  # files with real fixes

    def chunk(self, index: int, mixture: Mixture) -> list[Batch]:
        """The batches of chunk `index`, in random order."""
        return self.chunk_of(self.maker(mixture), index)

    def maker(self, mixture: Mixture) -> SampleMaker:
        """The sample maker of this source; DataError when the mixture wants real fixes and there are none."""
        tokenizer = Tokenizer.load(self.tokenizer)
        pairs = tuple(
            pair
            for path in self.pairs
            for pair in read_pairs(path)
            if is_usable(tokenizer, pair, self.longest)
        )
        if mixture.share("real") and not pairs:
            raise DataError(
                "there is no real fix to learn from that fits a sample; name pair files with --pairs"
            )
        return SampleMaker(
            tokenizer=tokenizer,
            shards=Shards.open(self.data),
            mixture=mixture,
            longest=self.longest,
            pairs=pairs,
        )

    def chunk_of(
        self, maker: SampleMaker, index: int, is_stopped: Callable[[], bool] = lambda: False
    ) -> list[Batch]:
        """As `chunk`, with a maker at hand; given up half-way when `is_stopped`."""
        rng = random.Random(f"{self.seed}/{index}")
        samples: list[Sample] = []
        n_wanted = FILL * self.batch_tokens * self.batches_per_chunk
        n_tokens = 0
        while n_tokens < n_wanted and not is_stopped():
            samples.append(maker.draw(rng))
            n_tokens += len(samples[-1])
        batches = [collate(group) for group in _groups(samples, self.batch_tokens)]
        rng.shuffle(batches)
        return batches


def _groups(samples: Sequence[Sample], batch_tokens: int) -> Iterator[list[Sample]]:
    """Samples of like length, as many as fit into a batch; the shortest may be fewer."""
    waiting = deque(sorted(samples, key=len, reverse=True))
    while waiting:
        n_rows = max(1, batch_tokens // _padded(len(waiting[0])))
        yield [waiting.popleft() for _ in range(min(n_rows, len(waiting)))]


def _padded(n_tokens: int) -> int:
    return -(-n_tokens // GRAIN) * GRAIN


def collate(samples: Sequence[Sample]) -> Batch:
    """Samples as the rows of one batch, padded to the longest of them and a little more."""
    length = _padded(max(map(len, samples)))
    shape = (len(samples), length)
    tokens = np.full(shape, PAD_ID, np.int32)
    targets = np.full(shape, IGNORED, np.int32)
    weights = np.zeros(shape, np.float32)
    marks = np.zeros(shape, np.int32)
    for row, sample in enumerate(samples):
        tokens[row, : len(sample)] = sample.tokens
        targets[row, : len(sample)] = sample.targets
        weights[row, : len(sample)] = sample.weights
        if sample.mark is not None:
            index, kind = sample.mark
            marks[row, index] = kind + 1
    lengths = np.array([len(sample) for sample in samples], np.int64)
    return Batch(tokens, lengths, targets, weights, marks, tuple(sample.process for sample in samples))


AnyBatch = TypeVar("AnyBatch")


class ChunkSource(Protocol[AnyBatch]):
    """Where chunks come from; a value, so that it can travel to a worker."""

    def maker(self, mixture: Mixture) -> Any:
        """What draws samples of a mixture; a worker keeps it for its next chunk."""
        ...

    def chunk_of(self, maker: Any, index: int, is_stopped: Callable[[], bool]) -> list[AnyBatch]:
        """The batches of chunk `index`; given up half-way when `is_stopped`."""
        ...


class BatchStream(Generic[AnyBatch]):
    """Chunks in order, drawn ahead by `n_workers` processes (0: in this process, when asked)."""

    def __init__(self, source: ChunkSource[AnyBatch], n_workers: int) -> None:
        self.source = source
        self.n_workers = n_workers
        self._pool: ProcessPoolExecutor | None = None
        self._stop: Event | None = None

    def chunks(self, plan: Iterator[tuple[int, Mixture]]) -> Iterator[list[AnyBatch]]:
        """The chunks of a plan, an iterator of (index, mixture) without end, in order."""
        if self.n_workers == 0:
            yield from (_draw_chunk(self.source, index, mixture) for index, mixture in plan)
            return
        # Forking a process that runs torch threads can dead-lock, so workers start afresh.
        processes = multiprocessing.get_context("spawn")
        self._stop = processes.Event()
        self._pool = ProcessPoolExecutor(self.n_workers, processes, _begin, (self._stop,))
        pending: deque[Future[list[AnyBatch]]] = deque()
        try:
            for index, mixture in plan:
                pending.append(self._pool.submit(_draw_chunk, self.source, index, mixture))
                if len(pending) > 2 * self.n_workers:
                    yield pending.popleft().result()
        except BrokenProcessPool as error:
            raise DataError(
                "a process that prepares batches was killed, perhaps for want of memory; go on with fewer workers"
            ) from error

    def close(self) -> None:
        """Stop the workers, within the time one sample takes; what they have drawn ahead is dropped."""
        if self._pool is not None and self._stop is not None:
            self._stop.set()
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None


_WORKER_MAKERS: dict[tuple[ChunkSource[Any], Mixture], Any] = {}
_WORKER_STOP: list[Event] = []


def _begin(stop: Event) -> None:
    """What a worker does first: it remembers the event that ends its work, and watches the process it works for."""
    _WORKER_STOP.append(stop)
    # Control-C goes to every process of the terminal; the one that trains stops its workers itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()


def _is_stopped() -> bool:
    return any(stop.is_set() for stop in _WORKER_STOP)


def _draw_chunk(source: ChunkSource[AnyBatch], index: int, mixture: Mixture) -> list[AnyBatch]:
    """Opened shards are kept for the process's next chunk."""
    key = (source, mixture)
    if key not in _WORKER_MAKERS:
        _WORKER_MAKERS[key] = source.maker(mixture)
    chunk: list[AnyBatch] = source.chunk_of(_WORKER_MAKERS[key], index, _is_stopped)
    return chunk
