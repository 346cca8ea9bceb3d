"""What Python's own parser says against a text. Knows nothing of models or editors; nothing is executed."""

import ast
import warnings
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True)
class Problem:
    """The first syntax error of a text: the lines the parser points at, counted from 0, and what it says."""

    first_line: int
    last_line: int
    message: str


# The code action list asks at every move of the cursor; a text that did not change is not parsed again.
@lru_cache(maxsize=8)
def syntax_problem(text: str) -> Problem | None:
    r"""Why `text` (with "\n" line ends) does not parse; None if it does."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except SyntaxError as error:
        first_line = max((error.lineno or 1) - 1, 0)
        last_line = max((error.end_lineno or 1) - 1, first_line)
        return Problem(first_line, last_line, error.msg)
    except (ValueError, RecursionError, MemoryError) as error:
        # A NUL or a lone surrogate; code nested deeper than the parser goes.
        return Problem(0, 0, str(error) or "the code is nested too deeply")
    return None
