"""Benchmarks from code that is younger than a model: bugs are planted, pieces are broken, lines are taken out.

A public benchmark may be in the memory of a pretrained network; packages that were first published after its training are not.
"""

import ast
import io
import textwrap
import tokenize
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from pathlib import Path, PurePosixPath
from random import Random

import numpy as np

from redraft_model.data.build import NEAR_DUPLICATE, SeenLines
from redraft_model.data.corpus import Dropped, Package, find, line_hashes, parse, read, text_digest
from redraft_model.data.json_lines import write_json_lines
from redraft_model.errors import DataError
from redraft_model.noise.semantic import SemanticNoise
from redraft_model.noise.syntax import SyntaxNoise

KINDS = ("misuse", "clean", "syntax", "line", "rest")
MAX_FILE = 100_000  # characters
MAX_EXCERPT = 1_500  # characters of a function and what is around it
MIN_STATEMENTS = 5  # of a function, its definition and docstring included
MIN_PIECE, MAX_PIECE = 5, 40  # lines
N_VAIN = 40  # draws in a row that find nothing, after which a package is exhausted
VENDORED = frozenset({"vendor", "vendored", "_vendor", "_vendored", "third_party", "thirdparty", "extern"})
ONE_BUG = SemanticNoise(second=0.0)
ONE_OR_TWO_ERRORS = SyntaxNoise(again=0.3, n_mutators_max=2)

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Item:
    """One task. `id` is its kind and a hash of its texts; `split` is "dev" or "test", by a hash of `path`."""

    id: str
    kind: str
    split: str
    package: str
    path: str


@dataclass(frozen=True)
class Repair(Item):
    """A text to repair and the right text; a "clean" one is right as it is."""

    before: str
    after: str


@dataclass(frozen=True)
class Hole(Item):
    """What stands before and after a hole within one line, and what is missing in it."""

    before: str
    missing: str
    after: str


@dataclass(frozen=True)
class YoungReport:
    """The items by kind, the packages they are from, and how many files were left out for which reason."""

    items: tuple[Item, ...]
    packages: tuple[Package, ...]
    n_dropped: Counter[str]

    def summary(self) -> str:
        """A line for every kind, package and reason."""
        lines = []
        for kind in KINDS:
            splits = Counter(item.split for item in self.items if item.kind == kind)
            lines.append(f"{splits.total():>7,} {kind}: {splits['dev']} dev, {splits['test']} test")
        n_of = Counter(item.package for item in self.items)
        lines += [f"{n_of[each.name]:>7,} items of {each.name} ({each.licence})" for each in self.packages]
        lines += [f"{n:>7,} files left out: {reason}" for reason, n in self.n_dropped.most_common()]
        return "\n".join(lines)


def collect(folders: Sequence[Path], n_items: int = 150, seed: int = 0) -> YoungReport:
    """Draw up to `n_items` items of each kind from the Python files below `folders`; the packages take turns.

    The same files, number and seed give the same items. Raises DataError for a folder that is not there and where there is
    nothing to draw from.
    """
    files, packages, n_dropped = _files(folders)
    items = _drawn(files, n_items, seed)
    if not items:
        raise DataError(
            f"nothing can be drawn from {', '.join(map(str, folders))}; name folders with packages"
        )
    return YoungReport(tuple(items), packages, n_dropped)


def rests(texts: Mapping[str, str], n_items: int, seed: int = 0) -> list[Hole]:
    """Up to `n_items` rests of lines taken out of `texts`, which go by their paths; the texts take turns."""
    files = [_File("", path, text, tree) for path, text in texts.items() if (tree := parse(text)) is not None]
    streams = {file.path: Random(f"{seed}/{file.path}") for file in files}
    order, seen, found = Random(f"{seed}"), _SeenTexts(), list[Hole]()
    while files and len(found) < n_items:
        for file in order.sample(files, len(files)):
            draws = (_rest("rest", file, streams[file.path], seen) for _ in range(N_VAIN))
            if hole := next(filter(None, draws), None):
                found.append(hole)
            else:
                files.remove(file)
    return found[:n_items]


