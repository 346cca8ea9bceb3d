"""The hooks for pre-commit, run by pre-commit itself: as a repository names them, but without installing anything."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("pre_commit", reason="the development tools are to be installed: make check")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")

ROOT = Path(__file__).parents[2]
BROKEN, WHOLE, HOPELESS = b"b = (1\n", b"b = (1)\n", b"a = [\n"


def git(*words: str, cwd: Path) -> str:
    command = ["git", "-c", "user.name=A", "-c", "user.email=a@b", "-c", "init.defaultBranch=main", *words]
    return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def hooks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Runs one of our hooks over a repository with these files, as `pre-commit run` does: exit code, output, files afterwards.

    `redraft` is the command with the engine that follows a script; instead of an environment of its own it is on the PATH.
    """
    ours, theirs, programs = (tmp_path / name for name in ("ours", "theirs", "bin"))
    for folder in (ours, theirs, programs):
        folder.mkdir()
    shutil.copy(ROOT / ".pre-commit-hooks.yaml", ours)
    git("init", "-q", cwd=ours)
    git("add", ".", cwd=ours)
    git("commit", "-q", "-m", "hooks", cwd=ours)
    revision = git("rev-parse", "HEAD", cwd=ours)
    script = programs / "redraft"
    command = f"{shlex.quote(sys.executable)} {shlex.quote(str(Path(__file__).with_name('run_scripted.py')))}"
    script.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PRE_COMMIT_HOME", str(tmp_path / "home"))
    paths = [str(ROOT / home) for home in ("kernels", "model", "lsp_server")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    git("init", "-q", cwd=theirs)

    def run(hook: str, arguments: str = "", **files: bytes) -> tuple[int, str, dict[str, bytes]]:
        (theirs / ".pre-commit-config.yaml").write_text(
            f"repos:\n- repo: {ours}\n  rev: {revision}\n  hooks:\n"
            f"  - id: {hook}\n    language: system\n    args: [{arguments}]\n"
        )
        for name, data in files.items():
            (theirs / name.replace("__", ".")).write_bytes(data)
        git("add", "--all", "--force", ".", cwd=theirs)
        done = subprocess.run(
            [sys.executable, "-m", "pre_commit", "run", "--color=never", "--verbose"],
            cwd=theirs,
            capture_output=True,
            text=True,
            check=False,
        )
        names = {name: theirs / name.replace("__", ".") for name in files}
        return (
            done.returncode,
            done.stdout + done.stderr,
            {name: path.read_bytes() for name, path in names.items()},
        )

    return run


def test_check_fails_for_what_does_not_compile_and_changes_nothing(hooks) -> None:
    code, said, files = hooks("redraft-check", a__py=BROKEN, b__py=WHOLE, c__pyi=BROKEN, notes__txt=BROKEN)
    assert (code, files["a__py"]) == (1, BROKEN)
    assert "would be fixed: a.py (1 edit" in said
    assert "2 fixed, 1 clean; " in said
    code, said, _ = hooks("redraft-check", a__py=WHOLE, c__pyi=WHOLE)
    assert (code, "3 clean." in said) == (0, True), said


def test_fix_repairs_and_makes_the_commit_fail_once(hooks) -> None:
    code, said, files = hooks("redraft-fix", a__py=BROKEN)
    assert (code, files["a__py"]) == (1, WHOLE)
    assert "files were modified by this hook" in said
    assert hooks("redraft-fix", a__py=WHOLE)[0] == 0


def test_fix_fails_for_what_it_cannot_repair(hooks) -> None:
    code, said, files = hooks("redraft-fix", a__py=HOPELESS)
    assert (code, files["a__py"]) == (1, HOPELESS)
    assert "unfixable: a.py (no repair found for '[' was never closed in line 1)" in said


def test_what_pre_commit_takes_for_python_is_taken(hooks) -> None:
    notebook = b'{"cells": [{"cell_type": "code", "source": "b = (1"}], "metadata": {}, "nbformat": 4}'
    code, said, files = hooks("redraft-fix", wscript=BROKEN, a__ipynb=notebook)
    assert (code, files) == (1, {"wscript": WHOLE, "a__ipynb": notebook.replace(b"(1", b"(1)")})
    assert "2 fixed; " in said


def test_options_of_a_repository_reach_the_command(hooks) -> None:
    code, said, files = hooks("redraft-fix", "--exclude=a.py", a__py=BROKEN, b__py=WHOLE)
    assert (code, files["a__py"]) == (0, BROKEN)
    assert "1 clean, 1 excluded." in said


PAGE = ROOT / "docs" / "ci.md"
COMMANDS = re.findall(r"(?:`|- | )redraft (fix --[^>|`\n]+)", PAGE.read_text("utf-8"))


def test_the_examples_for_continuous_integration_can_be_read() -> None:
    import yaml

    blocks = re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    pre_commit, github, gitlab = (yaml.safe_load(block) for block in blocks)
    manifest = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    ids = {hook["id"] for hook in manifest}
    assert {hook["id"] for hook in pre_commit["repos"][0]["hooks"]} <= ids
    assert [
        step.get("uses", step.get("run", "")).split("@")[0].split()[0]
        for step in github["jobs"]["redraft"]["steps"]
    ] == [
        "actions/checkout",
        "actions/setup-python",
        "actions/cache",
        "pip",
        "redraft",
        "redraft",
        "github/codeql-action/upload-sarif",
    ]
    assert gitlab["redraft"]["script"][0].startswith("redraft fix")
    assert len(set(COMMANDS)) >= 6


@pytest.mark.parametrize("command", dict.fromkeys(COMMANDS))
def test_the_commands_for_continuous_integration_work(command: str, run, folder) -> None:
    git("init", "-q", cwd=folder)
    git("commit", "-q", "-m", "a", "--allow-empty", cwd=folder)
    (folder / "a.py").write_bytes(BROKEN)
    words = shlex.split(re.sub(r'"\$.*"', "HEAD", command))
    outcome = run(*words)
    assert outcome.code == (0 if "--write" in words else 1), outcome.err
    assert "1 fixed; " in outcome.err
