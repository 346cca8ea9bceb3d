"""Retrieval (a cache language model): what follows the same words elsewhere, in the file or in others of its project. No torch.

A file repeats itself (Tu, Su and Devanbu, "On the Localness of Software", FSE 2014), and the network sees a few hundred tokens of
it. So before each token the completer looks up which tokens follow the longest stretch of words and signs before the hole that
stands somewhere else as well. The beam interpolates these counts with the network's probabilities; `fit` fits the weight.
"""

import math
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from redraft_model.passage import LONGEST_CONTEXT, Completion
from redraft_model.tokens.alignment import DELETE_ID
from redraft_model.tokens.tokenizer import Tokenizer

# Words, signs, and line breaks with the indentation behind them.
_PIECE = re.compile(r"\w+|\n[ \t]*|[^\w\s]")
LONGEST = 12  # pieces that are looked for
REACH = 160  # characters before the place in which they are
FILE = 100_000  # characters of the file on each side of the place in which they are looked for
N_PLACES = 64  # where they stand elsewhere that are looked at, the nearest ones


@dataclass(frozen=True)
class RetrievedTokens:
    """Which tokens follow elsewhere, each with how often it does, and how many pieces before them are the same."""

    counts: Mapping[int, int]
    n_same: int

    @property
    def shares(self) -> dict[int, float]:
        """How large a part of the places each token has."""
        total = sum(self.counts.values())
        return {token: n / total for token, n in self.counts.items()}

    def only(self, tokens: Collection[int]) -> "RetrievedTokens | None":
        """The same of these tokens alone; None where none of them is left."""
        left = {token: self.counts[token] for token in tokens}
        return RetrievedTokens(left, self.n_same) if left else None

    def values(self, confidence: float) -> tuple[float, ...]:
        """The features of the interpolation weight, as RETRIEVAL_FEATURES; `confidence` is the network's highest probability."""
        n_places = sum(self.counts.values())
        agreement = max(self.counts.values()) / n_places
        return math.log(self.n_same), math.log(n_places), agreement, float(n_places == 1), confidence


# Logarithms of the pieces that are the same and of the places; the share of the most frequent token; 1 where there is one place.
RETRIEVAL_FEATURES = ("same", "places", "agreement", "is_lone", "confidence")


class Retrieval:
    """What stands around the place of a completion, and in other files, to look for what is written there.

    With `is_break_missing` the text begins with the line break that the target stands behind, which is written anew.
    """

    def __init__(
        self, completion: Completion, tokenizer: Tokenizer, *, is_break_missing: bool = False
    ) -> None:
        self._tokenizer = tokenizer
        self._is_break_missing = is_break_missing
        before, after = completion.passage.before[-FILE:], completion.passage.after[:FILE]
        self._before = before[:-1] if is_break_missing else before
        # A text that is looked for has no such character in it, so it is never found across the target or an end.
        others = "\0".join(completion.retrieved_context)[:LONGEST_CONTEXT]
        self._text = f"{before}\0{after}\0{others}\0"
        self._known: dict[str, RetrievedTokens | None] = {}
        self._first: dict[str, int] = {}

    def after(self, tokens: tuple[int, ...]) -> RetrievedTokens | None:
        """What follows elsewhere when so much has been written; None where nothing before it stands elsewhere.

        The end of the line is DELETE_ID: nothing more belongs into the target.
        """
        written = self._tokenizer.decode(list(tokens))
        if written not in self._known:
            self._known[written] = self._looked_up(written)
        return self._known[written]

    def _looked_up(self, written: str) -> RetrievedTokens | None:
        near = (self._before + written)[-REACH:].rpartition("\0")[2]
        starts = [found.start() for found in _PIECE.finditer(near)]
        # What is longer than a stretch that stands nowhere else stands nowhere else either.
        most = bisect_left(
            range(1, min(LONGEST, len(starts)) + 1),
            True,
            key=lambda n: not self._stands(near[starts[-n] :], written),
        )
        for n in range(most, 0, -1):
            counts = Counter(self._tokens_behind(near[starts[-n] :], written))
            if counts:
                return RetrievedTokens(counts, n)
        return None

    def _stands(self, same: str, written: str) -> bool:
        """Whether it stands anywhere but right before the place, as a word or within one."""
        at = self._text.find(same)
        is_here = not written and at + len(same) == len(self._before)
        return at >= 0 and not (is_here and self._text.find(same, at + 1) < 0)

    def _tokens_behind(self, same: str, written: str) -> Iterator[int]:
        """The token behind every place where `same` stands, or as many of the nearest ones."""
        here = len(self._before)
        ends = [
            *islice(self._whole(same, self._ends_before(same)), N_PLACES),
            *islice(self._whole(same, self._ends_behind(same)), N_PLACES),
        ]
        ends = [end for end in ends if written or end != here]
        for end in sorted(ends, key=lambda end: abs(end - here))[:N_PLACES]:
            yield self._token_at(end, is_first=not written)

    def _ends_before(self, same: str) -> Iterator[int]:
        """Where `same` ends up to the place, the nearest end first."""
        end = len(self._before)
        while (at := self._text.rfind(same, 0, end)) >= 0:
            yield at + len(same)
            end = at + len(same) - 1

    def _ends_behind(self, same: str) -> Iterator[int]:
        """Where `same` ends behind the place."""
        start = max(0, len(self._before) - len(same) + 1)
        while (at := self._text.find(same, start)) >= 0:
            yield at + len(same)
            start = at + 1

    def _whole(self, same: str, ends: Iterator[int]) -> Iterator[int]:
        """Those of the ends that are no text's, where `same` begins with a word and stops with all of an indentation."""
        starts_in_word, is_indent = _is_of_word(same[0]), not same.rpartition("\n")[2].strip(" \t")
        for end in ends:
            at = end - len(same)
            begins_within = starts_in_word and at > 0 and _is_of_word(self._text[at - 1])
            goes_deeper = is_indent and "\n" in same and self._text[end] in " \t"
            if self._text[end] != "\0" and not begins_within and not goes_deeper:
                yield end

    def _token_at(self, place: int, *, is_first: bool) -> int:
        """The token that begins at `place`, or DELETE_ID where the line ends."""
        breaks_line = self._text[place] == "\n"
        if breaks_line and not (is_first and self._is_break_missing):
            return DELETE_ID
        end = min(
            found for found in (self._text.find("\n", place + 1), self._text.find("\0", place)) if found >= 0
        )
        rest = self._text[place:end]
        if not rest.strip() and not breaks_line:
            return DELETE_ID
        if rest not in self._first:
            self._first[rest] = int(self._tokenizer.encode(rest)[0])
        return self._first[rest]


def _is_of_word(character: str) -> bool:
    return character.isalnum() or character == "_"
