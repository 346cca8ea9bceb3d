"""Comments and strings of code that need not parse: what no edit may do to them, and what is seldom meant in them."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from redraft_model.passage import Span
from redraft_model.text.diff import changed_lines, common_prefix, common_suffix, is_inside_word
from redraft_model.text.parser import comment_and_string_spans

# Strings are listed so that a "#" inside one does not count. An unclosed quote ends with its line and an
# unclosed triple quote with the text, as in Python's own tokenizer, so the scan also works on broken code.
STRING_OR_COMMENT = r"""
      (?P<comment> \#[^\n]* )
    | (?P<string>
          (?s: \"\"\" (?: \\. | (?!\"\"\"). )* (?: \"\"\" | \Z ) )
        | (?s: ''' (?: \\. | (?!'''). )* (?: ''' | \Z ) )
        | " (?: \\[\s\S] | [^"\\\n] )* "?
        | ' (?: \\[\s\S] | [^'\\\n] )* '?
      )
    """  # to be compiled with re.VERBOSE
_STRING_OR_COMMENT = re.compile(STRING_OR_COMMENT, re.VERBOSE)
_BRACKET = re.compile(r"[()\[\]{}]")
_BRACES = re.compile(r"\{[^{}]*\}?|\}")
_ESCAPING = re.compile(r"\\+(?=['\"\n]|\Z)|\\(?=\\)")
_WORD = re.compile(r"\w+")
_FIRST, _LAST = re.compile(r"\A[ \t]+\S+"), re.compile(r"\S+[ \t]+\Z")
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
    """Whether comments and strings are kept: none lost, none made of code, no character torn, and no string's text written anew."""
    return not (
        lost_comments(before, after)
        or invented_comments(before, after)
        or invented_strings(before, after)
        or lost_string_text(before, after)
        or is_torn(before, after)
    )


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


def invented_comments(before: str, after: str) -> list[str]:
    """The comments of `after` that were code in `before`.

    What stands behind a sign of a comment in a string that no quote closes may have been meant as one. Where three quotes are
    missing, or are too many, what is inside and what is outside of strings over several lines are swapped below.
    """
    new = Counter(_comments(after)) - Counter(_comments(before))
    if not new:
        return []
    strings = _strings(before)
    tails = [string.rstrip() for string in strings if not _is_closed(string)]
    long = [string for string in strings if string[:3] in _LONG]
    is_swapped = any(string[:3] in _LONG and not _is_closed(string) for string in (*long, *_strings(after)))
    swapped = [line.rstrip() for string in long for line in string.split("\n")] if is_swapped else []
    ends = {*tails, *swapped}
    return [comment for comment in new if not any(end.endswith(comment) for end in ends)]


def invented_strings(before: str, after: str) -> list[str]:
    """The strings of `after` that hold what `before` does not have in one piece: a repair sets quotes, it does not write.

    Backslashes may come and go, since one is missing or one too many before a quote. So may the code in an f-string, and a string
    that was broken over lines may be joined. Blanks at the ends of what a string holds are as they were.
    """
    new = Counter(_strings(after)) - Counter(_strings(before))
    if not new:
        return []
    text = _unescaped(before)
    alike = _spelt(text)
    found = [
        string
        for string in new
        if not all(
            _is_whole_in(_spelt(piece), alike) and all(end in text for end in _ends(piece))
            for piece in map(_unescaped, _pieces(string))
        )
    ]
    if found:
        return found
    # A blank may come into a string, and is not written once more in front of it.
    _, old_lines, new_lines, _ = changed_lines(before, after)
    if new_lines.count(" ") > old_lines.count(" "):
        return [string for string in new if " " in _edges(string) and string not in before]
    return []


def lost_string_text(before: str, after: str) -> list[str]:
    """The words in closed strings of `before` that `after` has nowhere, in a string or as code, and the backslashes in any.

    What stands in braces may be code of an f-string and does not count.
    """
    gone, new = Counter(_strings(before)), Counter(_strings(after))
    gone, new = gone - new, new - gone
    if not gone:
        return []
    _, old_lines, new_lines, _ = changed_lines(before, after)
    closed = [string for string in gone.elements() if _is_closed(string)]
    words = Counter(word for string in closed for piece in _pieces(string) for word in _WORD.findall(piece))
    lost = words & (Counter(_WORD.findall(old_lines)) - Counter(_WORD.findall(new_lines)))
    # Where what is inside and what is outside of strings was swapped, none is lost as long as all are in the text.
    n_gone = old_lines.count("\\") - new_lines.count("\\")
    n_backslashes = min(n_gone, _n_backslashes(gone) - _n_backslashes(new))
    return [*lost.elements(), *"\\" * n_backslashes]


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


def string_spans(text: str) -> list[Span]:
    """Where the string literals of code are that need not parse, quotes included, in order."""
    return [Span(*match.span()) for match in _STRING_OR_COMMENT.finditer(text) if match["string"] is not None]


def _strings(text: str) -> tuple[str, ...]:
    return _scanned(text)[0]


def _is_whole_in(piece: str, text: str) -> bool:
    """Whether `piece` stands somewhere in `text` and is not cut out of a word there."""
    at = text.find(piece)
    while at >= 0:
        if not (is_inside_word(text, at) or is_inside_word(text, at + len(piece))):
            return True
        at = text.find(piece, at + 1)
    return not piece


def _n_backslashes(strings: Counter[str]) -> int:
    return sum(string.count("\\") for string in strings.elements())


def _pieces(string: str) -> list[str]:
    """What a string holds, without its quotes and without what stands in braces, which may be code."""
    quote = string[:3] if string[:3] in _LONG else string[:1]
    inside = string[len(quote) :]
    inside = inside.removesuffix(quote) if _is_closed(string) else inside
    return _BRACES.split(inside)


def _edges(string: str) -> str:
    """The first and the last character of what a string holds, but for the indentation of quotes on a line of their own."""
    pieces = _pieces(string)
    last = pieces[-1].rstrip(" ")
    return pieces[0][:1] + (pieces[-1][-1:] if not last.endswith("\n") else "")


def _unescaped(text: str) -> str:
    """`text` without the backslashes that escape a quote, a backslash or the end."""
    return _ESCAPING.sub("", text)


def _spelt(text: str) -> str:
    """`text` with all white space alike, and without any at its ends."""
    return " ".join(text.split())


def _ends(piece: str) -> list[str]:
    """The first and the last word of what a string holds, each with the blanks before or behind it."""
    return [match.group() for pattern in (_FIRST, _LAST) if (match := pattern.search(piece))]


def _comments(text: str) -> tuple[str, ...]:
    return _scanned(text)[1]


@lru_cache(maxsize=4)
def _scanned(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The strings and the comments of `text`, remembered because one text is compared with many."""
    strings: list[str] = []
    comments: list[str] = []
    for match in _STRING_OR_COMMENT.finditer(text):
        if match["comment"] is None:
            strings.append(match["string"])
        else:
            comments.append(match["comment"].rstrip())
    return tuple(strings), tuple(comments)


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
