"""Syntax mutators: the bugs that make Python stop parsing, grouped by what they touch, and how often each is made.

A mutator is a function (code, tokens, rng) -> the broken code, or None where it finds nothing to break. It
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
from redraft_model.noise.mutators.lexer import Line, Mutator, Token, lex

# Shares of the groups, after what beginners' programs and parse errors in public repositories show. What is rare there, foreign
# syntax above all, is raised: a bug that is drawn once in five hundred samples is not learnt. A group is drawn before one of its
# mutators, so that how many mutators it has does not matter.
GROUPS: dict[str, tuple[float, dict[Mutator, float]]] = {
    "brackets": (0.15, brackets.MUTATORS),
    "quotes": (0.15, quotes.MUTATORS),
    "separators": (0.15, separators.MUTATORS),
    "operators": (0.13, operators.MUTATORS),
    "indentation": (0.12, indentation.MUTATORS),
    "keywords": (0.11, keywords.MUTATORS),
    "typos": (0.05, typos.MUTATORS),
    "foreign_syntax": (0.14, foreign_syntax.MUTATORS),
}

MUTATORS: dict[str, Mutator] = {
    mutator.__name__: mutator for _, group in GROUPS.values() for mutator in group
}

__all__ = ["GROUPS", "MUTATORS", "Line", "Mutator", "Token", "lex"]
