"""What a commit makes of a file, as text: whether code changes that people wrote, and the lines around the change.

Knows nothing of git or of tokens.
"""

import ast
import itertools
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from redraft_model.data.corpus import DOES_NOT_PARSE, MAX_BYTES, MIN_BYTES, Dropped, decode, judge, parse
from redraft_model.text.comments import lost_comments

# A longer text is cut to the lines around its change.
MAX_WHOLE = 20_000  # characters
AROUND = 120  # lines on either side

_VERSION = re.compile(r"(?<=[\"'])v?[0-9]+\.[\w.+-]+(?=[\"'])")

Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class FileEdit:
    """A text before and after a change, with \\n line ends; whether it is a whole file, and whether it parses before."""

    before: str
    after: str
    is_broken: bool
    is_whole: bool = True


def judged(name: str, before: bytes, after: bytes) -> FileEdit | Dropped:
    """The change of a file called `name`, or why there is nothing to learn from it.

    Afterwards it has to be worth learning from like any file of a corpus. Before, it may be anything that is UTF-8.
    """
    if max(len(before), len(after)) > MAX_BYTES:
        return Dropped("too large")
    if len(after) < MIN_BYTES:
        return Dropped("too small")
    text_before, text_after = decode(before), decode(after)
    if text_before is None or text_after is None:
        return Dropped("not UTF-8")
    source = judge(name, text_after)
    if isinstance(source, Dropped):
        return Dropped(f"{source.reason} afterwards") if source.reason == DOES_NOT_PARSE else source
    tree_before = parse(text_before)
    if tree_before is not None and (reason := _same(text_before, tree_before, text_after, source.tree)):
        return Dropped(reason)
    if _is_release(text_before, text_after):
        return Dropped("only a version number changes")
    return FileEdit(text_before, text_after, is_broken=tree_before is None)


def cut(edit: FileEdit) -> FileEdit | None:
    """The edit itself if it is short, else whole lines around its change; None when these are too many."""
    if max(len(edit.before), len(edit.after)) <= MAX_WHOLE:
        return edit
    before, after = edit.before.split("\n"), edit.after.split("\n")
    n_front, n_back = _n_common(before, after)
    start, n_left_out = max(0, n_front - AROUND), max(0, n_back - AROUND)
    pieces = ["\n".join(lines[start : len(lines) - n_left_out]) for lines in (before, after)]
    if max(map(len, pieces)) > MAX_WHOLE:
        return None
    return FileEdit(pieces[0], pieces[1], edit.is_broken, is_whole=False)


def _same(before: str, tree_before: ast.Module, after: str, tree_after: ast.Module) -> str:
    """Why a change between two texts that parse is none of code; empty when it is one. Takes the trees apart."""
    docstrings = [_take_docstring(tree) for tree in (tree_before, tree_after)]
    lines_before, lines_after = before.split("\n"), after.split("\n")
    n_front, n_back = _n_common(lines_before, lines_after)
    _take_common(tree_before, n_front, len(lines_before) - n_back)
    _take_common(tree_after, n_front, len(lines_after) - n_back)
    if docstrings[0] == docstrings[1] and _are_equal(tree_before, tree_after):
        has_comments = bool(lost_comments(before, after) or lost_comments(after, before))
        return "only comments or docstrings change" if has_comments else "only formatting changes"
    for node in itertools.chain(ast.walk(tree_before), ast.walk(tree_after)):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            _take_docstring(node)
    return "only comments or docstrings change" if _are_equal(tree_before, tree_after) else ""


def _is_release(before: str, after: str) -> bool:
    """Whether nothing changes but quoted version numbers, in lines that say what they are. No code tells which comes next."""
    lines_before, lines_after = before.split("\n"), after.split("\n")
    n_front, n_back = _n_common(lines_before, lines_after)
    changed = "\n".join(lines_before[n_front : len(lines_before) - n_back])
    others = "\n".join(lines_after[n_front : len(lines_after) - n_back])
    return "version" in changed.lower() and _VERSION.sub("", changed) == _VERSION.sub("", others)


def _take_docstring(node: Documented) -> str | None:
    """Take the docstring out of a node that may have one."""
    docstring = ast.get_docstring(node, clean=False)
    if docstring is not None:
        del node.body[0]
    return docstring


def _take_common(tree: ast.Module, n_front: int, n_without_back: int) -> None:
    """Take the statements out that stand on common lines alone: a file is long, and what changes is short."""
    tree.body = [
        statement
        for statement in tree.body
        if (statement.end_lineno or 0) > n_front and _first_line(statement) <= n_without_back
    ]


def _first_line(statement: ast.stmt) -> int:
    if isinstance(statement, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return min([statement.lineno, *(one.lineno for one in statement.decorator_list)])
    return statement.lineno


def _are_equal(a: ast.Module, b: ast.Module) -> bool:
    return all(one == other for one, other in itertools.zip_longest(_shape(a), _shape(b)))


def _shape(tree: ast.Module) -> Iterator[object]:
    """Everything about a tree but where it stands and which quotes its strings have, for trees of any depth."""
    waiting = deque[ast.AST]([tree])
    while waiting:
        node = waiting.popleft()
        yield type(node)
        for name, value in ast.iter_fields(node):
            items = value if isinstance(value, list) else [value]
            yield len(items)
            for item in items:
                if isinstance(item, ast.AST):
                    waiting.append(item)
                    yield None
                elif name != "kind":
                    yield type(item), item


def _n_common(a: list[str], b: list[str]) -> tuple[int, int]:
    """How many lines both begin with, and how many of the others both end with."""
    n = min(len(a), len(b))
    n_front = next((i for i in range(n) if a[i] != b[i]), n)
    n_back = next((i for i in range(n - n_front) if a[-1 - i] != b[-1 - i]), n - n_front)
    return n_front, n_back
