"""`print >>file, text`: Python 2 that Python 3 compiles, and that fails when it runs."""

import ast
import warnings

from redraft_model.passage import Span
from redraft_model.text.parser import line_starts


def shifted_prints(source: str) -> list[Span]:
    """The statements of a text that shift `print` by a file, in order; none where the text gives `print` another meaning.

    A text that does not parse has none.
    """
    if "print" not in source or ">>" not in source:
        return []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    nodes = list(ast.walk(tree))
    if any(_binds_print(node) for node in nodes):
        return []
    statements = [node for node in nodes if isinstance(node, ast.Expr) and _is_shifted(node.value)]
    return sorted(_span(source, node) for node in statements)


def _binds_print(node: ast.AST) -> bool:
    match node:
        case ast.Name(id="print", ctx=ast.Store()) | ast.arg(arg="print"):
            return True
        case ast.FunctionDef(name="print") | ast.ClassDef(name="print"):
            return True
        case ast.alias():
            return (node.asname or node.name) in ("print", "*")
    return False


def _is_shifted(value: ast.expr) -> bool:
    first = value.elts[0] if isinstance(value, ast.Tuple) and value.elts else value
    while (
        isinstance(first, ast.BinOp)
        and isinstance(first.op, ast.RShift)
        and isinstance(first.left, ast.BinOp)
    ):
        first = first.left
    return (
        isinstance(first, ast.BinOp)
        and isinstance(first.op, ast.RShift)
        and isinstance(first.left, ast.Name)
        and first.left.id == "print"
    )


def _span(source: str, node: ast.Expr) -> Span:
    starts = line_starts(source)
    lines = (node.lineno, node.col_offset), (node.end_lineno or node.lineno, node.end_col_offset or 0)
    start, end = (
        starts[line - 1] + len(source[starts[line - 1] :][:column].encode()[:column].decode(errors="ignore"))
        for line, column in lines
    )
    return Span(start, end)
