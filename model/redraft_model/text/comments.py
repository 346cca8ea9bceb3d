"""Comments and strings of code that need not parse: what no edit may do to them, and what is seldom meant in them."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from redraft_model.passage import Span
from redraft_model.text.diff import common_prefix, common_suffix
from redraft_model.text.parser import comment_and_string_spans

# Strings are listed so that a "#" inside one does not count. An unclosed quote ends with its line and an
# unclosed triple quote with the text, as in Python's own tokenizer, so the scan also works on broken code.
_STRING_OR_COMMENT = re.compile(
    r"""
      (?P<comment> \#[^\n]* )
    | (?P<string>
          (?s: \"\"\" (?: \\. | (?!\"\"\"). )* (?: \"\"\" | \Z ) )
        | (?s: ''' (?: \\. | (?!'''). )* (?: ''' | \Z ) )
        | " (?: \\[\s\S] | [^"\\\n] )* "?
        | ' (?: \\[\s\S] | [^'\\\n] )* '?
      )
    """,
    re.VERBOSE,
)
_BRACKET = re.compile(r"[()\[\]{}]")
_LONG = ('"""', "'''")
_STRING_PREFIX = re.compile(r"[A-Za-z]{0,2}$")


class Place(Enum):
    """What the end of a text is in."""

    CODE = "code"
    BRACKET = "an open bracket"
    STRING = "a string"
    DOCSTRING = "a string of several lines that is a statement"
    COMMENT = "a comment"


def place_behind(text: str) -> Place:
    """What a character behind `text` would be in; the code in an f-string counts as string."""
    code, end = "", 0
    for match in _STRING_OR_COMMENT.finditer(text):
        code += text[end : match.start()]
        end = match.end()
        if match["comment"] is not None and end == len(text):
            return Place.COMMENT
        if match["string"] is not None and end == len(text) and not _is_closed(match["string"]):
            return _place_in(match["string"], code)
    return Place.BRACKET if _n_open(code + text[end:]) else Place.CODE


def _place_in(string: str, code: str) -> Place:
    """What an open string is, behind `code` without comments and other strings."""
    is_statement = not _STRING_PREFIX.sub("", code.rpartition("\n")[2]).strip()
    is_docstring = string[:3] in _LONG and is_statement and not _n_open(code)
    return Place.DOCSTRING if is_docstring else Place.STRING


def _n_open(code: str) -> int:
    n_open = 0
    for sign in _BRACKET.findall(code):
        n_open = n_open + 1 if sign in "([{" else max(0, n_open - 1)
    return n_open


def _is_closed(string: str) -> bool:
    quote = string[:3] if string[:3] in _LONG else string[:1]
    inside = re.sub(r"\\.", "", string[len(quote) :], flags=re.DOTALL)
    return inside.endswith(quote)


def is_faithful(before: str, after: str) -> bool:
    """Whether no comment was lost, no code commented out, and no character torn."""
    return not (lost_comments(before, after) or lost_comments(after, before) or is_torn(before, after))


def is_torn(before: str, after: str) -> bool:
    """Whether `after` has bytes that are no character where `before` has none: a token can be a part of one."""
    return after.count("\ufffd") > before.count("\ufffd")


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


def n_unpaired(text: str) -> int:
    """How many brackets of each kind there are more of one side than of the other; those in strings and comments count."""
    return sum(abs(text.count(left) - text.count(right)) for left, right in ("()", "[]", "{}"))


def closers_quoted(before: str, after: str) -> int:
    """How many brackets that close nothing are in strings of `after` which `before` does not have."""
    strings = Counter(_strings(after)) - Counter(_strings(before))
    return sum(n * _surplus_closers(string) for string, n in strings.items())


def _surplus_closers(text: str) -> int:
    surplus = depth = 0
    for sign in _BRACKET.findall(text):
        if sign in "([{":
            depth += 1
        elif depth:
            depth -= 1
        else:
            surplus += 1
    return surplus


def _strings(text: str) -> list[str]:
    found = (match["string"] for match in _STRING_OR_COMMENT.finditer(text))
    return [string for string in found if string is not None]


def _comments(text: str) -> list[str]:
    found = (match["comment"] for match in _STRING_OR_COMMENT.finditer(text))
    return [comment.rstrip() for comment in found if comment is not None]


@dataclass(frozen=True)
class CommentsAndStrings:
    """Comments and insides of strings of a text: whatever words are there, the parser does not mind.

    The network finds many of them strange, and a search would try to set them right, again and again.
    """

    source: str
    spans: tuple[Span, ...]

    @classmethod
    def of(cls, source: str) -> "CommentsAndStrings":
        """The comments and insides of strings of `source`."""
        return cls(source, tuple(comment_and_string_spans(source)))

    def spans_in(self, text: str) -> Iterator[Span]:
        """Where the spans are in a text made from this one; those that were changed are none any more."""
        n_behind = common_suffix(self.source, text)
        n_before = min(common_prefix(self.source, text), min(len(self.source), len(text)) - n_behind)
        shift = len(text) - len(self.source)
        for span in self.spans:
            if span.end <= n_before:
                yield span
            elif span.start >= len(self.source) - n_behind:
                yield Span(span.start + shift, span.end + shift)
