"""Mutators of keywords: misspelt, capitalised, dropped, glued, taken from elsewhere or used as names."""

from itertools import pairwise
from random import Random

from redraft_model.noise.mutators.lexer import (
    Mutator,
    Token,
    code_tokens,
    inserted,
    lines,
    pick,
    replaced,
    without,
)
from redraft_model.noise.mutators.typos import misspelt

_FOREIGN = {
    "elif": ["elseif", "else if", "elsif", "elsif", "else if", "if else"],
    "else": ["otherwise", "els", "else if", "elif"],
    "def": ["define", "func", "function", "fn", "sub", "Def"],
    "import": ["include", "using", "import <", "require", "export"],
    "except": ["catch", "exept", "expect", "rescue", "on error"],
    "raise": ["throw", "throw new", "rise"],
    "for": ["foreach", "for each", "fro"],
    "while": ["until", "while (", "do while", "whlie"],
    "and": ["&&", "&& ", "an", "AND"],
    "or": ["||", "OR", "xor"],
    "not": ["!", "NOT"],
    "in": ["of", "=", "to", "im", "ni", "is in", "on", ":"],
    "return": ["retrun", "give back", "return return", "Return"],
    "class": ["struct", "Class", "public class", "type class"],
    "pass": ["pas s", "pass pass"],
    "try": ["try {", "Try"],
    "lambda": ["lamda", "function", "\\"],
    "if": ["fi", "id", "of", "is", "If", "iff", "when"],
    "is": ["is is", "== is", "= is"],
    "from": ["form", "From", "of"],
    "as": ["like", "As", "is", "="],
    "with": ["using", "wiht", "With"],
    "del": ["delete", "unset"],
    "global": ["Global", "globals"],
    "finally": ["final", "ensure"],
}
_LIKELY_NAMES = (
    "class",
    "from",
    "in",
    "lambda",
    "is",
    "pass",
    "def",
    "import",
    "with",
    "global",
    "as",
    "or",
    "and",
    "not",
)


def misspell_keyword(code: str, tokens: list[Token], rng: Random) -> str | None:
    """while -> whlie, return -> retrn, if -> id."""
    token = _any_keyword(tokens, rng)
    return token and replaced(code, token, misspelt(token.text, rng))


def capitalise_keyword(code: str, tokens: list[Token], rng: Random) -> str | None:
    """if -> If, for -> FOR."""
    token = _any_keyword(tokens, rng)
    return token and replaced(
        code, token, token.text.upper() if rng.random() < 0.2 else token.text.capitalize()
    )


def drop_keyword(code: str, tokens: list[Token], rng: Random) -> str | None:
    """for i in x: -> for i x:, def f(): -> f():"""
    token = _any_keyword(tokens, rng)
    if token is None:
        return None
    end = token.end
    while end < len(code) and code[end] == " ":
        end += 1
    return without(code, token.start, end)


def drop_in(code: str, tokens: list[Token], rng: Random) -> str | None:
    """for i in range(n): -> for i range(n):, the keyword most often forgotten."""
    token = pick(rng, [token for token in tokens if token.text == "in" and token.kind == "keyword"])
    return token and without(code, token.start, min(len(code), token.end + 1))


def glue_keyword(code: str, tokens: list[Token], rng: Random) -> str | None:
    """for x in y -> forx in y or for xin y; x not in y -> x notin y."""
    line = code_tokens(tokens)
    gaps = [
        (before.end, after.start)
        for before, after in pairwise(line)
        if "keyword" in {before.kind, after.kind}
        and {before.kind, after.kind} <= {"keyword", "name", "number"}
        and code[before.end : after.start] == " "
    ]
    gap = pick(rng, gaps)
    return gap and without(code, *gap)


def split_keyword(code: str, tokens: list[Token], rng: Random) -> str | None:
    """elif -> el if, import -> im port."""
    token = pick(rng, [token for token in tokens if token.kind == "keyword" and len(token.text) > 2])
    return token and inserted(code, token.start + rng.randrange(1, len(token.text)), " ")


def foreign_keyword(code: str, tokens: list[Token], rng: Random) -> str | None:
    """elif -> else if, except -> catch, and -> &&: another language's word."""
    token = pick(rng, [token for token in tokens if token.text in _FOREIGN and token.kind == "keyword"])
    return token and replaced(code, token, rng.choice(_FOREIGN[token.text]))


