"""Which files a list of paths means. Folders are searched for Python as git sees them."""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from pathspec import GitIgnoreSpec
from redraft_model.errors import RedraftError

PYTHON_SUFFIXES = (".py", ".pyi")
NOTEBOOK_SUFFIX = ".ipynb"
# A folder may hold more than is wanted; who names a file has made up their mind.
NAMED_SUFFIXES = (*PYTHON_SUFFIXES, ".pyw")
SKIPPED_FOLDERS = frozenset({"node_modules", "__pycache__"})

_INTERPRETER = re.compile(rb"#!(?:.*[/\\\s])?i?(?:python|pypy)[\w.]*(?:\s|$)")
_LONGEST_FIRST_LINE = 512


@dataclass(frozen=True)
class SourceFile:
    """A file to work on, and the folders inside which a link may lead to the file to write."""

    path: Path
    roots: tuple[Path, ...]


@dataclass(frozen=True)
class SkippedPath:
    """A path that is not worked on, and why, in one sentence."""

    path: Path
    reason: str


class ExcludeError(RedraftError):
    """A pattern of --exclude cannot be used."""


@dataclass(frozen=True)
class Exclusion:
    """The patterns of --exclude, as in .gitignore: matched with the path below the current folder, else with the whole path."""

    patterns: GitIgnoreSpec

    @classmethod
    def of(cls, patterns: Sequence[str]) -> "Exclusion":
        """The exclusion of `patterns`; raises ExcludeError."""
        for pattern in patterns:
            if not _is_pattern(pattern):
                raise ExcludeError(f"--exclude cannot use {pattern!r}; it takes patterns as in .gitignore")
        return cls(GitIgnoreSpec.from_lines(patterns))

    def covers(self, path: Path, mark: str = "") -> bool:
        """Whether `path`, or a folder around it, is excluded; `mark` is "/" if `path` is a folder."""
        absolute, here = Path(os.path.abspath(path)), Path.cwd()  # noqa: PTH100  (a link counts under its own name)
        below = absolute.relative_to(here if absolute.is_relative_to(here) else absolute.anchor)
        return self.patterns.match_file(below.as_posix() + mark)


NOTHING = Exclusion.of(())


@dataclass(frozen=True)
class Discovery:
    """What was found: files in order; paths that are left out; paths named by mistake; how many git ignores or --exclude covers."""

    files: tuple[SourceFile, ...]
    skipped: tuple[SkippedPath, ...] = ()
    refused: tuple[SkippedPath, ...] = ()
    n_ignored: int = 0
    n_excluded: int = 0


ChangedBelow = Callable[[Path], Iterable[PurePath]]
"""The files below a folder that have changed, relative to it."""


def discover(
    paths: Iterable[Path],
    *,
    is_forced: bool = False,
    exclusion: Exclusion = NOTHING,
    changed_below: ChangedBelow | None = None,
) -> Discovery:
    """The files that `paths` name or contain, each once.

    In folders only *.py, *.pyi and *.ipynb count; hidden folders, node_modules, __pycache__, virtual environments and
    whatever .gitignore files exclude are left out. A file that is named itself is taken if it is Python, or
    `is_forced`, wherever it is. With `changed_below` only files that have changed count, ignored ones too.
    """
    found = _Found(exclusion)
    for path in paths:
        if not path.is_dir():
            found.add_named(path, is_forced=is_forced, changed_below=changed_below)
        elif changed_below is None:
            found.add_walked(path)
        else:
            found.add_listed(path, changed_below(path))
    return Discovery(
        tuple(found.files.values()),
        tuple(found.skipped),
        tuple(found.refused),
        found.n_ignored,
        found.n_excluded,
    )


