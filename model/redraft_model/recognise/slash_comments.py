"""Comments as other languages write them: `// why` and `/* why */`. They stay comments, and no code becomes one.

`//` is Python's own division. What stands behind it is a comment only where the line is no code with it, and is code without it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from redraft_model.recognise.recognition import Recognised
from redraft_model.recognise.statements import is_expression, statement
from redraft_model.text.comments import STRING_OR_COMMENT

# Measured, with how many texts: docs/log.md.
SLASHES_CONFIDENCE = 0.911
BLOCKS_CONFIDENCE = 0.996
WHAT = "code with comments of another language"

_PIECE = re.compile(
    r"(?P<slashes>//[^\n]*) | (?P<block>/\*(?s:.*?)\*/) |" + STRING_OR_COMMENT + r"| (?P<bracket>[()\[\]{}])",
    re.VERBOSE,
)
# Two words side by side, neither of which is an operator of Python.
_OPERATORS = r"(?:if|else|and|or|in|is|not|for|as)\b"
_PROSE = re.compile(rf"/*[ \t]*(?!{_OPERATORS})\w[\w'’-]*[,:]?[ \t]+(?!{_OPERATORS})[^\W\d]")
_WORD = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True)
class _Change:
    """What is written from `start` to `end`."""

    start: int
    end: int
    text: str


def commented(source: str) -> Recognised | None:
    """The text with those comments as Python's."""
    if "//" not in source and "/*" not in source:
        return None
    changes = list(_changes(source, is_known=False))
    if not changes:
        return None
    # Who writes one comment like this writes others.
    changes = list(_changes(source, is_known=True))
    text = source
    for change in reversed(changes):
        text = text[: change.start] + change.text + text[change.end :]
    n_lines = sum(source.count("\n", change.start, change.end) + 1 for change in changes)
    has_slashes = any(source.startswith("//", change.start) for change in changes)
    return Recognised(text, n_lines, SLASHES_CONFIDENCE if has_slashes else BLOCKS_CONFIDENCE, WHAT)


def _changes(source: str, *, is_known: bool) -> Iterator[_Change]:
    """What is to be written; `is_known` says that the text has such comments beyond doubt."""
    at = depth = 0
    while match := _PIECE.search(source, at):
        at = match.end()
        before = source[source.rfind("\n", 0, match.start()) + 1 : match.start()]
        if match["slashes"] is not None:
            place = _Place(source, match.start(), before, match.group()[2:], depth)
            if place.is_comment or (is_known and place.may_be_comment):
                yield _Change(match.start(), match.start() + 2, "#")
            else:
                at = match.start() + 2
        elif match["block"] is not None:
            if (change := _block(source, before, match)) is not None:
                yield change
        elif match["bracket"] is not None:
            depth = depth + 1 if match.group() in "([{" else max(0, depth - 1)


@dataclass(frozen=True)
class _Place:
    """Two slashes: where they are, what stands in their line before and after, in how many open brackets."""

    source: str
    start: int
    before: str
    after: str
    depth: int

    @property
    def is_comment(self) -> bool:
        """Whether a comment begins here, whatever the rest of the text is like."""
        if not self.before.strip():
            # A division needs something to divide.
            above = self.source[: self.start].rstrip()
            return self.depth == 0 or above.endswith((",", "(", "[", "{"))
        return not self._is_code and _PROSE.match(self.after) is not None and self._is_code_before

    @property
    def may_be_comment(self) -> bool:
        """Whether a comment can begin here: no code with what follows, or something divided by what nothing else has."""
        if not self._is_code:
            return self._is_code_before
        words = _WORD.findall(self.after)
        is_unknown = any(self.source.count(word) == self.after.count(word) for word in words)
        return self._is_code_before and (is_unknown or self.after.lstrip().startswith(("'", '"')))

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
