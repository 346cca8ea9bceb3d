"""Code that was copied from the source of a web page, with `&gt;` where `>` was."""

import html
import re
from html.entities import html5

from redraft_model.recognise.recognition import Recognised
from redraft_model.text.comments import STRING_OR_COMMENT, string_spans
from redraft_model.text.parser import Problem, compile_problem, problem

# Measured, with how many texts: docs/log.md.
CONFIDENCE = 0.998
# Strings have entities that were left alone: most often they were not meant either.
LEFT_CONFIDENCE = 0.01
WHAT = "code with HTML entities"

# Entities go first: the sign of a comment is in some of them.
_PIECE = re.compile(
    r"(?P<entity>&(?:\#\d+|\#[xX][0-9a-fA-F]+|[A-Za-z]\w*);) |" + STRING_OR_COMMENT, re.VERBOSE
)
_ENTITY = re.compile(r"&(?:#\d+|#[xX][0-9a-fA-F]+|[A-Za-z]\w*);")


def escaped(source: str) -> Recognised | None:
    """The text with its entities as characters, where the parser goes on with them further down.

    Those in a string between quotes of Python are left alone, for they may be meant.
    """
    if "&" not in source or ";" not in source:
        return None
    text = _PIECE.sub(_unescaped, source)
    if text == source or not _is_further_on(source, text):
        return None
    pairs = zip(source.split("\n"), text.split("\n"), strict=True)
    has_left = any(_ENTITY.search(string.of(text)) for string in string_spans(text))
    confidence = LEFT_CONFIDENCE if has_left else CONFIDENCE
    return Recognised(text, sum(before != after for before, after in pairs), confidence, WHAT)


def _unescaped(match: re.Match[str]) -> str:
    if match["string"] is not None:
        return match.group()
    if match["entity"] is not None:
        return _character(match)
    return _ENTITY.sub(_character, match.group())


def _character(match: re.Match[str]) -> str:
    entity = match.group()
    if entity[1] != "#" and entity[1:] not in html5:
        return entity
    # A line must not be torn, and Python takes only one kind of blank between its words.
    return html.unescape(entity).replace("\xa0", " ").replace("\n", " ").replace("\r", " ")


def _is_further_on(source: str, text: str) -> bool:
    """Whether the parser's complaint about `text` is behind the place of that about `source`."""
    before, after = _trouble(source), _trouble(text)
    if before is None or after is None:
        return after is None
    return after.span.start > len(_PIECE.sub(_unescaped, source[: before.span.end]))


def _trouble(text: str) -> Problem | None:
    return problem(text) or compile_problem(text)
