"""The one place that loads the model, and with it torch."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from redraft_model.engine import Engine


def open_engine(checkpoint: Path | None, device: str) -> "Engine":
    """The engine with `checkpoint` (None: the bundled one) on `device`; raises CheckpointError."""
    from redraft_server.settings import let_threads_sleep

    let_threads_sleep()
    # This import loads torch, which takes seconds.
    from redraft_model.engine import Engine

    return Engine.load(checkpoint, device)