def write_young(path: Path, items: Sequence[Item]) -> None:
    """Write the benchmark file, gzipped JSON lines; DataError when it cannot be written."""
    write_json_lines(path, items)


@dataclass(frozen=True)
class _File:
    package: str
    path: str
    text: str
    tree: ast.Module

    @cached_property
    def functions(self) -> list[tuple[Function, ast.ClassDef | ast.Module]]:
        """The functions that are long enough and stand in no other one, with the class or module they stand in."""
        return [
            (function, around)
            for function, around in _functions(self.tree)
            if not isinstance(around, Function)
            and sum(isinstance(inner, ast.stmt) for inner in ast.walk(function)) >= MIN_STATEMENTS
        ]

    @cached_property
    def blocks(self) -> list[list[ast.stmt]]:
        """Statements that follow each other, in the module and wherever they are indented."""
        return [
            block
            for node in ast.walk(self.tree)
            for name in ("body", "orelse", "finalbody")
            if isinstance(block := getattr(node, name, None), list) and block
        ]

    @cached_property
    def code_lines(self) -> dict[int, list[tokenize.TokenInfo]]:
        """The tokens of each line of a function's body that may be blanked, by its number, from 1.

        Such a line holds a name, is no part of a string of several lines (a docstring among them), and is no `def`, `class` or
        decorator line, for nothing around it tells the name that it defines.
        """
        inside: set[int] = set()
        for function, _ in _functions(self.tree):
            inside.update(range(function.body[0].lineno, (function.end_lineno or 0) + 1))
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Constant | ast.JoinedStr) and node.end_lineno != node.lineno:
                inside.difference_update(range(node.lineno, (node.end_lineno or 0) + 1))
        found = defaultdict[int, list[tokenize.TokenInfo]](list)
        for token in _code_tokens(self.text):
            if token.start[0] in inside:
                found[token.start[0]].append(token)
        return {number: tokens for number, tokens in sorted(found.items()) if _is_to_blank(tokens)}


def _files(folders: Sequence[Path]) -> tuple[dict[str, list[_File]], tuple[Package, ...], Counter[str]]:
    """Files worth drawing from, by package; all packages with such a file; how many files were left out, and why."""
    corpus = find(folders)
    files = defaultdict[str, list[_File]](list)
    n_dropped = Counter[str]()
    seen = _SeenTexts()
    for file in corpus.files:
        package = corpus.packages[file.package]
        path = PurePosixPath(PurePosixPath(file.root).name, file.path)
        source = Dropped("vendored") if VENDORED & set(path.parts) else read(file.full_path)
        if isinstance(source, Dropped):
            n_dropped[source.reason] += 1
        elif len(source.text) > MAX_FILE:
            n_dropped["too large"] += 1
        elif not seen.is_new(source.text):
            n_dropped["near duplicate"] += 1
        else:
            files[package.name].append(_File(package.name, str(path), source.text, source.tree))
    packages = sorted(
        {package for package in corpus.packages if package.name in files}, key=lambda each: each.name
    )
    return files, tuple(packages), n_dropped


def _drawn(files: Mapping[str, list[_File]], n_items: int, seed: int) -> list[Item]:
    """The items in the order of KINDS. Every package and kind has a stream of random numbers of its own."""
    order = Random(f"{seed}")
    streams = {
        (package, kind): Random(f"{seed}/{kind}/{package}") for package in sorted(files) for kind in KINDS
    }
    seen = {kind: _SeenTexts() for kind in KINDS}
    # A function is either left alone or gets a bug; a line is blanked once.
    seen["clean"] = seen["misuse"]
    seen["rest"] = seen["line"]
    found: dict[str, list[Item]] = {kind: [] for kind in KINDS}
    while places := [place for place in streams if len(found[place[1]]) < n_items]:
        for package, kind in order.sample(places, len(places)):
            if len(found[kind]) == n_items:
                continue
            if item := _draw(kind, files[package], streams[package, kind], seen[kind]):
                found[kind].append(item)
            else:
                del streams[package, kind]
    return [item for kind in KINDS for item in found[kind]]


