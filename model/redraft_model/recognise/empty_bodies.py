"""Bodies that hold nothing but a comment, which to Python is no body."""

import re

from redraft_model.recognise.recognition import Recognised
from redraft_model.text.parser import Problem, compiles, problem

# Measured, with how many texts: docs/log.md.
CONFIDENCE = 0.993
WHAT = "code with bodies that only hold a comment"

# Each costs a look of the parser at the whole text.
_MAX_BODIES = 30
_MESSAGE = re.compile(r"expected an indented block after .* on line (\d+)$")


def empty_bodies(source: str) -> Recognised | None:
    """The text with `pass` behind the comments, if it compiles then."""
    text = source
    n_bodies = 0
    while (trouble := problem(text)) is not None:
        longer = _filled(text, trouble)
        if longer is None or n_bodies == _MAX_BODIES:
            return None
        text, n_bodies = longer, n_bodies + 1
    if not n_bodies or not compiles(text):
        return None
    return Recognised(text, n_bodies, CONFIDENCE, WHAT)


def _filled(text: str, trouble: Problem) -> str | None:
    """The text with `pass` behind the last comment of the body whose end was a surprise to the parser."""
    match = _MESSAGE.search(trouble.message)
    if match is None:
        return None
    lines = text.split("\n")
    depth = _depth(lines[int(match.group(1)) - 1])
    end = trouble.line
    while end < len(lines) and _is_idle(lines[end]):
        end += 1
    start = end
    while start > 0 and _is_idle(lines[start - 1]):
        start -= 1
    comments = [at for at in range(start, end) if lines[at].strip()]
    own = [at for at in comments if _depth(lines[at]) > depth]
    # Those of the body come first.
    if not own or own != comments[: len(own)]:
        return None
    indent = lines[own[0]][: _depth(lines[own[0]])]
    return "\n".join([*lines[: own[-1] + 1], f"{indent}pass", *lines[own[-1] + 1 :]])


def _is_idle(line: str) -> bool:
    """Whether the line is empty, or a comment."""
    return line.lstrip()[:1] in ("", "#")


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())
