"""All recognisers in order, and what a text is after them."""

from collections.abc import Sequence

from redraft_model.recognise.diffs import patched
from redraft_model.recognise.empty_bodies import empty_bodies
from redraft_model.recognise.entities import escaped
from redraft_model.recognise.fences import fenced
from redraft_model.recognise.line_numbers import numbered
from redraft_model.recognise.marks import marked
from redraft_model.recognise.merge_marks import merged
from redraft_model.recognise.prompts import transcript
from redraft_model.recognise.python2 import leading_zeros, python2
from redraft_model.recognise.recognition import Recognised, Recogniser
from redraft_model.recognise.slash_comments import commented
from redraft_model.recognise.tabs import tabbed
from redraft_model.text.bounds import Bounds
from redraft_model.text.versions import code_problem, compiles

# From the outside in: a mail may quote a fence, that may hold a page's entities, those the prompts of a session, and all of it may
# be Python 2.
RECOGNISERS: tuple[Recogniser, ...] = (
    marked,
    fenced,
    escaped,
    patched,
    transcript,
    numbered,
    merged,
    tabbed,
    commented,
    empty_bodies,
    leading_zeros,
    python2,
)


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
        if each is None or each.text == text or not _is_further(text, each.text):
            continue
        if bounds is not None and not bounds.hold(source, each.text):
            continue
        found = each if found is None else found.then(each)
        text = each.text
    return found


def _is_further(before: str, after: str) -> bool:
    """Whether less of `after` than of `before` lies behind the first complaint."""
    trouble = code_problem(after)
    if trouble is None:
        return True
    was = code_problem(before)
    return was is not None and len(after) - trouble.span.start < len(before) - was.span.start
