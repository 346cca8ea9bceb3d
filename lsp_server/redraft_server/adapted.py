"""Checkpoints that were fine-tuned on a repository: where they are, what is known of each, how one is made and removed.

They are in the user's data folder, one folder for each repository, never in the repository. What is under way lies beside the
result and becomes it when it has been measured. Loads torch only when one is made.
"""

import errno
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from redraft_model.errors import Cancelled, RedraftError
from redraft_model.network.checkpoint_info import BUNDLED

from redraft_server import changed, loading, models
from redraft_server.configuration import Configuration
from redraft_server.discovery import python_files
from redraft_server.features.scope import obstacle_at
from redraft_server.lock import Lock
from redraft_server.model_choice import TINY, ModelChoice
from redraft_server.project_files import ProjectFiles
from redraft_server.settings import let_threads_sleep

if TYPE_CHECKING:
    from redraft_model.evaluate.compared import Comparison, Place
    from redraft_model.train.loop import Progress

FORMAT = 1
FEWEST_BYTES = 20_000  # of text to train on; less is learnt by heart before it is of use
MOST_BYTES = 50_000_000  # of all files together; more is not read in minutes
NEEDED_BYTES = 400_000_000  # on the disk while it trains: state, old and new
N_PLACES = 64  # at which old and new are compared
MEASURING_SECONDS = 180.0
FEWEST_PLACES = 10  # of which a verdict is given
ABOUT, CHECKPOINT, WORK, PLAN = "about.json", "checkpoint", "work", "plan.json"

Step = Callable[[int, int, str], None]
"""Hears how much of how much is done, and of what."""


class AdaptError(RedraftError):
    """A checkpoint cannot be adapted to a repository, found or removed."""


@dataclass(frozen=True)
class Adapted:
    """An adapted checkpoint: the repository as it was, how long it was trained on, and what that is worth.

    `commit` is "" where there is no git. Of `n_places` places in files that were held out, so many were right before and after;
    `n_gained` and `n_lost` are those at which only one of the two was right. `is_clear` is whether more than chance gains.
    """

    root: str
    commit: str
    date: str
    version: str
    n_files: int
    n_tokens: int
    n_trained_tokens: int
    seconds: float
    n_places: int
    n_right_before: int
    n_right_after: int
    n_gained: int
    n_lost: int
    is_clear: bool

    @property
    def helps(self) -> bool:
        """Whether it is recommended: right more often than before, at places enough to tell."""
        return self.n_places >= FEWEST_PLACES and self.n_gained > self.n_lost


