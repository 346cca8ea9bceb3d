"""Plants wrong names, asks ruff or mypy where they are, and counts how often the word that the engine puts there is right.

    python benchmarks/diagnosed.py FOLDER ... [--tool ruff] [--plant names] [--limit 200] [--seed 0] [--base FOLDER]

The folders should hold packages that nothing was tuned on. `--plant` is `names` (misspelt, of another function, reworded),
`variables` (another one of the function), `attributes` of self, or `lost`: a statement that binds a name is taken away, so that no
other word is right. What a tool says of the file as it was does not count. Prints Markdown: for each kind of diagnosis how many
words would change at several bounds and how many of them are right, with the trust that the engine has in that kind.
"""

import argparse
import ast
import os
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import torch
from redraft_model.data.corpus import Source, find, read
from redraft_model.decode.proposer import Proposer
from redraft_model.engine import Engine
from redraft_model.misuse.diagnosed import JUDGED_TRUST, TRUST, offered
from redraft_model.misuse.ranking import shares_beside_nothing
from redraft_model.noise.semantic import Change, misuse_attribute, misuse_variable, unknown_name
from redraft_model.passage import UNWATCHED, Span
from redraft_model.text.scopes import ScopeAnalysis, parsed
from redraft_server.diagnostics.diagnostic import Diagnostic
from redraft_server.diagnostics.linters import Linter
from redraft_server.diagnostics.places import located

MAX_LINES = 400
BOUNDS = (0.95, 0.9, 0.8, 0.7, 0.6, 0.5)
TOOLS = {
    "ruff": "ruff check --isolated --ignore-noqa --no-cache --select F821,F841,F811 --output-format json",
    "mypy": "mypy --output json --ignore-missing-imports --follow-imports skip --check-untyped-defs --cache-dir /dev/null",
}


@dataclass(frozen=True)
class Planted:
    """A text with one change, and what was there before."""

    text: str
    start: int
    right: str


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    engine = Engine.load(device="cpu", base=options.base)
    pairs = list(_pairs(options.folders, options.plant, options.limit, Random(options.seed)))
    found = _diagnosed(pairs, options.tool)
    counts: dict[str, Counter[tuple[str, float]]] = defaultdict(Counter)
    for (_, planted), diagnostics in zip(pairs, found, strict=True):
        for kind, share, is_right in _answers(engine, planted, diagnostics):
            counts[kind]["all", 0.0] += 1
            for bound in BOUNDS:
                counts[kind]["changed", bound] += share >= bound
                counts[kind]["right", bound] += share >= bound and is_right
    print(f"{len(pairs)} files with one change each ({options.plant}), {options.tool}.\n")
    print("| diagnosis | n |" + "".join(f" right of changed at {bound} |" for bound in BOUNDS))
    print("|---|---:|" + "---:|" * len(BOUNDS))
    for kind, count in sorted(counts.items()):
        cells = [f"{count['right', bound]} of {count['changed', bound]}" for bound in BOUNDS]
        print(f"| {kind} | {count['all', 0.0]} | {' | '.join(cells)} |")
    return 0


def lost(analysis: ScopeAnalysis, rng: Random) -> list[Change]:
    """An import or an assignment to a name becomes `pass`."""
    nodes = [
        node
        for node in ast.walk(analysis.tree)
        if isinstance(node, ast.Import)
        or (isinstance(node, ast.ImportFrom) and node.module != "__future__")
        or (isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name))
    ]
    if not nodes:
        return []
    node = rng.choice(nodes)
    return [Change(Span(analysis.start(node), analysis.end(node)), "pass")]


PLANTS = {
    "names": unknown_name,
    "variables": misuse_variable,
    "attributes": misuse_attribute,
    "lost": lost,
}


def _pairs(folders: Sequence[Path], plant: str, limit: int, rng: Random) -> Iterator[tuple[str, Planted]]:
    """Files as they were and with one change, no more than `limit`."""
    files = list(find(folders).files)
    rng.shuffle(files)
    n = 0
    for file in files:
        source = read(file.full_path)
        if n == limit or not isinstance(source, Source) or source.text.count("\n") > MAX_LINES:
            continue
        code, tree = source.text, parsed(source.text)
        if tree is None or "\r" in code:
            continue
        changes = PLANTS[plant](ScopeAnalysis(code, tree), rng)
        if len(changes) != 1:
            continue
        ((span, text),) = changes
        planted = code[: span.start] + text + code[span.end :]
        if parsed(planted) is not None:
            n += 1
            yield code, Planted(planted, span.start, span.of(code))


def _diagnosed(pairs: Sequence[tuple[str, Planted]], tool: str) -> list[list[Diagnostic]]:
    """What a tool says of each changed file, without what it says of the file as it was."""
    with tempfile.TemporaryDirectory() as folder:
        # Deep enough for relative imports of any file.
        inner = Path(folder, "a", "b", "c", "d")
        inner.mkdir(parents=True)
        for package in (inner, *list(inner.parents)[:3]):
            (package / "__init__.py").touch()
        files = []
        for number, (code, planted) in enumerate(pairs):
            for name, text in (("before", code), ("after", planted.text)):
                files.append(inner / f"{name}_{number}.py")
                files[-1].write_text(text)
        here = Path.cwd()
        os.chdir(folder)
        try:
            names = [path.relative_to(folder) for path in files]
            diagnostics = Linter.of(TOOLS[tool], 3600, lambda line: None).run(names)
        finally:
            os.chdir(here)
    by_name: dict[str, list[Diagnostic]] = defaultdict(list)
    for each in diagnostics:
        by_name[each.path.stem].append(each)
    found = []
    for number in range(len(pairs)):
        before = {(each.rule, each.message) for each in by_name[f"before_{number}"]}
        found.append([each for each in by_name[f"after_{number}"] if (each.rule, each.message) not in before])
    return found


@torch.inference_mode()
def _answers(
    engine: Engine, planted: Planted, diagnostics: Sequence[Diagnostic]
) -> Iterator[tuple[str, float, bool]]:
    """For each place the kind of diagnosis, how likely the likeliest word is, and whether it is the one that was there."""
    judge, weights = engine._misuse_judge(UNWATCHED), engine._misuse_weights
    assert weights is not None
    for each in located(planted.text, diagnostics):
        kind = each.diagnosis.kind
        trust = (TRUST if judge is None else JUDGED_TRUST)[kind]
        proposer = Proposer(engine._model, engine._tokenizer)
        words = offered(proposer, planted.text, each.diagnosis, weights, judge)
        if not words:
            yield kind, 0.0, False
            continue
        shares = shares_beside_nothing([score + trust.nats for _, score in words])
        best = max(range(len(words)), key=shares.__getitem__)
        word = words[best][0]
        is_right = word.slot.span.start == planted.start and word.word.text == planted.right
        yield kind, shares[best], is_right


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--tool", choices=TOOLS, default="ruff")
    parser.add_argument("--plant", choices=PLANTS, default="names")
    parser.add_argument("--limit", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--base", type=Path)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main())
