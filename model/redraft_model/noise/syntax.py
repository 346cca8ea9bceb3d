"""Syntax noise: code that parsed no longer does, in the ways people break it."""

import ast
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import ClassVar

from redraft_model.noise.mutators import GROUPS, Mutator, lex
from redraft_model.noise.registry import TEXT_PROCESSES, register

_N_TRIES = 8


@register(TEXT_PROCESSES)
@dataclass(frozen=True)
class SyntaxNoise:
    """One to three mutators (each further one with probability `again`), checked with Python's parser.

    Works on any fragment. If the input parses the output does not; if the input does not parse the output
    merely differs. Half of the further mutators repeat the first: who forgets one colon forgets the next.
    `shares` of groups of mutators replace the usual ones.
    Code that could not be broken in `n_attempts` is returned unchanged.
    """

    name: ClassVar[str] = "syntax"
    again: float = 0.2
    n_mutators_max: int = 3
    n_attempts: int = 16
    shares: Mapping[str, float] = field(default_factory=dict)

    def corrupt(self, code: str, rng: Random) -> str:
        """`code` with syntax errors; `code` itself when nothing could be broken."""
        if not code.strip():
            return code
        parsed = parses(code)

        def is_worse(text: str) -> bool:
            return text != code and not (parsed and parses(text))

        mutator, broken = self._first(code, rng, is_worse)
        n_mutators = 1
        while broken != code and n_mutators < self.n_mutators_max and rng.random() < self.again:
            n_mutators += 1
            further = mutator if rng.random() < 0.5 else _any_of(self._any_group(rng), rng)
            text = further(broken, lex(broken), rng)
            if text is not None and is_worse(text):
                broken = text
        return broken

    def _first(self, code: str, rng: Random, is_worse: Callable[[str], bool]) -> tuple[Mutator, str]:
        """A mutator that makes `code` worse, and what it makes of it."""
        tokens = lex(code)
        mutator = _any_of(self._any_group(rng), rng)
        for _ in range(self.n_attempts):
            group = self._any_group(rng)
            # No mutator suits every code: an attempt stays within its group, so that the shares hold.
            for _ in range(_N_TRIES):
                mutator = _any_of(group, rng)
                text = mutator(code, tokens, rng)
                if text is not None and is_worse(text):
                    return mutator, text
        return mutator, code

    def _any_group(self, rng: Random) -> dict[Mutator, float]:
        shares = [self.shares.get(name, share) for name, (share, _) in GROUPS.items()]
        return rng.choices([group for _, group in GROUPS.values()], shares)[0]


def parses(code: str) -> bool:
    """Whether Python's parser accepts `code`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _any_of(group: dict[Mutator, float], rng: Random) -> Mutator:
    return rng.choices(list(group), list(group.values()))[0]
