"""Where the files of a daemon are when the folders for them are not there yet: all processes agree."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from redraft_server import runtime
from redraft_server.runtime import RuntimeFolderError, private_folder

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no Unix sockets")

Environment = dict[str, str]

UNSET = ("REDRAFT_RUNTIME_DIR", "REDRAFT_LOG_DIR", "XDG_RUNTIME_DIR", "XDG_STATE_HOME")


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home and a folder for temporary files with nothing in it, short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="redraft-test-", ignore_cleanup_errors=True) as folder:
        for name in UNSET:
            monkeypatch.delenv(name, raising=False)
        for name in ("HOME", "TMPDIR"):
            monkeypatch.setenv(name, folder)
        # This process may have settled on another one long ago.
        monkeypatch.setattr(tempfile, "tempdir", folder)
        # Most users have it, and it is what makes the folders around a new one open to others.
        mask = os.umask(0o022)
        yield Path(folder)
        os.umask(mask)


CASES: dict[str, Callable[[Path], Environment]] = {
    "named by variables": lambda home: {
        "REDRAFT_RUNTIME_DIR": f"{home}/run/redraft",
        "REDRAFT_LOG_DIR": f"{home}/log/redraft",
    },
    "one within the other": lambda home: {
        "REDRAFT_RUNTIME_DIR": f"{home}/all/run",
        "REDRAFT_LOG_DIR": f"{home}/all",
    },
    "named from here": lambda home: {"REDRAFT_RUNTIME_DIR": "run/redraft", "REDRAFT_LOG_DIR": "log"},
    "the system's": lambda home: {"XDG_RUNTIME_DIR": f"{home}/run/user"},
    "the system's, logs elsewhere": lambda home: {
        "XDG_RUNTIME_DIR": f"{home}/run/user",
        "XDG_STATE_HOME": f"{home}/state/user",
    },
    "nothing set": lambda home: {},
}


@pytest.mark.parametrize("case", CASES)
async def test_the_first_editor_starts_a_daemon_and_everybody_finds_it(
    case: str, daemons: Any, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home)
    for name, value in CASES[case](home).items():
        monkeypatch.setenv(name, value)
    editors = [await daemons.join()]
    # From now on the daemon that is to be stopped in the end is looked for here.
    daemons.folder = runtime.runtime_folder()
    await editors[0].initialize()
    editors.append(await daemons.join())
    await editors[1].initialize()
    assert len(await daemons.clients(2)) == 2
    status = subprocess.run(
        [sys.executable, "-m", "redraft_server.cli", "status"], capture_output=True, text=True
    )
    assert f"listens on unix:{daemons.socket}" in status.stdout
    assert [path.read_text() for path in tmp_path.glob("stderr-*.txt")] == ["", ""]
    made = [path for path in home.rglob("*") if path.is_dir()]
    assert {path.stat().st_mode & 0o777 for path in made} == {0o700}


def test_folders_that_are_there_keep_their_mode_and_new_ones_are_private(home: Path) -> None:
    (home / "open").mkdir(mode=0o755)
    private_folder(home / "open" / "a" / "b")
    modes = [home / "open", home / "open" / "a", home / "open" / "a" / "b"]
    assert [path.stat().st_mode & 0o777 for path in modes] == [0o755, 0o700, 0o700]


def test_a_folder_that_cannot_be_made_is_one_sentence_with_advice(home: Path) -> None:
    (home / "file").write_text("")
    with pytest.raises(RuntimeFolderError) as caught:
        private_folder(home / "file" / "run")
    said = str(caught.value)
    assert said.startswith(f"{home / 'file' / 'run'} cannot be made a folder of Redraft's: Not a directory; ")
    assert "REDRAFT_RUNTIME_DIR" in said
