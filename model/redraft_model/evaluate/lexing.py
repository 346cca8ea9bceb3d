"""Tokens of Python text that may be broken, their edit distance, and when two programs are the same code.

Knows nothing of the model's tokenizer: these tokens are for scoring, and every system is scored with the
same ones.
"""

import io
import re
import tokenize

from rapidfuzz.distance import Levenshtein

NEWLINE = "\n"
INDENT = "\n>"
DEDENT = "\n<"
"""Layout tokens. No other token holds a newline, so a name such as NEWLINE is never taken for one."""

TAB_WIDTH = 8
"""Columns between tab stops, as in Python's own lexer."""


def tokens(text: str) -> list[str]:
    """Tokens of `text`, which may be broken; never fails.

    Everything is decided within one line, so that an error changes the tokens of its own line only:

    * A string, with its prefix, is one token when it is closed on the line it opens on. Otherwise its quote
      (one or three characters) is a token and what follows is read as code.
    * Names, numbers and operators are as in Python; any other visible character is a token of its own.
    * Comments, blank lines and spaces between tokens are no tokens.
    * Each line with a token ends with NEWLINE, inside brackets too. A line that starts further right than
      the open indentation opens one with INDENT; a line further left closes with one DEDENT each. A line
      that then stands between two indentations opens one again.
    """
    found: list[str] = []
    columns = [0]
    for line in text.split("\n"):
        content = line_tokens(line)
        if not content:
            continue
        column = _column(line)
        while column < columns[-1]:
            columns.pop()
            found.append(DEDENT)
        if column > columns[-1]:
            columns.append(column)
            found.append(INDENT)
        found += content
        found.append(NEWLINE)
    return found + [DEDENT] * (len(columns) - 1)


def line_tokens(line: str) -> list[str]:
    """Tokens of one line, without layout tokens and without its comment."""
    return [match[0] for match in _TOKEN.finditer(line) if match.lastgroup != "comment"]


def token_distance(before: str, after: str) -> int:
    """Fewest token insertions, deletions and substitutions that turn `before` into `after`."""
    return int(Levenshtein.distance(tokens(before), tokens(after)))


def is_same_code(text: str, other: str) -> bool:
    """Whether the token sequences are equal without comments and blank lines, with relative indentation.

    Both are read with Python's lexer, which joins the lines of a bracket and takes a string of several
    lines as one token. If it refuses one of them, both are read with `tokens`.
    """
    try:
        return _code_tokens(text) == _code_tokens(other)
    except (tokenize.TokenError, SyntaxError):
        return tokens(text) == tokens(other)


_TOKEN = re.compile(
    r"""
      (?P<comment> \# .* )
    | (?P<string> (?: [rRbBuUfFtT]{1,2} )?
          (?: \"{3} (?: \\. | [^\\] )*? \"{3}
            | '{3} (?: \\. | [^\\] )*? '{3}
            | " (?! "" ) (?: \\. | [^"\\] )* "
            | ' (?! '' ) (?: \\. | [^'\\] )* ' ) )
    | (?P<quote> \"{3} | '{3} | " | ' )
    | (?P<number> 0 [xXoObB] \w+
        | (?: \d [\d_]* (?: \. [\d_]* )? | \. \d [\d_]* ) (?: [eE] [+-]? \d [\d_]* )? [jJ]? )
    | (?P<name> [^\W\d] \w* )
    | (?P<operator> \*\*= | //= | >>= | <<= | \.\.\. | \*\* | // | >> | << | -> | := | [-+*/%@&|^=!<>]= )
    | (?P<other> \S )
    """,
    re.VERBOSE,
)

_LAYOUT = {tokenize.NEWLINE: NEWLINE, tokenize.INDENT: INDENT, tokenize.DEDENT: DEDENT}
_NO_CODE = {tokenize.COMMENT, tokenize.NL, tokenize.ENDMARKER}


def _column(line: str) -> int:
    indentation = line[: len(line) - len(line.lstrip())]
    return len(indentation.expandtabs(TAB_WIDTH))


def _code_tokens(text: str) -> list[str]:
    return [
        _LAYOUT.get(token.type, token.string)
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type not in _NO_CODE
    ]
