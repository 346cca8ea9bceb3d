"""The registry of kinds of samples: what a kind is drawn from, and how one is found by name.

A kind is a function of a `Drawing`. A new forward process on text needs no kind of its own: `text.py` draws samples of every one
that `noise` has registered.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from redraft_model.data.pairs import Pair
from redraft_model.data.samples.sample import Corrupted
from redraft_model.data.shards import Shards
from redraft_model.tokens.tokenizer import Tokenizer

if TYPE_CHECKING:
    from redraft_model.data.samples.unit import Shown


@dataclass(frozen=True, kw_only=True)
class SampleSource:
    """What samples are drawn from, and the settings that all kinds share. Sizes are in tokens."""

    tokenizer: Tokenizer
    shards: Shards
    longest: int = 384
    shortest: int = 12
    standalone: float = 0.6  # share of samples shown as a whole file instead of a piece of a larger one
    more_errors: float = 0.35  # chance of one more application for every 80 tokens
    insert_weight: float = 1.5  # omissions are the hardest to notice (LLaDA 2.2)
    mask_scale: float = 0.2  # weight of a masked position at gamma = 1
    hidden_share: float = 0.4  # share of samples in which words are hidden besides what their process does
    hidden_rate: float = 0.6  # of their words, at most
    hidden_weight: float = 0.5  # weight of a hidden token
    pairs: tuple[Pair, ...] = ()  # what `real` draws from, each of them usable
    broken_share: float = 0.5  # of its samples are texts after their fix, with new errors of syntax
    cuts_at_tokens: bool = False  # spans begin and end where tokens of the whole text do


@dataclass(frozen=True)
class Drawing:
    """One sample about to be drawn: its source, its randomness, the share of KEEP positions that carry loss.

    `shown` is the text it is drawn of, where that has been chosen already.
    """

    source: SampleSource
    rng: random.Random
    generator: np.random.Generator
    kept_share: float = 0.2
    shown: "Shown | None" = None

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer of the source."""
        return self.source.tokenizer


SampleKind = Callable[[Drawing], Corrupted | None]
NamedKind = Callable[[str, Drawing], Corrupted | None]

KINDS: dict[str, SampleKind] = {}


def sample_kind(*names: str) -> Callable[[NamedKind], NamedKind]:
    """Decorator: the function corrupts a text for samples of these kinds, or gives None where the one it drew cannot be used."""

    def register(kind: NamedKind) -> NamedKind:
        for name in names:
            if name in KINDS:
                raise ValueError(f"there already is a kind of sample called {name!r}; choose another name")
            KINDS[name] = partial(kind, name)
        return kind

    return register


def kind_named(name: str) -> SampleKind:
    """The kind of that name; KeyError names the ones there are."""
    if name not in KINDS:
        raise KeyError(f"no kind of sample {name!r}; there are {', '.join(sorted(KINDS))}")
    return KINDS[name]
