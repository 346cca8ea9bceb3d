"""The lines of a notebook's cell that are IPython's own: `%magic`, `!command`, `help?`.

Python's parser must not see them, and nothing may change them. They are hidden behind statements of the same
length, so that every offset means the same place in both texts. Knows nothing of notebooks or of the server.
"""

import re
from collections.abc import Iterator

from redraft_server.lines import hunks
from redraft_server.nesting import CLOSERS, nesting

# What follows these cell magics is Python; what follows any other is for somebody else.
_PYTHON_MAGICS = ("capture", "debug", "prun", "python", "python3", "time", "timeit")

_CELL_MAGIC = re.compile(r"\s*%%(\w*)")
_LINE_MAGIC = re.compile(r"[ \t]*(?=%{1,2}[A-Za-z_]|!|\?)")
_HELP = re.compile(r"[ \t]*(?=%{0,2}[^\W\d][\w.*\[\]'\"]*\?{1,2}[ \t]*$)")
_ASSIGNED_MAGIC = re.compile(r"[^=#'\"!<>]+=[ \t]*(?=(?:%[A-Za-z_]|!)\S)")


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
    around: tuple[str, ...] = ()
    is_magic = is_continued = False
    # IPython takes an import from the future behind its own lines; Python takes one only behind comments.
    is_before_future = any(line.startswith("from __future__") for line in lines)
    for line in lines:
        if is_magic and is_continued:
            # A command goes on behind a backslash; a comment does not care how far it is indented.
            indent = len(line) - len(line.lstrip())
            yield line[:indent] + "#" + line[indent + 1 :] if line.strip() else line
            is_continued = line.endswith("\\")
            continue
        is_in_string = bool(around) and around[-1] not in CLOSERS
        start = None if is_in_string or is_continued else _magic_start(line, is_in_brackets=bool(around))
        is_magic = start is not None
        if start == 0 and is_before_future:
            yield "#" + line[1:]
        elif start is not None:
            yield (line[:start] + "0#" + line[start + 2 :])[: len(line)]
        else:
            is_before_future &= line.lstrip()[:1] in ("", "#")
            yield line
            around = nesting(line + "\n", around).open
        is_continued = line.endswith("\\")


def _magic_start(line: str, *, is_in_brackets: bool) -> int | None:
    """Where the part of `line` begins that only IPython understands."""
    for pattern in (_LINE_MAGIC, _HELP, _ASSIGNED_MAGIC):
        match = pattern.match(line)
        # Inside of brackets "%" may be a remainder; "!" and "?" are never Python's.
        if match and (not is_in_brackets or line[match.end()] in "!?"):
            return match.end()
    return None
