"""Which files differ from a revision, as git tells it. Knows nothing of Python, nor of what is done with the files."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path, PurePath

from redraft_model.errors import RedraftError

HEAD = "HEAD"

# A repository's configuration may name a program to watch files; a look at it is not to start that.
_GIT = ("git", "-c", "core.fsmonitor=false", "--no-optional-locks")


class ChangedError(RedraftError):
    """Git cannot say which files have changed."""


def changed_below(folder: Path, revision: str) -> list[PurePath]:
    """The files below `folder` that differ from `revision`, and those git does not know yet; relative to `folder`, in order.

    Files that are gone or ignored, and those in submodules, are not among them. Raises ChangedError if there is no git, no
    working tree around `folder`, or no such revision.
    """
    tree = _tree_of(folder, revision)
    # Without renames, a file that was moved is there under its new name.
    differing = ["diff", "--name-only", "-z", "--relative", "--no-ext-diff", "--no-renames"]
    differing += ["--diff-filter=d", "--ignore-submodules=all", tree, "--"]
    names = {
        *_names(folder, differing),
        *_names(folder, ["ls-files", "-z", "--others", "--exclude-standard"]),
    }
    return sorted(PurePath(name) for name in names)


def head(folder: Path) -> str | None:
    """The commit that the working tree around `folder` stands at; None if there is none, or no git."""
    try:
        found = _run(folder, ["rev-parse", "--verify", "--quiet", HEAD])
    except ChangedError:
        return None
    return found.stdout.decode().strip() if found.returncode == 0 else None


def _tree_of(folder: Path, revision: str) -> str:
    """The object that files are compared with."""
    inside = _run(folder, ["rev-parse", "--is-inside-work-tree"])
    if inside.stdout.strip() != b"true":
        said = inside.stderr.decode(errors="replace").strip().removeprefix("fatal: ")
        if said and "not a git repository" not in said:
            raise ChangedError(f"git cannot look at {folder}: {said.splitlines()[0].rstrip('.')}")
        raise ChangedError(f"{folder} is in no working tree of git; leave out --changed")
    found = _run(folder, ["rev-parse", "--verify", "--quiet", "--end-of-options", revision + "^{commit}"])
    if found.returncode == 0:
        return found.stdout.decode().strip()
    if revision == HEAD:
        # Nothing was committed yet: all files differ from an empty tree.
        return _run(folder, ["hash-object", "-t", "tree", "--stdin"]).stdout.decode().strip()
    raise ChangedError(f"git knows no revision {revision!r} in {folder}; name a commit, a branch or a tag")


def _names(folder: Path, arguments: Sequence[str]) -> list[str]:
    done = _run(folder, arguments)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().removeprefix("fatal: ")
        raise ChangedError(f"git cannot compare the files in {folder}: {said or done.returncode}")
    return [os.fsdecode(name) for name in done.stdout.split(b"\0") if name]


def _run(folder: Path, arguments: Sequence[str]) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            [*_GIT, "-C", str(folder), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except OSError as error:
        raise ChangedError(
            f"git cannot be started ({error.strerror or error}); install it, or leave out --changed"
        ) from error
