"""Which brackets and strings are open at a place of Python text; also for text that does not parse.

An unclosed quote ends with its line, as in Python's own tokenizer; an unclosed bracket stays open. Knows
nothing of documents.
"""

import re
from dataclasses import dataclass

CLOSERS = {"(": ")", "[": "]", "{": "}"}
TRIPLE_QUOTES = ('"""', "'''")

_PIECE = re.compile(r"""#[^\n]*|\"\"\"|'''|["'()\[\]{}]""")
_STRING_ENDS = {
    quote: re.compile(pattern.replace("Q", quote), re.DOTALL)
    for quote, pattern in (
        *((quote, r"(?:\\.|(?!Q)[^\\])*+(Q)") for quote in TRIPLE_QUOTES),
        *((quote, r"(?:\\.|[^\\\nQ])*+(?:(Q)|(?=\n))") for quote in "\"'"),
    )
}


@dataclass(frozen=True)
class Nesting:
    """What a text leaves open, what it closed of that which was open before it, and its first stray bracket.

    Openings are brackets and quotes, outermost first in `open`, innermost first in `closed`; the first
    `n_around` of `open` were open before. A stray bracket closes something that was not opened, or not last.
    """

    open: tuple[str, ...] = ()
    closed: tuple[str, ...] = ()
    n_around: int = 0
    stray: int | None = None

    @property
    def is_in_string(self) -> bool:
        """Whether the text ends inside a string."""
        return bool(self.open) and self.open[-1] not in CLOSERS


def nesting(text: str, around: tuple[str, ...] = ()) -> Nesting:
    """The nesting at the end of `text`, which begins inside of the openings `around`."""
    stack = list(around)
    n_around = len(stack)
    closed: list[str] = []
    stray: int | None = None
    index = 0

    def close(*, is_real: bool) -> None:
        nonlocal n_around
        opening = stack.pop()
        if len(stack) < n_around:
            n_around = len(stack)
            if is_real:
                closed.append(opening)

    while index < len(text):
        if stack and stack[-1] not in CLOSERS:
            end = _STRING_ENDS[stack[-1]].match(text, index)
            if end is None:
                break
            close(is_real=end[1] is not None)
            index = end.end()
            continue
        piece = _PIECE.search(text, index)
        if piece is None:
            break
        index, mark = piece.end(), piece[0]
        if mark in CLOSERS.values():
            if stack and CLOSERS[stack[-1]] == mark:
                close(is_real=True)
            elif stray is None:
                stray = piece.start()
        elif not mark.startswith("#"):
            stack.append(mark)
    return Nesting(tuple(stack), tuple(closed), n_around, stray)
