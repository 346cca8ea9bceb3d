"""What is known of the texts for the rest of a line: nats from the network, and what their names say. Without torch.

Names are looked for with regular expressions in the function around the place, since code in the making need not parse.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property

from redraft_model.names import NAME, coined, names
from redraft_model.passage import Passage

LONE = 6.0  # nats: the lead of a text that has no rival

_DEFINITION = re.compile(r"^[ \t]*(?:async def|def|class)\b", re.MULTILINE)
_SIGNATURE = re.compile(r"\bdef\s+\w+\s*\(([^:)]*)")
_ASSIGNED = re.compile(r"^[ \t]*([\w, \t]+?)[ \t]*=(?!=)", re.MULTILINE)
_LOOPED = re.compile(r"\bfor\s+([\w,\s()]+?)\s+in\b")
_IMPORTED = re.compile(r"\b(?:as|import)[ \t]+(\w+)")
_BINDS = (_SIGNATURE, _ASSIGNED, _LOOPED, _IMPORTED)
_READ = re.compile(r"(?<![\w.])[^\W\d]\w*(?!\w|[ \t]*=(?!=))")
_RETURNS = re.compile(r"\b(?:return|yield|raise)\b")


@dataclass(frozen=True)
class Written:
    """What is known of one text. An answer of the network is a token of it, or its end."""

    mean: float  # nats of an answer
    total: float  # nats of all answers
    lead: float  # nats by which an answer is likelier than one of the best other text, between -LONE and LONE
    begins_line: float  # 1 where nothing but blanks stands before it on its line
    in_word: float  # 1 behind a letter or digit: the tokens there are seldom those of the whole word
    names_coined: float  # names that are neither Python's nor anywhere else in the file
    words_again: float  # words that the text itself has already
    binds: float  # names it gives a value to that are read below and have none
    reads: float  # names it reads that have a value and that nothing else reads
    returns: float  # 1 if it is the last line of a function and the only one that returns, raises or yields

    def values(self) -> tuple[float, ...]:
        """The features in the order of `WRITTEN`."""
        return tuple(getattr(self, name) for name in WRITTEN)


WRITTEN = tuple(field.name for field in fields(Written))


def written(texts: Sequence[tuple[str, float, int]], passage: Passage) -> list[Written]:
    """The features of all texts for one place, each given with its nats and its number of answers."""
    place = _Place(passage)
    begins_line = float(not passage.before.rpartition("\n")[2].strip())
    in_word = float(re.fullmatch(r"\w", passage.before[-1:]) is not None)
    means = [total / max(1, n_answers) for _, total, n_answers in texts]
    found = []
    for i, (text, total, _) in enumerate(texts):
        rival = max((mean for j, mean in enumerate(means) if j != i), default=-math.inf)
        lead = min(LONE, max(-LONE, means[i] - rival))
        words = Counter(NAME.findall(text))
        found.append(
            Written(
                mean=means[i],
                total=total,
                lead=lead,
                begins_line=begins_line,
                in_word=in_word,
                names_coined=coined(place.known, text),
                words_again=words.total() - len(words),
                binds=len(place.unbound & _bound(text)),
                reads=len(place.unread & set(_READ.findall(text))),
                returns=float(place.lacks_return and _RETURNS.match(text.strip()) is not None),
            )
        )
    return found


@dataclass(frozen=True)
class _Place:
    """The function around a hole, as far as its text tells."""

    passage: Passage

    @cached_property
    def known(self) -> frozenset[str]:
        """Python's own names and those of the file."""
        return names(self.passage.replaced("\n"))

    @cached_property
    def unbound(self) -> set[str]:
        """Names that are read below in the function, get no value there, and are nowhere above."""
        return set(_READ.findall(self._after)) - _bound(self._after) - names(self.passage.before)

    @cached_property
    def unread(self) -> set[str]:
        """Names that have got a value above in the function and are nowhere else in it."""
        counts = Counter(NAME.findall(f"{self._before}\n{self._after}"))
        return {name for name in _bound(self._before) if counts[name] == 1 and not name.startswith("_")}

    @cached_property
    def lacks_return(self) -> bool:
        """Whether the function ends here and nothing in it returns, raises or yields."""
        is_in_function = _SIGNATURE.match(self._before.lstrip()) is not None
        return is_in_function and not self._after.strip() and not _RETURNS.search(self._before)

    @cached_property
    def _before(self) -> str:
        starts = [found.start() for found in _DEFINITION.finditer(self.passage.before)]
        return self.passage.before[starts[-1] if starts else 0 :]

    @cached_property
    def _after(self) -> str:
        found = _DEFINITION.search(self.passage.after)
        return self.passage.after[: found.start() if found else None]


def _bound(text: str) -> set[str]:
    """Names that `text` gives a value to: parameters, what is assigned, looped over or imported."""
    return {name for pattern in _BINDS for found in pattern.findall(text) for name in NAME.findall(found)}
