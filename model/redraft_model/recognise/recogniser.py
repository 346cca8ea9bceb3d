"""What a recogniser promises, and all of them in order."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from redraft_model.text.bounds import Bounds
from redraft_model.text.versions import code_problem, compiles


@dataclass(frozen=True)
class Recognised:
    """A text in today's Python, how many lines were changed for it, and how likely this is what was meant.

    The confidence is the share of held-out texts that come back exactly after they were written down in this way.
    """

    text: str
    n_lines: int
    confidence: float


# A text that does not compile -> what it is in today's Python; None where it is nothing that is known.
Recogniser = Callable[[str], Recognised | None]

RECOGNISERS: tuple[Recogniser, ...] = ()


def recognised(
    source: str, bounds: Bounds | None = None, recognisers: Sequence[Recogniser] = RECOGNISERS
) -> Recognised | None:
    """What `source` is after every recogniser that knows it, one after the other; None if none does.

    A recogniser's text counts only if the parser gets further in it than in the text before, or has no complaint. Nothing changes
    outside `bounds`.
    """
    found: Recognised | None = None
    text = source
    for recogniser in recognisers:
        if compiles(text):
            break
        each = recogniser(text)
        if each is None or not _is_further(text, each.text):
            continue
        if bounds is not None and not bounds.hold(source, each.text):
            continue
        n_lines, confidence = (found.n_lines, found.confidence) if found else (0, 1.0)
        found = Recognised(each.text, n_lines + each.n_lines, confidence * each.confidence)
        text = each.text
    return found


def _is_further(before: str, after: str) -> bool:
    """Whether less of `after` than of `before` lies behind the first complaint."""
    trouble = code_problem(after)
    if trouble is None:
        return True
    was = code_problem(before)
    return was is not None and len(after) - trouble.span.start < len(before) - was.span.start
