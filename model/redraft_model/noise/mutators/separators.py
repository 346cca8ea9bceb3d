"""Mutators of colons, commas and dots."""

from itertools import pairwise
from random import Random

from redraft_model.noise.mutators.lexer import (
    Line,
    Mutator,
    Token,
    code_tokens,
    ends_operand,
    inserted,
    lines,
    matches,
    pick,
    replaced,
    starts_operand,
    without,
)


def drop_header_colon(code: str, tokens: list[Token], rng: Random) -> str | None:
    """if x: -> if x."""
    line = _any_header(code, tokens, rng)
    return line and replaced(code, line.last, "")


def wrong_header_colon(code: str, tokens: list[Token], rng: Random) -> str | None:
    """if x: -> if x;"""
    line = _any_header(code, tokens, rng)
    return line and replaced(
        code, line.last, rng.choice([";", ";", ";", ",", ",", ".", "=", "::", ":-", '"', "):"])
    )


def early_header_colon(code: str, tokens: list[Token], rng: Random) -> str | None:
    """for i in range(n): -> for i: in range(n)"""
    line = _any_header(code, tokens, rng)
    if line is None or len(line.tokens) < 3:
        return None
    place = rng.choice(line.tokens[:-2]).end
    kept = rng.choice([":", ""])
    return code[:place] + ":" + code[place : line.last.start] + kept + code[line.last.end :]


def drop_colon(code: str, tokens: list[Token], rng: Random) -> str | None:
    """{"a": 1} -> {"a" 1}, lambda x: x -> lambda x x."""
    token = pick(rng, [token for token in tokens if token.kind == "colon"])
    return token and replaced(code, token, "")


def wrong_colon(code: str, tokens: list[Token], rng: Random) -> str | None:
    """{"a": 1} -> {"a"= 1} or {"a"; 1}."""
    token = pick(rng, [token for token in tokens if token.kind == "colon" and token.depth > 0])
    return token and replaced(code, token, rng.choice([" =", ";", "->", "::", " =>", ","]))


def stray_colon(code: str, tokens: list[Token], rng: Random) -> str | None:
    """x = 1 -> x = 1:"""
    line = pick(rng, [line for line in lines(code, tokens) if line.last.kind != "colon"])
    if line is None:
        return None
    return inserted(code, line.last.end if rng.random() < 0.75 else rng.choice(line.tokens).end, ":")


def drop_comma(code: str, tokens: list[Token], rng: Random) -> str | None:
    """f(a, b) -> f(a b)."""
    token = pick(rng, [token for token in tokens if token.kind == "comma"])
    return token and replaced(code, token, "")


def drop_comma_at_string(code: str, tokens: list[Token], rng: Random) -> str | None:
    """print("a", x, "b") -> print("a" x, "b")."""
    line = code_tokens(tokens)
    commas = [
        token
        for before, token, after in zip(line, line[1:], line[2:], strict=False)
        if token.kind == "comma" and (before.kind == "string") != (after.kind == "string")
    ]
    token = pick(rng, commas)
    if token is None:
        return None
    if rng.random() < 0.25:
        # Whoever forgets one comma of a call forgets the others too.
        nearby = [
            comma
            for comma in commas
            if "\n" not in code[min(comma.start, token.start) : max(comma.end, token.end)]
        ]
        for comma in reversed(nearby):
            code = replaced(code, comma, "")
        return code
    return replaced(code, token, "")


def comma_into_string(code: str, tokens: list[Token], rng: Random) -> str | None:
    """print("a", x) -> print("a," x): the comma on the wrong side of the quote."""
    line = code_tokens(tokens)
    places = [
        (before, token)
        for before, token in pairwise(line)
        if token.kind == "comma" and before.kind == "string" and before.end == token.start
    ]
    place = pick(rng, places)
    if place is None:
        return None
    string, comma = place
    return code[: string.end - 1] + "," + code[string.end - 1 : string.end] + code[comma.end :]


def wrong_comma(code: str, tokens: list[Token], rng: Random) -> str | None:
    """f(a, b) -> f(a; b)."""
    token = pick(rng, [token for token in tokens if token.kind == "comma"])
    return token and replaced(code, token, rng.choice([".", ".", ".", ";", ";", ":", "'", "\\", " and,"]))


def double_comma(code: str, tokens: list[Token], rng: Random) -> str | None:
    """f(a, b) -> f(a,, b)."""
    token = pick(rng, [token for token in tokens if token.kind == "comma"])
    return token and replaced(code, token, rng.choice([",,", ",,", ", ,", ",."]))


