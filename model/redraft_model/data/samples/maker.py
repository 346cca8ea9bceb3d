"""Draws samples: a kind by its share, pieces of the corpus until the kind applies, and words hidden besides."""

import random
from dataclasses import dataclass, replace

import numpy as np

from redraft_model.data.hidden_words import hide
from redraft_model.data.samples.kinds import Drawing, SampleSource, kind_named
from redraft_model.data.samples.sample import IGNORED, Sample
from redraft_model.tokens.alignment import MASK_ID


@dataclass(frozen=True)
class Mixture:
    """Relative shares of the kinds a sample is drawn from, and what is asked of tokens that are right."""

    shares: tuple[tuple[str, float], ...]
    kept_share: float = (
        0.2  # of KEEP positions that carry loss; only with all of them is p(KEEP) a probability
    )

    @classmethod
    def of(cls, *, kept_share: float = 0.2, **shares: float) -> "Mixture":
        """The mixture of the kinds named; KeyError for a kind that is not there."""
        for name in shares:
            kind_named(name)
        return cls(tuple(shares.items()), kept_share)

    def share(self, name: str) -> float:
        """The share of one kind, 0 if it has none."""
        return dict(self.shares).get(name, 0.0)

    def without(self, name: str) -> "Mixture":
        """The others."""
        return replace(self, shares=tuple(entry for entry in self.shares if entry[0] != name))

    def draw(self, rng: random.Random) -> str:
        """The name of one kind."""
        return rng.choices([name for name, _ in self.shares], [share for _, share in self.shares])[0]


@dataclass(frozen=True, kw_only=True)
class SampleMaker(SampleSource):
    """Draws samples of at most `longest` tokens from a corpus. Same rng, same sample."""

    mixture: Mixture

    def draw(self, rng: random.Random) -> Sample:
        """One sample; tries pieces of the corpus until a process applies."""
        generator = np.random.default_rng(rng.getrandbits(64))
        drawing = Drawing(self, rng, generator, self.mixture.kept_share)
        while True:
            corrupted = kind_named(self.mixture.draw(rng))(drawing)
            if corrupted is not None:
                return self._with_hidden_words(corrupted.sample(self.tokenizer), generator)

    def _with_hidden_words(self, sample: Sample, generator: np.random.Generator) -> Sample:
        """The sample with some words behind masks, of those that are right as they are; samples full of masks stay."""
        if sample.process == "mask" or generator.random() >= self.hidden_share:
            return sample
        is_right = (sample.targets == IGNORED) | (sample.targets == sample.tokens)
        is_right &= sample.tokens >= self.tokenizer.n_specials
        hidden = hide(
            self.tokenizer, sample.tokens, is_right, self.hidden_rate * generator.random(), generator
        )
        return replace(
            sample,
            tokens=np.where(hidden, np.int32(MASK_ID), sample.tokens),
            targets=np.where(hidden, sample.tokens, sample.targets),
            weights=np.where(hidden, np.float32(self.hidden_weight), sample.weights),
        )
