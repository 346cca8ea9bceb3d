"""The model card: what the bundled checkpoint is, what it was trained on and how, and what it is not good for.

    python benchmarks/model_card.py --run RUN --report DATA/report.json [--page docs/model_card.md]

RUN is the folder of a training run: its `checkpoint/` is copied into the package, its metrics become the figure. The card
describes this one checkpoint. The runs before it are in docs/model-history.md, which is written by hand: before the card is
written anew for another data set, its section "Data" moves there.
"""

import argparse
import json
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from redraft_model.calibration.weights import FILE as CALIBRATION_FILE
from redraft_model.data.samples import Mixture
from redraft_model.evaluate.machine import Machine
from redraft_model.network.checkpoint import load_checkpoint
from redraft_model.network.checkpoint_info import BUNDLED
from redraft_model.train.curves import draw
from redraft_model.train.stages import recipe_named

ROOT = Path(__file__).parents[1]
FIGURE = Path("figures") / "training.svg"
METRICS = ROOT / "benchmarks" / "results" / "training-tiny"

USE = """\
The checkpoint is for Redraft's own commands and editors. It repairs Python code that does not parse, completes a line, and
points at names, operators and literals that are likely wrong. A person reads each change before it counts. It is no general
language model: it sees text only between region markers, and it answers with edit labels.
"""

PROCESS_WORDS = {
    "mask": "tokens become masks",
    "edit": "random tokens are deleted, inserted, substituted, repeated or swapped",
    "syntax": "syntax mutators break the code, so that it no longer parses",
    "semantic": "a semantic bug: a wrong name, operator, literal or the like, in code that still parses",
    "span": "a piece of the code is cut out, and masks stand in its place",
    "keep": "nothing is wrong",
    "real": "code before a fix that somebody made; or code after it, broken by syntax mutators",
}

LIMITS = """\
- It knows Python only. It sees a window of a few hundred tokens around a problem.
- It was trained on library code. Short scripts and exercises look different.
- It knows syntax far better than meaning. With `--semantic` most real bugs go unnoticed.
- It completes short, common continuations. It does not write programs.
- It has never been told what a program is for. Read what it changes.
"""


@dataclass(frozen=True)
class Facts:
    """What the card is rendered from."""

    config: dict[str, Any]
    report: dict[str, Any]
    rows: list[dict[str, Any]]
    n_parameters: int
    machine: Machine
    date: str


def main() -> None:
    options = _options()
    if options.run is not None:
        shutil.copytree(options.run / "checkpoint", BUNDLED, dirs_exist_ok=True)
        # It belongs to the weights that were here; `make calibrate` fits another one.
        (BUNDLED / CALIBRATION_FILE).unlink(missing_ok=True)
        METRICS.mkdir(parents=True, exist_ok=True)
        shutil.copy(options.run / "metrics.jsonl", METRICS)
    draw(METRICS, options.page.parent / FIGURE)
    checkpoint = load_checkpoint(BUNDLED, torch.device("cpu"))
    facts = Facts(
        json.loads((BUNDLED / "config.json").read_text("utf-8")),
        json.loads(options.report.read_text("utf-8")),
        [json.loads(line) for line in (METRICS / "metrics.jsonl").read_text("utf-8").splitlines()],
        checkpoint.model.n_parameters,
        Machine.here(torch.get_num_threads(), "cpu"),
        f"{datetime.now(UTC):%Y-%m-%d}",
    )
    options.page.write_text(render(facts), "utf-8")


