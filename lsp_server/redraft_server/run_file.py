"""`--run-file`: what a long run has done, a line of JSON for each file, so that the same command goes on where it stopped.

A file is done if its bytes are those that the run has left; what could not be worked on is tried again. A line that was cut
off when a run died is overlooked.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from redraft_model.errors import RedraftError
from redraft_model.passage import Cost

from redraft_server import __version__
from redraft_server.finding import Finding, Region, Replacement
from redraft_server.lock import Lock
from redraft_server.report import Result, Status

_HEAD = "redraft"
_TO_DO = (Status.SKIPPED, Status.FAILED)


class RunFileError(RedraftError):
    """A run file cannot be used."""


class RunFile:
    """An open run file: a context manager, and used by one run at a time."""

    def __init__(self, path: Path, done: dict[str, tuple[str, Result]], file: BinaryIO, lock: Lock) -> None:
        self.path = path
        self._done = done
        self._file = file
        self._lock = lock

    @classmethod
    def opened(cls, path: Path, options: Mapping[str, str]) -> "RunFile":
        """The run file `path` of a run with these options, made if it is not there.

        Raises RunFileError if it cannot be used, belongs to a run with other options, or another run uses it.
        """
        head = {_HEAD: __version__, "folder": str(Path.cwd()), **options}
        if path.exists() and not (path.is_file() or path.is_dir()):
            # A pipe would block for ever, a device might never end.
            raise RunFileError(f"{path} is there and is no run file; name another --run-file")
        lock: Lock | None = None
        try:
            lock = Lock.taken(path.with_name(path.name + ".lock"))
            if lock is None:
                raise RunFileError(f"another run uses {path}; wait for it, or name another --run-file")
            data = path.read_bytes() if path.exists() else b""
            done = _read(path, data, head)
            file = path.open("ab")
            if not data:
                _append(file, head)
            elif not data.endswith(b"\n"):
                file.write(b"\n")
            return cls(path, done, file, lock)
        except (OSError, RunFileError) as error:
            if lock is not None:
                lock.release()
            if isinstance(error, OSError):
                raise RunFileError(_unusable(path, error)) from error
            raise

    def __enter__(self) -> "RunFile":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._file.close()
        except OSError as trouble:
            raise RunFileError(_unusable(self.path, trouble)) from trouble
        finally:
            self._lock.release()

    def result(self, name: str, data: bytes) -> Result | None:
        """What a call before this one has found out about the file `name`, which holds `data`; None if it is still to be done."""
        digest, result = self._done.get(name, ("", None))
        return result if digest == _digest(data) else None

    def add(self, result: Result, data: bytes) -> None:
        """Note that a file is done, and holds `data` now; raises RunFileError."""
        if result.status in _TO_DO:
            return
        try:
            _append(self._file, {"sha256": _digest(data), "result": asdict(result)})
        except OSError as error:
            raise RunFileError(_unusable(self.path, error)) from error


def _append(file: BinaryIO, value: object) -> None:
    file.write(json.dumps(value).encode() + b"\n")
    file.flush()


def _read(path: Path, data: bytes, head: dict[str, str]) -> dict[str, tuple[str, Result]]:
    """The files that are done, by their names."""
    first, *lines = data.split(b"\n")
    if not data:
        return {}
    found = _object(first)
    if _HEAD not in found:
        raise RunFileError(f"{path} is there and is no run file; name another --run-file")
    if found != head:
        other = ", ".join(name for name in {**found, **head} if found.get(name) != head.get(name))
        raise RunFileError(f"{path} belongs to another run (different: {other}); name another --run-file")
    done: dict[str, tuple[str, Result]] = {}
    for line in lines:
        entry = _object(line)
        try:
            result = _result(entry["result"])
            done[result.name] = str(entry["sha256"]), result
        except (KeyError, TypeError, ValueError):
            continue
    return done


def _object(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _result(fields: dict[str, Any]) -> Result:
    finding = fields["finding"]
    changes = [Replacement(Region(**change["region"]), change["text"]) for change in fields["replacements"]]
    return Result(
        **{
            **fields,
            "status": Status(fields["status"]),
            "cost": Cost(**fields["cost"]),
            "finding": finding and Finding(**{**finding, "region": Region(**finding["region"])}),
            "replacements": tuple(changes),
        }
    )


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _unusable(path: Path, error: OSError) -> str:
    return f"the run file {path} cannot be used: {error.strerror or error}; name another --run-file"
