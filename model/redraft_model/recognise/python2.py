"""Python 2: all of a text is translated; of one with other errors, the lines that are Python 2 by themselves."""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Sequence

from redraft_model.recognise.numbers import without_leading_zeros
from redraft_model.recognise.recognition import Recognised
from redraft_model.text.comments import lost_comments
from redraft_model.text.parser import (
    comment_and_string_spans,
    compile_problem,
    compiles,
    line_starts,
    parses,
    problem,
)

# Of held-out files that were written down in Python 2 and recognised as a whole 478 of 478 came back exactly: at least 99.2 %. Of
# lines that were translated beside another error 198 of 209 did (docs/log.md, 2026-11-30).
CONFIDENCE = 0.99
LINE_CONFIDENCE = 0.95

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
# What Python 2 does not know.
_NEW = re.compile(
    r"""
      \b(?i:rf|fr?)['"]
    | ->|:=
    | ^[ \t]*(?!else\b|try\b|finally\b)[\w.]+[ ]*:[ ]*\w[\w.\[\], |]*=(?!=)
    | \bdef\b[^\n]*[(,][ ]*\w+[ ]*:
    | \b(?:nonlocal|async|await)\b
    | \bprint[ ]*\(.*\b(?:end|sep|file|flush)[ ]*=
    | \braise\b.*\bfrom\b
    """,
    re.MULTILINE | re.VERBOSE,
)
# What is a statement of Python 3, and does nothing there, or fails.
_EITHER = re.compile(r"[ \t]*print[ \t]*(?:$|\#|>>)")
_FIRST_WORD = re.compile(r"[^\W\d]\w*")
_BEFORE = {
    "elif": "if x: pass\n",
    "else": "if x: pass\n",
    "except": "try: pass\n",
    "finally": "try: pass\n",
}
_ABOUT_ZEROS = "leading zeros in decimal integer"


def python2(source: str) -> Recognised | None:
    """A text that is Python 2, and compiles once its syntax is translated."""
    if _SIGNS.search(source) is None:
        return None
    # Whoever needs no translation does not wait for the library.
    from redraft_model.recognise.translation import translated

    text, confidence = translated(without_leading_zeros(source)), CONFIDENCE
    if text is None or not compiles(text):
        text, confidence = _line_by_line(source, translated), LINE_CONFIDENCE
    if text is None or text == source or lost_comments(source, text):
        return None
    return Recognised(text, _n_changed(source, text), confidence, "Python 2")


def _line_by_line(source: str, translated: Callable[[str], str | None]) -> str | None:
    """`source` with the lines translated that only Python 2 takes for a statement, or for the header of one.

    None if something is of Python 3.
    """
    if _NEW.search(source) is not None:
        return None
    starts = line_starts(source)
    inside = {
        bisect_right(starts, span.start) + n
        for span in comment_and_string_spans(source)
        for n in range(span.of(source).count("\n"))
    }
    lines = source.split("\n")
    new = [
        line
        if number in inside or _SIGNS.search(line) is None
        else _translated_line(line, lines[number + 1 :], translated)
        for number, line in enumerate(lines)
    ]
    is_old = any(a != b and _EITHER.match(a) is None for a, b in zip(lines, new, strict=True))
    return "\n".join(new) if is_old else None


def _translated_line(line: str, behind: Sequence[str], translated: Callable[[str], str | None]) -> str:
    """A line that is a statement to Python 3, too, or to neither, stays as it is.

    Of the lines `behind` it the first says how deep a block is, into which tuples of parameters are unpacked.
    """
    code = line.strip()
    own, inner = _indent(line), _indent(next(filter(str.strip, behind), ""))
    deeper = inner.removeprefix(own) if inner.startswith(own) else ""
    word = _FIRST_WORD.match(code)
    head = _BEFORE.get(word[0], "") if word else ""
    for tail in ("", f"\n{deeper or '    '}pass"):
        whole = f"{head}{code}{tail}\n"
        is_new = parses(whole) and _EITHER.match(line) is None
        text = None if is_new else translated(without_leading_zeros(whole))
        if text is not None and parses(text) and text.startswith(head):
            new = text[len(head) :].removesuffix(f"{tail}\n")
            return line.replace(code, new.replace("\n", f"\n{own}"))
    return line


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


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
