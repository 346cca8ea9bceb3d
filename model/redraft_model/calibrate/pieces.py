"""Development data: pieces of held-out files, from a few statements to a page, that parse on their own."""

import ast
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from redraft_model.data.corpus import parse
from redraft_model.data.shards import Shards
from redraft_model.tokenizer import Tokenizer

LONGEST = 60  # lines
SHORTEST = 2


@dataclass(frozen=True)
class Piece:
    """Consecutive statements of file number `file`, dedented."""

    file: int
    code: str


def pieces(shards: Shards, tokenizer: Tokenizer, rng: Random) -> Iterator[Piece]:
    """A piece of every file in a random order, again and again; nothing where no file has one."""
    while True:
        found = False
        for file in rng.sample(range(shards.n_files), shards.n_files):
            code = _piece(tokenizer.decode(shards.file_tokens(file)), rng)
            if code is not None:
                found = True
                yield Piece(file, code)
        if not found:
            return


def _piece(source: str, rng: Random) -> str | None:
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
