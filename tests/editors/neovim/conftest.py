"""What the tests in Neovim share: editors of two versions, and a daemon with the fake engine or the real one.

Run by `make test-neovim`, in an environment of its own; in any other there is nothing here to collect.
"""

import importlib.util
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if importlib.util.find_spec("pynvim") is None:
    collect_ignore_glob = ["*"]
else:
    from editor import ROOT, Editor, environment, python

if TYPE_CHECKING:
    from editor import Editor

VERSIONS = ("newest", "oldest")
SERVER_TESTS = Path(__file__).parents[2] / "lsp_server"


def pytest_terminal_summary(terminalreporter: Any) -> None:
    stats = terminalreporter.stats
    n_failed = len(stats.get("failed", [])) + len(stats.get("error", []))
    terminalreporter.write_line(f"{len(stats.get('passed', []))} passed, {n_failed} failed")


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The runtime folder of a daemon with the fake engine, for all tests that do it no harm."""
    folder = tmp_path_factory.mktemp("shared")
    folder.chmod(0o700)
    yield folder
    stop(folder)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Path]:
    """The runtime folder of a daemon that a test may harm."""
    folder = tmp_path / "runtime"
    folder.mkdir(mode=0o700)
    yield folder
    if any(folder.iterdir()):
        stop(folder)


def stop(runtime: Path) -> None:
    subprocess.run(
        [python(), "-m", "redraft_server.cli", "stop"],
        env=environment(runtime, runtime),
        cwd=ROOT,
        capture_output=True,
        timeout=60,
        check=False,
    )


def fake_server(runtime: Path) -> list[str]:
    """The command that joins an editor to a daemon with the fake engine."""
    return [
        python(),
        os.fspath(SERVER_TESTS / "serve_fake_daemon.py"),
        os.fspath(runtime / "engine.log"),
        "join",
        "--types",
    ]


Open = Callable[..., "Editor"]


@pytest.fixture(scope="session")
def warm(shared: Path) -> Iterator[dict[str, "Editor"]]:
    """Editors that go from one test to the next, by what they were started with; gone before the `shared` daemon is."""
    editors: dict[str, Editor] = {}
    yield editors
    for editor in editors.values():
        editor.close()


@pytest.fixture
def open_editor(
    version: str, shared: Path, own: Path, tmp_path: Path, warm: dict[str, "Editor"]
) -> Iterator[Open]:
    """Open an editor with a text in it. It is closed before its `own` daemon is stopped.

    The server is the shared one with the fake engine, unless a test says otherwise. An editor that is not to be
    `alone` may have been used before, with other files.
    """
    editors: list[Editor] = []

    def open_(
        text: str, *, runtime: Path | None = None, alone: bool = False, waits: bool = True, **more: Any
    ) -> Editor:
        key = repr((more.get("version", version), more.get("options"), runtime))
        folder = tmp_path / f"editor{len(editors)}"
        is_usual = not alone and runtime is None and set(more) <= {"options", "version"}
        if is_usual and key in warm:
            editor = warm[key]
            editor.open(folder / "a.py", text)
        else:
            runtime = runtime or shared
            options = {"cmd": fake_server(runtime), "debounce": 20, **more.pop("options", {})}
            editor = Editor(more.pop("version", version), folder, runtime, options=options, text=text, **more)
            if is_usual:
                warm[key] = editor
            else:
                editors.append(editor)
        if waits:
            editor.attached()
        return editor

    yield open_
    for editor in editors:
        editor.close()
