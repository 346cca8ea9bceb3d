"""Pairs from the histories of git repositories: a file before a small commit, and after it. Knows nothing of tokens.

Each change of a Python file is kept, or counted under the reason why it is not. All changes of a file are on one side of the
split, whatever it was called when: what one commit writes stands around what later ones write.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from redraft_model.data import licences
from redraft_model.data.corpus import MAX_BYTES, SKIPPED_FOLDERS, Dropped
from redraft_model.data.decontamination import Decontamination
from redraft_model.data.file_edits import cut, judged
from redraft_model.data.git_history import Commit, Contents, FileChange, Repository
from redraft_model.data.licences import Licence
from redraft_model.data.pair_sets import fingerprint, is_held_out
from redraft_model.data.pairs import Pair
from redraft_model.errors import DataError

ORIGIN = "git"

MAX_HUNKS = 3  # of a file
MAX_LINES = 40  # of a commit's Python files, added and removed

MAX_LICENCE = 1 << 24  # bytes

# Lists of projects, beside the hashes of benchmarks.
EXCLUDED_PROJECTS = "exclude_repos*.txt"

# Folders with code that other people wrote.
VENDORED_FOLDERS = SKIPPED_FOLDERS | {
    *("vendor", "vendors", "_vendor", "vendored", "_vendored", "bundled", "_bundled", "extern", "externals"),
    *("third_party", "third-party", "thirdparty", "3rdparty", "site-packages", "dist-packages"),
}


@dataclass(frozen=True)
class GitOptions:
    """What is asked of every repository: how many of its newest commits, and whether its licence has been checked."""

    limit: int | None = None
    is_licence_checked: bool = False
    seed: int = 0  # of what is held out


@dataclass
class RepositoryReport:
    """What one repository gave: changes of Python files that are kept on either side, and those that are not."""

    name: str
    licence: str
    excluded_by: str = ""
    n_commits: int = 0
    n_changes: int = 0
    n_real: int = 0
    n_held: int = 0
    n_fit: int = 0  # kept, and short enough for a sample
    n_broken: int = 0  # kept, and did not parse before
    n_pieces: int = 0  # kept, and cut out of a long file
    n_dropped: Counter[str] = field(default_factory=Counter)

    def to_json(self) -> dict[str, Any]:
        """A plain dict, the most frequent reasons first."""
        return vars(self) | {"n_dropped": dict(self.n_dropped.most_common())}


@dataclass(frozen=True)
class GitReport:
    """What all repositories gave."""

    repositories: tuple[RepositoryReport, ...]
    decontamination: dict[str, int]  # set -> number of shingles

    def to_json(self) -> dict[str, Any]:
        """A plain dict for report.json."""
        repositories = [one.to_json() for one in self.repositories]
        return {"repositories": repositories, "decontamination": self.decontamination}

    def summary(self) -> str:
        """One line for every number."""
        lines = [
            f"{self._sum('n_real'):>7,} pairs to train on",
            f"{self._sum('n_held'):>7,} pairs held out",
            f"{self._sum('n_fit'):>7,} of them fit a sample",
            f"{self._sum('n_broken'):>7,} of them did not parse before",
            f"{self._sum('n_commits'):>7,} commits read, with {self._sum('n_changes'):,} changes of Python files",
        ]
        n_dropped = sum((one.n_dropped for one in self.repositories), Counter[str]())
        lines += [f"{n:>7,} left out: {reason}" for reason, n in n_dropped.most_common()]
        excluded = [one for one in self.repositories if one.excluded_by]
        return "\n".join([*lines, *(f"{one.name} left out: {one.excluded_by} names it" for one in excluded)])

    def _sum(self, name: str) -> int:
        return sum(getattr(one, name) for one in self.repositories)


def collect(
    folders: Sequence[Path],
    decontaminate: Path,
    options: GitOptions,
    *,
    keep: Callable[[Pair, bool], None],
    fits: Callable[[Pair], bool],
    progress: Callable[[int, int, str], None],
) -> GitReport:
    """Go through the histories of repositories, one after the other, newest commits first.

    Args:
        folders: work trees or bare repositories.
        decontaminate: folder of *.u64 sets; a repository that a list beside them names is left out as a whole.
        options: the same for all of them.
        keep: called with each pair and whether it is held out. Pairs are not held here.
        fits: whether a pair is short enough for a sample; for the report alone.
        progress: called with the commits read, the commits there are, and the name of their repository.

    Raises DataError before anything is read when a folder is no whole repository, or has no permissive licence.
    """
    checks = Decontamination.load(decontaminate)
    lists = {path.name: _words(path) for path in sorted(decontaminate.glob(EXCLUDED_PROJECTS))}
    sources = [_Source.open(folder, lists, options) for folder in folders]
    seen: set[bytes] = set()
    for source in sources:
        if source.report.excluded_by:
            continue
        for pair in _Judge(source, checks, seen).pairs(options.limit, progress):
            is_held = is_held_out(pair, options.seed)
            source.report.n_held += is_held
            source.report.n_real += not is_held
            source.report.n_fit += fits(pair)
            keep(pair, is_held)
    n_shingles = {name: len(known) for name, known in checks.sets.items()}
    return GitReport(tuple(source.report for source in sources), n_shingles)


@dataclass(frozen=True)
class _Source:
    """A repository and what is counted of it.

    Of a selective one, folders and files under a licence of their own are left out if it is not permissive.
    """

    repository: Repository
    report: RepositoryReport
    is_selective: bool = False
    foreign: frozenset[str] = frozenset()

    @classmethod
    def open(cls, folder: Path, lists: Mapping[str, frozenset[str]], options: GitOptions) -> "_Source":
        repository = Repository.open(folder)
        excluded_by = next((name for name, known in lists.items() if _is_named(repository.names, known)), "")
        texts = _licence_texts(repository)
        licence = licences.recognise_all(texts.pop("", []))
        report = RepositoryReport(repository.name, licence.name, excluded_by)
        if excluded_by or options.is_licence_checked:
            return cls(repository, report)
        if not licence.is_permissive:
            raise DataError(_refusal(folder, licence))
        foreign = frozenset(name for name, own in texts.items() if _is_foreign(own))
        return cls(repository, report, True, foreign)


def _refusal(folder: Path, licence: Licence) -> str:
    is_unknown = licence.name == licences.UNKNOWN
    found = (
        "no licence that is recognised"
        if is_unknown
        else f"a licence that is not permissive ({licence.name})"
    )
    return f"{folder} has {found}; leave it out, or pass --licence-checked if you may train on it"


def _licence_texts(repository: Repository) -> dict[str, list[str]]:
    """Texts of the licence files at HEAD by their folder: "" is the top, to which its folder LICENSES belongs."""
    texts: dict[str, list[str]] = {}
    with repository.contents() as contents:
        for path, object_id in repository.files().items():
            folder, _, name = path.rpartition("/")
            if folder.lower() in ("licenses", "licences"):
                folder = ""
            elif folder in ("doc", "docs") or not licences.is_licence_file(name):
                continue  # a page of a manual speaks of the licence
            data = contents.read(object_id, MAX_LICENCE) or b""
            texts.setdefault(folder, []).append(data.decode("utf-8", "replace"))
    return texts


def _is_foreign(texts: Sequence[str]) -> bool:
    """Whether the licence files of a folder below the top take back what the top grants."""
    own = [text for text in texts if licences.is_of_its_own(text)]
    return bool(own) and not licences.recognise_all(own).is_permissive


def _is_named(names: Iterable[str], known: frozenset[str]) -> bool:
    """Whether a list of owner/name has one of the names; without an owner the name alone counts."""
    projects = {one.rpartition("/")[2] for one in known}
    return any(name in (known if "/" in name else projects) for name in names)


def _words(path: Path) -> frozenset[str]:
    return frozenset(path.read_text("utf-8").lower().split())


class _Judge:
    """Chooses pairs from one repository; `seen` are the fingerprints of those from all."""

    def __init__(self, source: _Source, checks: Decontamination, seen: set[bytes]) -> None:
        self._source = source
        self._report = source.report
        self._checks = checks
        self._seen = seen
        self._newest: dict[str, str] = {}  # what files are called at HEAD

    def pairs(self, limit: int | None, progress: Callable[[int, int, str], None]) -> Iterator[Pair]:
        """The pairs of the newest commits; what is left out is counted in the report."""
        repository, report = self._source.repository, self._report
        with repository.history(limit) as history, repository.contents() as contents:
            for commit in history:
                report.n_commits += 1
                for change in commit.files:
                    report.n_changes += 1
                    found = self._pair(commit, change, contents)
                    if isinstance(found, Dropped):
                        report.n_dropped[found.reason] += 1
                    else:
                        yield found
                progress(report.n_commits, history.n_commits, report.name)

    def _pair(self, commit: Commit, change: FileChange, contents: Contents) -> Pair | Dropped:
        path = self._newest.get(change.path, change.path)
        if change.old_path != path:
            self._newest[change.old_path] = path
        if reason := self._flaw(commit, change):
            return Dropped(reason)
        before, after = (contents.read(id_, MAX_BYTES) for id_ in (change.before, change.after))
        if before is None or after is None:
            return Dropped("too large")
        edit = judged(PurePosixPath(change.path).name, before, after)
        if isinstance(edit, Dropped):
            return edit
        if self._source.is_selective and licences.names_another(edit.after):
            return Dropped("its head names another licence")
        piece = cut(edit)
        if piece is None:
            return Dropped("what changes is far apart")
        pair = Pair(
            piece.before,
            piece.after,
            ORIGIN,
            f"{self._report.name}:{path}",
            self._report.licence,
            piece.is_whole,
            commit.id,
            commit.message,
        )
        if reason := self._repetition(pair):
            return Dropped(reason)
        self._report.n_broken += edit.is_broken
        self._report.n_pieces += not piece.is_whole
        return pair

    def _flaw(self, commit: Commit, change: FileChange) -> str:
        """Why a change is left out whatever its file contains; empty when it is not."""
        if any(str(folder) in self._source.foreign for folder in PurePosixPath(change.path).parents):
            return "its folder has another licence"
        if VENDORED_FOLDERS.intersection(PurePosixPath(change.path).parts[:-1]):
            return "vendored"
        if not change.n_hunks:
            return "only its name or mode changes"
        if sum(one.n_lines for one in commit.files) > MAX_LINES:
            return f"its commit changes more than {MAX_LINES} lines"
        return f"more than {MAX_HUNKS} hunks" if change.n_hunks > MAX_HUNKS else ""

    def _repetition(self, pair: Pair) -> str:
        """Why a pair has nothing new; empty when it has, and then it counts as seen. Newer commits have come first."""
        digest = fingerprint(pair)
        if digest in self._seen:
            return "duplicate"
        if fingerprint(replace(pair, before=pair.after, after=pair.before)) in self._seen:
            return "undone later"
        if overlap := self._checks.overlap(pair.before) or self._checks.overlap(pair.after):
            return f"repeats {overlap}"
        self._seen.add(digest)
        return ""
