"""Calibrate a checkpoint: which solution of a repair search is best, how likely it is right, and how likely the rest of a line is.

    python benchmarks/calibrate.py DATA [--checkpoint FOLDER] [--minutes 20] [--seed 0] [--only-sweep]

DATA is a folder of token shards that the network was not trained on (`heldout` of `redraft data build`). Pieces of its files
are broken by syntax and semantic noise and repaired, or lose the rest of a line, one thread, until the time is up: a quarter of it
for syntax, for the sweep over whole functions, for lines (a quarter of that for what files recall of them), and for searches of
several sizes. The weights are judged on files they were not fitted to, fitted again to all, and written to calibration.json in
the checkpoint's folder. Prints Markdown; draws docs/figures/reliability.svg and search.svg.

With --only-sweep all of the time is for functions that parse, and only the weights of the sweep are fitted again.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from random import Random

import torch
from redraft_model.calibrate.figures import Budget, draw_budgets, draw_reliability
from redraft_model.calibrate.fitting import fit, hand_set, hand_set_for_lines
from redraft_model.calibrate.gathering import (
    Outcome,
    Swept,
    TimeBox,
    broken_piece,
    lines,
    memories,
    outcome,
    searches,
    sweeps,
)
from redraft_model.calibrate.judging import Judged, Verdict, bins, brier, brier_of_the_mean, judge
from redraft_model.calibrate.pieces import function, function_in_file, pieces, statements
from redraft_model.calibrate.projects import Projects
from redraft_model.calibration import Calibration, load_calibration
from redraft_model.checkpoint import Checkpoint, load_checkpoint
from redraft_model.completer import Completer
from redraft_model.data.shards import Shards
from redraft_model.doubt import Sweep
from redraft_model.engine import EngineSettings
from redraft_model.evaluate.machine import Machine
from redraft_model.learnt import BUNDLED
from redraft_model.noise import SyntaxNoise
from redraft_model.proposer import Proposer
from redraft_model.search import Search

FIGURES = Path(__file__).parents[1] / "docs" / "figures"

BUDGETS = {
    "smallest: beam 1, 8 candidates": Search(beam=1, n_candidates=8, n_opened=8, patience=0),
    "small: beam 3, 16 candidates": Search(beam=3, n_candidates=16, n_opened=16, patience=1),
    "default: beam 6, 32 candidates": Search(),
    "large: beam 12, 64 candidates": Search(
        beam=12, n_candidates=64, n_opened=64, patience=4, n_solutions=32
    ),
}


def main() -> None:
    options = _options()
    torch.set_num_threads(1)
    checkpoint = load_checkpoint(options.checkpoint, torch.device("cpu"), calibrated=False)
    shards = Shards.open(options.data)
    shards.require_tokenizer(checkpoint.tokenizer.sha256)
    seconds, seed = 60 * options.minutes, options.seed

    def make() -> Proposer:
        return Proposer(checkpoint.model, checkpoint.tokenizer)

    def drawn(number: int, cut=statements):
        return pieces(shards, checkpoint.tokenizer, Random(f"{seed} {number}"), cut)

    # Of a function alone most names come from nowhere, in its file none that is right.
    alone_and_not = chain.from_iterable(
        zip(drawn(1, function), drawn(5, function), drawn(6, function_in_file), strict=False)
    )
    if options.only_sweep:
        only_sweep(options.checkpoint, sweeps(make, alone_and_not, Sweep(), Random(seed), TimeBox(seconds)))
        return
    searched = searches(make, drawn(0), Search(), Random(seed), TimeBox(seconds / 4))
    swept = sweeps(make, alone_and_not, Sweep(), Random(seed), TimeBox(seconds / 4))
    projects = Projects(shards, checkpoint.tokenizer)
    in_files = zip(drawn(7, function_in_file), projects.around(drawn(10, function_in_file)), strict=False)
    remembered = memories(
        checkpoint.model,
        checkpoint.tokenizer,
        chain.from_iterable(in_files),
        Random(seed),
        TimeBox(seconds / 16),
    )
    settings = EngineSettings()
    completer = Completer(
        checkpoint.model,
        checkpoint.tokenizer,
        settings.line,
        calibration=fit([], [], [], remembered),
    )
    # Functions tell more of their names than pieces of them, and their files and projects what is written again.
    mixed = chain.from_iterable(
        zip(
            drawn(3),
            drawn(4, function),
            drawn(8, function_in_file),
            projects.around(drawn(9, function_in_file)),
            strict=False,
        )
    )
    completed = lines(completer, mixed, Random(seed), TimeBox(seconds * 3 / 16))
    fitted = judge(searched, swept, completed)
    # Where they are no better than the orders that were set by hand and measured on real programs, those stay.
    ranking = hand_set(Search()) if fitted.n_after <= fitted.n_before else None
    line_ranking = hand_set_for_lines() if fitted.n_lines_after <= fitted.n_lines_before else None
    verdict = judge(searched, swept, completed, ranking, line_ranking)
    calibration = fit(searched, swept, completed, remembered, ranking=ranking, line_ranking=line_ranking)
    # These files gave the weights as well; the budgets are compared with each other, under the same weights.
    budgets = compare(checkpoint, drawn(2), calibration, Random(seed), TimeBox(seconds / 4))
    path = calibration.save(options.checkpoint)
    draw_reliability({"repairs": verdict.repairs, "lines": verdict.lines}, FIGURES / "reliability.svg")
    draw_budgets(budgets, FIGURES / "search.svg")
    print(report(checkpoint, verdict, fitted, calibration, budgets))
    print(f"written: {path}")


def only_sweep(folder: Path, swept: Sequence[Swept]) -> None:
    """Fit the sweep's weights again, and leave the others of the checkpoint's calibration as they are."""
    known = load_calibration(folder)
    if known is None:
        raise SystemExit(f"{folder} has no calibration; leave --only-sweep away")
    verdict, fitted = judge([], swept), fit([], swept)
    calibration = replace(
        known, words=fitted.words, sweep=fitted.sweep, sweep_threshold=fitted.sweep_threshold
    )
    print(about_sweep(verdict, calibration))
    print(f"written: {calibration.save(folder)}")


@torch.inference_mode()
def compare(
    checkpoint: Checkpoint, stream, calibration: Calibration, rng: Random, box: TimeBox
) -> list[Budget]:
    """Every budget over the same pieces, a fifth of them with two errors, until the time is up."""

    def make() -> Proposer:
        return Proposer(checkpoint.model, checkpoint.tokenizer)

    found: dict[str, list[Outcome]] = {name: [] for name in BUDGETS}
    while box and (broken := broken_piece(stream, SyntaxNoise(again=0.2, n_breakers_max=2), rng)) is not None:
        for name, search in BUDGETS.items():
            found[name].append(outcome(make, *broken, search, calibration))
    return [Budget(name, tuple(outcomes)) for name, outcomes in found.items() if outcomes]


def report(
    checkpoint: Checkpoint,
    verdict: Verdict,
    fitted: Verdict,
    calibration: Calibration,
    budgets: list[Budget],
) -> str:
    """What was found, as Markdown."""
    lines = [
        f"{checkpoint.path.name} on {Machine.here(1)}",
        "",
        f"{verdict.n} searches, the right solution among {verdict.n_found}; first by the hand-set score in "
        f"{verdict.n_before}, by fitted weights in {fitted.n_after}; {verdict.n_after} with the ranking that was written.",
        f"{verdict.n_lines} rests of lines, the right one among {verdict.n_lines_found}; first by the network's mean in "
        f"{verdict.n_lines_before}, by fitted weights in {fitted.n_lines_after}; {verdict.n_lines_after} as written.",
        about_sweep(verdict, calibration),
        "",
        *reliability("repairs", verdict.repairs),
        *reliability("lines", verdict.lines),
        "| search | n | right | mean ms | median ms |",
        "|---|---:|---:|---:|---:|",
        *(budget.row() for budget in budgets),
    ]
    return "\n".join(lines)


def about_sweep(verdict: Verdict, calibration: Calibration) -> str:
    """What the sweep does to files its weights have not seen."""
    return (
        f"Sweep: {verdict.n_clean_changed} of {verdict.n_clean} clean pieces changed, {verdict.n_undone} of "
        f"{verdict.n_worse} worsened ones undone; threshold {calibration.sweep_threshold:.3f}."
    )


def reliability(name: str, judged: Sequence[Judged]) -> list[str]:
    """A table of what was stated and what was right."""
    return [
        f"Brier score of {len(judged)} {name} {brier(judged):.3f}; {brier_of_the_mean(judged):.3f} for the mean.",
        "",
        "| stated | right | n |",
        "|---:|---:|---:|",
        *(f"| {mean:.2f} | {n_right / n:.2f} | {n} |" for mean, n_right, n in bins(judged)),
        "",
    ]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Fit and judge the calibration of a checkpoint.")
    parser.add_argument("data", type=Path, help="token shards the network has not seen")
    parser.add_argument("--checkpoint", type=Path, default=BUNDLED, help="folder; default: the bundled one")
    parser.add_argument("--minutes", type=float, default=20, help="time box")
    parser.add_argument("--seed", type=int, default=0, help="draws pieces and noise")
    parser.add_argument("--only-sweep", action="store_true", help="fit nothing but the weights of the sweep")
    return parser.parse_args()


if __name__ == "__main__":
    main()
