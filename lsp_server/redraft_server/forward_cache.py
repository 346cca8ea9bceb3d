"""Suggestions that are still good when the user types what they say, accepts a part of them, or undoes that.

A suggestion is good as long as accepting it leads to the very document that it led to in the beginning; any
other change of the document makes it useless. Knows nothing of models, of editors, nor of why a suggestion is
wanted: whatever else it depends on is in the key.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass

from redraft_server.features.fitting import Fit

MAX_ENTRIES = 100
SECONDS_TO_LIVE = 300.0
# Each entry holds a document; this keeps a hundred places in a very large one from mattering.
MAX_CHARACTERS = 10_000_000


@dataclass(frozen=True)
class _Entry:
    before: str
    after: str
    fits: tuple[Fit, ...]
    end: float
    """When it is too old."""

    @property
    def n_characters(self) -> int:
        return len(self.before) + len(self.after)


class ForwardCache:
    """The suggestions of the last minutes, by key and by the texts before and after the cursor."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._entries: OrderedDict[tuple[Hashable, str, str], _Entry] = OrderedDict()
        self._n_characters = 0

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, key: Hashable, before: str, after: str, fits: Iterable[Fit]) -> None:
        """Remember that `fits`, perhaps none, is all there is to suggest between `before` and `after`."""
        self._forget((key, before, after))
        entry = _Entry(before, after, tuple(fits), self._clock() + SECONDS_TO_LIVE)
        self._entries[key, before, after] = entry
        self._n_characters += entry.n_characters
        while len(self._entries) > MAX_ENTRIES or self._n_characters > MAX_CHARACTERS:
            self._forget(next(iter(self._entries)))

    def get(self, key: Hashable, before: str, after: str) -> list[Fit] | None:
        """What is left to suggest between `before` and `after`; None if the model has to be asked.

        What is known to be nothing is [].
        """
        now = self._clock()
        for place, entry in reversed(list(self._entries.items())):
            if entry.end <= now:
                self._forget(place)
            elif place[0] == key and before.startswith(entry.before):
                typed = before[len(entry.before) :]
                left = [rest for fit in entry.fits if (rest := _rest(fit, typed, entry.after, after))]
                if left or (place == (key, before, after) and not entry.fits):
                    self._entries.move_to_end(place)
                    return left
        return None

    def _forget(self, place: tuple[Hashable, str, str]) -> None:
        entry = self._entries.pop(place, None)
        if entry is not None:
            self._n_characters -= entry.n_characters


def _rest(fit: Fit, typed: str, after: str, after_now: str) -> Fit | None:
    """What `fit` still adds after `typed`, if it leads to the same document as before."""
    if not fit.text.startswith(typed) or len(fit.text) == len(typed):
        return None
    text = fit.text[len(typed) :]
    # Behind the cursor the editor may have put closing brackets, or the user has overtyped some.
    n_replaced = len(after_now) - (len(after) - fit.n_replaced)
    if n_replaced < 0 or after_now[n_replaced:] != after[fit.n_replaced :]:
        return None
    is_as_before = after_now == after
    if not is_as_before and not _is_spelled_in(after_now[:n_replaced], text):
        return None
    return Fit(text, n_replaced)


def _is_spelled_in(few: str, many: str) -> bool:
    """Whether the characters of `few` occur in `many` in this order; blanks do not matter, line ends do."""
    characters = iter(many)
    return "\n" not in few and all(c in characters for c in few if not c.isspace())
