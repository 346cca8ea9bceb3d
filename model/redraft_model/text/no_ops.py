"""Statements that do nothing: what an edit leaves behind when it only pleases the parser. Without torch."""

import ast
import warnings

_ACTS = (ast.Call, ast.Await, ast.Yield, ast.YieldFrom, ast.NamedExpr)


def n_no_ops(source: str) -> int:
    """How many statements of `source` work out a value that nobody gets: `n`, `a == b`; 0 where it does not parse.

    Strings are documentation, and `...` is a body. Whatever calls something may do something.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return 0
    return sum(isinstance(node, ast.Expr) and _is_no_op(node.value) for node in ast.walk(tree))


def _is_no_op(value: ast.expr) -> bool:
    if isinstance(value, ast.Constant) and (isinstance(value.value, str) or value.value is ...):
        return False
    return not any(isinstance(node, _ACTS) for node in ast.walk(value))
