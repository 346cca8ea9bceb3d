"""Comments as other languages write them: `// why` and `/* why */`. They stay comments, and no code becomes one.

`//` is Python's own division. What stands behind it is a comment only where the line is no code with it, and is code without it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from redraft_model.recognise.recognition import Recognised
from redraft_model.recognise.statements import is_expression, statement
from redraft_model.text.comments import STRING_OR_COMMENT

CONFIDENCE = 0.95
WHAT = "code with comments of another language"

_PIECE = re.compile(
    r"(?P<slashes>//[^\n]*) | (?P<block>/\*(?s:.*?)\*/) |" + STRING_OR_COMMENT + r"| (?P<bracket>[()\[\]{}])",
    re.VERBOSE,
)
# Two words side by side, neither of which is an operator of Python.
_OPERATORS = r"(?:if|else|and|or|in|is|not|for|as)\b"
_PROSE = re.compile(rf"/*[ \t]*(?!{_OPERATORS})[^\W\d][\w'’-]*[,:]?[ \t]+(?!{_OPERATORS})[^\W\d]")


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
    changes = list(_changes(source))
    if not changes:
        return None
    text = source
    for change in reversed(changes):
        text = text[: change.start] + change.text + text[change.end :]
    n_lines = sum(source.count("\n", change.start, change.end) + 1 for change in changes)
    return Recognised(text, n_lines, CONFIDENCE, WHAT)


def _changes(source: str) -> Iterator[_Change]:
    at = depth = 0
    while match := _PIECE.search(source, at):
        at = match.end()
        before = source[source.rfind("\n", 0, match.start()) + 1 : match.start()]
        if match["slashes"] is not None:
            if _is_comment(before, match.group()[2:], depth):
                yield _Change(match.start(), match.start() + 2, "#")
            else:
                at = match.start() + 2
        elif match["block"] is not None:
            if (change := _block(source, before, match)) is not None:
                yield change
        elif match["bracket"] is not None:
            depth = depth + 1 if match.group() in "([{" else max(0, depth - 1)


def _is_comment(before: str, after: str, depth: int) -> bool:
    """Whether `after`, which stands behind two slashes in `depth` open brackets, is a comment."""
    if not before.strip():
        # A line cannot begin with a division, unless the one above goes on.
        return depth == 0 or _is_prose(after)
    if statement(before + "//" + after) is not None or _is_operand(after):
        return False
    if before.rstrip().endswith((",", "(", "[", "{")):
        return _is_prose(after)
    return _is_prose(after) and (depth > 0 or statement(before) is not None)


def _is_operand(after: str) -> bool:
    return is_expression("0 // " + after)


def _is_prose(after: str) -> bool:
    return _PROSE.match(after) is not None and not is_expression(after)


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
        yield (indent if at else "") + "#" + (text if not text or text[0].isspace() else f" {text}")
