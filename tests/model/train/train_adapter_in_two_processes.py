"""A few steps of training an adapter, to be started by torchrun; each process leaves its weights."""

import sys
from pathlib import Path

from redraft_model.network.adapter import AdapterConfig
from redraft_model.train.adapter_run import AdapterRun, AdapterSettings, region_stream
from redraft_model.train.distributed import ProcessGroup
from redraft_model.train.loop import go_on
from redraft_model.train.time_box import TimeBox
from safetensors.torch import save_file


def main(base: Path, data: Path, tokenizer: Path, out: Path) -> None:
    group = ProcessGroup.from_environment()
    settings = AdapterSettings(
        base, data, tokenizer, out / "run", tokens=8000, adapter=AdapterConfig(4), batch_tokens=1024,
        batches_per_chunk=2, evaluate_batches=0, evaluate_contexts=2, log_every=1, n_workers=0,
    )  # fmt: skip
    run = AdapterRun(settings, group)
    with group.joined(run.device):
        go_on(run, region_stream(settings, run.base.start_id), TimeBox(None))
    weights = {name: value.contiguous() for name, value in run.adapter.state_dict().items()}
    save_file(weights, out / f"weights-{group.rank}.safetensors")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
