"""The history of a git repository: which Python files each commit changed, and by how much. Knows nothing of Python.

It is read in one stream from three processes of the `git` executable: one lists the commits, one compares each with its parent,
one hands over contents. No configuration but the repository's own matters, nothing in it is run, and nothing is fetched.
"""

import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from redraft_model.errors import DataError

MAX_LINE = 1 << 16  # bytes of a line of a patch that are looked at
MAX_MESSAGE = 4000  # characters

# Commands that scripts use, and options that leave nothing to a configuration.
_OPTIONS = ("--no-replace-objects", "-c", "core.quotePath=false", "-c", "diff.suppressBlankEmpty=false")
_LIST = ("rev-list", "--no-merges", "--full-history", "--topo-order")
_COMPARE = (
    *("diff-tree", "--stdin", "--always", "-r", "--no-abbrev", "--diff-filter=MR", "-M", "-l1000", "--raw", "-p", "-U3"),
    *("--diff-algorithm=myers", "--no-color", "--no-ext-diff", "--no-textconv", "--text", "--encoding=UTF-8"),
    "--format=%x00%H%x00%B%x00",
)  # fmt: skip
_PYTHON = ("--", ":(top)*.py")

_BY = re.compile(r"^[A-Za-z-]+-by:.*$\n?", re.M)
_HOST = re.compile(r"^(?:[\w+.-]+://[^/]*/|[^/\\]+:(?![/\\]{2}))")


@dataclass(frozen=True)
class FileChange:
    """One changed file: its paths, the object ids of its contents, and how many hunks and lines git shows.

    Hunks are those with three lines of context; `n_lines` counts lines that were added and lines that were removed.
    """

    old_path: str
    path: str
    before: str
    after: str
    n_hunks: int
    n_lines: int


@dataclass(frozen=True)
class Commit:
    """A commit with one parent or none, and the Python files that it changed; those it added or deleted are not listed."""

    id: str
    message: str
    files: tuple[FileChange, ...]


@dataclass(frozen=True)
class Repository:
    """A repository that has commits and all of its history: a git directory, and what it is called.

    `name` is owner/name of the remote `origin`, of the first remote, or the name of the folder without any. `names` are all of
    those, in lower case.
    """

    git_dir: Path
    name: str
    names: frozenset[str]

    @classmethod
    def open(cls, folder: Path) -> "Repository":
        """The repository in `folder`, which is a work tree or a bare git directory.

        Raises DataError when it is none, has no commit, or is shallow.
        """
        git_dir = folder / ".git" if (folder / ".git").exists() else folder
        shallow = _asked(git_dir, "rev-parse", "--is-shallow-repository")
        if shallow is None:
            raise DataError(f"{folder} is not a git repository; name a work tree or a bare repository")
        if _asked(git_dir, "rev-parse", "--verify", "--quiet", "HEAD^{commit}") is None:
            raise DataError(f"{folder} has no commit that HEAD leads to; name a repository with a history")
        if shallow == "true":
            raise DataError(
                f"{folder} is a shallow clone without most of its history; get the rest with `git fetch --unshallow`"
            )
        remotes = _remotes(git_dir)
        names = list(remotes.values()) or [_folder_name(folder)]
        return cls(git_dir, remotes.get("origin", names[0]), frozenset(name.lower() for name in names))

    def files(self) -> dict[str, str]:
        """The object id of every regular file at HEAD, by its path."""
        listed = _asked(self.git_dir, "ls-tree", "-r", "-z", "--full-tree", "HEAD")
        if listed is None:
            raise DataError(_unreadable(self.git_dir, "the tree of HEAD"))
        found = {}
        for entry in filter(None, listed.split("\0")):
            described, _, path = entry.partition("\t")
            mode, _, object_id = described.split(" ")
            if mode.startswith("100"):
                found[path] = object_id
        return found

    @contextmanager
    def history(self, limit: int | None = None) -> "Iterator[History]":
        """The newest `limit` commits that touch Python files, newest first; all of them without a limit."""
        with ExitStack() as stack:
            listing, complaints = stack.enter_context(TemporaryFile()), stack.enter_context(TemporaryFile())
            newest = () if limit is None else (f"--max-count={limit}",)
            complaint = _complaint(self.git_dir, [*_LIST, *newest, "HEAD", *_PYTHON], listing)
            if complaint is not None:
                raise DataError(_unreadable(self.git_dir, complaint))
            listing.seek(0)
            n_commits = sum(1 for _ in listing)
            listing.seek(0)
            comparing = stack.enter_context(
                _process(self.git_dir, [*_COMPARE, *_PYTHON], listing, complaints)
            )
            yield History(self.git_dir, n_commits, comparing, complaints)

    @contextmanager
    def contents(self) -> "Iterator[Contents]":
        """A reader of contents by their object ids."""
        with (
            TemporaryFile() as complaints,
            _process(self.git_dir, ["cat-file", "--batch"], subprocess.PIPE, complaints) as process,
        ):
            yield Contents(self.git_dir, process, complaints)