def stray_comma(code: str, tokens: list[Token], rng: Random) -> str | None:
    """print(x) -> print(, x): a comma after a bracket, a keyword or an operator."""
    places = [token for token in tokens if token.kind in {"open", "keyword", "operator"}]
    token = pick(rng, places)
    return token and inserted(code, token.end, ",")


def add_comma_before_bracket(code: str, tokens: list[Token], rng: Random) -> str | None:
    """ "{}".format(x) -> "{}",.format(x): a comma in front of a dot or of a bracket."""
    line = code_tokens(tokens)
    places = [
        after for before, after in pairwise(line) if ends_operand(before) and after.kind in {"dot", "open"}
    ]
    token = pick(rng, places)
    return token and inserted(code, token.start, ",")


def drop_keyword_of_argument(code: str, tokens: list[Token], rng: Random) -> str | None:
    """f(a=1, b=2) -> f(a=1, 2): a value behind arguments with names has lost its own."""
    line = code_tokens(tokens)
    named = [
        (name, sign, before.text == ",")
        for before, name, sign in zip(line, line[1:], line[2:], strict=False)
        if before.text in {"(", ","} and name.kind == "name" and sign.text == "=" and sign.depth
    ]
    place = pick(rng, [(name, sign) for name, sign, is_behind in named if is_behind])
    return place and without(code, place[0].start, place[1].end)


def wrong_dot(code: str, tokens: list[Token], rng: Random) -> str | None:
    """x.append(1) -> x append(1), x..append(1) or x,.append(1)."""
    token = pick(rng, [token for token in tokens if token.kind == "dot"])
    return token and replaced(code, token, rng.choice([" ", " ", "..", "..", ".,", "->", ":", "::", ". ."]))


def stray_dot(code: str, tokens: list[Token], rng: Random) -> str | None:
    """print(x) -> print(x.): a dot with nothing after it."""
    line = code_tokens(tokens)
    places = [
        before
        for before, after in pairwise(line)
        if ends_operand(before) and not (starts_operand(after) and before.end == after.start)
    ]
    token = pick(rng, places)
    return token and inserted(code, token.end, ".")


def semicolon_in_brackets(code: str, tokens: list[Token], rng: Random) -> str | None:
    """print(x) -> print(x;): a semicolon where no statement ends."""
    token = pick(rng, [token for token in tokens if token.depth > 0 and ends_operand(token)])
    return token and inserted(code, token.end, ";")


def glue_statements(code: str, tokens: list[Token], rng: Random) -> str | None:
    """a = 1; b = 2 -> a = 1 b = 2, or the same with a comma."""
    token = pick(rng, [token for token in tokens if token.kind == "semicolon"])
    return token and replaced(code, token, rng.choice(["", ",", ":"]))


def trailing_separator(code: str, tokens: list[Token], rng: Random) -> str | None:
    """import os -> import os, and for x in y, : a separator left at a line's end."""
    line = pick(rng, lines(code, tokens))
    if line is None:
        return None
    at = line.last.start if line.is_header else line.last.end
    return inserted(code, at, rng.choice([",", ",", ".", ";;", ",;"]))


def space_in_slice(code: str, tokens: list[Token], rng: Random) -> str | None:
    """a[1:2] -> a[1 2] or a[1::,2]."""
    match = pick(rng, matches(code, tokens, r"\[[^\[\]\n]*(:)[^\[\]\n]*\]"))
    if match is None:
        return None
    at = match.start(1)
    return inserted(without(code, at, at + 1), at, rng.choice([" ", ";", ":,", "::::"]))


def _any_header(code: str, tokens: list[Token], rng: Random) -> Line | None:
    return pick(rng, [line for line in lines(code, tokens) if line.is_header])


MUTATORS: dict[Mutator, float] = {
    drop_header_colon: 5.5,
    wrong_header_colon: 1.5,
    early_header_colon: 0.5,
    drop_colon: 0.7,
    wrong_colon: 0.5,
    stray_colon: 1.0,
    drop_comma: 3.0,
    drop_comma_at_string: 3.0,
    comma_into_string: 0.8,
    wrong_comma: 1.2,
    double_comma: 0.7,
    stray_comma: 0.5,
    add_comma_before_bracket: 0.3,
    drop_keyword_of_argument: 0.4,
    wrong_dot: 0.8,
    stray_dot: 0.4,
    semicolon_in_brackets: 0.3,
    glue_statements: 0.2,
    trailing_separator: 0.4,
    space_in_slice: 0.2,
}
