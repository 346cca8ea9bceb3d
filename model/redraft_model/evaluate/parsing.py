"""What Python's own parser says about a text. The judge shares nothing with the engine's verifier."""

import ast
import warnings


def tree(text: str) -> ast.Module | None:
    """The syntax tree of `text`; None if this interpreter does not parse it."""
    with warnings.catch_warnings():
        # "is" with a literal, invalid escapes: remarks about code that does parse.
        warnings.simplefilter("ignore")
        try:
            return ast.parse(text)
        # ValueError: null bytes or lone surrogates. The other two: nested too deeply for this interpreter.
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def parses(text: str) -> bool:
    """Whether this interpreter parses `text`."""
    return tree(text) is not None


def is_same_tree(text: str, other: str) -> bool:
    """Whether both parse to the same tree: comments, spaces and quotes do not count, names and values do."""
    tree_of_text, tree_of_other = tree(text), tree(other)
    if tree_of_text is None or tree_of_other is None:
        return False
    return ast.dump(tree_of_text) == ast.dump(tree_of_other)
