"""Foreign-syntax mutators: what people write who think in C, JavaScript, shell or Python 2."""

import re
from itertools import pairwise
from random import Random

from redraft_model.noise.mutators.lexer import (
    Line,
    Mutator,
    Token,
    body_of,
    code_tokens,
    ends_operand,
    indent_of,
    inserted,
    lines,
    matches,
    pairs,
    physical_end,
    pick,
    replaced,
    without,
)

_LOGIC = {"and": "&&", "or": "||", "not": "!"}
_TYPES = (
    "int",
    "int",
    "float",
    "string",
    "String",
    "var",
    "var",
    "let",
    "const",
    "double",
    "char",
    "bool",
    "auto",
    "my",
    "list",
)


def print_statement(code: str, tokens: list[Token], rng: Random) -> str | None:
    """print("a", b) -> print "a", b."""
    calls = _calls(tokens, "print")
    if not calls:
        return None
    chosen = calls if rng.random() < 0.4 else [rng.choice(calls)]
    for _, opening, closing in sorted(chosen, key=lambda call: call[1].start, reverse=True):
        inside = code[opening.end : closing.start]
        gap = rng.choice(["", " "]) if inside[:1] in {"'", '"'} else " "
        code = code[: opening.start].rstrip(" ") + (gap + inside if inside else "") + code[closing.end :]
    return code


def c_logic(code: str, tokens: list[Token], rng: Random) -> str | None:
    """a and b -> a && b, not x -> !x."""
    token = pick(rng, [token for token in tokens if token.text in _LOGIC and token.kind == "keyword"])
    if token is None:
        return None
    if token.text == "not":
        return without(replaced(code, token, "!"), token.start + 1, token.start + 2)
    return replaced(code, token, _LOGIC[token.text])


def increment(code: str, tokens: list[Token], rng: Random) -> str | None:
    """x += 1 -> x++; of another number nobody could tell what it was."""
    steps = [
        (line, token)
        for line in lines(code, tokens)
        for token, by in pairwise(line.tokens)
        if token.text in {"+=", "-="}
        and token.start > line.first.start
        and by is line.last
        and by.text == "1"
    ]
    step = pick(rng, steps)
    if step is None:
        return None
    line, token = step
    return code[: token.start].rstrip(" ") + token.text[0] * 2 + code[line.last.end :]


def brace_block(code: str, tokens: list[Token], rng: Random) -> str | None:
    """if x: ... -> if x { ... }, sometimes with the colon kept or the closing brace forgotten."""
    all_lines = lines(code, tokens)
    at = pick(rng, [at for at, line in enumerate(all_lines) if line.is_header])
    if at is None:
        return None
    header = all_lines[at]
    body = body_of(code, all_lines, at)
    end = physical_end(code, body[-1].last.end if body else header.last.end)
    closing = rng.choice(["\n" + indent_of(code, header) + "}", " }", ""])
    opening = rng.choice([" {", " {", "{", ": {"])
    return code[: header.last.start] + opening + code[header.last.end : end] + closing + code[end:]


def slash_comment(code: str, tokens: list[Token], rng: Random) -> str | None:
    """# why -> // why or /* why */."""
    token = pick(rng, [token for token in tokens if token.kind == "comment"])
    if token is None:
        return None
    text = token.text.lstrip("#").strip()
    return replaced(
        code,
        token,
        rng.choice([f"// {text}", f"// {text}", f"/* {text} */", f"-- {text}", f"<!-- {text} -->"]),
    )


def then_after_condition(code: str, tokens: list[Token], rng: Random) -> str | None:
    """if x: -> if x then:"""
    headers = [
        line
        for line in lines(code, tokens)
        if line.is_header and line.first.text in {"if", "elif", "while", "for"}
    ]
    line = pick(rng, headers)
    if line is None:
        return None
    word = "then" if line.first.text in {"if", "elif"} else "do"
    return replaced(code, line.last, f" {word}" + rng.choice([":", ":", "", ";"]))


def typed_declaration(code: str, tokens: list[Token], rng: Random) -> str | None:
    """x = 1 -> int x = 1."""
    line = _any_assignment(code, tokens, rng)
    return line and inserted(code, line.first.start, rng.choice(_TYPES) + " ")


def bare_declaration(code: str, tokens: list[Token], rng: Random) -> str | None:
    """A line `int x` before a statement that uses x."""
    line = _any_assignment(code, tokens, rng)
    if line is None:
        return None
    declaration = (
        f"{indent_of(code, line)}{rng.choice(_TYPES)} {line.first.text}{rng.choice(['', '', ';'])}\n"
    )
    return inserted(code, line.start, declaration)


def new_object(code: str, tokens: list[Token], rng: Random) -> str | None:
    """x = Foo() -> x = new Foo()."""
    line = code_tokens(tokens)
    calls = [a for a, b in pairwise(line) if a.kind == "name" and b.text == "("]
    capital = [token for token in calls if token.text[0].isupper()]
    token = pick(rng, capital or calls)
    return token and inserted(code, token.start, "new ")


