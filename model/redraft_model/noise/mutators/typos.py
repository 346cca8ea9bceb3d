"""Mutators that know no grammar: characters, lines and pasted rubbish."""

import re
import string
from itertools import pairwise
from random import Random

from redraft_model.noise.mutators.lexer import (
    Mutator,
    Token,
    code_tokens,
    inserted,
    lines,
    physical_end,
    pick,
    replaced,
    starts_operand,
    without,
)

# What sits beside a key of an English keyboard.
_ROWS = ("`1234567890-=", "qwertyuiop[]\\", "asdfghjkl;'", "zxcvbnm,./")
_NEIGHBOURS = {
    key: "".join(
        other
        for near in range(max(0, row - 1), min(len(_ROWS), row + 2))
        for other in _ROWS[near][max(0, column - 1) : column + 2]
        if other != key
    )
    for row, keys in enumerate(_ROWS)
    for column, key in enumerate(keys)
}
# What text that was not typed into an editor for programs has in place of ASCII.
_LOOK_ALIKES = {
    "-": "–−—",
    "*": "×∗＊",
    "/": "÷⁄",
    "<=": "≤",
    ">=": "≥",
    "!=": "≠",
    "->": "→",
    "=": "＝",
    "+": "＋",
    "(": "（",
    ")": "）",
    ":": "：",
    ",": "，、",
    ";": "；",
    "...": "…",
}
_RUBBISH = (
    "`",
    "$",
    "?",
    "\\",
    "!",
    "~",
    "^",
    "&",
    "|",
    "@",
    "’",
    "…",
    "–",
    "÷",
    "×",
    "°",
    "\u00a0;",
)
_PROMPTS = (">>> ", ">>>", "... ", "In [1]: ", "1. ", "- ", "* ", "+", "> ", "$ ", "12 ", "1: ")
_PROSE = (
    "enter a number",
    "this is the answer",
    "your code here",
    "part two",
    "prints the result",
    "then we add them up",
    "do it again",
    "the end",
    "see below",
    "not sure about this",
    "first the input",
)
_FENCES = (
    "```",
    "```python",
    "---",
    "<<<<<<< HEAD",
    "=======",
    ">>>>>>> main",
    "/*",
    "*/",
    "\\end",
    "%%",
    "?>",
)


def misspelt(word: str, rng: Random) -> str:
    """`word` with a character dropped, doubled, inserted, swapped or replaced; never `word` itself."""
    for _ in range(4):
        at = rng.randrange(len(word))
        kind = rng.choice(["drop", "double", "swap", "replace", "insert"])
        if kind == "drop" and len(word) > 1:
            wrong = word[:at] + word[at + 1 :]
        elif kind == "double":
            wrong = word[: at + 1] + word[at:]
        elif kind == "swap" and at + 1 < len(word):
            wrong = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        elif kind == "insert":
            wrong = word[:at] + rng.choice(string.ascii_lowercase) + word[at:]
        else:
            wrong = word[:at] + _beside(word[at], rng) + word[at + 1 :]
        if wrong != word:
            return wrong
    return word + word[-1]


def mistype_character(code: str, tokens: list[Token], rng: Random) -> str | None:
    """One character is dropped, doubled, swapped or replaced by a key beside it; not in comments."""
    token = pick(rng, [token for token in tokens if token.kind not in {"comment", "newline"}])
    if token is None:
        return None
    if token.kind != "string":
        return replaced(code, token, misspelt(token.text, rng))
    at = rng.choice([token.start, token.end - 1])
    return replaced(code, token._replace(start=at, end=at + 1), _beside(code[at], rng))


def insert_character(code: str, tokens: list[Token], rng: Random) -> str | None:
    """A key hit by accident, between two tokens or in one."""
    token = pick(rng, [token for token in tokens if token.kind not in {"comment", "string"}])
    if token is None:
        return None
    keys = string.ascii_lowercase + string.digits + string.punctuation.replace("#", "") + "  "
    return inserted(code, rng.choice([token.start, token.end]), rng.choice(keys))


def rubbish_character(code: str, tokens: list[Token], rng: Random) -> str | None:
    """A character that has no business in code."""
    token = pick(rng, [token for token in tokens if token.kind not in {"comment", "string"}])
    return token and inserted(code, rng.choice([token.start, token.end]), rng.choice(_RUBBISH))


