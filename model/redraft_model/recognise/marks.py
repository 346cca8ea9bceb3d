"""Code with the same mark in front of every line or behind it: a quoted mail, a list, a box, the breaks of a web page."""

import re
from collections.abc import Iterator, Sequence

from redraft_model.recognise.lines import dedented
from redraft_model.recognise.recognition import Recognised
from redraft_model.text.parser import compiles

# Measured, with how many texts: docs/log.md.
CONFIDENCE = 0.998
WHAT = "code with a mark at every line"

_MIN_LINES = 2
# Code that does not compile for another reason as well needs more lines with the mark.
_MIN_BROKEN_LINES = 4
_MAX_DEPTH = 4  # a quoted mail may quote one
# None of them begins a line of Python, but for the star, of which the compiler decides.
_BEFORE = re.compile(r"[ \t]*(?:[>|│┃▏»•‣◦▪·*–]|-(?=[ \t]|$))")
_BEHIND = re.compile(r"[ \t]*(?:<br ?/?>|[|│┃¶↵⏎])[ \t]*$")


def marked(source: str) -> Recognised | None:
    """The code without the marks; empty lines may go without one."""
    text = source.rstrip("\n")
    for _ in range(_MAX_DEPTH):
        lines = text.split("\n")
        bare = next(_bare(lines), None)
        if bare is None:
            break
        text = bare
        if compiles(text):
            break
    else:
        return None
    n_lines = sum(bool(line.strip()) for line in source.split("\n"))
    is_code = n_lines >= _MIN_BROKEN_LINES or (n_lines >= _MIN_LINES and compiles(text))
    if text == source.rstrip("\n") or not is_code:
        return None
    return Recognised(text + source[len(source.rstrip("\n")) :], n_lines, CONFIDENCE, WHAT)


def _bare(lines: Sequence[str]) -> Iterator[str]:
    """The lines without the mark that all of them have, in front or else behind."""
    for pattern in (_BEFORE, _BEHIND):
        found = [pattern.search(line) if pattern is _BEHIND else pattern.match(line) for line in lines]
        written = [match for line, match in zip(lines, found, strict=True) if line.strip()]
        marks = {match.group().strip() if match else "" for match in written}
        if written and len(marks) == 1 and marks != {""}:
            yield dedented(
                [
                    line[: match.start()].rstrip() + line[match.end() :] if match else line
                    for line, match in zip(lines, found, strict=True)
                ]
            )
