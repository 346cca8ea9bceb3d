"""How often Python 2 is translated as it was meant: files are written down in Python 2, in several places, and recognised.

`python benchmarks/python2.py FOLDER ... [--limit 300] [--seed 0]` takes files below FOLDER that have nothing of Python 3 alone.
It prints how many of the texts were recognised, and how many of those came back exactly; then the same for files with planted
syntax errors.
"""

import argparse
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random

from redraft_model.evaluate.proportion import wilson
from redraft_model.noise.mutators import lex
from redraft_model.noise.mutators.foreign_syntax import (
    backticks,
    diamond,
    old_except,
    old_exec,
    old_raise,
    print_statement,
)
from redraft_model.noise.syntax import SyntaxNoise
from redraft_model.recognise.python2 import leading_zeros, python2
from redraft_model.recognise.recogniser import recognised
from redraft_model.recognise.translation import translated
from redraft_model.text.parser import compiles

LONGEST = 20_000  # characters
Writer = Callable[[str, Random], str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--limit", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", action="store_true", help="print the first line that did not come back")
    arguments = parser.parse_args()
    rng = Random(arguments.seed)
    paths = sorted(path for folder in arguments.folders for path in folder.rglob("*.py"))
    rng.shuffle(paths)
    for name, wanted, broken_by in (
        ("in Python 2", is_older, in_python_2),
        ("with planted errors", compiles, SyntaxNoise().corrupt),
    ):
        report(name, pairs(paths, wanted, broken_by, arguments.limit, rng), is_shown=arguments.show)


def report(name: str, found: Iterator[tuple[str, str]], *, is_shown: bool) -> None:
    """Whole texts that were recognised, and lines of those that still have another error."""
    n = n_whole = n_exact = n_lines = n_right = 0
    for source, broken in found:
        n += 1
        after = recognised(broken, None, (leading_zeros, python2))
        if after is None:
            continue
        rows = list(zip(source.split("\n"), broken.split("\n"), after.text.split("\n"), strict=False))
        changed = [row for row in rows if row[1] != row[2]]
        if compiles(after.text):
            n_whole, n_exact = n_whole + 1, n_exact + (after.text == source)
        else:
            n_lines, n_right = n_lines + len(changed), n_right + sum(row[0] == row[2] for row in changed)
        if is_shown:
            print(*(row for row in changed if row[0] != row[2]), sep="\n")
    low, high = wilson(n_exact, n_whole) if n_whole else (0.0, 1.0)
    print(
        f"{n} {name}: {n_whole} recognised as a whole, of these {n_exact} exact ({low:.1%} to {high:.1%});",
        end=" ",
    )
    print(f"in others {n_lines} lines, of these {n_right} exact", flush=True)


def pairs(
    paths: Sequence[Path], wanted: Callable[[str], bool], broken_by: Writer, limit: int, rng: Random
) -> Iterator[tuple[str, str]]:
    """(a file's text, the text broken), at most `limit`."""
    for path in paths:
        try:
            source = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        if not 100 < len(source) < LONGEST or not wanted(source):
            continue
        broken = broken_by(source, rng)
        if compiles(broken):
            continue
        yield source, broken
        limit -= 1
        if limit == 0:
            return


def is_older(source: str) -> bool:
    """Whether a text could be of either Python."""
    return compiles(source) and translated(source) == source


def in_python_2(source: str, rng: Random) -> str:
    """A text with several things in several places as Python 2 has them."""
    for writer in rng.sample(WRITERS, rng.randint(2, len(WRITERS))):
        for _ in range(rng.randint(1, 5)):
            source = writer(source, rng)
    return source


def by(mutator: Callable[..., str | None]) -> Writer:
    return lambda source, rng: mutator(source, lex(source), rng) or source


def repr_in_backticks(source: str, rng: Random) -> str:
    text = by(backticks)(source, rng)
    return text if text.count("repr(") < source.count("repr(") else source


def raise_with_one_argument(source: str, rng: Random) -> str:
    """What has several arguments is written in another way, which the mutator does not know."""
    text = by(old_raise)(source, rng)
    line = next((b for a, b in zip(source.split("\n"), text.split("\n"), strict=False) if a != b), "")
    return text if re.fullmatch(r"\s*raise [\w.]+, [^,]+", line) else source


def old_octal(source: str, rng: Random) -> str:
    numbers = [token for token in lex(source) if re.fullmatch(r"0o[1-7][0-7]+", token.text)]
    token = rng.choice(numbers) if numbers else None
    return source if token is None else source[: token.start] + "0" + token.text[2:] + source[token.end :]


def long_number(source: str, rng: Random) -> str:
    wanted = re.compile(r"(?:0[xX][\dA-Fa-f]+|[1-9]\d*)(?![\w.])")
    numbers = [token for token in lex(source) if wanted.match(source, token.start) and token.kind == "number"]
    token = rng.choice(numbers) if numbers else None
    return source if token is None else source[: token.end] + "L" + source[token.end :]


WRITERS = (
    by(print_statement),
    by(old_except),
    by(old_exec),
    by(diamond),
    raise_with_one_argument,
    repr_in_backticks,
    old_octal,
    long_number,
)

if __name__ == "__main__":
    main()
