"""`redraft doctor`: whether everything Redraft needs is there and works."""

import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from time import perf_counter
from typing import TYPE_CHECKING

import typer
from redraft_model.errors import RedraftError

from redraft_server import loading, models, safety
from redraft_server.cli.opening import CheckpointOption, Device, DeviceOption, ModelOption
from redraft_server.cli.terminal import GREEN, RED, escaped, painted, show
from redraft_server.model_choice import AUTO, TINY, Decision, ModelChoice
from redraft_server.report import Exit, effort

if TYPE_CHECKING:
    from redraft_model.engine import Engine

MINIMUM_PYTHON = (3, 11)
PACKAGES = ("redraft", "torch", "safetensors", "tokenizers", "tree-sitter", "tree-sitter-python", "pygls")
BROKEN_LINE = 'print("hello"\n'
# It can be repaired in several ways, so that a base has something to judge.
BROKEN_FUNCTION = "def mean(values)\n    total = sum(values\n    return total / len(values)\n"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: what, whether it is as it should be, what was seen."""

    subject: str
    is_fine: bool
    seen: str


def doctor(
    device: DeviceOption = Device.AUTO, checkpoint: CheckpointOption = None, model: ModelOption = AUTO
) -> None:
    """Check the installation, repair a line and a function with it, and say how long that takes with and without the base.

    Exit code 0: everything works; 1: something does not.
    """
    is_fine = True
    for finding in _findings(ModelChoice(checkpoint, device, model)):
        mark = painted("ok   ", GREEN) if finding.is_fine else painted("WRONG", RED)
        show(f"{mark} {finding.subject:<18} {escaped(finding.seen)}\n")
        is_fine &= finding.is_fine
    raise typer.Exit(Exit.FINE if is_fine else Exit.FOUND)


def _findings(choice: ModelChoice) -> Iterator[Finding]:
    yield Finding(
        "python", sys.version_info >= MINIMUM_PYTHON, f"{platform.python_version()} {sys.executable}"
    )
    yield Finding("machine", True, f"{platform.platform()}, {os.cpu_count() or 1} cores")
    yield from map(_installed, PACKAGES)
    yield _tree_sitter()
    yield _base()
    yield from _engine(choice)


def _installed(package: str) -> Finding:
    try:
        return Finding(package, True, version(package))
    except PackageNotFoundError:
        return Finding(package, False, "is not installed")


def _tree_sitter() -> Finding:
    try:
        import tree_sitter_python
        from tree_sitter import Language, Parser

        tree = Parser(Language(tree_sitter_python.language())).parse(BROKEN_LINE.encode())
    # A grammar built for another version is a ValueError, a missing binary an ImportError.
    except (ImportError, ValueError) as error:
        return Finding("tree-sitter parse", False, str(error))
    return Finding("tree-sitter parse", tree.root_node.has_error, "finds the error in a broken line")


def _base() -> Finding:
    source = models.BASE
    found = models.find(models.models_folder(), source.name)
    if found is None:
        return Finding(
            "pretrained base",
            True,
            f"is not installed, and need not be; it {source.purpose}: "
            f"`redraft model get {source.name}` fetches {source.n_bytes / 1e6:.0f} MB",
        )
    return Finding("pretrained base", True, f"{source.title} in {found.folder}; it {source.purpose}")


def _engine(choice: ModelChoice) -> Iterator[Finding]:
    start = perf_counter()
    try:
        engine = loading.open_engine(replace(choice, model=TINY))
        about = engine.about
    except (RedraftError, ImportError, OSError) as error:
        yield Finding("checkpoint", False, str(error))
        return
    seconds = perf_counter() - start
    yield Finding(
        "checkpoint",
        True,
        f"{about.name}, {about.n_parameters / 1e6:.1f} M parameters, "
        f"trained on {about.trained_tokens:,} tokens, loaded in {seconds:.1f} s from {about.path}",
    )
    yield Finding("device", True, about.device)
    try:
        draft = engine.repair(BROKEN_LINE)
    except (RedraftError, RuntimeError) as error:
        yield Finding("repair", False, str(error))
        return
    yield Finding(
        "repair",
        safety.compiles(draft.text),
        f"{BROKEN_LINE.strip()} became {draft.text.strip()} in {draft.cost.seconds:.2f} s: {effort(draft.cost)}",
    )
    yield _model(choice, engine)


def _model(choice: ModelChoice, alone: "Engine") -> Finding:
    """What a repair costs with the checkpoint `alone` and with the base beside it, and which of them `choice` takes."""
    try:
        decision = loading.decision(choice)
        base = decision.base or loading.installed_base()
        measured = [f"{alone.about.name} repairs {_repairs(alone)}"]
        if base is not None:
            measured.append(_beside(replace(choice, model=str(base))))
    except (RedraftError, RuntimeError, ImportError, OSError) as error:
        return Finding("model", False, str(error))
    return Finding("model", True, f"{'; '.join(measured)}; {_taken(choice, decision, alone)}")


def _beside(choice: ModelChoice) -> str:
    """What a repair costs with the base that `choice` names."""
    engine = loading.open_engine(choice)
    if engine.about.base is None:
        return f"the weights of {engine.about.name} are not fitted to the base in {choice.model}, so it judges nothing"
    # The first repair makes ready what the later ones use.
    engine.repair(BROKEN_LINE)
    return f"with {engine.about.base} {_repairs(engine)}"


def _repairs(engine: "Engine") -> str:
    seconds = [engine.repair(text).cost.seconds for text in (BROKEN_LINE, BROKEN_FUNCTION)]
    return "a line in {:.2f} s and a function in {:.2f} s".format(*seconds)


def _taken(choice: ModelChoice, decision: Decision, alone: "Engine") -> str:
    taken = f"{alone.about.name} + base" if decision.base else alone.about.name
    return f"{choice.model} takes {taken}: {decision.reason}"