def foreign_function(code: str, tokens: list[Token], rng: Random) -> str | None:
    """def f(x): -> function f(x):, void f(x): or f(x):"""
    line = pick(rng, [line for line in lines(code, tokens) if line.first.text == "def"])
    if line is None:
        return None
    words = [
        "function",
        "func",
        "fun",
        "fn",
        "void",
        "int",
        "public",
        "def function",
        "public static void",
        "define",
        "sub",
    ]
    return replaced(code, line.first, rng.choice(words))


def function_without_brackets(code: str, tokens: list[Token], rng: Random) -> str | None:
    """def f(): -> def f:, def f(x): -> def f x:"""
    found = [line for line in lines(code, tokens) if line.first.text == "def" and line.is_header]
    line = pick(rng, found)
    if line is None:
        return None
    opening = next((token for token in line.tokens if token.text == "("), None)
    if opening is None:
        return None
    inside = code[opening.end : line.last.start].strip().removesuffix(")")
    return (
        code[: opening.start]
        + (" " + inside if inside and rng.random() < 0.6 else "")
        + code[line.last.start :]
    )


def expression_parameter(code: str, tokens: list[Token], rng: Random) -> str | None:
    """def f(x): -> def f(int x):, def f("x"): or def f(x.y):"""
    found = [line for line in lines(code, tokens) if line.first.text == "def"]
    line = pick(rng, found)
    if line is None:
        return None
    parameter = pick(rng, [token for token in line.tokens[2:] if token.kind == "name" and token.depth == 1])
    if parameter is None:
        return None
    name = parameter.text
    return replaced(
        code,
        parameter,
        rng.choice([f"int {name}", f'"{name}"', f"{name}.x", f"{name}[]", f"${name}", f"{name}()", "1"]),
    )


def old_except(code: str, tokens: list[Token], rng: Random) -> str | None:
    """except E as e: -> except E, e:"""
    match = pick(rng, matches(code, tokens, r"except\b[^\n:]*?( as )"))
    return match and code[: match.start(1)] + ", " + code[match.end(1) :]


def old_raise(code: str, tokens: list[Token], rng: Random) -> str | None:
    """raise E("m") -> raise E, "m"."""
    found = [line for line in lines(code, tokens) if line.first.text == "raise" and len(line.tokens) > 4]
    line = pick(rng, found)
    if line is None or line.last.text != ")":
        return None
    opening = next((token for token in line.tokens if token.text == "("), None)
    if opening is None:
        return None
    return code[: opening.start] + ", " + code[opening.end : line.last.start] + code[line.last.end :]


def old_exec(code: str, tokens: list[Token], rng: Random) -> str | None:
    """exec(x) -> exec x."""
    call = pick(rng, _calls(tokens, "exec"))
    if call is None:
        return None
    _, opening, closing = call
    return code[: opening.start] + " " + code[opening.end : closing.start] + code[closing.end :]


def backticks(code: str, tokens: list[Token], rng: Random) -> str | None:
    """repr(x) -> `x`."""
    call = pick(rng, _calls(tokens, "repr") + _calls(tokens, "str"))
    if call:
        word, opening, closing = call
        return code[: word.start] + "`" + code[opening.end : closing.start] + "`" + code[closing.end :]
    token = pick(rng, [token for token in tokens if token.kind == "name"])
    return token and replaced(code, token, f"`{token.text}`")


def diamond(code: str, tokens: list[Token], rng: Random) -> str | None:
    """a != b -> a <> b."""
    token = pick(rng, [token for token in tokens if token.text == "!="])
    return token and replaced(code, token, "<>")


def old_number(code: str, tokens: list[Token], rng: Random) -> str | None:
    """755 -> 0755, 0o755 -> 0755, 8 -> 08, 10 -> 10L, 1.5 -> 1..5, 3 -> 3f."""
    token = pick(rng, [token for token in tokens if token.kind == "number"])
    if token is None:
        return None
    text = token.text
    if text.lower().startswith("0o"):
        return replaced(code, token, f"0{text[2:]}")
    wrong = [
        f"{text}L",
        f"{text}f",
        f"{text}%",
        f"${text}",
        f"{text}px",
        text.replace(".", ".."),
        f"{text}._",
    ]
    if text.isdigit() and text.strip("0"):
        wrong += [f"0{text}"] * 4
    return replaced(code, token, rng.choice([number for number in wrong if number != text]))


def c_for(code: str, tokens: list[Token], rng: Random) -> str | None:
    """for i in range(n): -> for (i = 0; i < n; i++):"""
    match = pick(rng, matches(code, tokens, r"for (\w+) in range\(([^\n]*)\):"))
    if match is None:
        return None
    name, bound = match.groups()
    start, stop = bound.split(",", 1) if "," in bound else ("0", bound)
    step = rng.choice([f"{name}++", f"{name} += 1", f"{name} = {name} + 1"])
    head = f"{name} = {start.strip()}; {name} < {stop.strip()}; {step}"
    wrong = [
        f"for ({head}):",
        f"for {head}:",
        f"for (int {head}) {{",
        f"for {name} = {start.strip()} to {stop.strip()}:",
    ]
    return code[: match.start()] + rng.choice(wrong) + code[match.end() :]


