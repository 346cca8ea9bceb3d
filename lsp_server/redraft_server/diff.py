r"""Unified diffs that `git apply` and `patch -p1` take, whatever encoding and line ends the file has.

A diff is bytes, since a patch has to repeat those of the file; lines are cut at "\n" only, as git does.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from redraft_server.discovery import git_root
from redraft_server.lines import Hunk, hunks

N_CONTEXT = 3


def unified(name: str, before: bytes, after: bytes) -> bytes:
    """The diff between two states of the file that a patch calls `name`; b"" if they are equal."""
    pieces = [section.text for section in sections(before, after)]
    return b"".join([header(name), *pieces]) if pieces else b""


@dataclass(frozen=True)
class Section:
    """One piece of a diff: its text, from its "@@" on, and the hunks in it."""

    text: bytes
    hunks: tuple[Hunk, ...]


def sections(before: bytes, after: bytes) -> list[Section]:
    """The pieces of the diff between two states of a file, in order."""
    old, new = _lines(before), _lines(after)
    return [Section(_section(old, new, group), tuple(group)) for group in _groups(hunks(old, new))]


def header(name: str) -> bytes:
    """The two lines in front of the sections of the file that a patch calls `name`."""
    return b"".join([b"--- ", _header_name("a/" + name), b"+++ ", _header_name("b/" + name)])


def applied(before: bytes, after: bytes, chosen: Sequence[Section]) -> bytes:
    """`before` with some of the sections of its diff to `after`."""
    old, new = _lines(before), _lines(after)
    pieces: list[bytes] = []
    done = 0
    for hunk in (hunk for section in chosen for hunk in section.hunks):
        pieces += (*old[done : hunk.before_start], *new[hunk.after_start : hunk.after_end])
        done = hunk.before_end
    return b"".join([*pieces, *old[done:]])


def patch_name(path: Path) -> str:
    """What a patch calls `path`: its place in the git working tree, below the current folder, or in full."""
    absolute = Path(os.path.abspath(path))  # noqa: PTH100  (a link is patched under its own name)
    for folder in (git_root(Path.cwd()), Path.cwd()):
        if folder is not None and absolute.is_relative_to(folder):
            return absolute.relative_to(folder).as_posix()
    return absolute.relative_to(absolute.anchor).as_posix()


def _section(old: Sequence[bytes], new: Sequence[bytes], group: Sequence[Hunk]) -> bytes:
    """One "@@" section: the hunks of `group` with the equal lines around and between them."""
    first, last = group[0], group[-1]
    n_lead = min(N_CONTEXT, first.before_start)
    old_start, new_start = first.before_start - n_lead, first.after_start - n_lead
    old_end = min(len(old), last.before_end + N_CONTEXT)
    new_end = last.after_end + (old_end - last.before_end)

    body: list[bytes] = []
    done = old_start
    for hunk in group:
        body += (_body_line(b" ", line) for line in old[done : hunk.before_start])
        body += (_body_line(b"-", line) for line in old[hunk.before_start : hunk.before_end])
        body += (_body_line(b"+", line) for line in new[hunk.after_start : hunk.after_end])
        done = hunk.before_end
    body += (_body_line(b" ", line) for line in old[done:old_end])
    header = f"@@ -{_range(old_start, old_end)} +{_range(new_start, new_end)} @@\n"
    return b"".join([header.encode(), *body])


def _groups(found: Sequence[Hunk]) -> list[list[Hunk]]:
    """Hunks whose context would touch, together."""
    groups: list[list[Hunk]] = []
    for hunk in found:
        if groups and hunk.before_start - groups[-1][-1].before_end <= 2 * N_CONTEXT:
            groups[-1].append(hunk)
        else:
            groups.append([hunk])
    return groups


def _range(start: int, end: int) -> str:
    n_lines = end - start
    if n_lines == 1:
        return str(start + 1)
    # An empty range names the line before it.
    return f"{start + 1 if n_lines else start},{n_lines}"


def _body_line(mark: bytes, line: bytes) -> bytes:
    return mark + line if line.endswith(b"\n") else mark + line + b"\n\\ No newline at end of file\n"


def _lines(data: bytes) -> list[bytes]:
    pieces = data.split(b"\n")
    lines = [piece + b"\n" for piece in pieces[:-1]]
    return [*lines, pieces[-1]] if pieces[-1] else lines


def _header_name(name: str) -> bytes:
    data = os.fsencode(name)
    if any(_needs_quotes(byte) for byte in data):
        # Git's own quoting of names; everything else may stand as it is.
        data = b'"' + b"".join(map(_quoted, data)) + b'"'
    # A tab ends a name that contains a blank.
    return data + (b"\t\n" if b" " in data else b"\n")


_ESCAPES = {
    byte: b"\\" + mark.encode() for byte, mark in zip(b'\a\b\t\n\v\f\r"\\', 'abtnvfr"\\', strict=True)
}


def _needs_quotes(byte: int) -> bool:
    return byte < 0x20 or byte in b'\x7f"\\'


def _quoted(byte: int) -> bytes:
    if byte in _ESCAPES:
        return _ESCAPES[byte]
    return b"\\%03o" % byte if byte < 0x20 or byte > 0x7E else bytes([byte])
