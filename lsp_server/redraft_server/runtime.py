"""Where the files of a daemon are, and that nobody else can get at them. Knows nothing of what is in them.

Each combination of installation, checkpoint, device and model has a daemon of its own, and each daemon its own name. The
environment variables REDRAFT_RUNTIME_DIR and REDRAFT_LOG_DIR say where else than usual its files shall be; a bridge
that starts a daemon sets both, so that the daemon does not choose once more. Loads only the standard library and,
unless those variables are set, platformdirs: an editor waits for it.
"""

import hashlib
import os
import stat
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

from redraft_model.errors import RedraftError

from redraft_server import __version__
from redraft_server.model_choice import ModelChoice

HAS_UNIX_SOCKETS = sys.platform != "win32"

# struct sockaddr_un has 108 bytes on Linux and 104 on macOS, the last of which is a zero.
MAX_SOCKET_PATH = 103

_FOLDER, _LOG_FOLDER = "REDRAFT_RUNTIME_DIR", "REDRAFT_LOG_DIR"
_ADVICE = f"name folders of your own in {_FOLDER} and {_LOG_FOLDER}."


class RuntimeFolderError(RedraftError):
    """The folder for sockets and locks cannot be used."""


@dataclass(frozen=True)
class Place:
    """The files of one daemon. Making a place touches nothing."""

    name: str
    folder: Path
    log_folder: Path

    @property
    def socket(self) -> Path:
        """The Unix socket on which the daemon listens."""
        path = self.folder / f"{self.name}.sock"
        if len(os.fsencode(path)) <= MAX_SOCKET_PATH:
            return path
        return _short_folder(self.folder) / path.name

    @property
    def address(self) -> Path:
        """Where there are no Unix sockets: port and token of the loopback address instead."""
        return self.folder / f"{self.name}.address"

    @property
    def lock(self) -> Path:
        """Locked by the daemon as long as it lives."""
        return self.folder / f"{self.name}.lock"

    @property
    def stopped(self) -> Path:
        """There from the moment the daemon was told to stop until the next one starts."""
        return self.folder / f"{self.name}.stopped"

    @property
    def token(self) -> Path:
        """The token for network connections, if the user gave none."""
        return self.folder / f"{self.name}.token"

    @property
    def log(self) -> Path:
        """What the daemon logs."""
        return self.log_folder / f"{self.name}.log"

    @property
    def environment(self) -> dict[str, str]:
        """The variables that lead another process to these folders, whatever it would have chosen itself."""
        return {_FOLDER: str(self.folder), _LOG_FOLDER: str(self.log_folder)}

    def prepare(self) -> None:
        """Make the folders; raises RuntimeFolderError if they are not ours alone."""
        private_folder(self.folder)
        if HAS_UNIX_SOCKETS:
            private_folder(self.socket.parent)
        private_folder(self.log_folder)


def place_of(choice: ModelChoice) -> Place:
    """The place of the daemon that runs what `choice` means."""
    # An upgraded package is another daemon, and so is the same version in another environment.
    parts = (__version__, __file__, sys.prefix, *choice.resolved().options())
    digest = hashlib.sha256(b"\0".join(map(os.fsencode, parts))).hexdigest()[:16]
    return Place(f"redraft-{digest}", runtime_folder(), log_folder())


def places() -> list[Place]:
    """The places where a daemon runs or has died, the newest first."""
    folder = runtime_folder()
    locks = sorted(folder.glob("redraft-*.lock"), key=_modified, reverse=True)
    return [Place(lock.stem, folder, log_folder()) for lock in locks]


def logs() -> list[Path]:
    """The logs of all daemons there were, the newest first."""
    return sorted(log_folder().glob("redraft-*.log"), key=_modified, reverse=True)


def runtime_folder() -> Path:
    """Where sockets, locks and tokens are; raises RuntimeFolderError."""
    if folder := os.environ.get(_FOLDER):
        return Path(folder).absolute()
    import platformdirs

    try:
        with warnings.catch_warnings():
            # Outside a desktop there often is no XDG_RUNTIME_DIR, and nothing is wrong with the folder it takes then.
            warnings.simplefilter("ignore")
            return platformdirs.user_runtime_path("redraft", appauthor=False)
    except OSError as error:
        raise RuntimeFolderError(f"There is no folder for sockets ({error}); {_ADVICE}") from error


def log_folder() -> Path:
    """Where logs are."""
    if folder := os.environ.get(_LOG_FOLDER):
        return Path(folder).absolute()
    import platformdirs

    return platformdirs.user_log_path("redraft", appauthor=False)


def private_folder(folder: Path) -> None:
    """Make `folder` if it is not there; raises RuntimeFolderError if others could get at what is in it.

    The folders around it that are missing are made as private: whoever looks for a place for such a folder, as
    platformdirs does, passes over one that is open to others.
    """
    try:
        for parent in reversed([parent for parent in folder.parents if not parent.exists()]):
            parent.mkdir(mode=0o700, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
    except OSError as error:
        raise RuntimeFolderError(
            f"{folder} cannot be made a folder of Redraft's: {error.strerror}; {_ADVICE}"
        ) from error
    if sys.platform == "win32":
        return
    if not stat.S_ISDIR(status.st_mode):
        raise RuntimeFolderError(f"{folder} is a link; {_ADVICE}")
    if status.st_uid != os.geteuid():
        raise RuntimeFolderError(f"{folder} belongs to somebody else; {_ADVICE}")
    if status.st_mode & 0o077:
        raise RuntimeFolderError(f"{folder} is open to others; close it with `chmod 700 {folder}`.")


def write_private(path: Path, text: str) -> None:
    """Put `text` into a new file that only its owner can read, in place of any older one."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123  (a descriptor has no path)
        file.write(text)


def _short_folder(folder: Path) -> Path:
    """A folder for the sockets of `folder`, whose own path is too long for one."""
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    return Path(f"/tmp/redraft-{os.geteuid()}-{digest}")


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
