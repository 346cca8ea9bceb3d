"""Single lines that are, or begin, a statement of Python. A line of prose seldom does."""

import ast
import re
import textwrap
import warnings

_DOES_SOMETHING = (ast.Call, ast.Await, ast.Yield, ast.YieldFrom)
_CONTINUES = {
    "elif": "if x: pass\n",
    "else": "if x: pass\n",
    "except": "try: pass\n",
    "finally": "try: pass\n",
}
_FIRST_WORD = re.compile(r"[^\W\d]\w*")


def statement(line: str) -> ast.stmt | None:
    """The statement that `line` is, or whose header it is; None where it is neither."""
    code = line.strip()
    if not code or code.startswith("#"):
        return None
    word = _FIRST_WORD.match(code)
    head = _CONTINUES.get(word.group(), "") if word else ""
    if code.startswith("@"):
        code += "\ndef x(): pass"
    for text in (head + code, f"{head}{code} pass"):
        if tree := _tree(text):
            return tree.body[-1] if tree.body else None
    return None


def is_code(line: str) -> bool:
    """Whether `line` is a statement that nobody would take for prose, or for something a program has printed."""
    found = statement(line)
    if isinstance(found, ast.Expr):
        return isinstance(found.value, _DOES_SOMETHING)
    return found is not None and not (isinstance(found, ast.AnnAssign) and found.value is None)


def begins_block(line: str) -> bool:
    """Whether `line` is a header, a decorator or an import."""
    found = statement(line)
    simple = (ast.Import, ast.ImportFrom)
    return found is not None and (isinstance(found, simple) or hasattr(found, "body"))


def is_expression(text: str) -> bool:
    """Whether `text` is one expression."""
    return _tree(f"({textwrap.dedent(text).strip()}\n)") is not None


def _tree(text: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
