"""`redraft adapt`: a small network is really fine-tuned on a repository; the engines that are compared may follow a script."""

import bisect
import heapq
import inspect
import json
import shlex
import string
import textwrap
from pathlib import Path

import pytest
import torch
from redraft_model.calibration.weights import Calibration, load_calibration
from redraft_model.data.shards import Shards
from redraft_model.network.checkpoint import Training, export_checkpoint, load_checkpoint
from redraft_model.network.config import ModelConfig
from redraft_model.network.transformer import Transformer
from redraft_model.passage import Cost, Draft
from redraft_model.tokens.alignment import MASK_ID
from redraft_model.tokens.tokenizer import Tokenizer
from redraft_model.train import adapting
from redraft_server import adapted, loading
from redraft_server.cli import adapt as command
from redraft_server.report import Exit
from safetensors.torch import load_file

MODULES = (bisect, heapq, shlex, string, textwrap)
OPEN_ENGINE = loading.open_engine
LONG = "1000"  # minutes, which are never used up: a run ends with its passes


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of the smallest size with random weights and something that looks like a calibration."""
    torch.set_num_threads(1)
    tokenizer = Tokenizer.train(map(inspect.getsource, MODULES), 700)
    network = Transformer(ModelConfig.named("nano", tokenizer.n_vocabulary, MASK_ID))
    network.initialise(torch.Generator().manual_seed(0))
    folder = tmp_path_factory.mktemp("checkpoints") / "small"
    export_checkpoint(network, tokenizer, folder, Training(100, 2, 1, "none"))
    return folder


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Five modules of the standard library, and what is not to be learnt from."""
    folder = tmp_path / "repository"
    (folder / "lib").mkdir(parents=True)
    for module in MODULES:
        (folder / "lib" / Path(module.__file__).name).write_text(inspect.getsource(module))
    (folder / ".gitignore").write_text("ignored.py\n")
    for name in ("ignored.py", "secrets.py"):
        (folder / name).write_text(f"password = {name!r}\n" * 100)
    return folder


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once through the repository, and a few places."""
    monkeypatch.setattr(adapting, "PASSES", 1)
    monkeypatch.setattr(adapted, "N_PLACES", 12)


class Knowing:
    """An engine that knows the files of a repository, but only every `one_in`th place."""

    def __init__(self, repository: Path, one_in: int) -> None:
        self._texts = [path.read_text() for path in repository.rglob("*.py")]
        self._one_in, self._n_asked = one_in, 0

    def complete(self, passage, *, single_line: bool, retrieved_context: tuple[str, ...] = ()) -> list[Draft]:
        assert single_line
        assert all("password" not in text for text in retrieved_context)
        self._n_asked += 1
        if self._n_asked % self._one_in:
            return []
        (text,) = {
            text[len(passage.before) : len(text) - len(passage.after)]
            for text in self._texts
            if text.startswith(passage.before) and text.endswith(passage.after)
        }
        return [Draft(text, 1.0, 0.5, 1, True, Cost())]


@pytest.fixture
def knowing(repository: Path, monkeypatch: pytest.MonkeyPatch):
    """Lets the checkpoints before and after answer one place in so many."""

    def know(before: int, after: int) -> None:
        def open_engine(choice) -> Knowing:
            return Knowing(repository, after if "adapted" in choice.checkpoint.parts else before)

        monkeypatch.setattr(loading, "open_engine", open_engine)

    return know


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_network_is_adapted_listed_used_and_removed(
    run, monkeypatch, repository: Path, checkpoint: Path, data_folder: Path
) -> None:
    monkeypatch.setattr(loading, "open_engine", OPEN_ENGINE)
    before = tree(repository)
    outcome = run("adapt", repository, "--minutes", LONG, "--checkpoint", checkpoint, "--device", "cpu")
    # Random weights get no line right, and five steps later they do not either.
    assert (outcome.code, outcome.out) == (Exit.FOUND, b"")
    assert "0 % right before, 0 % now (0 and 0 of 12 places)" in outcome.err
    assert "it is not recommended" in outcome.err
    assert tree(repository) == before
    home = adapted.Home.of(repository)
    assert home.folder.is_relative_to(data_folder)
    about = home.about()
    assert (about.root, about.n_places, about.commit) == (str(repository), 12, "")
    assert about.n_trained_tokens >= about.n_tokens
    learnt = load_checkpoint(home.checkpoint, torch.device("cpu")).training
    assert learnt.tokens == 100 + about.n_trained_tokens
    assert learnt.recipe == "adapt"
    old, new = (load_file(folder / "model.safetensors") for folder in (checkpoint, home.checkpoint))
    assert [name for name in old if not torch.equal(old[name], new[name])]
    assert not home.work.exists()
    # Who may not read the repository may not read what was learnt from it either.
    assert home.folder.stat().st_mode & 0o077 == 0
    listed = run("adapt", "--list").out.decode().splitlines()
    assert listed[0].startswith(f"{repository}, ")
    assert listed[0].endswith("(0 and 0 of 12 places), not recommended")
    assert listed[1:] == [f"  {home.checkpoint}"]
    assert run("adapt", "--remove", repository).code == 0
    assert run("adapt", "--list").out == b""
    outcome = run("adapt", "--remove", repository)
    assert outcome.code == Exit.FAILED
    assert outcome.err == (
        f"redraft: nothing is adapted to {repository}; `redraft adapt --list` shows what is\n"
    )


def test_a_call_that_is_stopped_goes_on_to_the_same_weights(
    repository: Path, checkpoint: Path, knowing
) -> None:
    knowing(2, 1)
    home = adapted.Home.of(repository)
    assert adapted.adapt(repository, 1e9, checkpoint=checkpoint, device="cpu") is not None
    straight = load_file(home.checkpoint / "model.safetensors")
    adapted.remove(repository)
    looks = iter(range(1000))
    n_calls = 0

    def is_stopped() -> bool:
        # In every phase, and sometimes in the first steps of one.
        return next(looks) % 4 == 3

    while adapted.adapt(repository, 1e9, checkpoint=checkpoint, device="cpu", is_stopped=is_stopped) is None:
        assert home.about() is None
        n_calls += 1
        if n_calls > 3:
            is_stopped = bool
    assert n_calls > 1
    again = load_file(home.checkpoint / "model.safetensors")
    assert [name for name in straight if not torch.equal(straight[name], again[name])] == []


def test_control_c_stops_with_everything_saved(run, monkeypatch, repository: Path, checkpoint: Path) -> None:
    def adapt(*arguments: object, is_stopped, **options: object) -> None:
        assert not is_stopped()
        command.signal.raise_signal(command.signal.SIGINT)
        assert is_stopped()

    with monkeypatch.context() as patch:
        patch.setattr(adapted, "adapt", adapt)
        before = command.signal.getsignal(command.signal.SIGINT)
        outcome = run("adapt", repository)
        assert command.signal.getsignal(command.signal.SIGINT) is before
    assert outcome.code == Exit.INTERRUPTED
    assert outcome.err.endswith("stopped, and saved; the same command goes on\n")
    plan = adapted.Home.of(repository).work / "plan.json"
    assert adapted.adapt(repository, 1e9, checkpoint=checkpoint, is_stopped=plan.is_file) is None
    outcome = run("adapt", "--list")
    assert outcome.out.decode() == f"{repository}: not finished; `redraft adapt {repository}` goes on\n"


def test_what_git_ignores_and_what_looks_secret_is_not_learnt(
    repository: Path, checkpoint: Path, knowing
) -> None:
    knowing(2, 1)
    kept = []

    def step(n_done: int, n_all: int, what: str) -> None:
        if what.startswith("places") and not kept:
            shards = adapted.Home.of(repository).work / "shards"
            kept.append({split: Shards.open(shards / split).paths() for split in ("train", "heldout")})

    adapted.adapt(repository, 1e9, checkpoint=checkpoint, device="cpu", step=step)
    names = {split: {Path(path).name for path in paths} for split, paths in kept[0].items()}
    assert len(names["heldout"]) == 1
    assert names["train"] | names["heldout"] == {Path(module.__file__).name for module in MODULES}
    assert not names["train"] & names["heldout"]


def test_what_helps_is_printed_and_recommended(run, repository: Path, checkpoint: Path, knowing) -> None:
    knowing(4, 1)
    calibration = Calibration({"completion": {"bias": 0.5}}).save(checkpoint)
    outcome = run("adapt", repository, "--minutes", LONG, "--checkpoint", checkpoint, "--device", "cpu")
    calibration.unlink()
    home = adapted.Home.of(repository)
    assert (outcome.code, outcome.out.decode()) == (Exit.FINE, f"{home.checkpoint}\n")
    assert "25 % right before, 100 % now (3 and 12 of 12 places)" in outcome.err
    assert "chance" not in outcome.err
    assert load_calibration(home.checkpoint).section("completion").number("bias") == 0.5
    about = json.loads((home.folder / "about.json").read_text())
    assert (about["n_gained"], about["n_lost"], about["is_clear"]) == (9, 0, True)


def test_what_may_be_chance_is_called_so(run, repository: Path, checkpoint: Path, knowing) -> None:
    knowing(4, 3)
    outcome = run("adapt", repository, "--minutes", LONG, "--checkpoint", checkpoint, "--device", "cpu")
    assert outcome.code == Exit.FINE
    assert "(3 and 4 of 12 places)\nthe difference may be chance\n" in outcome.err


def test_what_makes_it_worse_is_not_recommended(run, repository: Path, checkpoint: Path, knowing) -> None:
    knowing(1, 2)
    outcome = run("adapt", repository, "--minutes", LONG, "--checkpoint", checkpoint, "--device", "cpu")
    assert (outcome.code, outcome.out) == (Exit.FOUND, b"")
    assert (
        "(12 and 6 of 12 places)\nthis does not help here, so it is not recommended; more --minutes"
        in outcome.err
    )


def test_too_few_places_are_no_recommendation(
    run, repository: Path, checkpoint: Path, knowing, monkeypatch
) -> None:
    knowing(9, 1)
    monkeypatch.setattr(adapted, "N_PLACES", 5)
    outcome = run("adapt", repository, "--minutes", LONG, "--checkpoint", checkpoint, "--device", "cpu")
    assert outcome.code == Exit.FOUND
    assert outcome.err.endswith("there are too few places to tell\n")


def error_of(outcome) -> str:
    """The one sentence of a call that could not be done."""
    assert (outcome.code, outcome.out) == (Exit.FAILED, b"")
    (line,) = [line for line in outcome.err.splitlines() if line.startswith("redraft: ")]
    return line.removeprefix("redraft: ")


def test_what_cannot_be_adapted_to_is_said_in_one_sentence(
    run, tmp_path: Path, monkeypatch, repository: Path
) -> None:
    assert run("adapt").code == Exit.FAILED
    assert error_of(run("adapt", tmp_path / "none")) == (
        f"{tmp_path / 'none'} is not a folder; name the folder of a repository"
    )
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "notes.txt").write_text("nothing")
    assert error_of(run("adapt", empty)).startswith(f"there is no Python file in {empty} that git")
    (empty / "one.py").write_text(inspect.getsource(bisect)[:3000])
    (empty / "two.py").write_text("def f(:\n" * 5000)
    assert "of Python to learn from, and 20 kB are needed" in error_of(run("adapt", empty))
    assert run("adapt", "--list").out == b""
    with monkeypatch.context() as patch:
        patch.setattr(adapted, "MOST_BYTES", 1000)
        assert "name a folder in it" in error_of(run("adapt", repository))
    with monkeypatch.context() as patch:
        patch.setattr(adapted, "NEEDED_BYTES", 10**18)
        assert "make room, or name another folder in REDRAFT_DATA_DIR" in error_of(run("adapt", repository))


def test_a_data_folder_that_cannot_be_written_is_named(
    run, tmp_path: Path, monkeypatch, repository: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("REDRAFT_DATA_DIR", str(tmp_path / "file"))
    said = error_of(run("adapt", repository))
    assert "cannot be used (" in said
    assert said.endswith("name another folder in REDRAFT_DATA_DIR")


def test_two_calls_at_once_do_not_share_a_run(run, repository: Path, checkpoint: Path) -> None:
    said = []

    def step(n_done: int, n_all: int, what: str) -> None:
        if not said:
            said.append(error_of(run("adapt", repository, "--checkpoint", checkpoint)))

    adapted.adapt(repository, 1e9, checkpoint=checkpoint, step=step, is_stopped=lambda: bool(said))
    assert said == [f"another `redraft adapt` works on {repository}; wait for it"]


def test_a_checkpoint_of_a_shape_of_its_own_is_refused(
    run, repository: Path, checkpoint: Path, tmp_path: Path
) -> None:
    odd = tmp_path / "odd"
    odd.mkdir()
    for path in checkpoint.iterdir():
        (odd / path.name).write_bytes(path.read_bytes())
    config = json.loads((odd / "config.json").read_text())
    config["model"]["n_layers"] = 1
    (odd / "config.json").write_text(json.dumps(config))
    assert "has a shape of its own" in error_of(run("adapt", repository, "--checkpoint", odd))
