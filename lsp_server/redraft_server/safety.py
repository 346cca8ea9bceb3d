"""What a rewrite must never do to somebody's text. Knows nothing of models or files."""

from dataclasses import dataclass

from redraft_model.passage import Reading, Span
from redraft_model.text.comments import lost_comments
from redraft_model.text.scopes import parsed, unbound_names

from redraft_server.problems import code_problem, syntax_problem


@dataclass(frozen=True)
class Refusal:
    """Why a rewrite must not be carried out, in one sentence."""

    reason: str


def check(
    before: str, after: str, span: Span | None = None, reading: Reading | None = None
) -> Refusal | None:
    """What is wrong with turning `before` into `after`, changing only `span`; None if nothing is.

    A text that was recognised as something pasted has the comments of what it was read as: what looks like a comment in prose
    or in a program's output is none. No network has a part in that.
    """
    if before == after:
        return None
    if span is not None and not _is_inside(before, after, span):
        return Refusal("The rewrite would change text outside the selection.")
    span = span or Span(0, len(before))
    n_after = len(before) - span.end
    if span.of(before).strip() and not after[span.start : len(after) - n_after].strip():
        return Refusal("The rewrite would leave nothing of the text.")
    lost = lost_comments(reading.text if reading else before, after)
    if lost:
        return Refusal(f"The rewrite would drop the comment {_shortened(lost[0])!r}.")
    if parses(before) and not parses(after):
        return Refusal("The text parses and the rewrite would not.")
    if compiles(before) and not compiles(after):
        return Refusal("The text compiles and the rewrite would not.")
    return None


def check_names(before: str, after: str) -> Refusal | None:
    """What is wrong with other names in the place of some; None if nothing is. Both texts parse."""
    known, tree = parsed(before), parsed(after)
    if known is None or tree is None:
        return None
    lost = [name for name in unbound_names(tree) if name not in unbound_names(known)]
    return Refusal(f"The rewrite would read {lost[0]}, which has no value.") if lost else None


def parses(text: str) -> bool:
    """Whether Python's own parser accepts `text`."""
    return syntax_problem(text) is None


def compiles(text: str) -> bool:
    """Whether Python's own parser and compiler accept `text`."""
    return code_problem(text) is None


def _is_inside(before: str, after: str, span: Span) -> bool:
    tail = before[span.end :]
    return (
        len(after) >= span.start + len(tail)
        and after.startswith(before[: span.start])
        and after.endswith(tail)
    )


def _shortened(comment: str, limit: int = 40) -> str:
    return comment if len(comment) <= limit else comment[: limit - 1] + "…"
