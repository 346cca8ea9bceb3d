"""Span noise: which piece of a text is cut out to be written again. Knows syntax trees, not the model."""

import bisect
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import tree_sitter
import tree_sitter_python

from redraft_model.noise.registry import SPAN_PROCESSES, register
from redraft_model.passage import Span

_PARSER = tree_sitter.Parser(tree_sitter.Language(tree_sitter_python.language()))

# Not pieces of code: the whole, what is broken, and the quotes of a string.
_NO_PIECES = frozenset({"module", "ERROR", "string_start", "string_end"})


@register(SPAN_PROCESSES)
@dataclass(frozen=True)
class SpanNoise:
    """Cuts a span the way completion will meet it.

    A quarter are the rest of a line from some column on, a quarter one whole line, as inline completion asks
    for, half of these with the line break and the indentation in front of it; of the remainder 90 % are
    syntax nodes (chosen in proportion to their size) and 10 % random characters. A span is never empty and no
    longer than `largest_share` of the code (but one character) and `n_characters_max`.
    """

    name: ClassVar[str] = "span"
    rest_of_line: float = 0.25
    whole_line: float = 0.25
    syntax_node: float = 0.45
    random_characters: float = 0.05
    largest_share: float = 0.4
    n_characters_max: int = 400

    def cut(self, code: str, rng: random.Random) -> Span:
        """The span of `code` to infill; ValueError when `code` is empty."""
        if not code:
            raise ValueError("there is nothing to cut out of an empty text")
        longest = self.longest(code)
        kinds: list[tuple[Callable[[str, int, random.Random], Span | None], float]] = [
            (_rest_of_line, self.rest_of_line),
            (_whole_line, self.whole_line),
            (_syntax_node, self.syntax_node),
            (_random_characters, self.random_characters),
        ]
        kind = rng.choices([kind for kind, _ in kinds], [weight for _, weight in kinds])[0]
        return kind(code, longest, rng) or _random_characters(code, longest, rng)

    def longest(self, code: str) -> int:
        """The most characters that may be cut out of `code`."""
        return max(1, min(self.n_characters_max, int(len(code) * self.largest_share)))


def _rest_of_line(code: str, longest: int, rng: random.Random) -> Span | None:
    """From a column inside a line's text to its end."""
    lines = _lines(code)
    if not lines:
        return None
    line = rng.choice(lines)
    first = max(line.start, line.end - longest)
    return Span(rng.randrange(first, line.end), line.end)


def _whole_line(code: str, longest: int, rng: random.Random) -> Span | None:
    """A line without its newline: what is typed once the editor has indented, or before anything has."""
    lines = [line for line in _lines(code) if line.end - line.start <= longest]
    if not lines:
        return None
    line = rng.choice(lines)
    line_break = code.rfind("\n", 0, line.start)
    if line_break < 0 or line.end - line_break > longest or rng.random() < 0.5:
        return line
    return Span(line_break, line.end)


def _syntax_node(code: str, longest: int, rng: random.Random) -> Span | None:
    spans = _nodes(code, longest)
    if not spans:
        return None
    return rng.choices(spans, [span.end - span.start for span in spans])[0]


def _random_characters(code: str, longest: int, rng: random.Random) -> Span:
    length = rng.randint(1, longest)
    start = rng.randint(0, len(code) - length)
    return Span(start, start + length)


def _lines(code: str) -> list[Span]:
    """The non-blank lines, without indentation, trailing blanks and newline."""
    spans = []
    start = 0
    for line in code.split("\n"):
        stripped = line.strip()
        if stripped:
            first = start + line.index(stripped)
            spans.append(Span(first, first + len(stripped)))
        start += len(line) + 1
    return spans


def _nodes(code: str, longest: int) -> list[Span]:
    """Named nodes of at most `longest` characters: expressions, arguments, statements, bodies."""
    encoded = code.encode(errors="surrogatepass")
    characters = _character_offsets(code, encoded)
    cursor = _PARSER.parse(encoded).walk()
    spans: set[tuple[int, int]] = set()
    while True:
        node = cursor.node
        assert node is not None
        if node.is_named and node.end_byte > node.start_byte and node.type not in _NO_PIECES:
            start, end = characters(node.start_byte), characters(node.end_byte)
            if end - start <= longest:
                spans.add((start, end))
        if cursor.goto_first_child():
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return [Span(*span) for span in sorted(spans)]


def _character_offsets(code: str, encoded: bytes) -> Callable[[int], int]:
    """The function from UTF-8 byte offsets of `encoded` to character offsets of `code`."""
    if len(code) == len(encoded):
        return lambda offset: offset
    starts = list(
        itertools.accumulate((len(character.encode(errors="surrogatepass")) for character in code), initial=0)
    )
    return lambda offset: bisect.bisect_left(starts, offset)
