"""The Python files of a project on this machine's disk, as a memory for completions (`Completion.retrieved_context`).

Of many files those are looked at that are most like the document. They are looked for in the background, so that
nobody who types waits for a disk: what was found last is what there is. Everything stays in memory.
"""

import asyncio
import stat
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from redraft_model.errors import RedraftError
from redraft_model.passage import LONGEST_CONTEXT
from redraft_model.text.similarity import most_similar, signature

from redraft_server.discovery import git_root, python_files
from redraft_server.document import Document

N_FILES = 2_000  # that are known of a folder, at most
LONGEST_FILE = 100_000  # bytes; a longer one is data, or nobody wrote it
SECONDS = 5.0  # for one walk through a folder, at most
FOLDER_SECONDS = 300.0  # until a folder is walked through again
CHOICE_SECONDS = 10.0  # until the files for a document are chosen again
N_DOCUMENTS = 16  # for which a choice is remembered

Stamp = tuple[int, int]
"""When a file was changed last, in nanoseconds, and its size in bytes."""


@dataclass(frozen=True)
class ProjectFile:
    """A file and its text."""

    path: Path
    text: str


@dataclass(frozen=True)
class _Known:
    """A file as it was when it was read last; `words` is the signature of its text."""

    path: Path
    stamp: Stamp
    words: int


@dataclass
class _Folder:
    files: dict[Path, _Known] = field(default_factory=dict)
    walked_at: float = -FOLDER_SECONDS


@dataclass
class _Choice:
    files: tuple[ProjectFile, ...] = ()
    made_at: float = -CHOICE_SECONDS
    making: asyncio.Task[None] | None = None


class ProjectFiles:
    """The files around the documents of one client. Lives on the event loop; what is on the disk is read in threads."""

    def __init__(self) -> None:
        self._choices: dict[Path, _Choice] = {}
        # Only one thread at a time looks at the folders.
        self._folders: dict[tuple[Path, bool], _Folder] = {}
        self._one_at_a_time = asyncio.Lock()
        self._is_over = threading.Event()

    def like(self, path: Path, text: str, workspace: Path | None) -> tuple[ProjectFile, ...]:
        """The files of its project that are most like the document at `path`, as they were chosen last.

        The project is the folder `workspace`, or else the git working tree; where there is neither, or that is
        somebody's whole home, the document's own folder. Chooses anew in the background if that was long ago.
        """
        choice = self._choices.pop(path, None) or _Choice()
        self._choices[path] = choice
        if len(self._choices) > N_DOCUMENTS:
            del self._choices[next(iter(self._choices))]
        is_making = choice.making is not None and not choice.making.done()
        if not is_making and time.monotonic() - choice.made_at >= CHOICE_SECONDS:
            choice.making = asyncio.create_task(self._make(choice, path, text, workspace))
        return choice.files

    async def chosen(self) -> None:
        """Wait until all choices that are being made have been made."""
        await asyncio.gather(*(choice.making for choice in self._choices.values() if choice.making))

    def end(self) -> None:
        """Let what is under way come to an end soon."""
        self._is_over.set()

    async def _make(self, choice: _Choice, path: Path, text: str, workspace: Path | None) -> None:
        try:
            async with self._one_at_a_time:
                choice.files = await asyncio.to_thread(self.look, path, text, workspace)
        finally:
            choice.made_at = time.monotonic()

    def look(self, path: Path, text: str, workspace: Path | None = None) -> tuple[ProjectFile, ...]:
        """As `like`, but chosen now. Reads from the disk, so not on the event loop."""
        # Of a very large project not all files are known, but those next to the document are.
        known = self._walked(path.parent, is_deep=False)
        root = workspace or git_root(path.parent)
        if root is not None and root not in (Path.home(), *Path.home().parents):
            known = {**self._walked(root, is_deep=True), **known}
        others = [file for file in known.values() if file.path != path]
        return tuple(_read_so_much(most_similar(signature(text), others, lambda file: file.words)))

    def _walked(self, root: Path, *, is_deep: bool) -> dict[Path, _Known]:
        folder = self._folders.setdefault((root, is_deep), _Folder())
        if time.monotonic() - folder.walked_at >= FOLDER_SECONDS:
            end = time.monotonic() + SECONDS

            def is_enough() -> bool:
                return self._is_over.is_set() or time.monotonic() > end

            paths = python_files(root, is_deep=is_deep, is_enough=is_enough)
            folder.files = _known(paths, folder.files, is_enough)
            folder.walked_at = time.monotonic()
        return folder.files


def _known(
    paths: Iterator[Path], before: dict[Path, _Known], is_enough: Callable[[], bool]
) -> dict[Path, _Known]:
    """The files at these paths; those that have not changed are not read again."""
    found: dict[Path, _Known] = {}
    for path in islice(paths, N_FILES):
        if is_enough():
            break
        stamp = _stamp(path)
        if path in before and before[path].stamp == stamp:
            found[path] = before[path]
        elif stamp is not None and (text := _read(path)) is not None:
            found[path] = _Known(path, stamp, signature(text))
    return found


def _read_so_much(files: list[_Known]) -> Iterator[ProjectFile]:
    """Files with their texts, and no more of them than can be looked at."""
    room = LONGEST_CONTEXT
    for file in files:
        if room <= 0:
            return
        if _stamp(file.path) is not None and (text := _read(file.path)) is not None:
            yield ProjectFile(file.path, text)
            room -= len(text)


def _stamp(path: Path) -> Stamp | None:
    """None for what is no file of a usable size; nor is a link, which may lead out of the project."""
    try:
        status = path.stat(follow_symlinks=False)
    except OSError:
        return None
    is_usable = stat.S_ISREG(status.st_mode) and status.st_size <= LONGEST_FILE
    return (status.st_mtime_ns, status.st_size) if is_usable else None


def _read(path: Path) -> str | None:
    try:
        return Document.read(path).text
    except RedraftError:
        return None
