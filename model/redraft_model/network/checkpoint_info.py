"""Where the bundled checkpoint is, and what a checkpoint has learnt to do: known without loading it, or torch."""

import contextlib
import json
from pathlib import Path

BUNDLED = Path(__file__).parents[1] / "checkpoints" / "tiny"

ALWAYS = ("repair", "complete")


def learnt_actions(folder: Path | None = None) -> tuple[str, ...]:
    """The actions of the checkpoint in `folder` (None: the bundled one).

    Where they cannot be read it is ALWAYS; whoever loads such a checkpoint is told what is wrong with it.
    """
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        config = json.loads(((folder or BUNDLED) / "config.json").read_text("utf-8"))
        actions = config["training"]["actions"]
        if isinstance(actions, list) and all(isinstance(action, str) for action in actions):
            return tuple(actions)
    return ALWAYS
