"""A text on the way to a repair: what the parser and the compiler say of it, and the window in which it is looked at."""

from dataclasses import dataclass

from redraft_model.decode.proposer import Proposer
from redraft_model.passage import Span
from redraft_model.repair.settings import Search
from redraft_model.text.bounds import Bounds
from redraft_model.text.diff import common_suffix
from redraft_model.text.frame import Frame
from redraft_model.text.parser import Problem, compile_problem, problem
from redraft_model.tokens.window import Window, around


@dataclass(frozen=True)
class Attempt:
    """A text on the way: what the edits so far gained, how many tokens they changed, and how often they helped."""

    source: str
    trouble: Problem | None
    gain: float = 0.0
    n_edits: int = 0
    n_steps_on: int = 0
    uncompiled: Problem | None = None  # what the compiler says where the parser says nothing
    end: int | None = None  # where what is open may end, if that is far from where the parser stopped


def first_attempt(source: str) -> Attempt:
    """The source with what the parser says of it, or else the compiler."""
    trouble = problem(source)
    if trouble is not None:
        return Attempt(source, trouble)
    uncompiled = compile_problem(source)
    return Attempt(source, uncompiled, uncompiled=uncompiled)


def after_edit(parent: Attempt, frame: Frame, text: str, gain: float, n_edits: int) -> Attempt:
    """The attempt that `text` is, after the parser's verdict."""
    assert parent.trouble is not None
    trouble = frame.problem(text)
    steps = parent.n_steps_on
    if trouble is None or trouble.span.start > _edited_to(parent, text):
        steps += 1
    gain, n_edits = parent.gain + gain, parent.n_edits + n_edits
    return Attempt(text, trouble, gain, n_edits, steps, uncompiled_in(frame, text, trouble))


def uncompiled_in(frame: Frame, text: str, trouble: Problem | None) -> Problem | None:
    """What the compiler says of a text with which the parser has no trouble."""
    return None if trouble is not None else frame.compile_problem(text)


def _edited_to(before: Attempt, text: str) -> int:
    """Offset in `text` behind everything that differs from `before`, and behind the problem that was there."""
    assert before.trouble is not None
    unchanged = common_suffix(before.source, text)
    return max(len(text) - unchanged, before.trouble.span.end + len(text) - len(before.source))


def is_solved(start: Attempt, now: Attempt) -> bool:
    """It parses, or the parser got to a line behind the one it stopped at and behind everything that was edited."""
    assert start.trouble is not None
    if now.trouble is None:
        return True
    past = _edited_to(start, now.source)
    n_gone = max(0, start.source.count("\n") - now.source.count("\n"))
    is_below = now.trouble.line + n_gone > start.trouble.line
    return is_below and "\n" in now.source[past : now.trouble.span.start]


def focus_of(attempt: Attempt) -> Span:
    """Where the search looks: where the parser stopped, or where what is open may end."""
    assert attempt.trouble is not None
    return attempt.trouble.span if attempt.end is None else Span(attempt.end, attempt.end)


def window_of(
    proposer: Proposer, attempt: Attempt, focus: Span, search: Search, bounds: Bounds | None
) -> Window:
    """The window around `focus`, marked where the parser stopped."""
    source, trouble = attempt.source, attempt.trouble
    within = None if bounds is None else bounds.span(source)
    window = around(proposer.tokenizer, source, focus, limits=search.limits, within=within)
    return window if trouble is None else window.marked(trouble.span.start, trouble.kind)


def clipped(span: Span, source: str) -> Span:
    """As much of a span as lies in `source`."""
    return Span(min(span.start, len(source)), min(span.end, len(source)))
