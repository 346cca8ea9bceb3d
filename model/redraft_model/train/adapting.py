"""A checkpoint is fine-tuned on one repository within minutes, with small rates and from its own weights.

Knows nothing of where the result is kept, nor of whether it is any better.
"""

from collections.abc import Callable
from pathlib import Path

from redraft_model.calibration.weights import load_calibration
from redraft_model.data.shards import Shards
from redraft_model.errors import DataError
from redraft_model.network.checkpoint import read_shape
from redraft_model.network.config import SIZES, ModelConfig
from redraft_model.network.hardware import device_named
from redraft_model.train.loop import Progress, Report
from redraft_model.train.trainer import TrainSettings, train

RECIPE = "adapt"
PASSES = 30  # over the repository, at most: later ones would be learnt by heart
RATE = 0.2  # of the rates of a run from random weights; at 0.6 what was known before is lost
BATCH_TOKENS = 2048


def adapt(
    checkpoint: Path,
    shards: Path,
    out: Path,
    seconds: float,
    *,
    is_stopped: Callable[[Progress], bool] = lambda progress: False,
    device: str = "auto",
) -> Report:
    """Train in the folder `out` for up to `seconds`, or go on with what an earlier call has begun there.

    `out/checkpoint` is the result, with the calibration of the checkpoint it comes from. `shards` has `train/`. Raises DataError
    and CheckpointError.
    """
    n_tokens = Shards.open(shards / "train").n_tokens
    settings = TrainSettings(
        size=size_of(checkpoint),
        data=shards,
        tokenizer=checkpoint / "tokenizer.json",
        out=out,
        tokens=PASSES * max(1, n_tokens),
        seconds=seconds,
        batch_tokens=BATCH_TOKENS,
        batches_per_chunk=4,
        recipe=RECIPE,
        matrix_rate=TrainSettings.matrix_rate * RATE,
        other_rate=TrainSettings.other_rate * RATE,
        device=str(device_named(device)),
        n_workers=0,
        save_minutes=1.0,
        # What it is worth is measured in completions, once, when it is done.
        evaluate_batches=0,
        start_from=checkpoint,
    )
    report = train(settings, is_stopped=is_stopped)
    if calibration := load_calibration(checkpoint):
        calibration.save(out / "checkpoint")
    return report


def size_of(checkpoint: Path) -> str:
    """The name of the checkpoint's size; DataError if it has none."""
    shape = read_shape(checkpoint)
    for name in SIZES:
        if ModelConfig.named(name, shape.n_vocabulary, shape.mask_id or 0, shape.context) == shape:
            return name
    raise DataError(f"{checkpoint} has a shape of its own; adapt a checkpoint of size {', '.join(SIZES)}")
