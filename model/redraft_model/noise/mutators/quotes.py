"""Mutators of strings: quotes forgotten, mixed up or written inside themselves."""

import re
from random import Random

from redraft_model.noise.mutators.lexer import Mutator, Token, inserted, pick, replaced, without

_QUOTED = re.compile(r"([a-zA-Z]{0,2})(\"{3}|'{3}|\"|')([\s\S]*)\2\Z")
_TYPOGRAPHIC = {"'": ("‘", "’"), '"': ("“", "”")}


def drop_closing_quote(code: str, tokens: list[Token], rng: Random) -> str | None:
    """print("a", x) -> print("a, x)."""
    token = _any_string(tokens, rng)
    return token and without(code, token.end - 1, token.end)


def drop_opening_quote(code: str, tokens: list[Token], rng: Random) -> str | None:
    """print("a", x) -> print(a", x)."""
    token = _any_string(tokens, rng)
    if token is None:
        return None
    start = token.start + len(_parts(token)[0])
    return without(code, start, start + 1)


def drop_both_quotes(code: str, tokens: list[Token], rng: Random) -> str | None:
    """input("how old are you?") -> input(how old are you?)."""
    token = _any_string(tokens, rng)
    return token and replaced(code, token, _parts(token)[2])


def swap_closing_quote(code: str, tokens: list[Token], rng: Random) -> str | None:
    """The quote at the end is of the other kind."""
    token = _any_string(tokens, rng)
    return token and replaced(code, token, token.text[:-1] + _other(token.text[-1]))


def swap_opening_quote(code: str, tokens: list[Token], rng: Random) -> str | None:
    """The quote at the start is of the other kind."""
    token = _any_string(tokens, rng)
    if token is None:
        return None
    prefix, quote, content = _parts(token)
    return replaced(code, token, prefix + _other(quote[0]) + quote[1:] + content + quote)


def unescaped_inner_quote(code: str, tokens: list[Token], rng: Random) -> str | None:
    """A string gets the quotes it holds inside, loses a backslash before one, or has one put in at a word."""
    token = _any_string(tokens, rng)
    if token is None:
        return None
    prefix, quote, content = _parts(token)
    if len(quote) == 3:
        return None
    if f"\\{quote}" in content:
        return replaced(code, token, prefix + quote + content.replace(f"\\{quote}", quote) + quote)
    other = _other(quote)
    if other in content:
        return replaced(code, token, prefix + other + content + other)
    edges = [match.start() for match in re.finditer(r"\b", content)]
    at = pick(rng, edges)
    return (
        None
        if at is None
        else replaced(code, token, prefix + quote + content[:at] + quote + content[at:] + quote)
    )


def double_quote(code: str, tokens: list[Token], rng: Random) -> str | None:
    """A quote too many: print("a") -> print("a"")."""
    token = _any_string(tokens, rng)
    if token is None:
        return None
    prefix, quote, content = _parts(token)
    if rng.random() < 0.5:
        return replaced(code, token, token.text + quote[0])
    return replaced(code, token, prefix + quote[0] + quote + content + quote)


def stray_quote(code: str, tokens: list[Token], rng: Random) -> str | None:
    """print(x, y) -> print(x", y): a quote where no string is."""
    token = pick(rng, [token for token in tokens if token.kind in {"name", "number"}])
    return token and inserted(code, rng.choice([token.start, token.end, token.end]), rng.choice("\"'"))


def typographic_quotes(code: str, tokens: list[Token], rng: Random) -> str | None:
    """Curved quotes, as word processors and web pages write them."""
    token = _any_string(tokens, rng)
    if token is None or len(_parts(token)[1]) != 1:
        return None
    prefix, quote, content = _parts(token)
    left, right = _TYPOGRAPHIC[quote[0]]
    ends = rng.choice([(left, right), (left, right), (right, right), (quote[0], right)])
    return replaced(code, token, prefix + ends[0] + content + ends[1])


def escaped_closing_quote(code: str, tokens: list[Token], rng: Random) -> str | None:
    """ "C:\\\\data\\\\" -> "C:\\\\data\\", or one backslash where there was none: the quote at the end closes nothing."""
    strings = [token for token in tokens if token.kind == "string" and len(_parts(token)[1]) == 1]
    ending = [token for token in strings if token.text[:-1].endswith("\\\\")]
    token = pick(rng, ending or strings)
    if token is None:
        return None
    head, quote = token.text[:-1], token.text[-1]
    return replaced(code, token, (head[:-1] if ending else f"{head}\\") + quote)


def quote_instead_of_triple(code: str, tokens: list[Token], rng: Random) -> str | None:
    """A triple-quoted string loses one of the quotes at its end or start, or all three at its end."""
    token = pick(rng, [token for token in tokens if token.kind == "string" and len(_parts(token)[1]) == 3])
    if token is None:
        return None
    prefix, quote, content = _parts(token)
    wrong = rng.choice(
        [(quote, ""), (quote, ""), (quote, quote[:2]), (quote[:2], quote), (quote[0], quote[0])]
    )
    return replaced(code, token, prefix + wrong[0] + content + wrong[1])


def fstring_brace(code: str, tokens: list[Token], rng: Random) -> str | None:
    """f"{x}" -> f"{x", f"x}", f"{x}}" or f"{}": a brace of a replacement field is wrong."""
    strings = [token for token in tokens if token.kind == "string" and "f" in _parts(token)[0].lower()]
    places = [token.start + match.start() for token in strings for match in re.finditer(r"[{}]", token.text)]
    at = pick(rng, places)
    if at is None:
        return None
    match = re.compile(r"\{[^{}]*\}").match(code, at)
    if match and rng.random() < 0.15:
        return code[: at + 1] + code[match.end() - 1 :]
    return without(code, at, at + 1) if rng.random() < 0.75 else inserted(code, at, code[at])


def break_string_over_lines(code: str, tokens: list[Token], rng: Random) -> str | None:
    """A string in single quotes goes on on the next line."""
    token = _any_string(tokens, rng)
    if token is None or len(_parts(token)[1]) == 3:
        return None
    blanks = [token.start + match.start() for match in re.finditer(r" ", token.text)]
    at = pick(rng, blanks)
    return None if at is None else code[:at] + "\n" + code[at + 1 :]


def _any_string(tokens: list[Token], rng: Random) -> Token | None:
    """A whole string; a docstring only now and then, or where there is nothing else."""
    strings = [token for token in tokens if token.kind == "string" and _QUOTED.match(token.text)]
    short = [token for token in strings if len(_parts(token)[1]) == 1]
    return pick(rng, short if short and rng.random() < 0.85 else strings)


def _parts(token: Token) -> tuple[str, str, str]:
    """Prefix, quote and content of a string; an unterminated one has no quote."""
    match = _QUOTED.match(token.text)
    return (match.group(1), match.group(2), match.group(3)) if match else ("", "", token.text)


def _other(quote: str) -> str:
    return quote.translate({39: '"', 34: "'"})


MUTATORS: dict[Mutator, float] = {
    drop_closing_quote: 4.0,
    drop_opening_quote: 3.0,
    drop_both_quotes: 1.0,
    swap_closing_quote: 1.6,
    swap_opening_quote: 0.8,
    unescaped_inner_quote: 1.6,
    double_quote: 0.8,
    stray_quote: 0.9,
    typographic_quotes: 0.8,
    escaped_closing_quote: 0.4,
    quote_instead_of_triple: 0.6,
    fstring_brace: 0.8,
    break_string_over_lines: 0.4,
}