class History:
    """Commits as they come out of git; iterates once."""

    def __init__(
        self, git_dir: Path, n_commits: int, process: "subprocess.Popen[bytes]", complaints: IO[bytes]
    ) -> None:
        self.n_commits = n_commits
        self._git_dir = git_dir
        self._process = process
        self._complaints = complaints

    def __iter__(self) -> Iterator[Commit]:
        """Raises DataError when git cannot read an object."""
        assert self._process.stdout is not None
        yield from _commits(_lines(self._process.stdout))
        if self._process.wait():
            raise DataError(_unreadable(self._git_dir, _last_line(self._complaints)))


class Contents:
    """Contents of objects, one at a time."""

    def __init__(self, git_dir: Path, process: "subprocess.Popen[bytes]", complaints: IO[bytes]) -> None:
        self._git_dir = git_dir
        self._process = process
        self._complaints = complaints

    def read(self, object_id: str, max_bytes: int) -> bytes | None:
        """The bytes of a blob, None when there are more than `max_bytes`. Raises DataError when git cannot read it."""
        asked, answers = self._process.stdin, self._process.stdout
        assert asked is not None
        assert answers is not None
        try:
            asked.write(f"{object_id}\n".encode())
            asked.flush()
        except BrokenPipeError:
            raise DataError(_unreadable(self._git_dir, _last_line(self._complaints))) from None
        answer = answers.readline().split()
        if len(answer) != 3 or answer[1] != b"blob":
            self._process.kill()
            self._process.wait()
            raise DataError(
                _unreadable(self._git_dir, _last_line(self._complaints) or f"{object_id} is missing")
            )
        n_bytes = int(answer[2])
        if n_bytes > max_bytes:
            _skip(answers, n_bytes + 1)
            return None
        data = answers.read(n_bytes + 1)
        if len(data) <= n_bytes:
            raise DataError(_unreadable(self._git_dir, f"{object_id} is cut off"))
        return data[:-1]


def _commits(lines: Iterator[bytes]) -> Iterator[Commit]:
    """Commits from the output of `_COMPARE`.

    Each begins with a NUL, its id and its message between NULs. Then come lines such as

        :100644 100644 BEFORE AFTER R090<tab>old.py<tab>new.py

    and behind them the patches of these files, in the same order. The lines of a patch's text begin with a blank, +, - or \\.
    """
    line = next(lines, None)
    while line is not None:
        header = bytearray(line)
        while not header.endswith(b"\0\n"):
            header += next(lines, b"\0\n")
        parts = bytes(header).split(b"\0", 3)
        if len(parts) < 4:  # git has stopped in the middle; its exit status says why
            return
        described: list[str] = []
        counts: list[list[int]] = []
        while (line := next(lines, None)) is not None and not line.startswith(b"\0"):
            if line.startswith(b":"):
                described.append(line.decode("utf-8", "replace").rstrip("\n"))
            elif line.startswith(b"diff --git "):
                counts.append([0, 0])
                is_text = False
            elif line.startswith(b"@@ "):
                counts[-1][0] += 1
                is_text = True
            elif counts and is_text and line.startswith((b"+", b"-")):
                counts[-1][1] += 1
        if line is None and len(counts) < len(described):  # as above
            return
        changes = (_change(one, *count) for one, count in zip(described, counts, strict=True))
        yield Commit(parts[1].decode(), _message(parts[2]), tuple(change for change in changes if change))