@dataclass
class _Found:
    """What was found so far; files by the path that they are in the end."""

    exclusion: Exclusion
    files: dict[Path, SourceFile] = field(default_factory=dict)
    skipped: list[SkippedPath] = field(default_factory=list)
    refused: list[SkippedPath] = field(default_factory=list)
    n_ignored: int = 0
    n_excluded: int = 0

    def add_named(self, path: Path, *, is_forced: bool, changed_below: ChangedBelow | None) -> None:
        if not path.exists():
            self.refused.append(SkippedPath(path, f"{path} does not exist"))
        elif not (is_forced or is_notebook(path)) and (reason := why_not_python(path)):
            self.refused.append(SkippedPath(path, reason))
        elif self.exclusion.covers(path):
            self.n_excluded += 1
        elif changed_below is None or PurePath(path.name) in changed_below(path.parent):
            self.files.setdefault(path.resolve(), SourceFile(path, (path.parent, Path.cwd())))

    def add_walked(self, folder: Path) -> None:
        """All files below `folder` that a walk finds."""
        walk = _Walk(folder, suffixes=(*PYTHON_SUFFIXES, NOTEBOOK_SUFFIX), exclusion=self.exclusion)
        found = list(walk.files(folder, _ignore_rules_above(folder)))
        self.skipped += walk.skipped
        self.n_ignored += walk.n_ignored
        self.n_excluded += walk.n_excluded
        if not (found or walk.skipped or walk.n_excluded):
            self.skipped.append(SkippedPath(folder, f"there is no Python file in {folder}"))
        for file in found:
            self.files.setdefault(file.resolve(), SourceFile(file, (folder,)))

    def add_listed(self, folder: Path, names: Iterable[PurePath]) -> None:
        """Of the files `names` below `folder` those that a walk would enter folders for."""
        for name in names:
            path = folder / name
            around = [folder / parent for parent in name.parents if parent.name]
            is_left_out = any(not _is_walked(part.name) or _is_environment(part) for part in around)
            if is_left_out or not _has_suffix(path, (*PYTHON_SUFFIXES, NOTEBOOK_SUFFIX)):
                continue
            if self.exclusion.covers(path):
                self.n_excluded += 1
            else:
                self.files.setdefault(path.resolve(), SourceFile(path, (folder,)))


def is_notebook(path: PurePath) -> bool:
    """Whether the name of a file says that it is a Jupyter notebook."""
    return path.suffix.lower() == NOTEBOOK_SUFFIX


def why_not_python(path: Path) -> str | None:
    """Why a file that is named is not taken for Python; None if it is, or if there is no telling.

    It is Python by its name, by that of the file it is a link to, or by a first line that calls an interpreter.
    """
    if any(name.suffix.lower() in NAMED_SUFFIXES for name in (path, path.resolve())):
        return None
    try:
        # Opening a pipe could block for ever; what is no file, or cannot be read, is refused by whoever reads it.
        if not path.is_file():
            return None
        with path.open("rb") as file:
            first_line = file.readline(_LONGEST_FIRST_LINE)
    except OSError:
        return None
    if _INTERPRETER.match(first_line):
        return None
    return (
        f"{path} is not Python, neither by its name nor by its first line; add --force to use it all the same"
    )


def python_files(
    folder: Path, *, is_deep: bool = True, is_enough: Callable[[], bool] = lambda: False
) -> Iterator[Path]:
    """The files that `discover` finds in `folder`, with or without the folders in it, until there are enough."""
    yield from _Walk(folder, is_deep=is_deep, is_enough=is_enough).files(folder, _ignore_rules_above(folder))


def git_root(folder: Path) -> Path | None:
    """The top folder of the git working tree around the absolute path `folder`; None outside of one."""
    for candidate in (folder, *folder.parents):
        if (candidate / ".git").exists():
            return candidate
    return None


@dataclass(frozen=True)
class _IgnoreRules:
    """The patterns of the .gitignore file in `folder` (an absolute path)."""

    folder: Path
    patterns: GitIgnoreSpec

    @classmethod
    def read(cls, folder: Path) -> "_IgnoreRules | None":
        try:
            lines = (folder / ".gitignore").read_text("utf-8", "surrogateescape").splitlines()
        except OSError:
            return None
        return cls(folder, GitIgnoreSpec.from_lines([line for line in lines if _is_pattern(line)]))

    def opinion(self, path: Path, mark: str) -> bool | None:
        return self.patterns.check_file(path.relative_to(self.folder).as_posix() + mark).include


