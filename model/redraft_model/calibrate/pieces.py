"""Development data: pieces of held-out files, from a few statements to a page, that parse on their own."""

import ast
import re
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from redraft_model.data.corpus import parse
from redraft_model.data.shards import Shards
from redraft_model.passage import Passage
from redraft_model.tokenizer import Tokenizer

LONGEST = 60  # lines
SHORTEST = 2
WORD_OR_SIGN = re.compile(r"\w+|[^\w\s]")
_SIGN = re.compile(r"\S")


@dataclass(frozen=True)
class Piece:
    """Consecutive statements of file number `file`, dedented."""

    file: int
    code: str


def pieces(
    shards: Shards,
    tokenizer: Tokenizer,
    rng: Random,
    cut: Callable[[str, Random], str | None] | None = None,
) -> Iterator[Piece]:
    """A piece of every file in a random order, again and again; nothing where no file has one.

    `cut` takes a piece out of a source: `statements` (the default) or a whole `function`.
    """
    cut = cut or statements
    while True:
        found = False
        for file in rng.sample(range(shards.n_files), shards.n_files):
            code = cut(tokenizer.decode(shards.file_tokens(file)), rng)
            if code is not None:
                found = True
                yield Piece(file, code)
        if not found:
            return


def statements(source: str, rng: Random) -> str | None:
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
    return _dedented(source, start, end)


def function(source: str, rng: Random) -> str | None:
    """A function or method of `source`, without decorators; None where there is none of a fitting length."""
    tree = parse(source)
    nodes = ast.walk(tree) if tree is not None else ()
    found = [node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    if not found:
        return None
    node = rng.choice(found)
    return _dedented(source, node.lineno, node.end_lineno or node.lineno)


def cursor(code: str, rng: Random) -> tuple[Passage, str] | None:
    """A place in a line of `code` where somebody writes, and the rest of the line, which is missing there; None without a line.

    Half of the time nothing follows the line yet. A third of the places are at the start of a line, half of these before its
    indentation; half of the others may be inside a word.
    """
    lines = code.splitlines(keepends=True)
    number = rng.choice([i for i, line in enumerate(lines) if line.strip()] or [-1])
    if number < 0:
        return None
    line = lines[number].rstrip("\r\n")
    kind = rng.choice(["line", "anywhere", "between"])
    if kind == "line":
        start = rng.choice([0, len(line) - len(line.lstrip())])
    else:
        pattern = _SIGN if kind == "anywhere" else WORD_OR_SIGN
        start = rng.choice([match.start() for match in pattern.finditer(line)])
    before = "".join(lines[:number]) + line[:start]
    after = "\n" + "".join(lines[number + 1 :]) if rng.random() < 0.5 else "\n"
    return Passage(before, "", after), line[start:].rstrip()


def _dedented(source: str, start: int, end: int) -> str | None:
    """Lines `start` to `end` (from 1) as a text of its own; None when they are none, or too many or too few."""
    if not SHORTEST <= end - start + 1 <= LONGEST:
        return None
    code = textwrap.dedent("\n".join(source.split("\n")[start - 1 : end])) + "\n"
    # A decorator above, a statement on the same line, or a string's dedented inside would make it something else.
    return code if parse(code) is not None else None


def _blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    for name in ("body", "orelse", "finalbody"):
        block = getattr(node, name, None)
        if isinstance(block, list) and block:
            yield block
