"""What parses and what does not: Python's own parser has the last word, tree-sitter says where else to look."""

import ast
import codeop
import itertools
import re
import warnings
from dataclasses import dataclass

import tree_sitter
import tree_sitter_python

from redraft_model.passage import Span

LANGUAGE = tree_sitter.Language(tree_sitter_python.language())
PARSER = tree_sitter.Parser(LANGUAGE)
_COMMENTS_AND_STRINGS = tree_sitter.Query(LANGUAGE, "(comment) @comment (string_content) @string")
# What a message is about, in words that every supported Python uses; the kind of a message is the first that it holds.
_KINDS = tuple(
    re.compile(pattern)
    for pattern in (
        r"was never closed",
        r"indent|outside (?:function|loop)",
        r"unmatched|does not match",
        r"expected ':'",
        r"unterminated",
        r"forgot a comma",
        r"parentheses in call",
        r"assign|'=='",
        r"string|decimal|literal|character",
    )
)
N_KINDS = len(_KINDS) + 1  # 0: none of these
# Git's marks of a merge that somebody has to decide; the lines of a common ancestor may stand before the middle one.
_CONFLICT = re.compile(r"^<{7} [^\n]*\n(?s:.*?)^={7}$(?s:.*?)^>{7} ", re.MULTILINE)
# What an interactive interpreter asks of the compiler to tell input that is not complete yet from input that is wrong.
_INCOMPLETE = codeop.Compile().flags
_LINE_ENDING = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True)
class Problem:
    """Where the parser stopped: a character span (never empty unless at the end), its lines from 0, and the message."""

    span: Span
    line: int
    last_line: int
    message: str

    @property
    def kind(self) -> int:
        """What the message is about, from 0 to N_KINDS - 1."""
        return next((i for i, about in enumerate(_KINDS, 1) if about.search(self.message)), 0)


def parses(source: str) -> bool:
    """Whether the interpreter's parser accepts `source`."""
    return problem(source) is None


def problem(source: str) -> Problem | None:
    """The interpreter's first complaint about `source`, None when it parses."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(source)
    except SyntaxError as error:
        return _located(source, error)
    except (ValueError, RecursionError, MemoryError) as error:
        # Nesting too deep for the parser, or half a character: there is no place to point at.
        return Problem(Span(0, len(source)), 0, 0, str(error) or "the code is nested too deeply")
    return None


def compile_problem(source: str) -> Problem | None:
    """The compiler's first complaint about a text that parses: a `return` outside of a function, a `break` outside of a loop."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # In a notebook `await` needs no function.
            compile(source, "<text>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    except SyntaxError as error:
        return _located(source, error)
    except (ValueError, RecursionError, MemoryError):
        # Nested too deeply for the compiler alone: no edit is to be tried for that.
        return None
    return None


def compiles(source: str) -> bool:
    """Whether the interpreter's parser and compiler accept `source`."""
    return problem(source) is None and compile_problem(source) is None


def can_begin(text: str) -> bool:
    """Whether a program that parses and compiles could begin with the lines of `text`: a bracket, string or block may be open."""
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | _INCOMPLETE
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, "<text>", "exec", flags, dont_inherit=True)
    except SyntaxError as error:
        return "incomplete input" in str(error)
    except (ValueError, RecursionError, MemoryError):
        return False
    return True


def conflict(source: str) -> int | None:
    """The line, from 0, where the first merge conflict begins that is marked in `source`; None when there is none."""
    match = _CONFLICT.search(source.replace("\r\n", "\n"))
    return None if match is None else match.string.count("\n", 0, match.start())


def error_spans(source: str) -> list[Span]:
    """Character spans of tree-sitter's ERROR and MISSING nodes, in order; a missing token has an empty span."""
    encoded = source.encode()
    spans: list[Span] = []
    cursor = PARSER.parse(encoded).walk()
    while True:
        node = cursor.node
        assert node is not None
        if node.is_error or node.is_missing:
            start = len(encoded[: node.start_byte].decode("utf-8", "replace"))
            spans.append(
                Span(start, start + len(encoded[node.start_byte : node.end_byte].decode("utf-8", "replace")))
            )
        if node.has_error and not node.is_error and cursor.goto_first_child():
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return spans


def comment_and_string_spans(source: str) -> list[Span]:
    """Character spans of comments and of the insides of string literals, in order; the code in an f-string is not one."""
    encoded = source.encode()
    found = tree_sitter.QueryCursor(_COMMENTS_AND_STRINGS).captures(PARSER.parse(encoded).root_node)
    # A comment's first character is what makes it one.
    spans = [(node.start_byte + 1, node.end_byte) for node in found.get("comment", [])]
    spans += [(node.start_byte, node.end_byte) for node in found.get("string", [])]
    if not source.isascii():
        n_before = [0, *itertools.accumulate((byte & 0xC0) != 0x80 for byte in encoded)]
        spans = [(n_before[start], n_before[end]) for start, end in spans]
    return [Span(start, end) for start, end in sorted(spans)]


def line_starts(source: str) -> list[int]:
    """Character offset of every line's start; a line ends where Python ends it, at a line feed or a carriage return."""
    if "\r" not in source:
        return [0, *itertools.accumulate(len(line) + 1 for line in source.split("\n")[:-1])]
    return [0, *(ending.end() for ending in _LINE_ENDING.finditer(source))]


def _located(source: str, error: SyntaxError) -> Problem:
    if error.lineno is None:
        # A NUL character is refused before the first line is read.
        at = max(0, source.find("\0"))
        line = len(line_starts(source[:at])) - 1
        return Problem(Span(at, min(at + 1, len(source))), line, line, error.msg or "invalid syntax")
    starts = line_starts(source)
    line = min(max((error.lineno or 1) - 1, 0), len(starts) - 1)
    end_of_line = starts[line + 1] - 1 if line + 1 < len(starts) else len(source)
    start = min(starts[line] + max((error.offset or 1) - 1, 0), end_of_line)
    end = start + 1
    if error.end_lineno and error.end_offset and error.end_lineno - 1 < len(starts):
        end = max(end, starts[error.end_lineno - 1] + error.end_offset - 1)
    last_line = max(line, min((error.end_lineno or 1) - 1, len(starts) - 1))
    return Problem(
        Span(start, max(start, min(end, len(source)))), line, last_line, error.msg or "invalid syntax"
    )
