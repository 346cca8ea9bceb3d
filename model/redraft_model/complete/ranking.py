"""What is known of the texts for the rest of a line: nats from the network, and what their names say. Without torch."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields

from redraft_model.complete.surroundings import Surroundings
from redraft_model.passage import Passage
from redraft_model.text.identifiers import NAME, bound, coined, read

_RETURNS_SOMETHING = re.compile(r"(?:return|yield|raise)\b[ \t]*[^\s#;]")
LONE = 6.0  # nats: the lead of a text that has no rival


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
    line_again: float  # 1 if the line, with it, stands elsewhere in the file
    returns: float  # 1 if it returns something at the end of a function that has not returned, raised or yielded yet
    result: float  # 1 if it is the last line of a function and returns a name that got a value there, and nothing else

    def values(self) -> tuple[float, ...]:
        """The features in the order of `WRITTEN`."""
        return tuple(getattr(self, name) for name in WRITTEN)


WRITTEN = tuple(field.name for field in fields(Written))


def written(texts: Sequence[tuple[str, float, int]], passage: Passage) -> list[Written]:
    """The features of all texts for one place, each given with its nats and its number of answers."""
    around = Surroundings(passage)
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
                names_coined=coined(around.known, text),
                words_again=words.total() - len(words),
                binds=len(bound(text).intersection([*around.unbound, *around.unimported])),
                reads=len(around.unread & set(read(text))),
                line_again=float(around.line_with(text) in around.lines),
                returns=float(around.lacks_return and _RETURNS_SOMETHING.match(text.strip()) is not None),
                result=float(around.returns_result(text)),
            )
        )
    return found
