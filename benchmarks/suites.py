"""The results page: every suite whose file is in the benchmark folder, with the model and with the baselines.

    python benchmarks/suites.py --data FOLDER [--limit N] [--suite NAME ...] [--checkpoint FOLDER]
        [--model auto|tiny|base|FOLDER]

Writes docs/results.md anew, and the numbers without the single items to benchmarks/results/suites-<machine>.json,
or suites-<machine>-base.json if a base judged.
The page is written after every suite, so a run that is stopped leaves what it has measured.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

import torch
from redraft_model.errors import RedraftError
from redraft_model.evaluate import SUITES, run_suite
from redraft_model.evaluate.baselines import BASELINES
from redraft_model.evaluate.machine import Machine
from redraft_model.evaluate.report import Floor, render
from redraft_model.evaluate.result import Result
from redraft_model.passage import About
from redraft_server.loading import open_engine
from redraft_server.model_choice import AUTO, ModelChoice
from redraft_server.report import model_name


def _rates(parse: float, bifi: float) -> dict[str, str]:
    return {"parse": f"{parse} %", "BIFI rule": f"{bifi} %"}


# Quoted from the notes that come with the benchmark files, not measured by this script: all 286 programs, of which this
# suite's file holds 85.
FLOORS = (
    Floor("syntax_pydex", "ruff 0.17.5 --fix --unsafe-fixes", 286, _rates(0, 0)),
    Floor("syntax_pydex", "autopep8, aggressive", 286, _rates(2.8, 2.1)),
    Floor("syntax_pydex", "parso error recovery, error nodes deleted", 286, _rates(60.1, 5.9)),
    Floor("syntax_pydex", "tree-sitter recovery, all programs", 286, _rates(58.0, 36.4)),
    Floor("syntax_pydex", "about 60 hand-written rules after Python's message", 286, _rates(55.6, 51.7)),
)
ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "results.md"
RESULTS = ROOT / "benchmarks" / "results"


def main() -> None:
    options = _options()
    if options.render is not None:
        render_saved(options.render, options.page)
        return
    names = available(options.data, options.suite)
    engine = open_engine(ModelChoice(options.checkpoint, options.device, options.model))
    machine = Machine.here(torch.get_num_threads(), engine.about.device)
    results: list[Result] = []
    for name in names:
        for candidate in (engine, *BASELINES):
            start = perf_counter()
            result = run_suite(name, options.data, candidate, limit=options.limit, seed=options.seed)
            result = replace(result, system=model_name(candidate.about), records=())
            results.append(result)
            seconds = perf_counter() - start
            print(f"{name}, {result.system}: {result.n} items, {seconds:.0f} s", file=sys.stderr)
        write(options.page, results, engine.about, machine, options.limit)
        save(saved_in(engine.about, machine), results, engine.about, machine)


def saved_in(about: About, machine: Machine) -> Path:
    """Where the numbers of this model on this machine are kept."""
    return RESULTS / f"suites-{machine.slug}{'-base' if about.base else ''}.json"


def render_saved(path: Path, page: Path) -> None:
    """Write the page from the numbers of an earlier run."""
    saved = json.loads(path.read_text("utf-8"))
    results = [Result.from_json(json.dumps(result)) for result in saved["suites"]]
    about = About(
        saved["checkpoint"],
        "",
        saved["n_parameters"],
        0,
        saved["trained_tokens"],
        (),
        saved["machine"]["device"],
        base=saved.get("base"),
    )
    limits = [result.limit for result in results if result.limit is not None]
    write(page, results, about, Machine(**saved["machine"]), max(limits, default=None))


def available(data: Path, wanted: Sequence[str]) -> list[str]:
    """The suites to run: those wanted (default: all) that have their file in `data`; at least one."""
    names = list(wanted) or list(SUITES)
    found = [name for name in names if (data / SUITES[name].file).is_file()]
    for name in names:
        if name not in found:
            print(f"{name} is left out: {data} has no {SUITES[name].file}", file=sys.stderr)
    if not found:
        raise SystemExit(f"{data} has no file of {', '.join(names)}; pass the folder with the benchmarks")
    return found


def write(page: Path, results: Sequence[Result], about: About, machine: Machine, limit: int | None) -> None:
    """Write the page: what was measured, with which checkpoint, one table a suite."""
    text = render(
        results,
        machine=machine,
        date=datetime.now(UTC).date().isoformat(),
        command="make bench DATA=FOLDER" + (f" LIMIT={limit}" if limit else ""),
        floors=FLOORS,
        about={name: suite.about for name, suite in SUITES.items()},
    )
    model = (
        f"Checkpoint `{about.name}`: {about.n_parameters / 1e6:.1f} M parameters, trained on "
        f"{about.trained_tokens:,} tokens{_judge(about)}. This page is written by `benchmarks/suites.py`; "
        "the other rows are baselines that use no model. Rows of 286 programs are quoted from the notes of the benchmark, "
        "not measured here, and on more programs than ours. The repair search was set while looking at syntax_pydex: its "
        "rows are development numbers, and flattering ones. What each suite asks, and how it judges, is on "
        "[the page about evaluation](evaluation.md).\n"
    )
    head, rest = text.split("\n\n", 1)
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(f"{head}\n\n{model}\n{rest.rstrip()}\n", encoding="utf-8")


def _judge(about: About) -> str:
    return f"; the pretrained base {about.base} judges what it proposes" if about.base else ""


def save(path: Path, results: Sequence[Result], about: About, machine: Machine) -> None:
    """The same numbers for programs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    report = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine.fields(),
        "model": model_name(about),
        "checkpoint": about.name,
        "base": about.base,
        "n_parameters": about.n_parameters,
        "trained_tokens": about.trained_tokens,
        "suites": [json.loads(result.to_json()) for result in results],
    }
    path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Run the benchmark suites and write the results page.")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--data", type=Path, help="folder with the benchmark files")
    source.add_argument("--render", type=Path, help="only write the page anew, from this file of numbers")
    parser.add_argument("--suite", action="append", default=[], choices=SUITES, help="only this one")
    parser.add_argument("--limit", type=int, default=None, help="at most N random items a suite")
    parser.add_argument("--seed", type=int, default=0, help="draws the subset")
    parser.add_argument("--checkpoint", type=Path, default=None, help="folder; default: the bundled one")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--model", default=AUTO, help="auto, tiny, base or the folder of a base")
    parser.add_argument("--page", type=Path, default=PAGE, help="the page to write")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        main()
    except RedraftError as error:
        raise SystemExit(f"suites.py: {error}") from error
