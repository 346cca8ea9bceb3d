"""A unit: consecutive statements of one file, and what is shown around them."""

import random
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from redraft_model.data.samples.kinds import Drawing, SampleSource
from redraft_model.data.samples.sample import Context, Ids
from redraft_model.data.shards import END, FIRST, PARENT, Shards
from redraft_model.tokens.tokenizer import FILE_END, FILE_START, Tokenizer


@dataclass(frozen=True)
class Unit:
    """Consecutive statements of one file, as dedented text and as the tokens around them."""

    code: str
    indent: str  # indentation that was taken off every line after the first
    before: Ids  # tokens of the file before the unit's own line break
    line_break: Ids  # line break and indentation in front of the unit; empty at the start of a file
    after: Ids

    def indented(self, code: str) -> str:
        """`code` with the unit's indentation on every line but the first."""
        head, *rest = code.split("\n")
        return "\n".join([head, *(self.indent + line if line.strip() else line for line in rest)])

    def indented_offset(self, code: str, at: int) -> int:
        """Where offset `at` of dedented code is once every line but the first has its indentation back."""
        lines = code.split("\n")
        n_indented = sum(bool(line.strip()) for line in lines[1 : code.count("\n", 0, at) + 1])
        return at + len(self.indent) * n_indented


@dataclass(frozen=True)
class Shown:
    """A unit with its context and its tokens, and how many tokens a region may have beside that context."""

    unit: Unit
    context: Context
    clean: Ids
    room: int

    def text_of(self, tokenizer: Tokenizer, code: str) -> str:
        """The text of the region whose unit reads `code`: with its own line break when it stands in a file."""
        if self.context.standalone:
            return code + self.context.tail
        return tokenizer.decode(self.unit.line_break) + self.unit.indented(code) + self.context.tail

    def offset(self, tokenizer: Tokenizer, code: str, at: int) -> int:
        """Where character `at` of `code` is in that text."""
        if self.context.standalone:
            return at
        return len(tokenizer.decode(self.unit.line_break)) + self.unit.indented_offset(code, at)


def draw_shown(drawing: Drawing) -> Shown | None:
    """The text that was chosen, or a unit of the corpus with context; None where the one that was drawn cannot be used."""
    if drawing.shown is not None:
        return drawing.shown
    source, rng = drawing.source, drawing.rng
    unit = _draw_unit(source, rng)
    if unit is None:
        return None
    context = _choose_context(source, unit, rng)
    room = source.longest - 4 - len(context.before) - len(context.after)
    without_tokens = Shown(unit, context, np.empty(0, np.int32), room)
    clean = source.tokenizer.encode(without_tokens.text_of(source.tokenizer, unit.code))
    return None if len(clean) > room else Shown(unit, context, clean, room)


def draw_statements(
    shards: Shards, i: int, rng: random.Random, wanted: int, shortest: int
) -> tuple[int, int] | None:
    """Consecutive statements of file `i`, of at most `wanted` tokens, seldom fewer than `shortest`: first and end token in it."""
    statements, next_siblings = shards.statements(i), shards.next_siblings(i)
    row = rng.randrange(len(statements))
    while int(statements[row, END] - statements[row, FIRST]) > wanted:
        # Too long: one of the statements inside it, or give up on a long simple statement.
        inside = np.flatnonzero(statements[:, PARENT] == row)
        if not len(inside):
            return None
        row = int(rng.choice(inside.tolist()))
    first, end = int(statements[row, FIRST]), int(statements[row, END])
    row = int(next_siblings[row])
    while row >= 0 and int(statements[row, END]) - first <= wanted:
        end = int(statements[row, END])
        row = int(next_siblings[row])
    if end - first < shortest and rng.random() < 0.8:
        return None
    offset = int(shards.file_offsets[i])
    return first - offset, end - offset


def _draw_unit(source: SampleSource, rng: random.Random) -> Unit | None:
    """Consecutive statements of a random length, dedented."""
    shards = source.shards
    i = shards.file_of(rng.randrange(shards.n_tokens))
    if not len(shards.statements(i)):
        return None
    wanted = int(min(source.longest - 8, max(source.shortest, rng.lognormvariate(4.9, 0.7))))
    found = draw_statements(shards, i, rng, wanted, source.shortest)
    return found and _cut_unit(source.tokenizer, shards.file_tokens(i).astype(np.int32), *found)


def _cut_unit(tokenizer: Tokenizer, tokens: Ids, first: int, end: int) -> Unit | None:
    line_break = tokens[max(0, first - 1) : first]
    indent = tokenizer.decode(line_break).lstrip("\r\n")
    if first and tokenizer.decode(line_break)[:1] != "\n":
        return None
    code = dedented(tokenizer.decode(tokens[first:end]), indent)
    if code is None:
        return None
    return Unit(code, indent, tokens[: max(0, first - 1)], line_break, tokens[end:])


def dedented(code: str, indent: str) -> str | None:
    """`code` without `indent` in front of every line but the first; None where a string that spans lines starts further left."""
    head, *rest = code.split("\n")
    if any(line.strip() and not line.startswith(indent) for line in rest):
        return None
    return "\n".join([head, *(line[len(indent) :] for line in rest)])


def _choose_context(source: SampleSource, unit: Unit, rng: random.Random) -> Context:
    """Nothing but file borders, or as much of the file around the unit as a random budget allows."""
    tokenizer = source.tokenizer
    start, end = tokenizer.id_of(FILE_START), tokenizer.id_of(FILE_END)
    if rng.random() < source.standalone:
        borders = np.array([start], np.int32), np.array([end], np.int32)
        return Context(*borders, standalone=True, tail="\n" if rng.random() < 0.6 else "")

    def starts_line(token: int) -> bool:
        return tokenizer.decode([token])[:1] == "\n"

    budget = rng.randrange(16, source.longest)
    n_before = int(budget * rng.random())
    before = _from_line_start(unit.before, n_before, starts_line)
    after = _to_line_end(unit.after, budget - n_before, starts_line)
    if len(before) == len(unit.before):
        before = np.concatenate([[np.int32(start)], before]).astype(np.int32)
    if len(after) == len(unit.after):
        after = np.append(after, np.int32(end))
    return Context(before, after)


def _from_line_start(tokens: Ids, n: int, starts_line: Callable[[int], bool]) -> Ids:
    """At most the last n tokens, beginning with a line break."""
    if n >= len(tokens):
        return tokens
    for start in range(len(tokens) - n, len(tokens)):
        if starts_line(int(tokens[start])):
            return tokens[start:]
    return tokens[len(tokens) :]


def _to_line_end(tokens: Ids, n: int, starts_line: Callable[[int], bool]) -> Ids:
    """At most the first n tokens, ending before a line break."""
    if n >= len(tokens):
        return tokens
    for end in range(n, 0, -1):
        if starts_line(int(tokens[end])):
            return tokens[:end]
    return tokens[:0]
