"""Calibrate a checkpoint: which solution of a repair search is best, how likely it is right, and how likely the rest of a line is.

    python benchmarks/calibrate.py DATA [--checkpoint FOLDER] [--minutes 20] [--jobs N] [--seed 0] [--only-sweep]

DATA is a folder of token shards that the network was not trained on (`heldout` of `redraft data build`). Pieces of its files
are broken by syntax and semantic noise and repaired, or lose the rest of a line. N processes of one thread each (default: one for
every core) do so until the time is up; `SHARES` of it are for repair searches, for the sweep over whole functions, for what
retrieval finds of lines, for rests of lines, and for searches of several sizes. The weights are judged on files they were not
fitted to, fitted again to all, and written to calibration.json in the checkpoint's folder. Prints Markdown; draws
docs/figures/reliability.svg and search.svg.

With --base the folder of a pretrained base is given as much time again: it judges solutions, words and rests of lines, and the
weights of what it says are fitted and written beside the others.

With --only-sweep all of the time is for functions that parse, and only the weights of the sweep are fitted again.
"""

import argparse
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from redraft_model.calibration.weights import load_calibration
from redraft_model.evaluate.machine import Machine
from redraft_model.feature_weights import FeatureWeights, JudgedWeights
from redraft_model.fit.figures import Budget, draw_budgets, draw_reliability
from redraft_model.fit.fitting import (
    fit,
    fit_judged_completion,
    fit_judged_misuse,
    fit_judged_repair,
    fit_misuse,
    hand_set,
    hand_set_for_lines,
)
from redraft_model.fit.gathering import SweepExample
from redraft_model.fit.judging import Prediction, Verdict, bins, brier, brier_of_the_mean, judge
from redraft_model.fit.workers import (
    Material,
    Workers,
    judged_lines,
    judged_searches,
    judged_sweeps,
    lines,
    outcomes,
    retrievals,
    searches,
    sweeps,
)
from redraft_model.network.checkpoint_info import BUNDLED
from redraft_model.repair.settings import Search

FIGURES = Path(__file__).parents[1] / "docs" / "figures"

BUDGETS = {
    "smallest: beam 1, 8 candidates": Search(beam=1, n_candidates=8, n_opened=8, patience=0),
    "small: beam 3, 16 candidates": Search(beam=3, n_candidates=16, n_opened=16, patience=1),
    "default: beam 6, 32 candidates": Search(),
    "large: beam 12, 64 candidates": Search(
        beam=12, n_candidates=64, n_opened=64, patience=4, n_solutions=32
    ),
}

SHARES = {"searches": 0.3, "sweep": 0.3, "retrieval": 0.05, "lines": 0.25, "budgets": 0.1}
JUDGED_SHARES = {"searches": 0.3, "sweep": 0.4, "lines": 0.3}


def main() -> None:
    options = _options()
    material = Material(options.checkpoint, options.data, options.seed, options.base)
    seconds = 60 * options.minutes
    with Workers(material, options.jobs) as workers:
        if options.only_sweep:
            only_sweep(options.checkpoint, workers.gather(sweeps, seconds))
            return
        searched = workers.gather(searches, SHARES["searches"] * seconds)
        swept = workers.gather(sweeps, SHARES["sweep"] * seconds)
        retrieved = workers.gather(retrievals, SHARES["retrieval"] * seconds)
        completed = workers.gather(lines, SHARES["lines"] * seconds, fit([], [], [], retrieved).completion)
        fitted = judge(searched, swept, completed)
        # Where they are no better than the orders that were set by hand and measured on real programs, those stay.
        ranking = hand_set(Search()) if fitted.n_after <= fitted.n_before else None
        line_ranking = hand_set_for_lines() if fitted.n_lines_after <= fitted.n_lines_before else None
        verdict = judge(searched, swept, completed, ranking, line_ranking)
        weights = fit(searched, swept, completed, retrieved, ranking=ranking, line_ranking=line_ranking)
        # These files gave the weights as well; the budgets are compared with each other, under the same weights.
        compared = workers.gather(outcomes, SHARES["budgets"] * seconds, weights.repair, BUDGETS)
        if options.base is not None:
            weights = replace(weights, judged=judged(workers, material, weights, seconds))
    budgets = [
        Budget(name, tuple(outcome for size, outcome in compared if size == name))
        for name in BUDGETS
        if any(size == name for size, _ in compared)
    ]
    path = weights.calibration().save(options.checkpoint)
    draw_reliability({"repairs": verdict.repairs, "lines": verdict.lines}, FIGURES / "reliability.svg")
    draw_budgets(budgets, FIGURES / "search.svg")
    print(report(options.checkpoint, verdict, fitted, weights, budgets))
    print(f"written: {path}")