def condition_after_else(code: str, tokens: list[Token], rng: Random) -> str | None:
    """else: -> else x > 1:, with the condition of the if above it."""
    all_lines = lines(code, tokens)
    places = []
    condition = ""
    for line in all_lines:
        if line.first.text in {"if", "elif"} and line.is_header and len(line.tokens) > 2:
            condition = code[line.first.end : line.last.start].strip()
        elif line.first.text == "else" and line.is_header and condition:
            places.append((line, condition))
    place = pick(rng, places)
    if place is None:
        return None
    line, condition = place
    return code[: line.first.end] + rng.choice([" ", " ", " if "]) + condition + code[line.last.start :]


def bare_elif(code: str, tokens: list[Token], rng: Random) -> str | None:
    """else: -> elif: or elif x: -> else x:"""
    token = pick(
        rng, [token for token in tokens if token.text in {"elif", "else"} and token.kind == "keyword"]
    )
    return token and replaced(code, token, "elif" if token.text == "else" else "else")


def keyword_as_name(code: str, tokens: list[Token], rng: Random) -> str | None:
    """x = 1 -> class = 1: every use of a name, or one of them, becomes a keyword."""
    token = pick(rng, [token for token in tokens if token.kind == "name"])
    if token is None:
        return None
    word = rng.choice(_LIKELY_NAMES)
    if rng.random() < 0.5:
        return replaced(code, token, word)
    for use in reversed([use for use in tokens if use.text == token.text and use.kind == "name"]):
        code = replaced(code, use, word)
    return code


def double_keyword(code: str, tokens: list[Token], rng: Random) -> str | None:
    """return x -> return return x."""
    token = _any_keyword(tokens, rng)
    return token and inserted(code, token.start, token.text + " ")


def wrong_for(code: str, tokens: list[Token], rng: Random) -> str | None:
    """for i in range(n): -> for (i in range(n)):, for i = range(n):, for i in range n:, for i range(n) in:"""
    loops = [line for line in lines(code, tokens) if line.first.text == "for" and line.is_header]
    line = pick(rng, loops)
    if line is None:
        return None
    places = [token for token in line.tokens if token.text == "in"]
    if not places:
        return None
    target = code[line.first.end : places[0].start].strip()
    source = code[places[0].end : line.last.start].strip()
    wrong = [
        f"({target} in {source})",
        f"{target} = {source}",
        f"{target} in {source.replace('(', ' ').replace(')', ' ').strip()}",
        f"{target} {source} in",
        f"{target} is in {source}",
        f"{target} to {source}",
        f"in {target} {source}",
        f"{target} in",
        f"in {source}",
        f"{target} in for {source}",
    ]
    return code[: line.first.end] + " " + rng.choice(wrong) + code[line.last.start :]


def wrong_import(code: str, tokens: list[Token], rng: Random) -> str | None:
    """from a import b -> import b from a, import a.b as c -> import as c, from a imports b."""
    found = [
        line for line in lines(code, tokens) if line.first.text in {"import", "from"} and len(line.tokens) > 1
    ]
    line = pick(rng, found)
    if line is None:
        return None
    text = code[line.first.start : line.last.end]
    wrong = [
        f"{text}.",
        f"{text},",
        f"{line.first.text} {text}",
        f"{text} as",
        text.replace("import", "imports", 1),
        f"{text}()",
    ]
    if line.first.text == "from" and " import " in text:
        source, names = text.removeprefix("from").split(" import ", 1)
        wrong += [
            f"import {names} from{source}",
            f"from{source}.{names}",
            f"from{source} import",
            f"from{source}",
        ]
    return code[: line.first.start] + rng.choice(wrong) + code[line.last.end :]


def _any_keyword(tokens: list[Token], rng: Random) -> Token | None:
    return pick(rng, [token for token in tokens if token.kind == "keyword"])


MUTATORS: dict[Mutator, float] = {
    misspell_keyword: 3.0,
    capitalise_keyword: 1.2,
    drop_keyword: 1.3,
    drop_in: 0.7,
    glue_keyword: 0.9,
    split_keyword: 0.4,
    foreign_keyword: 1.2,
    condition_after_else: 0.2,
    bare_elif: 0.8,
    keyword_as_name: 0.4,
    double_keyword: 0.4,
    wrong_for: 0.9,
    wrong_import: 0.4,
}
