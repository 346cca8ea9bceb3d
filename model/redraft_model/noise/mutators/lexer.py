"""A lexer for code that may not parse: one regular expression, no errors. Knows lines, but no grammar."""

import keyword
import re
from collections.abc import Callable, Iterable
from random import Random
from typing import NamedTuple, TypeVar

KEYWORDS = frozenset(keyword.kwlist) - {"True", "False", "None"}
HEADERS = frozenset(
    {"if", "elif", "else", "for", "while", "def", "class", "try", "except", "finally", "with", "async"}
)
COMPARISONS = frozenset({"==", "!=", "<", ">", "<=", ">="})
BINARY = COMPARISONS | {"+", "-", "*", "/", "//", "%", "**", "@", "&", "|", "^", "<<", ">>"}
CLOSING_OF = {"(": ")", "[": "]", "{": "}"}
OPENING_OF = {closing: opening for opening, closing in CLOSING_OF.items()}

# Words that begin a statement and nothing else: a bracket still open before one was never meant to be.
_STATEMENT_WORDS = frozenset(
    {"def", "class", "return", "while", "import", "try", "except", "finally", "with", "raise", "elif"}
)

_LEXICON = re.compile(
    r"""
      (?P<comment>\#[^\n]*)
    | (?P<string>(?:[rRbBuUfF]{1,2})?
          (?:\"{3}(?:\\[\s\S]|[^\\])*?(?:\"{3}|\Z) | '{3}(?:\\[\s\S]|[^\\])*?(?:'{3}|\Z)
            | "(?:\\[\s\S]|[^"\\\n])*"? | '(?:\\[\s\S]|[^'\\\n])*'?))
    | (?P<number>0[xXoObB][\da-fA-F_]+ | (?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d+)?[jJ]?)
    | (?P<name>[^\W\d]\w*)
    | (?P<newline>\n)
    | (?P<open>[(\[{])
    | (?P<close>[)\]}])
    | (?P<comma>,)
    | (?P<operator>\*\*=|//=|>>=|<<=|\.\.\.|:=|->|[+\-*/%@&|^<>=!]=|\*\*|//|<<|>>|[+\-*/%@&|^~<>=])
    | (?P<colon>:)
    | (?P<semicolon>;)
    | (?P<dot>\.)
    | (?P<other>\\\n|\S)
    """,
    re.VERBOSE,
)


class Token(NamedTuple):
    """A lexeme: its kind, its characters `start` to `end`, and how many brackets are open around it.

    `kind` is comment, string, number, name, keyword, newline, open, close, comma, operator, colon,
    semicolon, dot or other. A bracket lies outside itself.
    """

    kind: str
    start: int
    end: int
    text: str
    depth: int


class Line(NamedTuple):
    """A logical line: its tokens (no comments, no newlines; never empty) and where it begins in the code.

    `start` is the offset of its first column, so the indentation is `code[start : tokens[0].start]`.
    """

    tokens: list[Token]
    start: int

    @property
    def first(self) -> Token:
        """Its first token."""
        return self.tokens[0]

    @property
    def last(self) -> Token:
        """Its last token."""
        return self.tokens[-1]

    @property
    def is_header(self) -> bool:
        """Whether it opens a block: begins with a compound keyword and ends with a colon."""
        return self.last.kind == "colon" and self.first.text in HEADERS


Mutator = Callable[[str, list[Token], Random], str | None]


def lex(code: str) -> list[Token]:
    """The tokens of `code`, whatever it is; blanks between them are left out."""
    tokens: list[Token] = []
    depth = 0
    is_line_start = True
    for match in _LEXICON.finditer(code):
        kind = match.lastgroup or "other"
        text = match.group()
        if kind == "name" and text in KEYWORDS:
            kind = "keyword"
            if is_line_start and text in _STATEMENT_WORDS:
                depth = 0
        if kind == "close":
            depth = max(0, depth - 1)
        tokens.append(Token(kind, match.start(), match.end(), text, depth))
        if kind == "open":
            depth += 1
        is_line_start = kind == "newline"
    return tokens