def judged(workers: Workers, material: Material, weights: FeatureWeights, seconds: float) -> JudgedWeights:
    """The weights of what the base says, which is asked for so many seconds in all."""
    searched = workers.gather(judged_searches, JUDGED_SHARES["searches"] * seconds, weights.repair)
    swept = workers.gather(judged_sweeps, JUDGED_SHARES["sweep"] * seconds, weights.misuse)
    completed = workers.gather(judged_lines, JUDGED_SHARES["lines"] * seconds, weights.completion)
    print(f"judged: {len(searched)} searches, {len(swept)} functions, {len(completed)} rests of lines")
    return JudgedWeights(
        material.reader.base.fingerprint,
        fit_judged_repair(searched, weights.repair),
        fit_judged_misuse(swept),
        fit_judged_completion(completed),
    )


def only_sweep(folder: Path, swept: Sequence[SweepExample]) -> None:
    """Fit the sweep's weights again, and leave the others of the checkpoint's calibration as they are."""
    known = load_calibration(folder)
    if known is None:
        raise SystemExit(f"{folder} has no calibration; leave --only-sweep away")
    weights = replace(FeatureWeights.of(known), misuse=fit_misuse(swept))
    print(about_sweep(judge([], swept), weights))
    print(f"written: {weights.calibration().save(folder)}")


def report(
    checkpoint: Path,
    verdict: Verdict,
    fitted: Verdict,
    weights: FeatureWeights,
    budgets: list[Budget],
) -> str:
    """What was found, as Markdown."""
    lines = [
        f"{checkpoint.name} on {Machine.here(1)}",
        "",
        f"{verdict.n} searches, the right solution among {verdict.n_found}; first by the hand-set score in "
        f"{verdict.n_before}, by fitted weights in {fitted.n_after}; {verdict.n_after} with the ranking that was written.",
        f"{verdict.n_lines} rests of lines, the right one among {verdict.n_lines_found}; first by the network's mean in "
        f"{verdict.n_lines_before}, by fitted weights in {fitted.n_lines_after}; {verdict.n_lines_after} as written.",
        about_sweep(verdict, weights),
        "",
        *reliability("repairs", verdict.repairs),
        *reliability("lines", verdict.lines),
        "| search | n | right | mean ms | median ms |",
        "|---|---:|---:|---:|---:|",
        *(budget.row() for budget in budgets),
    ]
    return "\n".join(lines)


def about_sweep(verdict: Verdict, weights: FeatureWeights) -> str:
    """What the sweep does to files its weights have not seen."""
    return (
        f"Sweep: {verdict.n_clean_changed} of {verdict.n_clean} clean pieces changed, {verdict.n_undone} of "
        f"{verdict.n_corrupted} corrupted ones undone; threshold {weights.misuse.threshold:.3f}."
    )


def reliability(name: str, judged: Sequence[Prediction]) -> list[str]:
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
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes; default: the cores")
    parser.add_argument("--seed", default="0", help="draws pieces and noise")
    parser.add_argument("--base", type=Path, help="folder of a pretrained base, to fit what it says as well")
    parser.add_argument("--only-sweep", action="store_true", help="fit nothing but the weights of the sweep")
    options = parser.parse_args()
    if options.jobs < 1:
        parser.error(f"{options.jobs} processes gather nothing; pass --jobs 1 or more")
    return options


if __name__ == "__main__":
    main()
