"""Names in a text, whether it parses or not."""

import builtins
import keyword
import re

NAME = re.compile(r"\b[^\W\d]\w*")
_EVERYWHERE = frozenset({*keyword.kwlist, *keyword.softkwlist, *dir(builtins)})


def names(text: str) -> frozenset[str]:
    """The words in `text` that could be names, wherever they stand, and those that every Python program knows."""
    return _EVERYWHERE.union(NAME.findall(text))


def coined(known: frozenset[str], after: str) -> int:
    """How many different names in `after` are not `known`: what comes from nowhere is seldom what was meant."""
    return len(set(NAME.findall(after)) - known)
