"""What Python says against a text, remembered for the texts that are asked about again and again."""

from functools import lru_cache

from redraft_model.text.parser import Problem, compile_problem, problem

__all__ = ["Problem", "code_problem", "compile_problem", "syntax_problem"]

# The code action list asks at every move of the cursor; a text that did not change is not parsed again.
syntax_problem = lru_cache(maxsize=8)(problem)


@lru_cache(maxsize=8)
def code_problem(text: str) -> Problem | None:
    """The parser's first complaint about `text`, else the compiler's; None if Python takes it as it is."""
    return syntax_problem(text) or compile_problem(text)