def render(facts: Facts) -> str:
    """The card as Markdown."""
    model, training = facts.config["model"], facts.config["training"]
    sections = [
        f"# Model card: tiny ({facts.date})",
        "A bidirectional transformer over code tokens, trained from random weights as a discrete diffusion model that edits "
        "(see [ARCHITECTURE.md](../ARCHITECTURE.md)). It comes with the package and does all of its work on the user's machine. "
        "This card describes the checkpoint that ships; the runs before the last one, and what they were trained on, are in "
        "[the appendix](model-history.md).",
        _table(
            ("what", "value"),
            [
                ("parameters", f"{facts.n_parameters:,}"),
                ("layers, width, heads", f"{model['n_layers']}, {model['width']}, {model['n_heads']}"),
                ("vocabulary", f"{model['n_vocabulary']:,} byte-level BPE entries"),
                ("weights", "int8, one scale per row"),
                ("actions", ", ".join(training["actions"])),
                ("tokens seen", f"{training['tokens']:,} in {training['steps']:,} steps"),
                (
                    "recipe",
                    f"`{training['recipe']}` (train/stages.py): Muon on matrices, AdamW on the rest",
                ),
                (
                    "time",
                    f"{training['seconds'] / 3600:.1f} h, the last run on {facts.machine}, shared with other work",
                ),
            ],
        ),
        "## Intended use",
        USE,
        "## Data",
        "The last run was trained on this collection:",
        _data(facts.report),
        *([_real_fixes(training["origins"])] if training.get("origins") else []),
        "## Training",
        f"The last run followed the recipe `{training['recipe']}`. Each of its stages draws the forward process of a sample with "
        "these probabilities, in per cent. The last column is the share of correct tokens that carry loss.",
        _stages(training["recipe"]),
        _table(
            ("process", "what it does to good code"),
            [(f"`{name}`", PROCESS_WORDS[name]) for name in PROCESS_WORDS],
        ),
        "## Curves",
        f"![loss and accuracy on held-out packages]({FIGURE.as_posix()})",
        "*All runs, from the first token to the last.*",
        "Accuracy of the last evaluation, on held-out packages, by forward process and kind of label:",
        _table(("process / label", "right"), _accuracies(facts.rows)),
        "## Results",
        "The development benchmarks are on [the results page](results.md), other measurements on "
        "[the page about evaluation](evaluation.md).",
        "## Limits",
        LIMITS,
        "## Licence",
        "The weights are under the licence of this package, Apache-2.0. The training text is other people's open-source code, "
        "under the licences above; none of it is part of the package.",
    ]
    return "\n\n".join(section.strip() for section in sections) + "\n"


def _real_fixes(origins: list[str]) -> str:
    return (
        f"The last phase also showed fixes that people have made, of these collections: {', '.join(origins)}. "
        "Results on them say nothing and are not reported."
    )


def _stages(recipe: str) -> str:
    rows = [
        (
            f"`{stage.name}`",
            _percent(stage.share),
            *_shares(stage.mixture),
            _percent(stage.mixture.kept_share),
        )
        for stage in recipe_named(recipe).stages
    ]
    return _table(("stage", "of all tokens", *PROCESS_WORDS, "correct tokens asked"), rows)


def _shares(mixture: Mixture) -> list[str]:
    weights = [mixture.share(name) for name in PROCESS_WORDS]
    return [f"{100 * weight / sum(weights):.0f}" for weight in weights]


def _data(report: dict[str, Any]) -> str:
    train, heldout = report["train"], report["heldout"]
    licences = Counter[str]()
    for package in report["packages"]:
        licences[package["licence"]] += package["n_bytes"]
    dropped = [
        (drop["reason"], f"{drop['n_files']:,}", _megabytes(drop["n_bytes"])) for drop in report["dropped"]
    ]
    return "\n\n".join(
        [
            f"{train['n_files']:,} files, {_megabytes(train['n_bytes'])}, {train['n_tokens']:,} tokens of Python: the standard "
            f"libraries of several Python versions and installed packages. {heldout['n_files']:,} files of other packages "
            f"({heldout['n_tokens']:,} tokens) were held out for the curves. Left out, of {report['n_files']:,} files seen:",
            _table(("reason", "files", "size"), dropped),
            "“Repeats a benchmark” means that the file shares three or more stretches of 13 tokens, or a tenth of all "
            "it has, with an evaluation set; such files are never trained on. Licences, as the packages declare them "
            "(the standard libraries, under the PSF licence, declare none):",
            _table(
                ("licence", "size"), [(name, _megabytes(size)) for name, size in licences.most_common(16)]
            ),
        ]
    )


def _accuracies(rows: list[dict[str, Any]]) -> list[tuple[str, str]]:
    last = next(row for row in reversed(rows) if any(name.startswith("accuracy/") for name in row))
    return [
        (name.removeprefix("accuracy/").replace("/", " / "), _percent(value))
        for name, value in sorted(last.items())
        if name.startswith("accuracy/")
    ]


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _megabytes(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:.1f} MB"


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in [head, ("---",) * len(head), *rows]]
    return "\n".join(lines)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run", type=Path, help="a training run to take the checkpoint from")
    parser.add_argument(
        "--report", type=Path, required=True, help="report.json of the data the run was trained on"
    )
    parser.add_argument("--page", type=Path, default=ROOT / "docs" / "model_card.md")
    return parser.parse_args()


if __name__ == "__main__":
    main()
