"""Gathering in several processes of one thread each; every one draws pieces of its own from the same files until the time is up."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain
from multiprocessing import get_context
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Concatenate, ParamSpec, TypeVar

import torch

from redraft_model.complete.completer import Completer
from redraft_model.complete.judging import CompletionJudge
from redraft_model.complete.ranking import CompletionWeights
from redraft_model.data.shards import Shards
from redraft_model.data.worker import end_with_parent
from redraft_model.decode.left_to_right import LeftToRight
from redraft_model.decode.proposer import Proposer
from redraft_model.decode.reading import Reader
from redraft_model.decode.verify import Verifier, WatchedVerifier
from redraft_model.engine import EngineSettings
from redraft_model.errors import DataError
from redraft_model.fit import gathering
from redraft_model.fit.gathering import (
    JudgedLineExample,
    JudgedSweepExample,
    LineExample,
    RepairOutcome,
    RetrievalExample,
    SearchExample,
    SweepExample,
    TimeBox,
)
from redraft_model.fit.pieces import Cut, Piece, function, function_in_file, pieces, statements
from redraft_model.fit.projects import Projects
from redraft_model.misuse.ranking import MisuseWeights
from redraft_model.misuse.sweep import Sweep
from redraft_model.network.base import load_base
from redraft_model.network.checkpoint import Checkpoint, load_checkpoint
from redraft_model.network.hardware import fast_dtype
from redraft_model.noise import SyntaxNoise
from redraft_model.passage import Watch
from redraft_model.repair.ranking import RepairWeights
from redraft_model.repair.settings import Search

Rest = ParamSpec("Rest")
Found = TypeVar("Found")


@dataclass(frozen=True)
class Material:
    """A checkpoint and the shards of files it was not trained on, by their folders; `seed` draws pieces and noise."""

    checkpoint: Path
    shards: Path
    seed: str = "0"
    base: Path | None = None  # the folder of a pretrained base that judges

    def make(self) -> Proposer:
        """A proposer that has cost nothing yet."""
        return Proposer(self.network.model, self.network.tokenizer)

    @property
    def network(self) -> Checkpoint:
        """The checkpoint, without its calibration."""
        return _loaded(self.checkpoint)

    @property
    def reader(self) -> Reader:
        """What the base has read; DataError where there is none."""
        if self.base is None:
            raise DataError("nobody judges; name the folder of a base with --base")
        return _reader(self.base)

    @property
    def files(self) -> Shards:
        """The shards."""
        return _opened(self.shards)

    def random(self) -> Random:
        """What draws noise."""
        return Random(self.seed)

    def pieces(self, number: int, cut: Cut = statements) -> Iterator[Piece]:
        """Stream `number` of pieces."""
        return pieces(self.files, self.network.tokenizer, Random(f"{self.seed} {number}"), cut)


class Workers:
    """`n` processes that do the same for pieces of their own. Used as a context: at its end they are gone.

    Raises CheckpointError and DataError if checkpoint or shards cannot be read, or do not belong together.
    """

    def __init__(self, material: Material, n: int) -> None:
        material.files.require_tokenizer(material.network.tokenizer.sha256)
        self._materials = [replace(material, seed=f"{material.seed}.{i}") for i in range(n)]
        self._pool = ProcessPoolExecutor(n, mp_context=get_context("spawn"), initializer=_begin)

    def __enter__(self) -> "Workers":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def gather(
        self,
        what: Callable[Concatenate[Material, float, Rest], list[Found]],
        seconds: float,
        *rest: Rest.args,
        **named: Rest.kwargs,
    ) -> list[Found]:
        """What all of them find in so many seconds of each."""
        jobs = [self._pool.submit(what, material, seconds, *rest, **named) for material in self._materials]
        return list(chain.from_iterable(job.result() for job in jobs))


def _begin() -> None:
    torch.set_num_threads(1)
    end_with_parent()


def searches(material: Material, seconds: float) -> list[SearchExample]:
    """Repair searches of the default size."""
    return gathering.searches(
        material.make, material.pieces(0), Search(), material.random(), TimeBox(seconds)
    )


def sweeps(material: Material, seconds: float) -> list[SweepExample]:
    """Sweeps over functions, in their files and out of them."""
    # Of a function alone most names come from nowhere, in its file none that is right.
    streams = (
        material.pieces(1, function),
        material.pieces(5, function),
        material.pieces(6, function_in_file),
    )
    alone_and_not = chain.from_iterable(zip(*streams, strict=False))
    return gathering.sweeps(material.make, alone_and_not, Sweep(), material.random(), TimeBox(seconds))


def retrievals(material: Material, seconds: float) -> list[RetrievalExample]:
    """What is retrieved from files and their projects on the way to rests of lines."""
    around = Projects(material.files, material.network.tokenizer).around
    streams = (material.pieces(7, function_in_file), around(material.pieces(10, function_in_file)))
    in_files = chain.from_iterable(zip(*streams, strict=False))
    network = material.network
    return gathering.retrievals(
        network.model, network.tokenizer, in_files, material.random(), TimeBox(seconds)
    )


def lines(material: Material, seconds: float, weights: CompletionWeights) -> list[LineExample]:
    """Rests of lines, by a completer with these weights."""
    network = material.network
    completer = Completer(network.model, network.tokenizer, EngineSettings().line, weights=weights)
    around = Projects(material.files, network.tokenizer).around
    # Functions tell more of their names than pieces of them, and their files and projects what is written again.
    streams = (
        material.pieces(3),
        material.pieces(4, function),
        material.pieces(8, function_in_file),
        around(material.pieces(9, function_in_file)),
    )
    mixed = chain.from_iterable(zip(*streams, strict=False))
    return gathering.lines(completer, mixed, material.random(), TimeBox(seconds))


def judged_searches(material: Material, seconds: float, weights: RepairWeights) -> list[SearchExample]:
    """As `searches`, the best solutions by `weights` judged by the base."""
    judging = Verifier(material.reader.base, material.reader), weights
    box = TimeBox(seconds)
    return gathering.searches(material.make, material.pieces(11), Search(), material.random(), box, judging)


def judged_sweeps(material: Material, seconds: float, prior: MisuseWeights) -> list[JudgedSweepExample]:
    """Words in functions, in small files and out of them, that the base judged."""
    streams = (material.pieces(12, function), material.pieces(13, function_in_file))
    mixed = chain.from_iterable(zip(*streams, strict=False))
    judge = Verifier(material.reader.base, material.reader)
    return gathering.judged_sweeps(
        material.make, mixed, Sweep(), material.random(), TimeBox(seconds), judge, prior
    )


def judged_lines(material: Material, seconds: float, weights: CompletionWeights) -> list[JudgedLineExample]:
    """Rests of lines that the base wrote and judged beside the network's."""
    network, reader = material.network, material.reader
    verifier, writer = Verifier(reader.base, reader), LeftToRight(reader.base, reader)

    def judging(watch: Watch) -> CompletionJudge:
        return CompletionJudge(WatchedVerifier(verifier, watch), writer, None)

    completer = Completer(network.model, network.tokenizer, EngineSettings().line, weights, judging)
    streams = (material.pieces(14, function), material.pieces(15, function_in_file))
    mixed = chain.from_iterable(zip(*streams, strict=False))
    return gathering.judged_lines(completer, mixed, material.random(), TimeBox(seconds))


@torch.inference_mode()
def outcomes(
    material: Material, seconds: float, weights: RepairWeights, sizes: Mapping[str, Search]
) -> list[tuple[str, RepairOutcome]]:
    """What searches of all sizes make of the same pieces, a fifth of which have two errors."""
    found: list[tuple[str, RepairOutcome]] = []
    noise, stream, rng = SyntaxNoise(again=0.2, n_mutators_max=2), material.pieces(2), material.random()
    box = TimeBox(seconds)
    while box and (broken := gathering.broken_piece(stream, noise, rng)) is not None:
        for name, search in sizes.items():
            found.append((name, gathering.outcome(material.make, *broken, search, weights)))
    return found


@lru_cache(maxsize=1)
def _loaded(folder: Path) -> Checkpoint:
    return load_checkpoint(folder, torch.device("cpu"), calibrated=False)


@lru_cache(maxsize=1)
def _reader(folder: Path) -> Reader:
    return Reader(load_base(folder, torch.device("cpu"), fast_dtype(torch.device("cpu"))))


@lru_cache(maxsize=1)
def _opened(folder: Path) -> Shards:
    return Shards.open(folder)