def _change(described: str, n_hunks: int, n_lines: int) -> FileChange | None:
    """A file from its line of the raw format; None for what is no regular file, or has a name that git has to quote."""
    fields, *paths = described[1:].split("\t")
    old_mode, mode, before, after, _ = fields.split(" ")
    if not (old_mode.startswith("100") and mode.startswith("100")):
        return None
    if any(path.startswith('"') or "\ufffd" in path for path in paths):
        return None
    return FileChange(paths[0], paths[-1], before, after, n_hunks, n_lines)


def _message(data: bytes) -> str:
    """The message, without lines that only name people."""
    return _BY.sub("", data.decode("utf-8", "replace")).strip()[:MAX_MESSAGE]


def _lines(stream: IO[bytes]) -> Iterator[bytes]:
    """Lines of the stream; of one that is longer than MAX_LINE its beginning and its last two bytes."""
    while line := stream.readline(MAX_LINE):
        tail = b""
        while not (tail or line).endswith(b"\n") and (more := stream.readline(MAX_LINE)):
            tail = (tail + more)[-2:]
        yield line + tail


def _skip(stream: IO[bytes], n_bytes: int) -> None:
    while n_bytes > 0 and (data := stream.read(min(n_bytes, 1 << 20))):
        n_bytes -= len(data)


def _remotes(git_dir: Path) -> dict[str, str]:
    """owner/name of each remote, by what the remote is called here."""
    listed = _asked(git_dir, "config", "-z", "--get-regexp", r"^remote\..*\.url$") or ""
    found: dict[str, str] = {}
    for entry in filter(None, listed.split("\0")):
        key, _, url = entry.partition("\n")
        if name := _owner_and_name(url):
            found.setdefault(key.removeprefix("remote.").removesuffix(".url"), name)
    return found


def _owner_and_name(url: str) -> str:
    """The last two parts of an address: https://host/owner/name.git, git@host:owner/name, /folder/owner/name."""
    parts = [part for part in re.split(r"[/\\]", _HOST.sub("", url.strip())) if part not in ("", ".", "..")]
    return "/".join(parts[-2:]).removesuffix(".git")


def _folder_name(folder: Path) -> str:
    path = folder.resolve()
    return path.parent.name if path.name == ".git" else path.name.removesuffix(".git")


def _asked(git_dir: Path, *words: str) -> str | None:
    """What git prints, without the line break at its end; None when it refuses."""
    with TemporaryFile() as out:
        if _complaint(git_dir, words, out) is not None:
            return None
        out.seek(0)
        return os.fsdecode(out.read()).removesuffix("\n")


def _complaint(git_dir: Path, words: Sequence[str], out: IO[bytes]) -> str | None:
    """Run git into a file; what it complains of when it refuses, else None."""
    with TemporaryFile() as complaints:
        with _process(git_dir, words, subprocess.DEVNULL, complaints, out) as process:
            code = process.wait()
        return _last_line(complaints) if code else None


@contextmanager
def _process(
    git_dir: Path,
    words: Sequence[str],
    stdin: IO[bytes] | int,
    complaints: IO[bytes],
    stdout: IO[bytes] | int = subprocess.PIPE,
) -> "Iterator[subprocess.Popen[bytes]]":
    """A git process that does not outlive the context. Raises DataError when there is no git."""
    try:
        process = subprocess.Popen(
            ["git", *_OPTIONS, f"--git-dir={git_dir}", *words],
            stdin=stdin,
            stdout=stdout,
            stderr=complaints,
            env=_environment(os.environ),
        )
    except OSError as error:
        message = f"git cannot be started ({error.strerror or error}); install it to read histories"
        raise DataError(message) from error
    try:
        yield process
    finally:
        process.kill()
        for pipe in filter(None, (process.stdin, process.stdout)):
            # Something may be left for a process that is gone.
            with suppress(BrokenPipeError):
                pipe.close()
        process.wait()


def _environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """An environment in which only the named repository matters, and no object is fetched that is not there."""
    own = {name: value for name, value in inherited.items() if not name.startswith("GIT_")}
    return own | {
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ALLOW_PROTOCOL": "",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    }


def _unreadable(git_dir: Path, complaint: str) -> str:
    return f"git cannot read {git_dir} ({complaint}); look at it with `git fsck`, or clone it anew"


def _last_line(complaints: IO[bytes]) -> str:
    complaints.seek(0)
    lines = complaints.read(1 << 16).decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else ""