def lines(code: str, tokens: list[Token]) -> list[Line]:
    """The logical lines of `code`; blank ones and those of comments only are left out."""
    found: list[Line] = []
    row: list[Token] = []
    for token in tokens:
        if token.kind == "newline":
            if token.depth == 0 and row:
                found.append(_line(code, row))
                row = []
        elif token.kind != "comment":
            is_new_row = bool(row) and "\n" in code[row[-1].end : token.start]
            if is_new_row and token.depth == 0 and token.text in _STATEMENT_WORDS:
                found.append(_line(code, row))
                row = []
            row.append(token)
    if row:
        found.append(_line(code, row))
    return found


def _line(code: str, row: list[Token]) -> Line:
    return Line(row, code.rfind("\n", 0, row[0].start) + 1)


def indent_of(code: str, line: Line) -> str:
    """The blanks before a line's text."""
    return code[line.start : line.first.start]


def physical_end(code: str, offset: int) -> int:
    """Offset of the newline (or the end of the code) that ends the physical line at `offset`."""
    end = code.find("\n", offset)
    return len(code) if end < 0 else end


def body_of(code: str, all_lines: list[Line], index: int) -> list[Line]:
    """The lines indented deeper than the header `all_lines[index]`, directly below it."""
    indent = len(indent_of(code, all_lines[index]))
    body = []
    for line in all_lines[index + 1 :]:
        if len(indent_of(code, line)) <= indent:
            break
        body.append(line)
    return body


def code_tokens(tokens: list[Token]) -> list[Token]:
    """The tokens without comments and newlines."""
    return [token for token in tokens if token.kind not in {"comment", "newline"}]


def pairs(tokens: list[Token]) -> list[tuple[Token, Token]]:
    """(opening, closing) brackets of the same kind that belong together, in the order they close."""
    found = []
    open_ones: list[Token] = []
    for token in tokens:
        if token.kind == "open":
            open_ones.append(token)
        elif token.kind == "close" and open_ones:
            opening = open_ones.pop()
            if CLOSING_OF[opening.text] == token.text:
                found.append((opening, token))
    return found


def starts_operand(token: Token) -> bool:
    """Whether an expression may begin with this token."""
    return token.kind in {"name", "number", "string", "open"}


def ends_operand(token: Token) -> bool:
    """Whether an expression may end with this token."""
    return token.kind in {"name", "number", "string", "close"}


def binary_operators(tokens: list[Token]) -> list[Token]:
    """The operators that stand between two operands of one line."""
    return [
        token
        for before, token, after in zip(tokens, tokens[1:], tokens[2:], strict=False)
        if token.kind == "operator"
        and token.text in BINARY
        and ends_operand(before)
        and starts_operand(after)
    ]


def matches(code: str, tokens: list[Token], pattern: str) -> list[re.Match[str]]:
    """The matches of `pattern` that begin where a token does, so not inside a string or a comment."""
    starts = {token.start for token in tokens if token.kind not in {"string", "comment"}}
    return [match for match in re.finditer(pattern, code) if match.start() in starts]


Item = TypeVar("Item")


def pick(rng: Random, items: Iterable[Item]) -> Item | None:
    """One of the items, or None if there are none."""
    choices = list(items)
    return rng.choice(choices) if choices else None


def replaced(code: str, token: Token, text: str) -> str:
    """`code` with `text` in place of `token`."""
    return code[: token.start] + text + code[token.end :]


def inserted(code: str, offset: int, text: str) -> str:
    """`code` with `text` put in at `offset`."""
    return code[:offset] + text + code[offset:]


def without(code: str, start: int, end: int) -> str:
    """`code` without its characters from `start` to `end`."""
    return code[:start] + code[end:]
