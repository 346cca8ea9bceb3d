"""Batches of regions, all of one shape: contexts, and over each of them the same number of copies. No torch here."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from redraft_model.data.pair_window import is_usable
from redraft_model.data.pairs import read_pairs
from redraft_model.data.regions import SHAPES, RegionMaker, RegionSample, RegionShape
from redraft_model.data.samples import IGNORED, Mixture
from redraft_model.data.shards import Shards
from redraft_model.errors import DataError
from redraft_model.tokens.alignment import ANCHOR_ID, PAD_ID
from redraft_model.tokens.base_tokenizer import BaseTokenizer
from redraft_model.tokens.tokenizer import Tokenizer

FILL = 0.78  # about what is no padding: contexts begin with their file, and few regions are as long as can be
GRAIN = 8  # lengths are padded to a multiple of this, which processors like


@dataclass(frozen=True)
class RegionBatch:
    """B contexts and N = B * C rows; ids have our control tokens first."""

    prefix: npt.NDArray[np.int32]  # (B, P), padded with the start token, which the base knows
    prefix_lengths: npt.NDArray[np.int64]  # (B,)
    suffix: npt.NDArray[np.int32]  # (B, S)
    suffix_lengths: npt.NDArray[np.int64]  # (B,)
    gaps: npt.NDArray[np.int64]  # (B,), tokens of the clean region
    tokens: npt.NDArray[np.int32]  # (N, R): the last prefix token, the region, its marker, PAD
    lengths: npt.NDArray[np.int64]  # (N,)
    targets: npt.NDArray[np.int32]  # (N, R), IGNORED where nothing is asked
    weights: npt.NDArray[np.float32]  # (N, R)
    processes: tuple[str, ...]  # (N,)

    @property
    def n_tokens(self) -> int:
        """Tokens of contexts and rows that are not padding."""
        return int(self.prefix_lengths.sum() + self.suffix_lengths.sum() + self.lengths.sum())


@dataclass(frozen=True)
class RegionSource:
    """Everything a worker needs to draw a chunk."""

    data: Path
    tokenizer: Path  # that of the shards
    base_tokenizer: Path
    start_id: int  # of the base
    batch_tokens: int = 4096  # of all rows, padding counted, at most
    batches_per_chunk: int = 32
    n_copies: int = 4
    seed: int = 0
    pairs: tuple[Path, ...] = ()  # files with real fixes
    is_static: bool = False  # all batches of a shape have the very same sizes, for a compiler
    shapes: tuple[tuple[RegionShape, float], ...] = SHAPES

    def chunk(self, index: int, mixture: Mixture) -> list[RegionBatch]:
        """The batches of chunk `index`."""
        return self.chunk_of(self.maker(mixture), index)

    def maker(self, mixture: Mixture) -> RegionMaker:
        """The maker of samples; DataError when the mixture wants real fixes and there are none."""
        tokenizer = BaseTokenizer.load(self.base_tokenizer).with_control_tokens()
        longest = max(shape.region for shape, _ in self.shapes)
        pairs = tuple(
            pair
            for path in self.pairs
            for pair in read_pairs(path)
            if is_usable(tokenizer, pair, 2 * longest)
        )
        if mixture.share("real") and not pairs:
            raise DataError(
                "there is no real fix to learn from that fits a region; name pair files with --pairs"
            )
        shards, shard_tokenizer = Shards.open(self.data), Tokenizer.load(self.tokenizer)
        shards.require_tokenizer(shard_tokenizer.sha256)
        return RegionMaker(
            tokenizer=tokenizer,
            shards=shards,
            shard_tokenizer=shard_tokenizer,
            start_id=tokenizer.n_specials + self.start_id,
            mixture=mixture,
            n_copies=self.n_copies,
            pairs=pairs,
        )

    def chunk_of(
        self, maker: RegionMaker, index: int, is_stopped: Callable[[], bool] = lambda: False
    ) -> list[RegionBatch]:
        """As `chunk`, with a maker at hand; given up half-way when `is_stopped`."""
        rng = random.Random(f"{self.seed}/{index}")
        shapes, shares = zip(*self.shapes, strict=True)
        # A batch costs about the same whatever its shape, so shares of batches are shares of tokens.
        batches = []
        for shape in rng.choices(shapes, shares, k=self.batches_per_chunk):
            if is_stopped():
                break
            samples = [maker.draw(rng, shape) for _ in range(self.n_contexts(shape))]
            batches.append(self.collate(samples, shape, maker.start_id))
        return batches

    def masked(self, rate: float, n_contexts: int, shape: RegionShape) -> list[RegionBatch]:
        """Batches of contexts whose regions have each token masked with probability `rate`, for evaluation."""
        maker = self.maker(Mixture.of(mask=1.0))
        rng = random.Random(f"{self.seed}/masked")
        samples = [maker.masked(rng, shape, rate) for _ in range(n_contexts)]
        n = self.n_contexts(shape)
        static = replace(self, is_static=False)
        return [static.collate(samples[i : i + n], shape, maker.start_id) for i in range(0, len(samples), n)]

    def n_contexts(self, shape: RegionShape) -> int:
        """Contexts of a batch."""
        return max(1, self.batch_tokens // shape.n_tokens(self.n_copies))

    def collate(self, samples: Sequence[RegionSample], shape: RegionShape, start_id: int) -> RegionBatch:
        """Samples as one batch, padded to the longest of them, or to the shape if sizes are static."""
        copies = [copy for sample in samples for copy in sample.copies]
        prefix, prefix_lengths = self._padded([sample.prefix for sample in samples], shape.prefix, start_id)
        suffix, suffix_lengths = self._padded([sample.suffix for sample in samples], shape.suffix, start_id)
        rows = [
            np.concatenate([sample.prefix[-1:], copy.tokens, [ANCHOR_ID]])
            for sample in samples
            for copy in sample.copies
        ]
        tokens, lengths = self._padded(rows, shape.region + 2, PAD_ID)
        targets = np.full(tokens.shape, IGNORED, np.int32)
        weights = np.zeros(tokens.shape, np.float32)
        for row, copy in enumerate(copies):
            targets[row, 1 : len(copy.targets) + 1] = copy.targets
            weights[row, 1 : len(copy.weights) + 1] = copy.weights
        return RegionBatch(
            prefix,
            prefix_lengths,
            suffix,
            suffix_lengths,
            np.array([len(sample.clean) for sample in samples], np.int64),
            tokens,
            lengths,
            targets,
            weights,
            tuple(copy.process for copy in copies),
        )

    def _padded(
        self, rows: Sequence[npt.NDArray[np.int32]], most: int, pad: int
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
        lengths = np.array([len(row) for row in rows], np.int64)
        longest = max(int(lengths.max()), 1)
        width = most if self.is_static else min(most, -(-longest // GRAIN) * GRAIN)
        padded = np.full((len(rows), width), pad, np.int32)
        for i, row in enumerate(rows):
            padded[i, : len(row)] = row
        return padded, lengths
