"""Names in a text, found with regular expressions: code in the making need not parse."""

import builtins
import keyword
import re

NAME = re.compile(r"\b[^\W\d]\w*")
_EVERYWHERE = frozenset({*keyword.kwlist, *keyword.softkwlist, *dir(builtins)})

SIGNATURE = re.compile(r"\bdef\s+\w+\s*\(([^:)]*)")
_ASSIGNED = re.compile(r"^[ \t]*([\w, \t]+?)[ \t]*=(?!=)", re.MULTILINE)
_LOOPED = re.compile(r"\bfor\s+([\w,\s()]+?)\s+in\b")
_IMPORTED = re.compile(r"\b(?:as|import)[ \t]+(\w+)")
_IMPORTED_FROM = re.compile(r"\bfrom[ \t]+[\w.]+[ \t]+import[ \t]+\(?[ \t]*([\w, \t]+)")
_READ = re.compile(r"(?<![\w.])[^\W\d]\w*(?!\w|[ \t]*=(?!=))")


def names(text: str) -> frozenset[str]:
    """The words in `text` that could be names, wherever they stand, and those that every Python program knows."""
    return _EVERYWHERE.union(NAME.findall(text))


def n_unknown_identifiers(known: frozenset[str], after: str) -> int:
    """How many different names in `after` are not `known`: what comes from nowhere is seldom what was meant."""
    return len(set(NAME.findall(after)) - known)


def bound(text: str) -> set[str]:
    """Names that `text` gives a value to: parameters, what is assigned, looped over or imported."""
    patterns = (SIGNATURE, _ASSIGNED, _LOOPED, _IMPORTED, _IMPORTED_FROM)
    return {name for pattern in patterns for name in _within(pattern, text)}


def imported(text: str) -> set[str]:
    """Names that `text` imports."""
    return _within(_IMPORTED, text) | _within(_IMPORTED_FROM, text)


def assigned(text: str) -> set[str]:
    """Names that `text` gives a value to by an assignment of its own."""
    return _within(_ASSIGNED, text)


def read(text: str) -> list[str]:
    """Names whose value `text` wants, in their order and as often as it does; keywords are among them, attributes are not."""
    return _READ.findall(text)


def _within(pattern: re.Pattern[str], text: str) -> set[str]:
    """The names in what the group of `pattern` holds, wherever it is found."""
    return {name for found in pattern.findall(text) for name in NAME.findall(found)}
