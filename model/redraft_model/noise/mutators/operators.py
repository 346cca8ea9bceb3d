"""Mutators of operators and of the equals sign."""

from random import Random

from redraft_model.noise.mutators.lexer import (
    COMPARISONS,
    Line,
    Mutator,
    Token,
    binary_operators,
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

_REVERSED = {"<=": "=<", ">=": "=>", "!=": "=!", "*=": "=*", "/=": "=/", "//=": "=//", "%=": "=%", "->": ">-"}


def drop_operator(code: str, tokens: list[Token], rng: Random) -> str | None:
    """a + b -> a b."""
    token = pick(rng, binary_operators(code_tokens(tokens)))
    return token and replaced(code, token, "")


def drop_operator_at_string(code: str, tokens: list[Token], rng: Random) -> str | None:
    """x + "a" -> x "a"."""
    line = code_tokens(tokens)
    places = [
        token
        for before, token, after in zip(line, line[1:], line[2:], strict=False)
        if token.text in {"+", "%"} and (before.kind == "string") != (after.kind == "string")
    ]
    token = pick(rng, places)
    return token and replaced(code, token, "")


def drop_operand(code: str, tokens: list[Token], rng: Random) -> str | None:
    """a + b -> a + or + b."""
    line = code_tokens(tokens)
    places = []
    for before, operator, after in zip(line, line[1:], line[2:], strict=False):
        if operator.kind == "operator" and ends_operand(before) and starts_operand(after):
            places += [operand for operand in (after, before) if operand.kind in {"name", "number", "string"}]
    token = pick(rng, places)
    return token and replaced(code, token, "")


def double_operator(code: str, tokens: list[Token], rng: Random) -> str | None:
    """a == b -> a == == b, a * b -> a ** * b."""
    token = pick(rng, [token for token in tokens if token.kind == "operator"])
    if token is None:
        return None
    again = rng.choice([token.text, token.text, "*", "/", "=", "%", "<"])
    return inserted(code, token.end, rng.choice([" ", "", ""]) + again)


def trailing_operator(code: str, tokens: list[Token], rng: Random) -> str | None:
    """x = a -> x = a +"""
    line = pick(rng, lines(code, tokens))
    if line is None:
        return None
    at = line.last.start if line.is_header else line.last.end
    return inserted(
        code, at, rng.choice([" +", " +", "+", " -", " *", " and", " or", " =", " ==", "\\ ", " %"])
    )


def leading_operator(code: str, tokens: list[Token], rng: Random) -> str | None:
    """print(x) -> print(* / x): an operator without its left operand."""
    token = pick(rng, [token for token in tokens if token.kind in {"open", "comma", "operator"}])
    return token and inserted(code, token.end, rng.choice(["/", "%", "=", "==", "<", ">", "/ ", "= "]))


def space_inside_operator(code: str, tokens: list[Token], rng: Random) -> str | None:
    """>= -> > =, == -> = =, += -> + =."""
    wide = [
        token for token in tokens if token.kind == "operator" and len(token.text) > 1 and token.text != "..."
    ]
    token = pick(rng, wide)
    return token and replaced(code, token, f"{token.text[:-1]} {token.text[-1]}")


def reverse_operator(code: str, tokens: list[Token], rng: Random) -> str | None:
    """<= -> =<, >= -> =>, *= -> =*."""
    token = pick(rng, [token for token in tokens if token.text in _REVERSED])
    return token and replaced(code, token, _REVERSED[token.text])


def wrong_comparison(code: str, tokens: list[Token], rng: Random) -> str | None:
    """a == b -> a === b, a >= b -> a ≥ b, a > b -> a is greater than b."""
    token = pick(rng, [token for token in tokens if token.text in COMPARISONS])
    if token is None:
        return None
    wrong = {
        "==": ["===", "=", " = =", "=!", "is equal to", "equals"],
        "!=": ["!==", "! =", "=/=", "≠", "!", "not =", "not equal"],
        "<=": ["≤", "=<", "< or =", "less than"],
        ">=": ["≥", "=>", "> or =", "greater than"],
        "<": ["<>", "less than", "< than", "is <"],
        ">": ["><", "greater than", "> than", "is >"],
    }
    return replaced(code, token, rng.choice(wrong[token.text]))


def assign_in_condition(code: str, tokens: list[Token], rng: Random) -> str | None:
    """if x == 1: -> if x = 1:"""
    places = []
    for line in lines(code, tokens):
        if line.first.text in {"if", "elif", "while", "assert", "return"}:
            places += [token for token in line.tokens if token.text == "=="]
    token = pick(rng, places)
    return token and replaced(code, token, "=")


def assign_for_equality(code: str, tokens: list[Token], rng: Random) -> str | None:
    """[x for x in y if x == 1] -> [x for x in y if x = 1]: any == becomes =."""
    token = pick(rng, [token for token in tokens if token.text == "=="])
    return token and replaced(code, token, "=")


def equality_for_assign(code: str, tokens: list[Token], rng: Random) -> str | None:
    """def f(x=1) -> def f(x==1), x = y = 1 -> x = = y = 1."""
    token = pick(rng, [token for token in tokens if token.text == "="])
    return token and replaced(code, token, rng.choice(["==", "= =", "==="]))


def wrong_assign(code: str, tokens: list[Token], rng: Random) -> str | None:
    """x = 1 -> x := 1 or x 1."""
    places = []
    for line in lines(code, tokens):
        equals = [token for token in line.tokens if token.text == "=" and token.depth == 0]
        places += equals[:1]
    token = pick(rng, places)
    return token and replaced(
        code, token, rng.choice([":=", ":=", ":=", "", "", "=:", "= >", "=/", "<=-", "is:", "=="])
    )


def wrong_augmented(code: str, tokens: list[Token], rng: Random) -> str | None:
    """x += 1 -> x + = 1 or x =+= 1."""
    places = [t for t in tokens if t.kind == "operator" and t.text in {"+=", "-=", "*=", "/=", "//=", "%="}]
    token = pick(rng, places)
    if token is None:
        return None
    sign = token.text[:-1]
    return replaced(
        code, token, rng.choice([f"{sign} =", f"={sign}=", f"{sign}==", f"{sign}= =", f"= {sign} ="])
    )


def flip_assignment(code: str, tokens: list[Token], rng: Random) -> str | None:
    """x = a + 1 -> a + 1 = x."""
    sides = []
    for line in lines(code, tokens):
        places = [at for at, token in enumerate(line.tokens) if token.text == "=" and token.depth == 0]
        if len(places) == 1 and 0 < places[0] < len(line.tokens) - 1:
            sides.append((line, places[0]))
    chosen = pick(rng, sides)
    if chosen is None:
        return None
    line, at = chosen
    left = code[line.first.start : line.tokens[at - 1].end]
    middle = code[line.tokens[at - 1].end : line.tokens[at + 1].start]
    right = code[line.tokens[at + 1].start : line.last.end]
    return code[: line.first.start] + right + middle + left + code[line.last.end :]


def assign_to_expression(code: str, tokens: list[Token], rng: Random) -> str | None:
    """x = 1 -> x + 1 = 1: the target is no place to put a value."""
    line = _any_assignment(code, tokens, rng)
    if line is None or line.first.kind != "name":
        return None
    return inserted(code, line.first.end, rng.choice([" + 1", "()", " - 1", " * 2", " == 0"]))


def number_glued_to_name(code: str, tokens: list[Token], rng: Random) -> str | None:
    """2 * x -> 2x, (a - 3) * 5 -> (a - 3)5."""
    line = code_tokens(tokens)
    places = [
        (before, after)
        for before, operator, after in zip(line, line[1:], line[2:], strict=False)
        if operator.text == "*"
        and (before.kind in {"number", "close"})
        and after.kind in {"name", "number", "open"}
    ]
    place = pick(rng, places)
    return place and without(code, place[0].end, place[1].start)


def wrong_not(code: str, tokens: list[Token], rng: Random) -> str | None:
    """a != b -> a not b, a not in b -> a not b, a is not b -> a not is b."""
    pattern = r"\bnot in\b|\bis not\b|!=|\bnot\b"
    match = pick(rng, matches(code, tokens, pattern))
    if match is None:
        return None
    wrong = {
        "not in": ["not", "in not", "!in", "notin"],
        "is not": ["not is", "isnot", "is !", "not"],
        "!=": ["not", "not =", "is !="],
        "not": ["!", "no", "not not in", "not is"],
    }
    return code[: match.start()] + rng.choice(wrong[match.group()]) + code[match.end() :]


def _any_assignment(code: str, tokens: list[Token], rng: Random) -> Line | None:
    return pick(
        rng,
        [line for line in lines(code, tokens) if any(t.text == "=" and t.depth == 0 for t in line.tokens)],
    )


MUTATORS: dict[Mutator, float] = {
    drop_operator: 2.0,
    drop_operator_at_string: 1.8,
    drop_operand: 1.2,
    double_operator: 0.8,
    trailing_operator: 0.7,
    leading_operator: 0.3,
    space_inside_operator: 1.4,
    reverse_operator: 0.9,
    wrong_comparison: 0.5,
    assign_in_condition: 2.2,
    assign_for_equality: 0.7,
    equality_for_assign: 0.4,
    wrong_assign: 0.9,
    wrong_augmented: 0.4,
    flip_assignment: 0.7,
    assign_to_expression: 0.3,
    number_glued_to_name: 0.7,
    wrong_not: 0.4,
}