def look_alike(code: str, tokens: list[Token], rng: Random) -> str | None:
    """a - b -> a – b: a sign as word processors, web pages and other keyboards write it; often every one of its kind."""
    token = pick(rng, [token for token in tokens if token.text in _LOOK_ALIKES])
    if token is None:
        return None
    other = rng.choice(_LOOK_ALIKES[token.text])
    if rng.random() < 0.5:
        return replaced(code, token, other)
    for use in reversed([use for use in tokens if use.text == token.text]):
        code = replaced(code, use, other)
    return code


def foreign_blank(code: str, tokens: list[Token], rng: Random) -> str | None:
    """A blank that no keyboard types instead of one or all of a line's, or one of no width besides."""
    line = pick(rng, lines(code, tokens))
    if line is None:
        return None
    if rng.random() < 0.3:
        return inserted(code, rng.choice(line.tokens).start, rng.choice("\u200b\ufeff\u200e"))
    blank = rng.choice("\u00a0\u00a0\u2003\u3000")
    gaps = [
        (before.end, after.start)
        for before, after in pairwise(line.tokens)
        if code[before.end : after.start] == " "
    ]
    gaps = [(line.start, line.first.start), *gaps] if line.first.start > line.start else gaps
    if not gaps:
        return None
    for start, end in reversed(gaps if rng.random() < 0.5 else [rng.choice(gaps)]):
        code = code[:start] + blank * (end - start) + code[end:]
    return code


def name_with_gap(code: str, tokens: list[Token], rng: Random) -> str | None:
    """my_name -> my name or my-name, total -> tot al, x1 -> 1x."""
    long_ones = [token for token in tokens if token.kind == "name" and len(token.text) > 2]
    compound = [token for token in long_ones if "_" in token.text.strip("_")]
    token = pick(rng, compound if compound and rng.random() < 0.8 else long_ones)
    if token is None:
        return None
    name = token.text
    if "_" in name.strip("_"):
        return replaced(code, token, name.replace("_", rng.choice([" ", " ", "-", "- ", "."])))
    at = rng.randrange(1, len(name))
    return replaced(code, token, f"{name[:at]} {name[at:]}")


def name_with_leading_digit(code: str, tokens: list[Token], rng: Random) -> str | None:
    """num1 -> 1num, first -> 1st_first."""
    token = pick(rng, [token for token in tokens if token.kind == "name"])
    if token is None:
        return None
    digits = re.search(r"\d+$", token.text)
    if digits:
        return replaced(code, token, digits.group() + token.text[: digits.start()])
    return replaced(code, token, rng.choice("123456789") + token.text)


def extra_name(code: str, tokens: list[Token], rng: Random) -> str | None:
    """x = f(y) -> x = f(my y): a word too many before an operand, taken from the code itself."""
    words = [token.text for token in tokens if token.kind in {"name", "number"}]
    token = pick(rng, [token for token in code_tokens(tokens) if starts_operand(token)])
    return inserted(code, token.start, rng.choice(words) + " ") if token and words else None


def double_token(code: str, tokens: list[Token], rng: Random) -> str | None:
    """x = y -> x = y y."""
    token = pick(rng, code_tokens(tokens))
    return token and inserted(code, token.end, rng.choice(["", " "]) + token.text)


def drop_token(code: str, tokens: list[Token], rng: Random) -> str | None:
    """Any token is gone."""
    token = pick(rng, code_tokens(tokens))
    return token and replaced(code, token, "")


def swap_tokens(code: str, tokens: list[Token], rng: Random) -> str | None:
    """Two neighbouring tokens change places."""
    line = code_tokens(tokens)
    pair = pick(rng, [(a, b) for a, b in pairwise(line) if "\n" not in code[a.end : b.start]])
    if pair is None:
        return None
    left, right = pair
    return code[: left.start] + right.text + code[left.end : right.start] + left.text + code[right.end :]


def cut_line_short(code: str, tokens: list[Token], rng: Random) -> str | None:
    """The end of a line is missing from somewhere in its middle on."""
    line = pick(rng, [line for line in lines(code, tokens) if len(line.tokens) > 1])
    if line is None:
        return None
    token = rng.choice(line.tokens[1:])
    at = token.start if rng.random() < 0.7 else rng.randrange(token.start, token.end)
    kept = code[:at].rstrip(" ")
    return kept + code[physical_end(code, at) :]


