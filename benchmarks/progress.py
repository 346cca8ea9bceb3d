"""How far training has come: what checkpoints do with the same held-out pieces.

    python benchmarks/progress.py DATA CHECKPOINT [CHECKPOINT ...] [--n 200]

DATA is a folder of token shards that the networks were not trained on. Adds a row for each checkpoint to those in
benchmarks/results/training-tiny/progress.json, draws all of them to docs/figures/progress.svg and prints them as
Markdown. One thread.
"""

import argparse
import json
from pathlib import Path

import torch
from redraft_model.data.shards import Shards
from redraft_model.fit.progress import LEVELS, Progress, draw_progress, measure
from redraft_model.network.checkpoint import load_checkpoint

ROOT = Path(__file__).parents[1]
ROWS = ROOT / "benchmarks" / "results" / "training-tiny" / "progress.json"
FIGURE = ROOT / "docs" / "figures" / "progress.svg"


def main() -> None:
    options = _options()
    torch.set_num_threads(1)
    shards = Shards.open(options.data)
    rows = {row.tokens: row for row in _read(options.rows)}
    for folder in options.checkpoints:
        checkpoint = load_checkpoint(folder, torch.device("cpu"), calibrated=False)
        shards.require_tokenizer(checkpoint.tokenizer.sha256)
        rows[checkpoint.training.tokens] = measure(checkpoint, shards, options.n)
        found = [rows[number].to_json() for number in sorted(rows)]
        options.rows.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    draw_progress(list(rows.values()), options.figure)
    print("| tokens | " + " | ".join(f"{level:.0%} masked" for level in LEVELS) + " | repaired | lines | n |")
    print("|---:|" + "---:|" * (len(LEVELS) + 3))
    for number in sorted(rows):
        row = rows[number]
        nats = " | ".join(f"{value:.2f}" for value in row.nats)
        print(f"| {row.tokens:,} | {nats} | {row.n_repaired} | {row.n_completed} | {row.n} |")


def _read(path: Path) -> list[Progress]:
    return [Progress.from_json(row) for row in json.loads(path.read_text("utf-8"))] if path.exists() else []


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure and draw how far training has come.")
    parser.add_argument("data", type=Path, help="token shards the networks have not seen")
    parser.add_argument("checkpoints", type=Path, nargs="+", help="folders of checkpoints")
    parser.add_argument("--n", type=int, default=200, help="pieces for each measurement")
    parser.add_argument(
        "--rows", type=Path, default=ROWS, help="rows of earlier checkpoints, and the new ones"
    )
    parser.add_argument("--figure", type=Path, default=FIGURE, help="where the curves go")
    return parser.parse_args()


if __name__ == "__main__":
    main()
