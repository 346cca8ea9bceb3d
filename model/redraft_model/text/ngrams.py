"""NgramContext: where a word stands between the same words and signs elsewhere in a text. Without torch."""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence

from redraft_model.passage import Span

REACH = 3  # words and signs on each side of a place that are compared
MOST = 64  # other places of a word that are looked at, the nearest ones
_PIECE = re.compile(r"\w+|[^\w\s]")


class NgramContext:
    """The words and signs of one text."""

    def __init__(self, source: str) -> None:
        found = list(_PIECE.finditer(source))
        self._pieces = [piece.group() for piece in found]
        self._starts = [piece.start() for piece in found]
        self._places: dict[str, list[int]] = defaultdict(list)
        for number, piece in enumerate(self._pieces):
            self._places[piece].append(number)

    def n_around(self, span: Span, word: str) -> int:
        """How many words and signs around `span` are the same where `word` stands elsewhere: the most, from 0 to 2 * REACH."""
        first, end = (bisect_left(self._starts, offset) for offset in (span.start, span.end))
        left, right = self._left(first), self._right(end)
        return max(
            (
                _n_common(left, self._left(at)) + _n_common(right, self._right(behind))
                for at, behind in self._elsewhere(word, first)
            ),
            default=0,
        )

    def _elsewhere(self, word: str, here: int) -> Iterator[tuple[int, int]]:
        """Where `word` begins and ends, the place `here` left out."""
        parts = _PIECE.findall(word)
        places = self._places.get(parts[0], []) if parts else []
        if len(places) > MOST:
            middle = min(max(0, bisect_left(places, here) - MOST // 2), len(places) - MOST)
            places = places[middle : middle + MOST]
        for at in places:
            if at != here and self._pieces[at : at + len(parts)] == parts:
                yield at, at + len(parts)

    def _left(self, number: int) -> Sequence[str]:
        return self._pieces[max(0, number - REACH) : number][::-1]

    def _right(self, number: int) -> Sequence[str]:
        return self._pieces[number : number + REACH]


def _n_common(a: Sequence[str], b: Sequence[str]) -> int:
    """How many of the first ones are the same."""
    n = 0
    for one, other in zip(a, b, strict=False):
        if one != other:
            break
        n += 1
    return n