def join_lines(code: str, tokens: list[Token], rng: Random) -> str | None:
    """The newline between two statements is gone."""
    all_lines = lines(code, tokens)
    pair = pick(rng, list(pairwise(all_lines)))
    if pair is None or "#" in code[pair[0].last.end : pair[1].first.start]:
        return None
    return code[: pair[0].last.end] + rng.choice([" ", " ", "", ", "]) + code[pair[1].first.start :]


def split_line(code: str, tokens: list[Token], rng: Random) -> str | None:
    """A newline (and perhaps an indentation) in the middle of a statement outside brackets."""
    line = pick(rng, [line for line in lines(code, tokens) if len(line.tokens) > 1])
    if line is None:
        return None
    token = pick(rng, [token for token in line.tokens[1:] if token.depth == 0])
    return token and inserted(code, token.start, "\n" + " " * rng.choice([0, 0, 4, token.start - line.start]))


def duplicate_fragment(code: str, tokens: list[Token], rng: Random) -> str | None:
    """A few tokens of a line stand there twice, as after a hasty copy and paste."""
    line = pick(rng, [line for line in lines(code, tokens) if len(line.tokens) > 2])
    if line is None:
        return None
    first = rng.randrange(len(line.tokens) - 1)
    last = rng.randrange(first, min(len(line.tokens), first + 6))
    end = line.tokens[last].end
    return inserted(code, end, rng.choice(["", " "]) + code[line.tokens[first].start : end])


def pasted_prompt(code: str, tokens: list[Token], rng: Random) -> str | None:
    """>>> x = 1: a prompt, a list bullet or a line number came along with the line."""
    line = pick(rng, lines(code, tokens))
    return line and inserted(code, rng.choice([line.start, line.first.start]), rng.choice(_PROMPTS))


def pasted_line(code: str, tokens: list[Token], rng: Random) -> str | None:
    """A line of plain text, a fence of a code block or a merge marker between the statements."""
    line = pick(rng, lines(code, tokens))
    if line is None:
        return None
    text = rng.choice(_PROSE) if rng.random() < 0.6 else rng.choice(_FENCES)
    return inserted(code, line.start, code[line.start : line.first.start] + text + "\n")


def bare_comment(code: str, tokens: list[Token], rng: Random) -> str | None:
    """# read the input -> read the input."""
    token = pick(rng, [token for token in tokens if token.kind == "comment" and len(token.text) > 2])
    return token and replaced(code, token, token.text.lstrip("#").lstrip())


def stray_backslash(code: str, tokens: list[Token], rng: Random) -> str | None:
    """A backslash after which the line goes on, or the next one cannot follow."""
    line = pick(rng, lines(code, tokens))
    if line is None:
        return None
    if rng.random() < 0.5:
        return inserted(code, line.last.end, rng.choice([" \\", "\\ ", "\\n", "\\"]))
    return inserted(code, rng.choice(line.tokens).end, rng.choice(["\\", "\\n"]))


def drop_line_head(code: str, tokens: list[Token], rng: Random) -> str | None:
    """The beginning of a line is missing: total = f(x) -> = f(x)."""
    line = pick(rng, [line for line in lines(code, tokens) if len(line.tokens) > 2])
    if line is None:
        return None
    return without(code, line.first.start, line.tokens[rng.randrange(1, min(4, len(line.tokens)))].start)


def _beside(character: str, rng: Random) -> str:
    """A key beside this one on the keyboard, in the same case."""
    keys = _NEIGHBOURS.get(character.lower(), string.ascii_lowercase)
    key = rng.choice(keys)
    return key.upper() if character.isupper() else key


MUTATORS: dict[Mutator, float] = {
    mistype_character: 2.0,
    insert_character: 1.4,
    rubbish_character: 0.4,
    look_alike: 0.4,
    foreign_blank: 0.3,
    name_with_gap: 1.0,
    name_with_leading_digit: 0.4,
    extra_name: 0.6,
    double_token: 0.5,
    drop_token: 1.2,
    swap_tokens: 0.5,
    cut_line_short: 1.4,
    join_lines: 0.9,
    split_line: 0.7,
    duplicate_fragment: 0.5,
    pasted_prompt: 0.5,
    pasted_line: 0.6,
    bare_comment: 1.0,
    stray_backslash: 0.3,
    drop_line_head: 0.3,
}
