"""White space of code that need not parse: which indentation comes from nowhere, and gaps inside brackets that were written."""

import re
from collections import Counter

from rapidfuzz.distance import Indel

from redraft_model.difference import changed_lines

_INDENT = re.compile(r"[ \t]*")
_STEP = re.compile(r"^([ \t]*)\S[^\n]*:[ \t]*\n(?:[ \t]*\n)*(\1[ \t]+)\S", re.MULTILINE)
_GAP = re.compile(r" +(?=\S)")
USUAL_STEP = 4  # columns, where a text has no block to go by (PEP 8)


def indents_coined(source: str, before: str, after: str) -> int:
    """How many lines `after` has, and `before` has not, whose indentation is neither that of a line of `source` nor whole steps.

    `before` and `after` are stretches of whole lines; a step is what the blocks of `source` are most often indented by.
    """
    known = {_indent(line) for line in source.split("\n") if line.strip()}
    step = _step(source)
    changed = Counter(after.split("\n")) - Counter(before.split("\n"))
    return sum(
        n
        for line, n in changed.items()
        if line.strip() and _indent(line) not in known and len(_indent(line)) % step
    )


def tidied(before: str, after: str) -> str:
    """`after` without the blanks behind each opening bracket that `before` does not have.

    Of `print x` only brackets are missing; the blank between its words is none that anybody wants in `print( x)`.
    """
    head, old, new, tail = changed_lines(before, after)
    pieces: list[str] = []
    end = 0
    for change in Indel.opcodes(old, new):
        for i in range(change.dest_start, change.dest_end) if change.tag == "insert" else ():
            gap = _GAP.match(new, i + 1)
            if gap and new[i] in "([{":
                pieces.append(new[end : gap.start()])
                end = gap.end()
    return head + "".join(pieces) + new[end:] + tail


def _indent(line: str) -> str:
    match = _INDENT.match(line)
    assert match is not None
    return match.group()


def _step(source: str) -> int:
    """By how many characters most blocks are indented."""
    steps = Counter(len(inner) - len(outer) for outer, inner in _STEP.findall(source))
    return steps.most_common(1)[0][0] if steps else USUAL_STEP
