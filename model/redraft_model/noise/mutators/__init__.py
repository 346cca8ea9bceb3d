"""The slips that make Python stop parsing, grouped by what they touch, and how often each is made.

A breaker is a function (code, tokens, rng) -> the broken code, or None where it finds nothing to break. It
may return code that still parses; whoever calls it looks.
"""

from redraft_model.noise.mutators import (
    brackets,
    foreign_syntax,
    indentation,
    keywords,
    operators,
    quotes,
    separators,
    typos,
)
from redraft_model.noise.mutators.lexer import Breaker, Line, Token, lex

# Shares of the groups, after what beginners' programs and parse errors in public repositories show, with what is rare there, habits
# above all, raised: a slip that is drawn once in five hundred samples is not learnt. A group is drawn before one of its breakers,
# so that how many breakers it has does not matter.
GROUPS: dict[str, tuple[float, dict[Breaker, float]]] = {
    "brackets": (0.15, brackets.BREAKERS),
    "quotes": (0.15, quotes.BREAKERS),
    "separators": (0.15, separators.BREAKERS),
    "operators": (0.13, operators.BREAKERS),
    "indentation": (0.12, indentation.BREAKERS),
    "keywords": (0.11, keywords.BREAKERS),
    "typos": (0.05, typos.BREAKERS),
    "habits": (0.14, foreign_syntax.BREAKERS),
}

BREAKERS: dict[str, Breaker] = {
    breaker.__name__: breaker for _, group in GROUPS.values() for breaker in group
}

__all__ = ["BREAKERS", "GROUPS", "Breaker", "Line", "Token", "lex"]