class _Walk:
    """One walk through a folder, and what it met on the way."""

    def __init__(
        self,
        root: Path,
        *,
        suffixes: tuple[str, ...] = PYTHON_SUFFIXES,
        exclusion: Exclusion = NOTHING,
        is_deep: bool = True,
        is_enough: Callable[[], bool] = lambda: False,
    ) -> None:
        self.root = root
        self.suffixes = suffixes
        self.exclusion = exclusion
        self.is_deep = is_deep
        self.is_enough = is_enough
        self.skipped: list[SkippedPath] = []
        self.n_ignored = self.n_excluded = 0

    def files(self, folder: Path, rules: Sequence[_IgnoreRules]) -> Iterator[Path]:
        try:
            with os.scandir(folder) as entries:
                ordered = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            self.skipped.append(SkippedPath(folder, f"{folder} cannot be listed: {error.strerror or error}"))
            return
        if folder != self.root and any(entry.name == "pyvenv.cfg" for entry in ordered):
            return
        absolute = Path(os.path.abspath(folder))  # noqa: PTH100  (resolve() would leave a linked root)
        own_rules = _IgnoreRules.read(absolute)
        rules = [*rules, own_rules] if own_rules else rules
        for entry in ordered:
            if self.is_enough():
                return
            is_folder = entry.is_dir(follow_symlinks=False)
            is_wanted = (
                self.is_deep and _is_walked(entry.name)
                if is_folder
                else _has_suffix(folder / entry.name, self.suffixes)
            )
            if not is_wanted:
                continue
            mark = "/" if is_folder else ""
            if _is_ignored(absolute / entry.name, mark, rules):
                self.n_ignored += 1
            elif self.exclusion is not NOTHING and self.exclusion.covers(absolute / entry.name, mark):
                self.n_excluded += 1
            elif is_folder:
                yield from self.files(folder / entry.name, rules)
            else:
                yield folder / entry.name


def _is_walked(name: str) -> bool:
    return not name.startswith(".") and name not in SKIPPED_FOLDERS


def _is_environment(folder: Path) -> bool:
    return (folder / "pyvenv.cfg").exists()


def _has_suffix(path: Path, suffixes: tuple[str, ...]) -> bool:
    return path.name.endswith(suffixes) and path.is_file()


def _ignore_rules_above(folder: Path) -> list[_IgnoreRules]:
    """The rules of the folders around `folder`, outermost first; none if they exclude `folder` itself."""
    absolute = Path(os.path.abspath(folder))  # noqa: PTH100  (resolve() would leave a linked root)
    top = git_root(absolute)
    if top is None or top == absolute:
        return []
    around = [parent for parent in reversed(absolute.parents) if parent.is_relative_to(top)]
    rules = [found for parent in around if (found := _IgnoreRules.read(parent))]
    # Whoever names an ignored folder wants its files.
    is_excluded = any(
        _is_ignored(inner, "/", [rule for rule in rules if inner.is_relative_to(rule.folder)])
        for inner in (absolute, *absolute.parents)
        if inner.is_relative_to(top) and inner != top
    )
    return [] if is_excluded else rules


def _is_ignored(path: Path, mark: str, rules: Sequence[_IgnoreRules]) -> bool:
    # The innermost file with an opinion decides, as in git.
    for rule in reversed(rules):
        if rule.folder != path and (opinion := rule.opinion(path, mark)) is not None:
            return opinion
    return False


def _is_pattern(line: str) -> bool:
    # Git overlooks a malformed line; the parser used here would refuse the whole file.
    try:
        GitIgnoreSpec.from_lines([line])
    except ValueError:
        return False
    return True
