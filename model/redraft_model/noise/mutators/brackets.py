"""Mutators of brackets: by far the most common bug is a closing one that was forgotten."""

from random import Random

from redraft_model.noise.mutators.lexer import (
    CLOSING_OF,
    Mutator,
    Token,
    inserted,
    lines,
    pairs,
    physical_end,
    pick,
    replaced,
    without,
)


def drop_line_end_bracket(code: str, tokens: list[Token], rng: Random) -> str | None:
    """print(int(x)) -> print(int(x): the closing bracket at a line's end."""
    candidates = []
    for line in lines(code, tokens):
        closers = [token for token in line.tokens[-2:] if token.kind == "close"]
        candidates += closers[-1:]
    token = pick(rng, candidates)
    return token and replaced(code, token, "")


def drop_closing_bracket(code: str, tokens: list[Token], rng: Random) -> str | None:
    """f(a)[0] -> f(a[0]: any closing bracket."""
    token = pick(rng, [token for token in tokens if token.kind == "close"])
    return token and replaced(code, token, "")


def drop_opening_bracket(code: str, tokens: list[Token], rng: Random) -> str | None:
    """print(x) -> printx) or print x)."""
    token = pick(rng, [token for token in tokens if token.kind == "open"])
    return token and replaced(code, token, rng.choice(["", "", " "]))


def double_closing_bracket(code: str, tokens: list[Token], rng: Random) -> str | None:
    """print(x) -> print(x))."""
    token = pick(rng, [token for token in tokens if token.kind == "close"])
    return token and replaced(code, token, token.text * rng.choice([2, 2, 2, 3]))


def double_opening_bracket(code: str, tokens: list[Token], rng: Random) -> str | None:
    """print(x) -> print((x)."""
    token = pick(rng, [token for token in tokens if token.kind == "open"])
    return token and replaced(code, token, token.text * 2)


def stray_closing_bracket(code: str, tokens: list[Token], rng: Random) -> str | None:
    """x = 1 -> x = 1), or a bracket after an operand in the middle of a line."""
    chosen = pick(rng, lines(code, tokens))
    if chosen is None:
        return None
    bracket = rng.choice(")))]}")
    if rng.random() < 0.7:
        last = chosen.tokens[-2] if chosen.is_header and len(chosen.tokens) > 1 else chosen.last
        return inserted(code, last.end, bracket)
    return inserted(code, rng.choice(chosen.tokens).end, bracket)


def stray_opening_bracket(code: str, tokens: list[Token], rng: Random) -> str | None:
    """x = a + b -> x = (a + b."""
    token = pick(rng, [token for token in tokens if token.kind in {"name", "number", "string"}])
    return token and inserted(code, token.start, rng.choice("((([{"))


def swap_bracket_kind(code: str, tokens: list[Token], rng: Random) -> str | None:
    """a[0] -> a[0) or a(0]: one bracket of a pair is of the wrong kind."""
    pair = pick(rng, pairs(tokens))
    if pair is None:
        return None
    token = pair[rng.random() < 0.6]
    kinds = list(CLOSING_OF) if token.kind == "open" else list(CLOSING_OF.values())
    return replaced(code, token, rng.choice([kind for kind in kinds if kind != token.text]))


def move_closing_bracket(code: str, tokens: list[Token], rng: Random) -> str | None:
    """int(input()) + 1 -> int(input() + 1), print("a", x) -> print("a"), x: a token or two too far."""
    line = pick(rng, [line for line in lines(code, tokens) if len(line.tokens) > 3])
    if line is None:
        return None
    place = pick(rng, [at for at, token in enumerate(line.tokens) if token.kind == "close"])
    if place is None:
        return None
    token = line.tokens[place]
    target = place + rng.choice([-3, -2, -1, 1, 2, 3])
    if not 0 <= target < len(line.tokens):
        return None
    if target > place:
        end = line.tokens[target].end
        return code[: token.start] + code[token.end : end] + token.text + code[end:]
    start = line.tokens[target].start
    return code[:start] + token.text + code[start : token.start] + code[token.end :]


def drop_call_brackets(code: str, tokens: list[Token], rng: Random) -> str | None:
    """len(x) -> len x: both brackets of a call, but print's, whose old statement is foreign syntax of its own."""
    calls = []
    for opening, closing in pairs(tokens):
        before = code[: opening.start].rstrip(" ")
        if before and (before[-1].isalnum() or before[-1] == "_") and not before.endswith("print"):
            calls.append((opening, closing))
    call = pick(rng, calls)
    if call is None:
        return None
    opening, closing = call
    return code[: opening.start] + " " + code[opening.end : closing.start] + code[closing.end :]


def drop_bracket_line(code: str, tokens: list[Token], rng: Random) -> str | None:
    """The closing bracket that stood alone on its line is gone with the line."""
    chosen = []
    for token in tokens:
        if token.kind == "close":
            start = code.rfind("\n", 0, token.start) + 1
            end = physical_end(code, token.end)
            if code[start:end].strip(" ,:") == token.text:
                chosen.append((start, end))
    place = pick(rng, chosen)
    return place and without(code, place[0], min(len(code), place[1] + 1))


MUTATORS: dict[Mutator, float] = {
    drop_line_end_bracket: 6.5,
    drop_closing_bracket: 3.0,
    drop_opening_bracket: 2.0,
    double_closing_bracket: 2.5,
    double_opening_bracket: 1.2,
    stray_closing_bracket: 1.2,
    stray_opening_bracket: 0.6,
    swap_bracket_kind: 1.6,
    move_closing_bracket: 1.0,
    drop_call_brackets: 0.6,
    drop_bracket_line: 0.4,
}
