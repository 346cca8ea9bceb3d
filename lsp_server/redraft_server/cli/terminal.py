"""What is printed and how: colours only for eyes, bytes for programs, a file's control characters never."""

import json
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress

BOLD, UNDERLINED, RED, GREEN, CYAN = "1", "4", "31", "32", "36"

_DIFF_STYLES = (("---", BOLD), ("+++", BOLD), ("@@", CYAN), ("-", RED), ("+", GREEN))

# C0 without tab and newline, delete, C1; the marks that turn text around; halves of surrogate pairs.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def talk(line: str) -> None:
    """Say one line to the user, on stderr."""
    _write(sys.stderr, escaped(line) + "\n")


def ask(question: str) -> str | None:
    """What the user answers to `question`, on one line; None when there is nobody to answer any more."""
    _write(sys.stderr, escaped(question) + " ")
    answer = sys.stdin.readline()
    return answer.strip() if answer else None


def show(text: str) -> None:
    """Print text made for people on stdout; the caller has escaped what comes from files."""
    _write(sys.stdout, text)


def hand_over(data: bytes, encoding: str = "utf-8") -> None:
    """Print a result on stdout: its very bytes, or escaped text if somebody is looking."""
    if is_watched():
        show(escaped(data.decode(encoding, "replace")))
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def hand_over_json(value: object, *, indent: int | None = 2) -> None:
    """Print one JSON value on stdout; all on one line if `indent` is None."""
    show(json.dumps(value, indent=indent) + "\n")


def escaped(text: str) -> str:
    r"""`text` with control characters written out ("\x1b"), so that a file cannot steer the terminal."""
    return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def is_watched() -> bool:
    """Whether stdout is a terminal."""
    return sys.stdout.isatty()


def painted(text: str, *styles: str) -> str:
    """`text` in the given styles if stdout shows colours (https://no-color.org), else as it is."""
    if not text or not is_watched() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return text
    return f"\x1b[{';'.join(styles)}m{text}\x1b[0m"


def painted_diff(diff: str) -> str:
    """A unified diff for people: escaped, removed lines red and added ones green."""
    lines: list[str] = []
    for line in diff.split("\n"):
        styles = [style for mark, style in _DIFF_STYLES if line.startswith(mark)][:1]
        shown = escaped(line.removesuffix("\r"))
        lines.append(painted(shown, *styles) if styles else shown)
    return "\n".join(lines)


def table(rows: Sequence[Sequence[str]]) -> str:
    """`rows` of texts as lines with columns, the last one open-ended; for people."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)][:-1]
    lines = [
        "  ".join([*(text.ljust(width) for text, width in zip(row, widths, strict=False)), row[-1]])
        for row in rows
    ]
    return "".join(line.rstrip() + "\n" for line in lines)


class Bar:
    """A progress bar on stderr; does nothing when nobody is looking."""

    def __init__(self, progress: "Progress | None", total: int) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=total) if progress else None

    def at(self, n_done: int, total: int | None = None, note: str = "") -> None:
        """Show that `n_done` of `total` (default: as before) are done, with a short note."""
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, completed=n_done, total=total, description=escaped(note))

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Take the bar away while something is printed."""
        if self._progress is None:
            yield
            return
        self._progress.stop()
        yield
        self._progress.start()


@contextmanager
def bar(total: int) -> Iterator[Bar]:
    """A bar that counts to `total` while the context lasts and leaves nothing behind."""
    if not sys.stderr.isatty():
        yield Bar(None, total)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}", markup=False),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield Bar(progress, total)


def _write(stream: TextIO, text: str) -> None:
    # A terminal that cannot show a character gets it spelled out rather than an exception.
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()
