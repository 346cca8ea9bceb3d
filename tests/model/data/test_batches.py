"""Batches: the stream is a function of the seed alone, whoever draws it and wherever it begins."""

import itertools
import multiprocessing
import random
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from redraft_model.data.batches import GRAIN, Batch, BatchSource, BatchStream, collate
from redraft_model.data.samples import IGNORED, Mixture
from redraft_model.errors import DataError
from redraft_model.tokens.tokenizer import PAD, SPECIALS

EVERYTHING = Mixture.of(mask=1, edit=1, syntax=1, semantic=1, span=1, keep=1)


@pytest.fixture
def source(shard_folder: Path, tokenizer_file: Path) -> BatchSource:
    return BatchSource(
        shard_folder / "train", tokenizer_file, batch_tokens=512, batches_per_chunk=4, longest=96
    )


def plan(first: int) -> Iterator[tuple[int, Mixture]]:
    """Chunks from `first` on; the mixture changes on the way."""
    return ((index, EVERYTHING if index % 2 else Mixture.of(mask=1)) for index in itertools.count(first))


def content(batch: Batch) -> tuple[object, ...]:
    arrays = (batch.tokens, batch.lengths, batch.targets, batch.weights)
    return batch.processes, *((array.shape, array.dtype, array.tobytes()) for array in arrays)


def contents(
    source: BatchSource, n_workers: int, first: int, n_chunks: int
) -> list[list[tuple[object, ...]]]:
    stream = BatchStream(source, n_workers)
    try:
        return [
            [content(b) for b in chunk] for chunk in itertools.islice(stream.chunks(plan(first)), n_chunks)
        ]
    finally:
        stream.close()


def test_the_stream_is_the_same_with_a_worker_and_without(source: BatchSource) -> None:
    assert contents(source, 0, 0, 4) == contents(source, 1, 0, 4)


def test_the_stream_is_the_same_from_any_chunk_on(source: BatchSource) -> None:
    straight = contents(source, 0, 0, 5)
    assert contents(source, 0, 3, 2) == straight[3:]
    assert [[content(b) for b in source.chunk(4, plan(4).__next__()[1])]] == straight[4:]
    assert len({str(batch) for chunk in straight for batch in chunk}) == sum(map(len, straight))


def test_another_seed_is_another_stream(source: BatchSource) -> None:
    assert contents(source, 0, 0, 1) != contents(replace(source, seed=1), 0, 0, 1)


def test_a_chunk_is_batches_of_like_length_and_size(source: BatchSource) -> None:
    source = replace(source, batch_tokens=2048, batches_per_chunk=8)
    chunk = source.chunk(0, EVERYTHING)
    assert abs(len(chunk) - source.batches_per_chunk) <= 1
    assert sum(batch.n_tokens for batch in chunk) > 0.85 * sum(batch.tokens.size for batch in chunk)
    for batch in chunk:
        n_rows, length = batch.tokens.shape
        assert length % GRAIN == 0
        assert length - GRAIN < batch.lengths.max() <= length
        assert n_rows * length <= source.batch_tokens
        assert batch.n_tokens == int((batch.tokens != SPECIALS.index(PAD)).sum())
        padding = np.arange(length) >= batch.lengths[:, None]
        assert (batch.targets[padding] == IGNORED).all()
        assert ((batch.weights > 0) == (batch.targets != IGNORED)).all()
        # Almost every row has something to learn from; of a short one that is to be kept perhaps no token was drawn.
        assert (batch.targets != IGNORED).any(1).mean() > 0.8
    # In order of their longest rows, no batch reaches into the next one.
    in_order = sorted(chunk, key=lambda batch: batch.lengths.max())
    assert all(a.lengths.max() <= b.lengths.min() for a, b in itertools.pairwise(in_order))


def test_a_chunk_is_all_samples_that_were_drawn(source: BatchSource) -> None:
    rng, maker = random.Random(f"{source.seed}/7"), source.maker(EVERYTHING)
    chunk = source.chunk(7, EVERYTHING)
    n_samples = sum(len(batch.lengths) for batch in chunk)
    drawn = sorted(len(maker.draw(rng)) for _ in range(n_samples))
    assert sorted(n for batch in chunk for n in batch.lengths.tolist()) == drawn


def test_rows_are_the_samples(source: BatchSource) -> None:
    maker, rng = source.maker(EVERYTHING), random.Random(3)
    samples = [maker.draw(rng) for _ in range(3)]
    batch = collate(samples)
    assert batch.tokens.shape == (3, -(-max(map(len, samples)) // GRAIN) * GRAIN)
    for row, sample in enumerate(samples):
        n = len(sample)
        np.testing.assert_array_equal(batch.tokens[row, :n], sample.tokens)
        np.testing.assert_array_equal(batch.targets[row, :n], sample.targets)
        np.testing.assert_array_equal(batch.weights[row, :n], sample.weights)
    assert batch.processes == tuple(sample.process for sample in samples)


@pytest.mark.usefixtures("hang_guard")
def test_workers_stop_in_the_middle_of_a_chunk(source: BatchSource) -> None:
    others = set(multiprocessing.active_children())
    small = BatchStream(source, 1)
    next(small.chunks(plan(0)))
    small.source = replace(source, batches_per_chunk=10**7)  # would take hours
    workers = set(multiprocessing.active_children()) - others
    assert len(workers) == 1
    small.close()
    for worker in workers:
        # The pool's own thread waits for it, too; whichever is second finds the exit code a moment later.
        while worker.exitcode is None:
            time.sleep(0.01)
        assert worker.exitcode == 0


def test_a_killed_worker_is_an_error_that_says_what_to_do(source: BatchSource) -> None:
    others = set(multiprocessing.active_children())
    stream = BatchStream(source, 1)
    chunks = stream.chunks(plan(0))
    next(chunks)
    for worker in set(multiprocessing.active_children()) - others:
        worker.kill()
        worker.join()
    with pytest.raises(DataError, match="go on with fewer workers"):
        list(chunks)
    stream.close()
