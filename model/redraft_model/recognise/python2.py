"""Python 2: all of a text is translated, or nothing of it."""

import re
from collections import Counter

from redraft_model.recognise.numbers import without_leading_zeros
from redraft_model.recognise.recognition import Recognised
from redraft_model.text.comments import lost_comments
from redraft_model.text.parser import compile_problem, compiles, problem

# Of held-out files that were written down in Python 2 so many came back exactly (docs/log.md).
CONFIDENCE = 0.9

# What Python 3 does not write. The translation takes a while, and most texts that do not compile have nothing of it.
_SIGNS = re.compile(
    r"""
      ^[^\S\n]*(?:print|exec)\b(?![^\S\n]*[(=.,:\[])          # print name, print
    | ^[^\S\n]*exec\b[^\n]*\bin\b                              # exec (code) in scope
    | (?:;|:)[^\S\n]*(?:print|exec)[^\S\n]+(?![(=.,:])[\w'"`]   # if x: print name
    | ^[^\S\n]*print[^\S\n]*\(.*[^\s):][^\S\n]*$               # print ("%s") % name
    | `|<>
    | \braise[^\S\n]+[\w.]+[^\S\n]*,
    | \bexcept\b[^\n:]*,[^\n:]*:
    | \b\d[\da-fA-FxX]*[lL]\b
    | \b0\d
    | \b[uU][rR]['"]
    | \bdef[ ]+\w+[ ]*\([^\n]*[(,][ ]*\(
    | \blambda[ ]*\(
    """,
    re.MULTILINE | re.VERBOSE,
)
_ABOUT_ZEROS = "leading zeros in decimal integer"


def python2(source: str) -> Recognised | None:
    """A text that is Python 2, and compiles once its syntax is translated."""
    if _SIGNS.search(source) is None:
        return None
    # Whoever needs no translation does not wait for the library.
    from redraft_model.recognise.translation import translated

    text = translated(without_leading_zeros(source))
    if text is None or not compiles(text) or lost_comments(source, text):
        return None
    return Recognised(text, _n_changed(source, text), CONFIDENCE, "Python 2")


def leading_zeros(source: str) -> Recognised | None:
    """A text in which the compiler stops at a number with leading zeros."""
    found = problem(source) or compile_problem(source)
    if found is None or _ABOUT_ZEROS not in found.message:
        return None
    text = without_leading_zeros(source)
    return Recognised(text, _n_changed(source, text), CONFIDENCE, "numbers of Python 2")


def _n_changed(before: str, after: str) -> int:
    """How many lines of `after` are not in `before`."""
    return (Counter(after.split("\n")) - Counter(before.split("\n"))).total()
