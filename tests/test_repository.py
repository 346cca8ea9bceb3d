"""What the repository says about itself: its package, its documents, its make targets."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import redraft_server

ROOT = Path(__file__).parents[1]
PACKAGES = ("redraft_kernels", "redraft_model", "redraft_server")
TARGETS = {"help", "demo", "test", "test-clients", "fuzz", "fix", "check", "bench"}
TARGETS |= {
    "check-vscode",
    "vsix",
    "test-vscode",
    "bench-vscode",
    "film-vscode",
    "test-neovim",
    "film-neovim",
}
TARGETS |= {"gpu-train", "gpu-bench", "calibrate", "progress", "clean"}

# Outputs, caches and what belongs to somebody's machine; none of it is part of the project.
NOT_OURS = {"build", "dist", "runs", "node_modules", "__pycache__"}

LINK = re.compile(r"\]\(([^)\s#]+)[^)]*\)")
HOME = re.compile(rb"/(?:home|root|Users)/\w+")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that `pip install .` would build."""
    folder = tmp_path_factory.mktemp("wheel")
    program = "import sys, hatchling.build; print(hatchling.build.build_wheel(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", program, folder], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder / done.stdout.split()[-1]


def test_the_wheel_holds_the_whole_checkpoint(wheel: Path) -> None:
    folder = ROOT / "model" / "redraft_model" / "checkpoints"
    ours = {path.relative_to(ROOT / "model").as_posix(): path for path in folder.rglob("*") if path.is_file()}
    assert {Path(name).name for name in ours} >= {"config.json", "tokenizer.json"}
    assert any(name.endswith(".safetensors") for name in ours)
    with zipfile.ZipFile(wheel) as archive:
        sizes = {info.filename: info.file_size for info in archive.infolist()}
    assert {name: sizes.get(name) for name in ours} == {
        name: path.stat().st_size for name, path in ours.items()
    }


def test_the_wheel_holds_three_typed_packages_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {f"{package}/py.typed" for package in PACKAGES} <= set(names)
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES)
    assert [name for name in names if name.endswith((".pyc", ".pt", ".pth", ".pkl", ".bin"))] == []


def test_the_wheel_holds_every_module(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    modules = {
        path.relative_to(home).as_posix()
        for home in (ROOT / "kernels", ROOT / "model", ROOT / "lsp_server")
        for path in home.rglob("*.py")
    }
    assert modules - names == set()


def test_configuration_of_other_editors_can_be_read() -> None:
    text = (ROOT / "docs" / "editors.md").read_text("utf-8")
    blocks = dict(re.findall(r"^```(toml|json)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE))
    helix, zed = tomllib.loads(blocks["toml"]), json.loads(blocks["json"])
    assert helix["language-server"]["redraft"] == {"command": "redraft", "args": ["lsp"]}
    assert "redraft" in helix["language"][0]["language-servers"]
    assert zed["lsp"]["redraft"]["binary"] == {"path": "redraft", "arguments": ["lsp"]}
    assert "redraft" in zed["languages"]["Python"]["language_servers"]


def test_relative_links_in_documents_lead_somewhere() -> None:
    broken = [
        f"{document.relative_to(ROOT)}: {target}"
        for document in _files()
        if document.suffix == ".md"
        for target in LINK.findall(document.read_text("utf-8"))
        if "://" not in target and not (document.parent / target).exists()
    ]
    assert broken == []


def test_files_named_in_the_map_exist() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    missing = []
    for package, home in (
        ("redraft_kernels", "kernels"),
        ("redraft_model", "model"),
        ("redraft_server", "lsp_server"),
    ):
        _, _, section = text.partition(f"## Code map: `{package}`")
        for name in re.findall(r"`([\w/]+(?:\.py|/))`", section.partition("\n## ")[0]):
            if not any((ROOT / home / package).rglob(name.rstrip("/"))):
                missing.append(f"{package}: {name}")
    assert missing == []


def test_every_module_is_on_the_map() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    # A folder's row speaks for the files in it.
    modules = [
        path
        for home, package in zip(("kernels", "model", "lsp_server"), PACKAGES, strict=True)
        for path in (ROOT / home / package).glob("*.py")
    ]
    assert [
        path.name for path in modules if path.name != "__init__.py" and f"`{path.name}`" not in text
    ] == []


def test_every_module_of_a_room_is_in_its_table() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    package = ROOT / "model" / "redraft_model"
    missing = []
    for room in sorted(path.parent for path in package.glob("*/__init__.py")):
        _, _, section = text.partition(f"### `{room.name}/`")
        table = section.partition("\n#")[0]
        modules = [path.name for path in room.glob("*.py") if path.name != "__init__.py"]
        folders = [f"{path.parent.name}/" for path in room.glob("*/__init__.py")]
        missing += [f"{room.name}: {name}" for name in (*modules, *folders) if f"| `{name}` |" not in table]
    assert missing == []


def test_every_module_of_the_extension_is_on_the_map() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    _, _, section = text.partition("## The VS Code extension")
    on_map = set(re.findall(r"`([\w-]+\.ts)`", section.partition("\n## ")[0]))
    source = ROOT / "editor_clients" / "vscode" / "src"
    assert on_map == {path.name for path in source.glob("*.ts")}


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_make_help_lists_the_targets() -> None:
    # A make that calls the tests would have this one speak of directories.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(
        ["make", "help"], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert {line.split()[0] for line in done.stdout.splitlines()[1:]} == TARGETS


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_continuous_integration_runs_all_tests() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    called = [line for line in script.read_text("utf-8").splitlines() if line.startswith("make ")]
    expected = ["make test", "make test-clients", "make check-vscode", "make test-vscode", "make test-neovim"]
    assert called == expected


def test_the_extension_has_the_version_of_the_package() -> None:
    manifest = json.loads((ROOT / "editor_clients" / "vscode" / "package.json").read_text("utf-8"))
    assert manifest["version"] == redraft_server.__version__


def test_no_lock_file_names_a_registry() -> None:
    locks = [path for path in _files() if path.name == "package-lock.json"]
    assert len(locks) >= 2
    assert [path for path in locks if '"resolved"' in path.read_text("utf-8")] == []


def test_the_demo_file_is_broken() -> None:
    source = (ROOT / "examples" / "broken.py").read_text("utf-8")
    with pytest.raises(SyntaxError):
        compile(source, "broken.py", "exec")


def test_no_file_names_somebodys_home() -> None:
    found = {
        str(path.relative_to(ROOT)): match[0].decode()
        for path in _files()
        if path.suffix != ".safetensors" and (match := HOME.search(path.read_bytes()))
    }
    assert found == {}


def _files() -> Iterator[Path]:
    """The files of the project, hidden ones at the top included."""
    for folder, folders, names in os.walk(ROOT):
        is_hidden = [name for name in folders if name.startswith(".") and name != ".ci"]
        folders[:] = [name for name in folders if name not in NOT_OURS and name not in is_hidden]
        yield from (Path(folder, name) for name in names)
