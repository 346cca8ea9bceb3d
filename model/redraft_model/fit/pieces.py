"""Development data: pieces of held-out files, from a few statements to a page, that parse on their own."""

import ast
import re
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from random import Random

from redraft_model.data.corpus import parse
from redraft_model.data.shards import Shards
from redraft_model.passage import Passage, Span
from redraft_model.tokens.tokenizer import Tokenizer

LONGEST = 60  # lines
LONGEST_FILE = 1500  # lines of a file that is shown around a piece
SHORTEST = 2
N_VAIN = 10
WORD_OR_SIGN = re.compile(r"\w+|[^\w\s]")
_SIGN = re.compile(r"\S")


@dataclass(frozen=True)
class Piece:
    """Consecutive statements of file number `file`, dedented, and what is around them where that is shown too.

    `context` are other files of the project that a completion may know.
    """

    file: int
    code: str
    before: str = ""
    after: str = ""
    indent: str = ""  # of every line of the piece in its file
    context: tuple[str, ...] = ()

    def text(self, code: str) -> str:
        """What is shown, with `code` in the place of the piece."""
        return self.before + textwrap.indent(code, self.indent) + self.after

    def within(self, code: str) -> Span | None:
        """Where `code` is in that text; None where there is nothing else."""
        if not self.before and not self.after:
            return None
        return Span(len(self.before), len(self.before) + len(textwrap.indent(code, self.indent)))


Cut = Callable[[int, str, Random], Piece | None]


def pieces(
    shards: Shards,
    tokenizer: Tokenizer,
    rng: Random,
    cut: Cut | None = None,
) -> Iterator[Piece]:
    """A piece of every file in a random order, again and again, until `N_VAIN` rounds in a row find none.

    `cut` takes a piece out of a file: `statements` (the default), a whole `function`, or a `function_in_file`.
    """
    cut = cut or statements
    n_vain = 0
    while n_vain < N_VAIN:
        n_vain += 1
        for file in rng.sample(range(shards.n_files), shards.n_files):
            piece = cut(file, tokenizer.decode(shards.file_tokens(file)), rng)
            if piece is not None:
                n_vain = 0
                yield piece


def statements(file: int, source: str, rng: Random) -> Piece | None:
    """Some statements that follow each other in one block of `source`; None where they are not to be had."""
    tree = parse(source)
    blocks = [block for node in ast.walk(tree) for block in _blocks(node)] if tree is not None else []
    if not blocks:
        return None
    block = rng.choice(blocks)
    first = rng.randrange(len(block))
    wanted = min(LONGEST, max(SHORTEST, round(rng.lognormvariate(2.3, 0.8))))
    start = block[first].lineno
    ends = [statement.end_lineno or start for statement in block[first:]]
    end = max([line for line in ends if line - start < wanted] or ends[:1])
    return _dedented(file, source, start, end)


def function(file: int, source: str, rng: Random) -> Piece | None:
    """A function or method of `source`, without decorators; None where there is none of a fitting length."""
    lines = _lines_of_a_function(source, rng)
    return _dedented(file, source, *lines) if lines else None


def function_in_file(file: int, source: str, rng: Random) -> Piece | None:
    """A function or method with its file around it; None where there is none of a fitting length, or the file is too long."""
    found = _lines_of_a_function(source, rng) if source.count("\n") < LONGEST_FILE else None
    piece = _dedented(file, source, *found) if found else None
    if found is None or piece is None:
        return None
    lines = source.split("\n")
    first = lines[found[0] - 1]
    indent = first[: len(first) - len(first.lstrip())]
    before = "".join(line + "\n" for line in lines[: found[0] - 1])
    whole = replace(piece, before=before, after="\n".join(lines[found[1] :]), indent=indent)
    # A string over several lines may have been dedented with the code.
    return whole if whole.text(whole.code) == source else None


def _lines_of_a_function(source: str, rng: Random) -> tuple[int, int] | None:
    tree = parse(source)
    nodes = ast.walk(tree) if tree is not None else ()
    found = [node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    if not found:
        return None
    node = rng.choice(found)
    return node.lineno, node.end_lineno or node.lineno


def cursor(piece: Piece, rng: Random) -> tuple[Passage, str] | None:
    """A place in a line of a piece where somebody writes, and the rest of the line, which is missing; None without a line.

    Half of the time nothing of the piece follows the line yet. Half of the places are at the start of a line, half of these
    before its indentation; half of the others may be inside a word.
    """
    lines = textwrap.indent(piece.code, piece.indent).splitlines(keepends=True)
    number = rng.choice([i for i, line in enumerate(lines) if line.strip()] or [-1])
    if number < 0:
        return None
    line = lines[number].rstrip("\r\n")
    kind = rng.choice(["line", "line", "anywhere", "between"])
    if kind == "line":
        start = rng.choice([0, len(line) - len(line.lstrip())])
    else:
        pattern = _SIGN if kind == "anywhere" else WORD_OR_SIGN
        start = rng.choice([match.start() for match in pattern.finditer(line)])
    before = "".join(lines[:number]) + line[:start]
    after = "\n" + "".join(lines[number + 1 :]) if rng.random() < 0.5 else "\n"
    return Passage(piece.before + before, "", after + piece.after), line[start:].rstrip()


def _dedented(file: int, source: str, start: int, end: int) -> Piece | None:
    """Lines `start` to `end` (from 1) as a text of its own; None when they are none, or too many or too few."""
    if not SHORTEST <= end - start + 1 <= LONGEST:
        return None
    code = textwrap.dedent("\n".join(source.split("\n")[start - 1 : end])) + "\n"
    # A decorator above, a statement on the same line, or a string's dedented inside would make it something else.
    return Piece(file, code) if parse(code) is not None else None


def _blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    for name in ("body", "orelse", "finalbody"):
        block = getattr(node, name, None)
        if isinstance(block, list) and block:
            yield block
