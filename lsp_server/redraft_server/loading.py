"""The one place that loads the model, and with it torch."""

import hashlib
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from redraft_model.network.checkpoint_info import BUNDLED

from redraft_server import models
from redraft_server.model_choice import AUTO, Decision, ModelChoice, decide
from redraft_server.settings import let_threads_sleep

if TYPE_CHECKING:
    from redraft_model.engine import Engine


def open_engine(choice: ModelChoice) -> "Engine":
    """The engine that `choice` means; raises CheckpointError."""
    choice.require_folders()
    base = decision(choice).base
    let_threads_sleep()
    # This import loads torch, which takes seconds.
    from redraft_model.engine import Engine

    return Engine.load(choice.checkpoint, choice.device, base)


def fingerprint(choice: ModelChoice) -> str | None:
    """A hash of the files and choices that decide what the engine of `choice` answers; None if they cannot be read.

    Loads no weights, and torch only where `decision` does. Raises CheckpointError.
    """
    base = decision(choice).base
    folder = choice.checkpoint or BUNDLED
    parts = [version("torch"), choice.device, str(folder)]
    try:
        parts += [f"{path.name} {_digest(path)}" for path in sorted(folder.iterdir()) if path.is_file()]
        # A base is large: its weights count by their size and when they were written.
        parts += (
            [] if base is None else [str(base), _digest(base / "config.json"), *map(_state, base.iterdir())]
        )
    except OSError:
        return None
    return hashlib.sha256("\0".join(sorted(parts)).encode()).hexdigest()


def decision(choice: ModelChoice) -> Decision:
    """Which base `choice` means on this machine; raises CheckpointError. Loads torch only if it depends on the device."""
    installed = installed_base()
    is_fast = choice.model == AUTO and installed is not None and multiplies_bfloat16(choice.device)
    return decide(choice, installed, multiplies_bfloat16=is_fast)


def installed_base() -> Path | None:
    """The folder of the base that `redraft model get base` has installed; None if it has not."""
    found = models.find(models.models_folder(), models.BASE.name)
    return found.folder if found else None


def multiplies_bfloat16(device: str) -> bool:
    """Whether the hardware of `device` multiplies bfloat16; raises CheckpointError if there is no such device."""
    let_threads_sleep()
    from redraft_model.network.hardware import device_named, fast_dtype

    return str(fast_dtype(device_named(device))) == "torch.bfloat16"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _state(path: Path) -> str:
    status = path.stat()
    return f"{path} {status.st_size} {status.st_mtime_ns}"