def _draw(kind: str, files: Sequence[_File], rng: Random, seen: "_SeenTexts") -> Item | None:
    """An item that is not like one before; None where the files seem to have no more."""
    draws = (_MAKERS[kind](kind, rng.choice(files), rng, seen) for _ in range(N_VAIN))
    return next(filter(None, draws), None)


class _SeenTexts:
    """Texts that were seen; one most of whose lines are known is not new."""

    def __init__(self) -> None:
        self._digests: set[bytes] = set()
        self._lines = SeenLines()

    def is_new(self, text: str) -> bool:
        """Whether the text differs enough from all before it; then it counts as seen."""
        digest = text_digest(text)
        lines = np.frombuffer(line_hashes(text), dtype="<u8")
        if digest in self._digests:
            return False
        if len(lines) and self._lines.n_common(lines) >= NEAR_DUPLICATE * len(lines):
            return False
        self._digests.add(digest)
        self._lines.add(lines)
        return True


def _repair(kind: str, file: _File, before: str, after: str) -> Repair:
    return Repair(_id(kind, before, after), kind, _split(file), file.package, file.path, before, after)


def _id(kind: str, *texts: str) -> str:
    return f"{kind}/{blake2b(chr(0).join(texts).encode(), digest_size=8).hexdigest()}"


def _split(file: _File) -> str:
    """A third of the paths, whatever is drawn from them, is for the last measurement only."""
    return "dev" if blake2b(file.path.encode(), digest_size=8).digest()[0] % 3 else "test"


def _function(kind: str, file: _File, rng: Random, seen: _SeenTexts) -> Repair | None:
    """A function with a planted bug, or one that could have had it and is left alone."""
    excerpt = _excerpt(file, rng)
    if excerpt is None:
        return None
    corrupted = ONE_BUG.corrupt(excerpt.text, rng)
    if corrupted == excerpt.text or not excerpt.is_changed_inside(corrupted) or not seen.is_new(excerpt.text):
        return None
    return _repair(kind, file, corrupted if kind == "misuse" else excerpt.text, excerpt.text)


@dataclass(frozen=True)
class _Excerpt:
    """A function between what stands around it in its class or file, if that is short."""

    head: str
    function: str
    tail: str

    @property
    def text(self) -> str:
        return self.head + self.function + self.tail

    def is_changed_inside(self, text: str) -> bool:
        """Whether `text` has the same things around the function."""
        return (
            len(text) >= len(self.head) + len(self.tail)
            and text.startswith(self.head)
            and text.endswith(self.tail)
        )


def _excerpt(file: _File, rng: Random) -> _Excerpt | None:
    """A function of the file with its file around it, or its class, or nothing: the most that fits."""
    if not file.functions:
        return None
    node, around = rng.choice(file.functions)
    lines = file.text.split("\n")
    first, last = _lines(node)
    whole = (1, len(lines)) if len(file.text) <= MAX_EXCERPT else _lines(around)
    for start, end in (whole, _lines(around), (first, last)):
        text = textwrap.dedent("\n".join(lines[start - 1 : end])).rstrip("\n") + "\n"
        if len(text) > MAX_EXCERPT or parse(text) is None:
            continue
        kept = [line + "\n" for line in text.removesuffix("\n").split("\n")]
        a, b = first - start, last - start + 1
        return _Excerpt("".join(kept[:a]), "".join(kept[a:b]), "".join(kept[b:]))
    return None


def _functions(tree: ast.Module) -> Iterator[tuple[Function, Function | ast.ClassDef | ast.Module]]:
    """Every function, and the innermost function, class or module around it."""
    waiting: list[tuple[ast.AST, Function | ast.ClassDef | ast.Module]] = [(tree, tree)]
    while waiting:
        node, around = waiting.pop()
        inner = node if isinstance(node, Function | ast.ClassDef) else around
        for child in ast.iter_child_nodes(node):
            if isinstance(child, Function):
                yield child, inner
            waiting.append((child, inner))


