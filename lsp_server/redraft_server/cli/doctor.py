"""`redraft doctor`: whether everything Redraft needs is there and works."""

import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from time import perf_counter

import typer
from redraft_model.errors import RedraftError

from redraft_server import models, safety
from redraft_server.cli import opening
from redraft_server.cli.opening import CheckpointOption, Device, DeviceOption
from redraft_server.cli.terminal import GREEN, RED, escaped, painted, show
from redraft_server.report import Exit, effort

MINIMUM_PYTHON = (3, 11)
PACKAGES = ("redraft", "torch", "safetensors", "tokenizers", "tree-sitter", "tree-sitter-python", "pygls")
BROKEN_LINE = 'print("hello"\n'


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: what, whether it is as it should be, what was seen."""

    subject: str
    is_fine: bool
    seen: str


def doctor(device: DeviceOption = Device.AUTO, checkpoint: CheckpointOption = None) -> None:
    """Check the installation and repair one line with it.

    Exit code 0: everything works; 1: something does not.
    """
    is_fine = True
    for finding in _findings(opening.LazyEngine(checkpoint, device)):
        mark = painted("ok   ", GREEN) if finding.is_fine else painted("WRONG", RED)
        show(f"{mark} {finding.subject:<18} {escaped(finding.seen)}\n")
        is_fine &= finding.is_fine
    raise typer.Exit(Exit.FINE if is_fine else Exit.FOUND)


def _findings(engine: opening.LazyEngine) -> Iterator[Finding]:
    yield Finding(
        "python", sys.version_info >= MINIMUM_PYTHON, f"{platform.python_version()} {sys.executable}"
    )
    yield Finding("machine", True, f"{platform.platform()}, {os.cpu_count() or 1} cores")
    yield from map(_installed, PACKAGES)
    yield _tree_sitter()
    yield _base()
    yield from _engine(engine)


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


def _engine(engine: opening.LazyEngine) -> Iterator[Finding]:
    start = perf_counter()
    try:
        about = engine.get().about
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
        draft = engine.get().repair(BROKEN_LINE)
    except (RedraftError, RuntimeError) as error:
        yield Finding("repair", False, str(error))
        return
    yield Finding(
        "repair",
        safety.compiles(draft.text),
        f"{BROKEN_LINE.strip()} became {draft.text.strip()} in {draft.cost.seconds:.2f} s: {effort(draft.cost)}",
    )
