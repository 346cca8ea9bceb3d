"""What a rewrite must never do to somebody's text. Knows nothing of models or files."""

import re
from collections import Counter
from dataclasses import dataclass

from redraft_model.passage import Span

from redraft_server.problems import syntax_problem

# Strings are listed so that a "#" inside one does not count. An unclosed quote ends with its line and an
# unclosed triple quote with the text, as in Python's own tokenizer, so the scan also works on broken code.
_STRING_OR_COMMENT = re.compile(
    r"""
      (?P<comment> \#[^\n]* )
    | (?s: \"\"\" (?: \\. | (?!\"\"\"). )* (?: \"\"\" | \Z ) )
    | (?s: ''' (?: \\. | (?!'''). )* (?: ''' | \Z ) )
    | " (?: \\[\s\S] | [^"\\\n] )* "?
    | ' (?: \\[\s\S] | [^'\\\n] )* '?
    """,
    re.VERBOSE,
)


@dataclass(frozen=True)
class Refusal:
    """Why a rewrite must not be carried out, in one sentence."""

    reason: str


def check(before: str, after: str, span: Span | None = None) -> Refusal | None:
    """What is wrong with turning `before` into `after`, changing only `span`; None if nothing is."""
    if before == after:
        return None
    if span is not None and not _is_inside(before, after, span):
        return Refusal("The rewrite would change text outside the selection.")
    span = span or Span(0, len(before))
    n_after = len(before) - span.end
    if span.of(before).strip() and not after[span.start : len(after) - n_after].strip():
        return Refusal("The rewrite would leave nothing of the text.")
    lost = lost_comments(before, after)
    if lost:
        return Refusal(f"The rewrite would drop the comment {_shortened(lost[0])!r}.")
    if parses(before) and not parses(after):
        return Refusal("The text parses and the rewrite would not.")
    return None


def parses(text: str) -> bool:
    """Whether Python's own parser accepts `text`."""
    return syntax_problem(text) is None


def lost_comments(before: str, after: str) -> list[str]:
    """The comments of `before` that `after` lacks, in order of appearance.

    A comment counts as kept if its text is still there in any place: in broken code what looks like a comment
    may be the inside of a string whose quote is missing, and a repair that closes it loses nothing.
    """
    lost: list[str] = []
    for comment, n_before in Counter(_comments(before)).items():
        if after.count(comment) < min(n_before, before.count(comment)):
            lost.append(comment)
    return lost


def _comments(text: str) -> list[str]:
    found = (match["comment"] for match in _STRING_OR_COMMENT.finditer(text))
    return [comment.rstrip() for comment in found if comment is not None]


def _is_inside(before: str, after: str, span: Span) -> bool:
    tail = before[span.end :]
    return (
        len(after) >= span.start + len(tail)
        and after.startswith(before[: span.start])
        and after.endswith(tail)
    )


def _shortened(comment: str, limit: int = 40) -> str:
    return comment if len(comment) <= limit else comment[: limit - 1] + "…"
