"""Which model runs, and where: what --checkpoint, --device and --model say together, and what follows from them.

A checkpoint proposes. A pretrained base, if one is loaded beside it, judges what it proposes. Loads nothing but the standard
library: an editor waits for it.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from redraft_model.errors import CheckpointError

AUTO, TINY, BASE = "auto", "tiny", "base"
MODELS = (AUTO, TINY, BASE)
DEVICES = ("auto", "cpu", "cuda")

NOT_INSTALLED = "the base is not installed; run `redraft model get base`"


@dataclass(frozen=True)
class ModelChoice:
    """What the user chose. `checkpoint` None is the bundled one; `model` is one of MODELS or the folder of a base."""

    checkpoint: Path | None = None
    device: str = "auto"
    model: str = AUTO

    @property
    def base_folder(self) -> Path | None:
        """The folder of a base that the user named; None if `model` is one of MODELS."""
        return None if self.model in MODELS else Path(self.model)

    def resolved(self) -> "ModelChoice":
        """The same choice for a process with another current folder."""
        folder = self.base_folder
        return replace(
            self,
            checkpoint=None if self.checkpoint is None else self.checkpoint.resolve(),
            model=self.model if folder is None else str(folder.resolve()),
        )

    def options(self) -> list[str]:
        """The options that make the same choice, on a command line of Redraft's."""
        chosen = [] if self.checkpoint is None else ["--checkpoint", str(self.checkpoint)]
        return ["--device", self.device, *chosen, "--model", self.model]

    def require_folders(self) -> None:
        """Raise CheckpointError if a folder that the user named is not there."""
        if self.checkpoint is not None and not self.checkpoint.is_dir():
            raise CheckpointError(f"there is no checkpoint folder {self.checkpoint}; check --checkpoint")
        if self.base_folder is not None and not self.base_folder.is_dir():
            raise CheckpointError(
                f"there is no folder {self.base_folder} with a base; --model takes {', '.join(MODELS)} or a folder"
            )


@dataclass(frozen=True)
class Decision:
    """The folder of the base that is loaded beside the checkpoint (None: none is), and why."""

    base: Path | None
    reason: str


def decide(choice: ModelChoice, installed: Path | None, *, multiplies_bfloat16: bool) -> Decision:
    """Which base `choice` means, where the base is `installed` in a folder or not, and the device is fast or not.

    Raises CheckpointError if the user insists on a base that is not installed.
    """
    if choice.model == TINY:
        return Decision(None, "--model tiny says so")
    if choice.base_folder is not None:
        return Decision(choice.base_folder, "--model names its folder")
    if choice.model == BASE:
        if installed is None:
            raise CheckpointError(NOT_INSTALLED)
        return Decision(installed, "--model base says so")
    if installed is None:
        return Decision(None, "the base is not installed")
    if not multiplies_bfloat16:
        return Decision(
            None, "this device does not multiply bfloat16, without which the base is too slow for typing"
        )
    return Decision(installed, "the base is installed, and this device multiplies bfloat16")