def _lines(node: Function | ast.ClassDef | ast.Module) -> tuple[int, int]:
    """First and last line of a definition, decorators included; those of a module are its statements'."""
    if isinstance(node, ast.Module):
        return _first_line(node.body[0]), node.body[-1].end_lineno or 1
    return _first_line(node), node.end_lineno or node.lineno


def _first_line(statement: ast.stmt) -> int:
    decorators = statement.decorator_list if isinstance(statement, Function | ast.ClassDef) else []
    return min([statement.lineno, *(each.lineno for each in decorators)])


def _broken(kind: str, file: _File, rng: Random, seen: _SeenTexts) -> Repair | None:
    """Some statements that follow each other, with one or two errors of syntax."""
    after = _piece(file, rng)
    if after is None:
        return None
    before = ONE_OR_TWO_ERRORS.corrupt(after, rng)
    if before == after or not seen.is_new(after):
        return None
    return _repair(kind, file, before, after)


def _piece(file: _File, rng: Random) -> str | None:
    block = rng.choice(file.blocks)
    at = rng.randrange(len(block))
    start = _first_line(block[at])
    wanted = rng.randint(MIN_PIECE, MAX_PIECE)
    ends = [each.end_lineno or start for each in block[at:]]
    end = max((line for line in ends if MIN_PIECE <= line - start + 1 <= wanted), default=None)
    if end is None:
        return None
    text = textwrap.dedent("\n".join(file.text.split("\n")[start - 1 : end])) + "\n"
    return text if parse(text) is not None else None


def _line(kind: str, file: _File, rng: Random, seen: _SeenTexts) -> Hole | None:
    """A whole line, its indentation included; its line break stays."""
    return _hole(kind, file, rng, seen, lambda _tokens: 0)


def _rest(kind: str, file: _File, rng: Random, seen: _SeenTexts) -> Hole | None:
    """The rest of a line, from where a token begins or, half of the time, from within a word."""

    def column(tokens: Sequence[tokenize.TokenInfo]) -> int | None:
        starts = [token.start[1] for token in tokens[1:]]
        inside = [
            column
            for token in tokens
            if token.type == tokenize.NAME
            for column in range(token.start[1] + 1, token.end[1])
        ]
        columns = inside if rng.random() < 0.5 else starts
        return rng.choice(columns) if columns else None

    return _hole(kind, file, rng, seen, column)


def _hole(
    kind: str,
    file: _File,
    rng: Random,
    seen: _SeenTexts,
    column: Callable[[Sequence[tokenize.TokenInfo]], int | None],
) -> Hole | None:
    """Take out the end of a line of a function, from the column that `column` chooses among the line's tokens."""
    if not file.code_lines:
        return None
    number = rng.choice(list(file.code_lines))
    start = column(file.code_lines[number])
    lines = file.text.split("\n")
    # The line before tells lines such as `return None` apart.
    if start is None or not seen.is_new("\n".join(lines[number - 2 : number])):
        return None
    line = lines[number - 1]
    before = "\n".join([*lines[: number - 1], line[:start]])
    missing = line[start:].rstrip()
    after = "\n".join(["", *lines[number:]])
    return Hole(
        _id(kind, before, missing, after),
        kind,
        _split(file),
        file.package,
        file.path,
        before,
        missing,
        after,
    )


def _code_tokens(text: str) -> Iterator[tokenize.TokenInfo]:
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.string.strip() and token.type != tokenize.COMMENT:
                yield token
    except (tokenize.TokenError, SyntaxError):
        # The parser reads some texts that this lexer does not, with a form feed for instance.
        return


def _is_to_blank(tokens: Sequence[tokenize.TokenInfo]) -> bool:
    words = [token.string for token in tokens[:2]]
    has_name = any(token.type == tokenize.NAME for token in tokens)
    return has_name and words[0] not in {"def", "class", "@"} and words != ["async", "def"]


_MAKERS: dict[str, Callable[[str, _File, Random, _SeenTexts], Item | None]] = {
    "misuse": _function,
    "clean": _function,
    "syntax": _broken,
    "line": _line,
    "rest": _rest,
}
