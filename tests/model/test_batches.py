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
from redraft_model.data.batches import LENGTHS, Batch, BatchSource, BatchStream, collate, padded_length
from redraft_model.data.samples import IGNORED, Mixture
from redraft_model.errors import DataError
from redraft_model.tokenizer import PAD, SPECIALS

EVERYTHING = Mixture(mask=1, edit=1, syntax=1, semantic=1, span=1, keep=1)


@pytest.fixture
def source(shard_folder: Path, tokenizer_file: Path) -> BatchSource:
    return BatchSource(
        shard_folder / "train", tokenizer_file, batch_tokens=512, batches_per_chunk=4, longest=96
    )


def plan(first: int) -> Iterator[tuple[int, Mixture]]:
    """Chunks from `first` on; the mixture changes on the way."""
    return ((index, EVERYTHING if index % 2 else Mixture(mask=1)) for index in itertools.count(first))


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
    assert len({str(batch) for chunk in straight for batch in chunk}) == 5 * source.batches_per_chunk


def test_another_seed_is_another_stream(source: BatchSource) -> None:
    assert contents(source, 0, 0, 1) != contents(replace(source, seed=1), 0, 0, 1)


def test_a_chunk_is_full_batches_of_like_length(source: BatchSource) -> None:
    chunk = source.chunk(0, EVERYTHING)
    assert len(chunk) == source.batches_per_chunk
    for batch in chunk:
        n_rows, length = batch.tokens.shape
        assert length in LENGTHS
        assert n_rows == source.batch_tokens // length
        assert {padded_length(n) for n in batch.lengths.tolist()} == {length}
        assert batch.n_tokens == int((batch.tokens != SPECIALS.index(PAD)).sum())
        padding = np.arange(length) >= batch.lengths[:, None]
        assert (batch.targets[padding] == IGNORED).all()
        assert ((batch.weights > 0) == (batch.targets != IGNORED)).all()
        # Every row has something to learn from.
        assert (batch.targets != IGNORED).any(1).all()


def test_rows_are_the_samples(source: BatchSource) -> None:
    maker, rng = source.maker(EVERYTHING), random.Random(3)
    samples = [maker.draw(rng) for _ in range(3)]
    batch = collate(samples, 128)
    for row, sample in enumerate(samples):
        n = len(sample)
        np.testing.assert_array_equal(batch.tokens[row, :n], sample.tokens)
        np.testing.assert_array_equal(batch.targets[row, :n], sample.targets)
        np.testing.assert_array_equal(batch.weights[row, :n], sample.weights)
    assert batch.processes == tuple(sample.process for sample in samples)


@pytest.mark.parametrize(("n_tokens", "length"), [(1, 64), (64, 64), (65, 96), (257, 320), (512, 512)])
def test_a_sample_is_padded_to_the_next_length(n_tokens: int, length: int) -> None:
    assert padded_length(n_tokens) == length


def test_a_sample_longer_than_the_longest_is_refused() -> None:
    with pytest.raises(ValueError, match="513 tokens"):
        padded_length(513)


def test_workers_stop_in_the_middle_of_a_chunk(source: BatchSource) -> None:
    others = set(multiprocessing.active_children())
    small = BatchStream(source, 1)
    next(small.chunks(plan(0)))
    small.source = replace(source, batches_per_chunk=10**6)  # would take hours
    workers = set(multiprocessing.active_children()) - others
    assert len(workers) == 1
    started = time.perf_counter()
    small.close()
    for worker in workers:
        # The pool's own thread waits for it, too; whichever is second finds the exit code a moment later.
        while worker.exitcode is None and time.perf_counter() - started < 10:
            time.sleep(0.01)
        assert worker.exitcode == 0
    assert time.perf_counter() - started < 5


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
