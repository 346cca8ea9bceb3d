"""Mutators of indentation and of the blocks it makes."""

from random import Random

from redraft_model.noise.mutators.lexer import Line, Mutator, Token, body_of, indent_of, lines, pick, without


def unexpected_indent(code: str, tokens: list[Token], rng: Random) -> str | None:
    """One line stands deeper than its neighbours."""
    all_lines = lines(code, tokens)
    candidates = [line for at, line in enumerate(all_lines) if at == 0 or not all_lines[at - 1].is_header]
    line = pick(rng, candidates)
    if line is None:
        return None
    return _shifted(code, [line], rng.choice([1, 1, 1, 2, 3, 4, 4, 4, 4, 8]))


def missing_indent(code: str, tokens: list[Token], rng: Random) -> str | None:
    """The body of a block (or only its first line) is not indented."""
    block = _any_block(code, tokens, rng)
    if block is None:
        return None
    header, body = block
    step = len(indent_of(code, header)) - len(indent_of(code, body[0]))
    return _shifted(code, body if rng.random() < 0.5 else body[:1], step)


def uneven_indent(code: str, tokens: list[Token], rng: Random) -> str | None:
    """A line one to three columns off, so that it matches no outer level."""
    line = pick(rng, [line for line in lines(code, tokens) if indent_of(code, line)])
    if line is None:
        return None
    return _shifted(code, [line], rng.choice([-3, -2, -1, -1, 1, 1, 2, 3]))


def uneven_rest(code: str, tokens: list[Token], rng: Random) -> str | None:
    """From some line of a body on, everything in it stands off by some columns."""
    block = _any_block(code, tokens, rng)
    if block is None or len(block[1]) < 2:
        return None
    body = block[1]
    return _shifted(code, body[rng.randrange(1, len(body)) :], rng.choice([-2, -1, 1, 2, 4]))


def misplaced_else(code: str, tokens: list[Token], rng: Random) -> str | None:
    """An else, elif, except or finally as deep as the body above it, or at no level at all."""
    all_lines = lines(code, tokens)
    places = [
        at for at, line in enumerate(all_lines) if line.first.text in {"else", "elif", "except", "finally"}
    ]
    at = pick(rng, places)
    if at is None:
        return None
    line = all_lines[at]
    width = len(indent_of(code, line))
    steps = [step for step in (4, 4, 4, 1, 2, -1, -4) if width + step >= 0]
    moved = [line, *body_of(code, all_lines, at)] if rng.random() < 0.6 else [line]
    return _shifted(code, moved, rng.choice(steps))


def dedent_line(code: str, tokens: list[Token], rng: Random) -> str | None:
    """A line in the middle of a body falls back to the margin or by one level."""
    line = pick(rng, [line for line in lines(code, tokens) if indent_of(code, line)])
    if line is None:
        return None
    width = len(indent_of(code, line))
    return _shifted(code, [line], -rng.choice([width, min(width, 4)]))


def missing_body(code: str, tokens: list[Token], rng: Random) -> str | None:
    """A header without its block."""
    block = _any_block(code, tokens, rng)
    if block is None or len(block[1]) > 3:
        return None
    body = block[1]
    return without(code, body[0].start, _end_with_newline(code, body[-1]))


def missing_header(code: str, tokens: list[Token], rng: Random) -> str | None:
    """A block without its header: the if, try or def line is gone, its body or its else is not."""
    line = pick(rng, [line for line in lines(code, tokens)[:-1] if line.is_header])
    return line and without(code, line.start, _end_with_newline(code, line))


def tab_among_spaces(code: str, tokens: list[Token], rng: Random) -> str | None:
    """A tab where the other lines have spaces."""
    line = pick(
        rng,
        [
            line
            for line in lines(code, tokens)
            if indent_of(code, line).strip(" ") == "" != indent_of(code, line)
        ],
    )
    if line is None:
        return None
    width = len(indent_of(code, line))
    return code[: line.start] + "\t" * max(1, width // rng.choice([4, 8])) + code[line.first.start :]


def join_body_to_header(code: str, tokens: list[Token], rng: Random) -> str | None:
    """A body that starts on the header's line and goes on below."""
    block = _any_block(code, tokens, rng)
    if block is None:
        return None
    header, body = block
    return code[: header.last.end] + " " + code[body[0].first.start :]


def _any_block(code: str, tokens: list[Token], rng: Random) -> tuple[Line, list[Line]] | None:
    all_lines = lines(code, tokens)
    blocks = []
    for at, line in enumerate(all_lines):
        if line.is_header:
            body = body_of(code, all_lines, at)
            if body:
                blocks.append((line, body))
    return pick(rng, blocks)


def _shifted(code: str, moved: list[Line], columns: int) -> str:
    """`code` with the first rows of these logical lines moved by `columns`, as far as there is room."""
    for line in reversed(moved):
        indent = indent_of(code, line)
        indent = indent + " " * columns if columns > 0 else indent[: max(0, len(indent) + columns)]
        code = code[: line.start] + indent + code[line.first.start :]
    return code


def _end_with_newline(code: str, line: Line) -> int:
    end = code.find("\n", line.last.end)
    return len(code) if end < 0 else end + 1


MUTATORS: dict[Mutator, float] = {
    unexpected_indent: 2.2,
    missing_indent: 3.0,
    uneven_indent: 1.8,
    uneven_rest: 0.8,
    misplaced_else: 1.6,
    dedent_line: 1.0,
    missing_body: 0.9,
    missing_header: 0.6,
    tab_among_spaces: 0.4,
    join_body_to_header: 0.3,
}
