"""What an edit does to the names around it: which it reads come from nowhere, which have lost their value, which nobody reads.

Found with regular expressions: the code need not parse. Strings and comments are left out, but for the fields of f-strings.
"""

import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

from redraft_model.comments import STRING_OR_COMMENT
from redraft_model.names import EVERYWHERE, NAME, read

N_AROUND = 10_000  # characters looked at on each side
_PREFIXED = re.compile(
    rf"""(?P<prefix> \b [bBfFrRuU]{{1,2}} (?=["']) )? (?: {STRING_OR_COMMENT.pattern} )""", re.VERBOSE
)
_FIELD = re.compile(r"\{([^{}\n]*)\}")
_OUTERMOST = re.compile(r"^(?=[^\W\d]|@)", re.MULTILINE)
_BINDINGS = tuple(
    re.compile(pattern, re.MULTILINE)
    for pattern in (
        r"^[ \t]*(?:import|from)\b([^\n]*)",
        r"\b(?:def|class)[ \t]+(\w+)",
        r"\bdef[ \t]+\w+[ \t]*\(([\s\S]*?)(?:\)[ \t]*(?:->[^\n]*)?:|\n[ \t]*\n|\Z)",
        r"\blambda\b([^:\n]*)",
        r"^[ \t]*+((?:[\w, \t*)]|(?<!\w)\()++)=(?!=)",
        r"(?<![=!<>])=[ \t]*(\w+)[ \t]*=(?!=)",
        r"^[ \t]*(\w+)[ \t]*:[^\n=]*=",
        r"\bfor\b([^\n]+?)\bin\b",
        r"\bas[ \t]+(\(?[\w, \t]+)",
        r"\b(?:global|nonlocal)\b([^\n]*)",
        r"(?:[(\[{,]|\b(?:if|elif|while|and|or|not)\b)[ \t]*(\w+)[ \t]*:=",
        r"\bcase\b([^\n]*):",
    )
)


@dataclass(frozen=True)
class Bindings:
    """Names of the changed lines, counted."""

    unbound: int  # they are read there and stand nowhere else
    orphaned: int  # other lines read them and nothing gives them a value
    unread: int  # something gives them a value and nothing else has them


def bindings(head: str, old: str, new: str, tail: str) -> Bindings:
    """The names of the lines `old` once they are `new`, between `head` and `tail`."""
    others = _names_of(_end(head) + "\n" + _beginning(tail))
    now = _names_of(new)
    concerned = {*NAME.findall(old), *NAME.findall(new)} - EVERYWHERE
    bound = others.bound | now.bound
    return Bindings(
        unbound=len(now.read - others.counts.keys() - now.bound - EVERYWHERE),
        orphaned=len(concerned.intersection(others.read) - bound),
        unread=sum(
            others.counts[name] + now.counts[name] == 1 and not name.startswith("_")
            for name in bound & concerned
        ),
    )


@dataclass(frozen=True)
class _Names:
    counts: Counter[str]
    bound: frozenset[str]
    read: frozenset[str]


# The solutions of one problem mostly change the same lines.
@lru_cache(maxsize=32)
def _names_of(text: str) -> _Names:
    code = _code(text)
    return _Names(Counter(NAME.findall(code)), frozenset(_bound(code)), frozenset(read(code)))


def _bound(code: str) -> set[str]:
    found = (text for pattern in _BINDINGS for text in pattern.findall(code))
    return {name for text in found for name in NAME.findall(text)}


def _code(text: str) -> str:
    """`text` with blanks for strings and comments; its lines stay."""

    def blank(match: re.Match[str]) -> str:
        string, prefix = match["string"], match["prefix"] or ""
        if string is None:
            return prefix
        fields = " ".join(_FIELD.findall(string)) if "f" in prefix.lower() else ""
        return f"({fields})" + "\n" * string.count("\n")

    return _PREFIXED.sub(blank, text)


def _end(head: str) -> str:
    """The last characters of `head`, from an outermost statement on where there is one; whole lines in any case."""
    if len(head) <= N_AROUND:
        return head
    start = _OUTERMOST.search(head, len(head) - N_AROUND)
    return head[start.start() if start else head.rfind("\n", 0, len(head) - N_AROUND) + 1 :]


def _beginning(tail: str) -> str:
    return tail if len(tail) <= N_AROUND else tail[: tail.rfind("\n", 0, N_AROUND)]
