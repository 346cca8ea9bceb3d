"""Comments as other languages write them: `// why` and `/* why */`. They stay comments, and no code becomes one.

`//` is Python's own division. What stands behind it is a comment only where the line is no code with it, and is code without it.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from redraft_model.passage import Span
from redraft_model.recognise.recognition import Recognised
from redraft_model.recognise.statements import is_expression, statement
from redraft_model.text.comments import STRING_OR_COMMENT

# Measured, with how many texts: docs/log.md.
SLASHES_CONFIDENCE = 0.928
BLOCKS_CONFIDENCE = 0.996
WHAT = "code with comments of another language"

_PIECE = re.compile(
    r"(?P<slashes>//[^\n]*) | (?P<block>/\*(?s:.*?)\*/) |" + STRING_OR_COMMENT + r"| (?P<bracket>[()\[\]{}])",
    re.VERBOSE,
)
# Two words side by side, neither of which is an operator of Python.
_OPERATORS = r"(?:if|else|and|or|in|is|not|for|as)\b"
_PROSE = re.compile(rf"/*[ \t]*(?!{_OPERATORS})\w[\w'’-]*[,:]?[ \t]+(?!{_OPERATORS})[^\W\d]")
_NUMBER_FIRST = re.compile(r"/*[ \t]*\d")
_NOTHING_TO_DIVIDE = (";", ",", ":", "(", "[", "{", "}")
_LAST_NAME = re.compile(r"([^\W\d]\w*)\s*\Z")
_MAX_GAP = 200  # characters of white space between code and a comment below
_WORD = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True)
class _Change:
    """What is written from `start` to `end`."""

    start: int
    end: int
    text: str


def commented(source: str) -> Recognised | None:
    """The text with those comments as Python's."""
    if "//" not in source and "*/" not in source:
        return None
    changes = list(_changes(source, is_known=False))
    if not changes:
        return None
    # Who writes one comment like this writes others.
    changes = list(_changes(source, is_known=True))
    pieces: list[str] = []
    end = 0
    for change in changes:
        pieces += [source[end : change.start], change.text]
        end = change.end
    text = "".join([*pieces, source[end:]])
    n_lines = sum(source.count("\n", change.start, change.end) + 1 for change in changes)
    has_slashes = any(source.startswith("//", change.start) for change in changes)
    return Recognised(text, n_lines, SLASHES_CONFIDENCE if has_slashes else BLOCKS_CONFIDENCE, WHAT)


def _changes(source: str, *, is_known: bool) -> Iterator[_Change]:
    """What is to be written; `is_known` says that the text has such comments beyond doubt."""
    n_uses = Counter(_WORD.findall(source))
    at = depth = 0
    comment = Span(0, 0)  # the last one, with the white space before it and other comments above
    while match := _PIECE.search(source, at):
        at = match.end()
        line_start = source.rfind("\n", 0, match.start()) + 1
        before = source[line_start : match.start()]
        is_below = not source[comment.end : match.start()].strip()
        code_end = comment.start if is_below else match.start()
        change = None
        if match["slashes"] is not None:
            above = source[max(0, code_end - _MAX_GAP) : code_end].rstrip()
            place = _Place(before, match.group()[2:], depth, above, n_uses)
            if place.is_comment or (is_known and place.may_be_comment):
                change = _Change(match.start(), match.start() + 2, "#")
            else:
                at = match.start() + 2
        elif match["block"] is not None:
            change = _block(source, before, match)
        elif match["bracket"] is not None:
            depth = depth + 1 if match.group() in "([{" else max(0, depth - 1)
        if change is not None:
            yield change
        if change is not None or match["comment"] is not None:
            comment = Span(code_end, match.end())


@dataclass(frozen=True)
class _Place:
    """Two slashes: what stands in their line before and after, in how many open brackets, and the end of the code above.

    `n_uses` counts the words of the whole text.
    """

    before: str
    after: str
    depth: int
    above: str
    n_uses: Counter[str]

    @property
    def is_comment(self) -> bool:
        """Whether a comment begins here, whatever the rest of the text is like."""
        if not self.before.strip():
            # A division needs something to divide.
            return self.depth == 0 or self.above.endswith((",", "(", "[", "{"))
        return not self._is_code and self._is_prose and self._is_code_before

    @property
    def may_be_comment(self) -> bool:
        """Whether a comment can begin here: no code with what follows, or something known divided by what nothing else has."""
        if not self._is_code:
            return self._is_code_before and not self._is_division
        words = Counter(_WORD.findall(self.after))
        is_unknown = any(self.n_uses[word] == n for word, n in words.items())
        is_text = self.after.lstrip().startswith(("'", '"'))
        return self._is_code_before and (is_text or (is_unknown and not self._is_name_unknown))

    @property
    def _is_prose(self) -> bool:
        return _PROSE.match(self.after) is not None and not self._is_division

    @property
    def _is_division(self) -> bool:
        """Whether something may be divided by the number that follows, with an error behind it."""
        is_number = _NUMBER_FIRST.match(self.after) is not None
        return is_number and not self.before.rstrip().endswith(_NOTHING_TO_DIVIDE)

    @property
    def _is_name_unknown(self) -> bool:
        """Whether what stands before the slashes is a name that nothing else has: then those behind may be from elsewhere, too."""
        match = _LAST_NAME.search(self.before)
        return match is not None and self.n_uses[match[1]] == len(re.findall(rf"\b{match[1]}\b", self.before))

    @property
    def _is_code(self) -> bool:
        """Whether the line is code, or what follows can be divided by."""
        line = f"{self.before}//{self.after}"
        return statement(line) is not None or is_expression(f"0 // {self.after}")

    @property
    def _is_code_before(self) -> bool:
        """Whether a line can end where the slashes are."""
        before = self.before.rstrip()
        return self.depth > 0 or before.endswith((",", "(", "[", "{")) or statement(before) is not None


def _block(source: str, before: str, match: re.Match[str]) -> _Change | None:
    """A comment from `/*` to `*/`, if nothing stands behind it in its last line."""
    end = source.find("\n", match.end())
    rest = source[match.end() : end if end >= 0 else len(source)]
    if rest.strip():
        return None
    lines = match.group()[2:-2].split("\n")
    if not before.strip():
        return _Change(match.start(), match.end(), "\n".join(_comment_lines(lines, before)))
    return None if len(lines) > 1 else _Change(match.start(), match.end(), "#" + lines[0].rstrip())


def _comment_lines(lines: list[str], indent: str) -> Iterator[str]:
    """The lines of a block as comments, all but the first one indented; no line for a sign that stands alone."""
    texts = [lines[0].removeprefix("*").rstrip()]
    texts += [re.sub(r"^[ \t]*\*?", "", line.rstrip(), count=1) for line in lines[1:]]
    texts = texts[len(texts) > 1 and not texts[0] : len(texts) - (len(texts) > 1 and not texts[-1])]
    for at, text in enumerate(texts or [""]):
        is_apart = not at or not text or text[0].isspace()
        yield (indent if at else "") + "#" + (text if is_apart else f" {text}")
