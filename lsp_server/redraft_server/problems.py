"""What Python says against a text, remembered for the texts that are asked about again and again.

A newer Python than this one counts, too: what it takes is no problem.
"""

from functools import lru_cache

from redraft_model.text import versions
from redraft_model.text.parser import Problem
from redraft_model.text.versions import compile_problem

__all__ = ["Problem", "code_problem", "compile_problem", "syntax_problem"]

# The code action list asks at every move of the cursor; a text that did not change is not parsed again.
syntax_problem = lru_cache(maxsize=8)(versions.problem)

# The parser's first complaint about a text, else the compiler's, else that of an older Python; None if there is none.
code_problem = lru_cache(maxsize=8)(versions.code_problem)
