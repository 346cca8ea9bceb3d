"""A mark of a merge conflict that somebody has decided by hand and left standing."""

import re

from redraft_model.recognise.lines import lines_of
from redraft_model.recognise.recognition import Recognised
from redraft_model.text.parser import compiles

# Measured, with how many texts: docs/log.md.
CONFIDENCE = 0.995
WHAT = "code with a mark that is left of a merge conflict"

_MARK = re.compile(r"(<{7}|>{7}|\|{7})(?: .*)?$|(={7})$")


def merge_marks(source: str) -> dict[int, str]:
    """The lines, from 0, that are such marks, and their sign; those in strings do not count."""
    found = ((number, line, _MARK.match(line.text)) for number, line in enumerate(lines_of(source)))
    return {number: match.group()[0] for number, line, match in found if match and not line.is_in_string}


def merged(source: str) -> Recognised | None:
    """The text without the marks, if all that are left are of one kind: then no two sides are."""
    marks = merge_marks(source)
    if len(set(marks.values())) != 1:
        return None
    text = "\n".join(line for number, line in enumerate(source.split("\n")) if number not in marks)
    # A title can be underlined so.
    if "=" in marks.values() and not compiles(text):
        return None
    return Recognised(text, len(marks), CONFIDENCE, WHAT)
