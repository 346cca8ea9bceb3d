"""What Python's own parser says against a text, remembered for the texts that are asked about again and again."""

from functools import lru_cache

from redraft_model.text.parser import Problem, problem

__all__ = ["Problem", "syntax_problem"]

# The code action list asks at every move of the cursor; a text that did not change is not parsed again.
syntax_problem = lru_cache(maxsize=8)(problem)
