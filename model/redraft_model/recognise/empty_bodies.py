"""Bodies that hold nothing but a comment, which to Python is no body."""

import re

from redraft_model.recognise.recognition import Recognised
from redraft_model.text.parser import Problem, compiles, problem

CONFIDENCE = 0.9
WHAT = "code with bodies that only hold a comment"

_MESSAGE = re.compile(r"expected an indented block after .* on line (\d+)$")


def empty_bodies(source: str) -> Recognised | None:
    """The text with `pass` behind the comments, if it compiles then."""
    text = source
    n_bodies = 0
    while (trouble := problem(text)) is not None:
        longer = _filled(text, trouble)
        if longer is None:
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
    header = int(match.group(1)) - 1
    depth = _depth(lines[header])
    last = max(header + 1, min(trouble.line, len(lines)))
    body = [at for at in range(header + 1, last) if lines[at].strip()]
    comments = [at for at in body if lines[at].lstrip().startswith("#") and _depth(lines[at]) > depth]
    if not comments or comments != body[: len(comments)]:
        return None
    at = comments[-1]
    indent = lines[comments[0]][: _depth(lines[comments[0]])]
    return "\n".join([*lines[: at + 1], f"{indent}pass", *lines[at + 1 :]])


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())
