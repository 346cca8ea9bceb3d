"""How a line may begin where one is missing: how deep it is, and whether a statement, a block or a clause begins there.

Asks the parser, with a stand-in for each kind; so where the text around does not parse whatever is put there, nothing is known.
"""

import re
from collections.abc import Iterable
from enum import Enum

from redraft_model.passage import Passage, Span
from redraft_model.text.frame import Frame


class Kind(Enum):
    """What can begin on a line; the value is a stand-in for each of its forms."""

    STATEMENT = ("pass",)
    BLOCK = ("if x:",)
    CLAUSE = ("elif x:", "except x:", "else:", "finally:")


BLOCK_WORDS = frozenset({"async", "class", "def", "for", "if", "try", "while", "with"})
CLAUSE_WORDS = frozenset({"elif", "else", "except", "finally"})

_OPENS_BLOCK = re.compile(r":[ \t]*(?:#.*)?$")
_BLOCK = re.compile(r"^([ \t]*)\S.*:[ \t]*(?:#.*)?\n(?:[ \t]*\n)*\1([ \t]+)(?=\S)", re.MULTILINE)
_BLANKS = re.compile(r"[ \t]*")


def fitting(passage: Passage, indents: Iterable[str]) -> dict[str, frozenset[Kind]]:
    """What can begin behind each of `indents` in place of the passage's target; those behind which nothing can are left out."""
    at = len(passage.before)
    frame = Frame.around(passage.replaced(""), Span(at, at))

    def fits(indent: str, kind: Kind) -> bool:
        return any(frame.problem(passage.replaced(indent + form)) is None for form in kind.value)

    known = {indent: frozenset(kind for kind in Kind if fits(indent, kind)) for indent in indents}
    return {indent: kinds for indent, kinds in known.items() if kinds}


def deeper(passage: Passage) -> list[str]:
    """The indentations of a block that the last line of code before the target opens, in steps that the text takes elsewhere.

    Where it takes none, those that are usual; empty when that line opens no block.
    """
    line = passage.before.rstrip().rpartition("\n")[2]
    if not _OPENS_BLOCK.search(line):
        return []
    indent = _indent(line)
    steps = {found[1] for found in _BLOCK.findall(passage.replaced(""))} or {"    ", "\t", "  ", " "}
    return sorted(indent + step for step in steps)


def depth(line: str) -> int:
    """The width of the indentation of a line."""
    return len(line.expandtabs()) - len(line.expandtabs().lstrip())


def _indent(line: str) -> str:
    found = _BLANKS.match(line)
    return found.group() if found else ""