def switch(code: str, tokens: list[Token], rng: Random) -> str | None:
    """if x == 1: -> case 1:, or switch (x): before it."""
    match = pick(rng, matches(code, tokens, r"(?:el)?if ([\w.]+) == ([^\n:]+):"))
    if match is None:
        return None
    name, value = match.groups()
    return (
        code[: match.start()]
        + rng.choice([f"case {value}:", f"switch ({name}):", f"switch {name} == {value}:"])
        + code[match.end() :]
    )


def arrow_function(code: str, tokens: list[Token], rng: Random) -> str | None:
    """lambda x: x + 1 -> x => x + 1."""
    match = pick(rng, matches(code, tokens, r"lambda ?([\w, ]*): ?"))
    if match is None:
        return None
    names = match.group(1).strip()
    wrong = [f"({names}) => ", f"{names} => ", f"{names} -> ", f"lambda {names} -> ", f"lambda({names}): "]
    return code[: match.start()] + rng.choice(wrong) + code[match.end() :]


def ternary(code: str, tokens: list[Token], rng: Random) -> str | None:
    """a if c else b -> c ? a : b, or the else of it is forgotten."""
    value, condition, other = r"([^\s=(,:\[][^\n=(,:]*?)", r"([^\n]+?)", r"([^\n,)\]]+)"
    match = pick(rng, matches(code, tokens, f"{value} if {condition} else {other}"))
    if match is None:
        return None
    head = re.match(r"return ", match.group(1))
    start = match.start() + (head.end() if head else 0)
    value, condition, other = match.group(1)[start - match.start() :], match.group(2), match.group(3)
    wrong = [
        f"{condition} ? {value} : {other}",
        f"{value} if {condition}",
        f"{value} if {condition} else: {other}",
        f"if {condition} {value} else {other}",
        f"{value} if {condition} or else {other}",
    ]
    return code[:start] + rng.choice(wrong) + code[match.end() :]


def semicolon_at_header(code: str, tokens: list[Token], rng: Random) -> str | None:
    """if x: -> if x:; or if x;:"""
    line = pick(rng, [line for line in lines(code, tokens) if line.is_header])
    return line and replaced(code, line.last, rng.choice([":;", ";:", ";"]))


def dollar_name(code: str, tokens: list[Token], rng: Random) -> str | None:
    """x -> $x or @x."""
    token = pick(rng, [token for token in tokens if token.kind == "name"])
    return token and inserted(code, token.start, rng.choice(["$", "$", "@", "&", "%", "?"]))


def concatenate_with_dot(code: str, tokens: list[Token], rng: Random) -> str | None:
    """x + "a" -> x . "a": another language's glue between strings."""
    line = code_tokens(tokens)
    places = [
        b
        for a, b, c in zip(line, line[1:], line[2:], strict=False)
        if b.text in {"+", ","} and "string" in {a.kind, c.kind} and ends_operand(a)
    ]
    token = pick(rng, places)
    return token and replaced(code, token, rng.choice([".", ".", "..", "<<", ":", ";"]))


def _calls(tokens: list[Token], name: str) -> list[tuple[Token, Token, Token]]:
    """(name, opening, closing) of the calls of the plain name `name`."""
    line = code_tokens(tokens)
    words = {
        opening.start: word
        for before, word, opening in zip([None, *line], line, line[1:], strict=False)
        if word.text == name and opening.text == "(" and (before is None or before.kind != "dot")
    }
    return [(words[a.start], a, b) for a, b in pairs(tokens) if a.start in words]


def _any_assignment(code: str, tokens: list[Token], rng: Random) -> Line | None:
    found = [
        line
        for line in lines(code, tokens)
        if len(line.tokens) > 2 and line.first.kind == "name" and line.tokens[1].text == "="
    ]
    return pick(rng, found)


MUTATORS: dict[Mutator, float] = {
    print_statement: 5.0,
    c_logic: 2.0,
    increment: 1.5,
    brace_block: 0.6,
    slash_comment: 0.5,
    then_after_condition: 0.4,
    typed_declaration: 0.6,
    bare_declaration: 0.2,
    new_object: 0.3,
    foreign_function: 0.6,
    function_without_brackets: 0.5,
    expression_parameter: 0.3,
    old_except: 1.0,
    old_raise: 0.4,
    old_exec: 0.3,
    backticks: 0.3,
    diamond: 0.6,
    old_number: 0.7,
    c_for: 0.4,
    switch: 0.2,
    arrow_function: 0.4,
    ternary: 0.9,
    semicolon_at_header: 0.3,
    dollar_name: 0.2,
    concatenate_with_dot: 0.2,
}
