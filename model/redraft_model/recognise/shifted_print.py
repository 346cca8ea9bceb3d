"""`print >>file, text`: Python 2 that Python 3 compiles, and that fails when it runs."""

import ast
import warnings

from redraft_model.passage import Doubt, Span
from redraft_model.text.parser import line_starts


def shifted_prints(source: str) -> list[Doubt]:
    """The statements of a text that shift `print` by a file, each with the call it should be; in order.

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
    spans = [
        _span(source, node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and _is_shifted(node.value)
    ]
    if not spans:
        return []
    # Whoever has none does not wait for the library.
    from redraft_model.recognise.translation import translated

    calls = ((span, translated(span.of(source))) for span in sorted(spans))
    return [Doubt(span, 0.0, "substitute", call) for span, call in calls if call]


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
