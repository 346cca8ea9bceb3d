"""A few steps of training, to be started by torchrun; each process leaves its weights and its report."""

import json
import sys
from pathlib import Path

from redraft_model.train.distributed import ProcessGroup
from redraft_model.train.loop import go_on
from redraft_model.train.time_box import TimeBox
from redraft_model.train.trainer import Run, TrainSettings, batch_stream
from safetensors.torch import save_file


def main(data: Path, tokenizer: Path, out: Path) -> None:
    group = ProcessGroup.from_environment()
    settings = TrainSettings(
        "nano", data, tokenizer, out / "run", tokens=6000, batch_tokens=512, batches_per_chunk=4, longest=96,
        evaluate_batches=2, log_every=1, n_workers=0,
    )  # fmt: skip
    run = Run(settings, group)
    with group.joined(run.device):
        report = go_on(run, batch_stream(settings), TimeBox(None))
    weights = {name: value.contiguous() for name, value in run.model.state_dict().items()}
    save_file(weights, out / f"weights-{group.rank}.safetensors")
    same = {"finished": report.finished, "step": report.step, "tokens": report.tokens}
    (out / f"report-{group.rank}.json").write_text(json.dumps(same))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