@dataclass(frozen=True)
class Home:
    """The folder that holds what was made of one repository."""

    folder: Path

    @classmethod
    def of(cls, root: Path) -> "Home":
        """That of the repository in the folder `root`, whether it is there or not."""
        name = hashlib.sha256(os.fsencode(root.resolve())).hexdigest()[:16]
        return cls(homes_folder() / name)

    @property
    def checkpoint(self) -> Path:
        """What `--checkpoint` takes."""
        return self.folder / CHECKPOINT

    @property
    def work(self) -> Path:
        """What is under way."""
        return self.folder / WORK

    def about(self) -> Adapted | None:
        """What is known of the checkpoint; None if there is none, or if it is not whole."""
        try:
            known = json.loads((self.folder / ABOUT).read_text("utf-8"))
            if known.pop("format") != FORMAT or not self.checkpoint.is_dir():
                return None
            return Adapted(**known)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def unfinished_root(self) -> str | None:
        """The repository that is being adapted to, or was when it was stopped; None if none is."""
        return self.plan().get("root")

    def plan(self) -> dict[str, str]:
        """What an earlier call has begun with; empty if there is none."""
        try:
            plan = json.loads((self.work / PLAN).read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return plan if isinstance(plan, dict) else {}


def homes_folder() -> Path:
    """Where adapted checkpoints are, whether there are any or not."""
    return models.models_folder().parent / "adapted"


def homes() -> list[Home]:
    """The homes there are, by their names."""
    try:
        return sorted(
            (Home(path) for path in homes_folder().iterdir() if path.is_dir()), key=lambda home: home.folder
        )
    except OSError:
        return []


def remove(root: Path) -> None:
    """Delete what was made of the repository `root`, which need not be there any more; raises AdaptError."""
    home = Home.of(root)
    if not home.folder.is_dir():
        raise AdaptError(f"nothing is adapted to {root}; `redraft adapt --list` shows what is")
    with _told(home.folder), _alone(home, root):
        shutil.rmtree(home.folder)


def adapt(
    root: Path,
    seconds: float,
    *,
    checkpoint: Path | None = None,
    device: str = "auto",
    step: Step = lambda n_done, n_all, what: None,
    is_stopped: Callable[[], bool] = lambda: False,
) -> Adapted | None:
    """Fine-tune a checkpoint (None: the bundled one) on the Python files of `root`; what is known of the result.

    Trains for `seconds`, then measures. None if it was stopped: the next call goes on. Raises AdaptError, DataError or
    CheckpointError.
    """
    if not root.is_dir():
        raise AdaptError(f"{root} is not a folder; name the folder of a repository")
    root, home, origin = root.resolve(), Home.of(root), (checkpoint or BUNDLED).resolve()
    with _told(home.folder), _alone(home, root):
        _require_space(home.folder)
        step = _watched(step, is_stopped)
        try:
            plan = _begun(root, home, origin, step)
            n_trained_tokens, n_seconds = _train(home, origin, seconds, device, step)
            comparison = _compare(root, home, origin, device, step)
        except Cancelled:
            return None
        about = Adapted(
            root=str(root),
            commit=plan["commit"],
            date=time.strftime("%Y-%m-%d"),
            version=plan["version"],
            n_files=int(plan["n_files"]),
            n_tokens=int(plan["n_tokens"]),
            n_trained_tokens=n_trained_tokens,
            seconds=n_seconds,
            n_places=comparison.n,
            n_right_before=comparison.n_right_before,
            n_right_after=comparison.n_right_after,
            n_gained=comparison.n_gained,
            n_lost=comparison.n_lost,
            is_clear=comparison.is_clear,
        )
        _put_in_place(home, about)
    return about


def _watched(step: Step, is_stopped: Callable[[], bool]) -> Step:
    """`step`, which raises Cancelled once the call is stopped."""

    def watched(n_done: int, n_all: int, what: str) -> None:
        step(n_done, n_all, what)
        if is_stopped():
            raise Cancelled

    return watched


def _begun(root: Path, home: Home, origin: Path, step: Step) -> dict[str, str]:
    """The plan of the run: that of an earlier call that was stopped, or a new one with its shards."""
    from redraft_server import __version__

    origin_sha256, plan = _digest(origin), home.plan()
    if plan.get("origin_sha256") == origin_sha256 and plan.get("format") == str(FORMAT):
        return plan
    shutil.rmtree(home.work, ignore_errors=True)
    paths = _files(root)
    try:
        n_files, n_tokens = _build(root, paths, home.work / "shards", origin, step)
    except AdaptError:
        shutil.rmtree(home.folder if home.about() is None else home.work)
        raise
    plan = {
        "format": str(FORMAT),
        "root": str(root),
        "origin_sha256": origin_sha256,
        "commit": changed.head(root) or "",
        "version": __version__,
        "n_files": str(n_files),
        "n_tokens": str(n_tokens),
    }
    _write(home.work / PLAN, plan)
    return plan


def _files(root: Path) -> list[Path]:
    """The Python files below `root` as git sees them, without those that look like ones with secrets."""
    nobody = Configuration()
    found = [path for path in python_files(root) if obstacle_at(path.as_uri(), nobody) is None]
    # A link may lead out of the repository.
    return [path for path in found if not path.is_symlink()]


def _build(root: Path, paths: list[Path], shards: Path, origin: Path, step: Step) -> tuple[int, int]:
    """Write the shards; the number of files and tokens that are trained on."""
    from redraft_model.data.repository import build_repository

    if not paths:
        raise AdaptError(f"there is no Python file in {root} that git does not ignore; name another folder")
    if sum(path.stat().st_size for path in paths) > MOST_BYTES:
        raise AdaptError(
            f"the Python files in {root} have more than {MOST_BYTES // 1_000_000} MB; name a folder in it"
        )
    report = build_repository(
        root,
        paths,
        shards,
        origin / "tokenizer.json",
        lambda n_done, n_all: step(n_done, n_all, "files"),
    )
    if report.train.n_bytes < FEWEST_BYTES:
        raise AdaptError(
            f"{root} has {report.train.n_bytes // 1000} kB of Python to learn from, and {FEWEST_BYTES // 1000} kB are needed; "
            "name a larger repository"
        )
    return report.train.n_files, report.train.n_tokens


def _train(home: Home, origin: Path, seconds: float, device: str, step: Step) -> tuple[int, float]:
    """Train to the end; the tokens and seconds it took. Raises Cancelled, with everything saved."""
    let_threads_sleep()
    from redraft_model.train.adapting import adapt as train_on

    def look(progress: "Progress") -> bool:
        speed = progress.tokens / max(1e-9, progress.seconds)
        note = f"seconds, {progress.tokens:,} tokens, {speed:,.0f} tokens/s"
        try:
            step(min(round(seconds), round(progress.seconds)), round(seconds), note)
        except Cancelled:
            return True
        return False

    report = train_on(
        origin, home.work / "shards", home.work / "run", seconds, is_stopped=look, device=device
    )
    if not report.finished:
        raise Cancelled
    return report.tokens, report.seconds


def _compare(root: Path, home: Home, origin: Path, device: str, step: Step) -> "Comparison":
    """Both checkpoints at the same places of files that neither was trained on."""
    from redraft_model.evaluate.compared import compare

    before, after = (
        loading.open_engine(ModelChoice(folder, device, TINY))
        for folder in (origin, home.work / "run" / CHECKPOINT)
    )
    return compare(
        before,
        after,
        _places(root, home.work / "shards"),
        seconds=MEASURING_SECONDS,
        progress=lambda n_done, n_all: step(n_done, n_all, "places in files that were held out"),
    )


def _places(root: Path, shards: Path) -> "list[Place]":
    """Places within lines of the held-out files, with what `redraft complete` would recall there."""
    from redraft_model.data.repository import held_out_texts
    from redraft_model.data.young import rests
    from redraft_model.evaluate.compared import Place

    project, nobody = ProjectFiles(), Configuration()

    @cache
    def elsewhere(path: Path) -> tuple[str, ...]:
        files = project.look(path, texts[str(path)], root)
        return tuple(file.text for file in files if obstacle_at(file.path.as_uri(), nobody) is None)

    texts = held_out_texts(shards)
    return [
        Place(hole.before, hole.missing, hole.after, elsewhere(Path(hole.path)))
        for hole in rests(texts, N_PLACES)
    ]


def _put_in_place(home: Home, about: Adapted) -> None:
    """Let the result of the run take the place of an older one."""
    (home.folder / ABOUT).unlink(missing_ok=True)
    shutil.rmtree(home.checkpoint, ignore_errors=True)
    (home.work / "run" / CHECKPOINT).replace(home.checkpoint)
    _write(home.folder / ABOUT, {"format": FORMAT, **asdict(about)})
    shutil.rmtree(home.work)


def _digest(folder: Path) -> str:
    """A hash of the files of a checkpoint, in the folder's name only if they cannot be read."""
    parts = hashlib.sha256()
    for path in sorted(folder.glob("*")):
        if path.is_file():
            parts.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return parts.hexdigest()


def _write(path: Path, value: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(value, indent=1) + "\n", "utf-8")
    partial.replace(path)


def _require_space(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < NEEDED_BYTES:
        raise AdaptError(
            f"{folder} has room for {free // 1_000_000} MB and {NEEDED_BYTES // 1_000_000} MB are needed for a while; "
            "make room, or name another folder in REDRAFT_DATA_DIR"
        )


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    """Whatever goes wrong with files below `folder`, as one sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise AdaptError(
                f"{folder} has no room left; make room, or name another folder in REDRAFT_DATA_DIR"
            ) from error
        raise AdaptError(
            f"{error.filename or folder} cannot be used ({error.strerror or error}); "
            "correct that, or name another folder in REDRAFT_DATA_DIR"
        ) from error


@contextmanager
def _alone(home: Home, root: Path) -> Iterator[None]:
    """Nobody else adapts to this repository meanwhile, or removes what was made. What is learnt is for its owner's eyes only."""
    home.folder.parent.mkdir(parents=True, exist_ok=True)
    home.folder.mkdir(mode=0o700, exist_ok=True)
    lock = Lock.taken(home.folder.with_name(f".{home.folder.name}.lock"))
    if lock is None:
        raise AdaptError(f"another `redraft adapt` works on {root}; wait for it")
    try:
        yield
    finally:
        lock.release()
