"""Two engines at the same places of held-out files: which of them writes the rest of a line as it was there."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import comb

from redraft_model.evaluate.lexing import is_same_code
from redraft_model.passage import Completes, Passage

ODD = 0.05  # a gain that chance makes less often than this is called one


@dataclass(frozen=True)
class Place:
    """A place within a line: what is missing between `before` and `after`, and what the completion may recall."""

    before: str
    missing: str
    after: str
    retrieved_context: tuple[str, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """At how many of `n` places the one and the other engine were right, and at how many only one of them was."""

    n: int
    n_right_before: int
    n_right_after: int
    n_gained: int
    n_lost: int

    @property
    def is_better(self) -> bool:
        """Whether the second engine was right more often."""
        return self.n_gained > self.n_lost

    @property
    def chance(self) -> float:
        """How often two engines that are equally good differ at least so much in the second one's favour (sign test)."""
        n_differ = self.n_gained + self.n_lost
        n_ways: int = sum(comb(n_differ, k) for k in range(self.n_gained, n_differ + 1))
        return n_ways * 0.5**n_differ

    @property
    def is_clear(self) -> bool:
        """Whether the gain is larger than chance would have it."""
        return self.is_better and self.chance < ODD


def compare(
    before: Completes,
    after: Completes,
    places: Sequence[Place],
    *,
    seconds: float,
    progress: Callable[[int, int], None] = lambda n_done, n_all: None,
) -> Comparison:
    """Ask both engines at one place after the other, and begin none after `seconds`; at least one is asked."""
    started = time.perf_counter()
    answers: list[tuple[bool, bool]] = []
    for place in places:
        if answers and time.perf_counter() - started > seconds:
            break
        answers.append((_is_right(before, place), _is_right(after, place)))
        progress(len(answers), len(places))
    return Comparison(
        len(answers),
        sum(old for old, _ in answers),
        sum(new for _, new in answers),
        sum(new and not old for old, new in answers),
        sum(old and not new for old, new in answers),
    )


def _is_right(engine: Completes, place: Place) -> bool:
    drafts = engine.complete(
        Passage(place.before, "", place.after), single_line=True, retrieved_context=place.retrieved_context
    )
    whole = place.before + (drafts[0].text if drafts else "") + place.after
    return is_same_code(whole, place.before + place.missing + place.after)
