"""The lines of a notebook's cell that are IPython's own: `%magic`, `!command`, `help?`.

Python's parser must not see them, and nothing may change them. They are hidden behind statements of the same
length, so that every offset means the same place in both texts. Knows nothing of notebooks or of the server.
"""

import re
from collections.abc import Iterator

from redraft_server.lines import hunks

# What follows these cell magics is Python; what follows any other is for somebody else.
_PYTHON_MAGICS = ("capture", "debug", "prun", "python", "python3", "time", "timeit")

_CELL_MAGIC = re.compile(r"\s*%%(\w*)")
_LINE_MAGIC = re.compile(r"[ \t]*(?=%{1,2}[A-Za-z_]|!|\?)")
_HELP = re.compile(r"[ \t]*(?=%{0,2}[^\W\d][\w.*\[\]'\"]*\?{1,2}[ \t]*$)")
_ASSIGNED_MAGIC = re.compile(r"[^=#'\"!<>]+=[ \t]*(?=(?:%[A-Za-z_]|!)\S)")

_PIECE = re.compile(
    r"""
      (?P<comment> \#.* )
    | (?P<triple> \"\"\" | ''' )
    | " (?: \\. | [^"\\] )* "?
    | ' (?: \\. | [^'\\] )* '?
    | (?P<opening> [(\[{] )
    | (?P<closing> [)\]}] )
    """,
    re.VERBOSE,
)


def foreign_magic(cell: str) -> str | None:
    """The magic in the first line of `cell` that makes the rest something else than Python, if there is one."""
    match = _CELL_MAGIC.match(cell)
    return f"%%{match[1]}" if match and match[1] not in _PYTHON_MAGICS else None


def hidden(cell: str) -> str:
    """`cell` with IPython's lines behind statements of the same length."""
    if not any(mark in cell for mark in "%!?"):
        return cell
    return "\n".join(_hidden_lines(cell.split("\n")))


def revealed(cell: str, after: str) -> str | None:
    """`after`, which was made from `hidden(cell)`, with IPython's lines again; None if one was changed."""
    own, before, new = cell.split("\n"), hidden(cell).split("\n"), after.split("\n")
    is_hidden = [line != other for line, other in zip(own, before, strict=True)]
    done = shift = 0
    for hunk in [*hunks(before, new), None]:
        start = hunk.before_start if hunk else len(before)
        for index in range(done, start):
            if is_hidden[index]:
                new[index + shift] = own[index]
        if hunk:
            if any(is_hidden[start : hunk.before_end]):
                return None
            done, shift = hunk.before_end, hunk.after_end - hunk.before_end
    return "\n".join(new)


def _hidden_lines(lines: list[str]) -> Iterator[str]:
    depth, quote, is_continued = 0, "", False
    is_magic = False
    for line in lines:
        if is_magic and is_continued:
            # A command goes on behind a backslash; a comment does not care how far it is indented.
            indent = len(line) - len(line.lstrip())
            yield line[:indent] + "#" + line[indent + 1 :] if line.strip() else line
            is_continued = line.endswith("\\")
            continue
        start = None if quote or is_continued else _magic_start(line, depth)
        is_magic = start is not None
        if start is not None:
            yield (line[:start] + "0#" + line[start + 2 :])[: len(line)]
        else:
            yield line
            depth, quote = _scanned(line, depth, quote)
        is_continued = line.endswith("\\") and not quote


def _magic_start(line: str, depth: int) -> int | None:
    """Where the part of `line` begins that only IPython understands."""
    for pattern in (_LINE_MAGIC, _HELP, _ASSIGNED_MAGIC):
        match = pattern.match(line)
        # Inside of brackets "%" may be a remainder; "!" and "?" are never Python's.
        if match and (depth == 0 or line[match.end()] in "!?"):
            return match.end()
    return None


def _scanned(line: str, depth: int, quote: str) -> tuple[int, str]:
    """How many brackets are open after `line`, and which triple quote."""
    index = 0
    while index < len(line):
        if quote:
            end = re.compile(r"(?:\\.|(?!" + quote + r")[^\\])*" + quote).match(line, index)
            if end is None:
                return depth, quote
            index, quote = end.end(), ""
            continue
        piece = _PIECE.search(line, index)
        if piece is None or piece["comment"]:
            break
        index, quote = piece.end(), piece["triple"] or ""
        depth = max(0, depth + bool(piece["opening"]) - bool(piece["closing"]))
    return depth, quote
