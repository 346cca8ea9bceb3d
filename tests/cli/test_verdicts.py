"""What runs have found out is remembered: only for what is the same, and never in the way."""

import json
import os
import re
import shlex
import sqlite3
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redraft_model.errors import CheckpointError
from redraft_model.passage import Cost, Draft, Reading
from redraft_server import loading, verdicts
from redraft_server.model_choice import ModelChoice
from redraft_server.verdicts import FILE_NAME, Verdicts, VerdictsError, key_of

BROKEN, WHOLE = b"a = 1\nb = (1\nc = 3\n", b"a = 1\nb = (1)\nc = 3\n"
HOPELESS = b"a = [\n"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def cache() -> Path:
    return Path(os.environ["REDRAFT_CACHE_DIR"])


@pytest.fixture(autouse=True)
def model(monkeypatch, engine):
    """The engine's answers are remembered, under the name of a model that a test can change."""
    names = {"model": "one"}
    monkeypatch.setattr(loading, "fingerprint", lambda choice: names["model"])
    return names


@pytest.fixture
def app(folder: Path) -> Path:
    path = folder / "app.py"
    path.write_bytes(BROKEN)
    return path


def test_a_second_run_asks_nothing_and_says_the_same(run, app, folder, engine) -> None:
    (folder / "b.py").write_bytes(HOPELESS)
    (folder / "clean.py").write_bytes(WHOLE)
    engine.about = replace(engine.about, is_calibrated=True, origins=("a", "b"))
    first, second = run("fix", "--json"), run("fix", "--json")
    assert (first.code, second.code) == (1, 1)
    assert len(engine.asked) == 2
    assert len(engine.opened_with) == 1
    one, two = json.loads(first.out), json.loads(second.out)
    assert two["model"] == one["model"]
    costs = ("n_forward", "n_tokens", "seconds", "tokens_per_second")
    for a, b in zip(one["files"], two["files"], strict=True):
        assert [b[name] for name in costs] == [0, 0, 0, 0]
        assert {k: v for k, v in a.items() if k not in costs} == {
            k: v for k, v in b.items() if k not in costs
        }
    assert "would be fixed: app.py (1 edit in 0.0 s, 90 % sure)" in run("fix").err


def test_what_was_shown_is_written_without_the_model(run, app, engine) -> None:
    assert run("fix").code == 1
    assert run("fix", "--write").code == 0
    assert (app.read_bytes(), len(engine.asked)) == (WHOLE, 1)


def test_clean_files_are_not_compiled_again(run, folder, monkeypatch) -> None:
    (folder / "clean.py").write_bytes(WHOLE)
    assert run("fix").err == "1 clean.\n"

    def compiled(*arguments: object, **options: object) -> bool:
        raise AssertionError("compiled again")

    monkeypatch.setattr("redraft_server.fixing.needs_model", compiled)
    assert run("fix").err == "1 clean.\n"
    (folder / "clean.py").write_bytes(WHOLE + b"\n")
    with pytest.raises(AssertionError, match="compiled again"):
        run("fix")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([], ["--semantic"]),
        (["--lines", "2"], []),
        (["--lines", "2"], ["--lines", "1-2"]),
    ],
)
def test_other_options_ask_again(before: list[str], after: list[str], run, app, engine) -> None:
    run("fix", *before, "app.py")
    run("fix", *after, "app.py")
    assert len(engine.asked) == 2
    run("fix", *after, "app.py")
    run("fix", *before, "app.py")
    assert len(engine.asked) == 2


def test_another_model_or_text_asks_again(run, app, engine, model) -> None:
    run("fix")
    model["model"] = "two"
    run("fix")
    assert len(engine.asked) == 2
    app.write_bytes(BROKEN + b"# more\n")
    run("fix")
    assert len(engine.asked) == 3
    model["model"] = None
    run("fix")
    run("fix")
    assert len(engine.asked) == 5


def test_another_version_of_python_or_redraft_asks_again(run, app, folder, engine, monkeypatch) -> None:
    from redraft_server import remembering

    run("fix")
    monkeypatch.setattr(remembering, "_here", lambda: ("9.9",))
    run("fix")
    assert len(engine.asked) == 2


def test_the_bound_is_not_part_of_what_is_remembered(run, app, engine) -> None:
    engine.about, engine.confidence = replace(engine.about, is_calibrated=True), 0.5
    assert "unsure" in run("fix", "--min-confidence", 0.6).err
    assert "would be fixed" in run("fix", "--min-confidence", 0.4).err
    assert len(engine.asked) == 1


def test_a_checkpoint_without_probabilities_is_known_to_have_none(run, app, engine) -> None:
    said = "--min-confidence does not apply: this checkpoint is not calibrated"
    for _ in range(2):
        assert run("fix", "--min-confidence", 0.9).err.count(said) == 1
    assert len(engine.opened_with) == 1


def test_a_repair_that_is_refused_is_refused_again(run, folder, engine) -> None:
    (folder / "app.py").write_bytes(b"b = (1  # why\n")
    engine.repairs = lambda _: "b = (1)\n"
    first, second = run("fix", "--check").err, run("fix", "--check").err
    assert first.splitlines()[0] == second.splitlines()[0]
    assert "would drop the comment '# why'" in second
    assert len(engine.asked) == 1


def test_cells_of_notebooks_are_remembered(run, folder, engine) -> None:
    cell = {"cell_type": "code", "metadata": {}, "source": ["b = (1"]}
    text = json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4}, indent=1)
    (folder / "a.ipynb").write_text(text)
    run("fix")
    # The same bytes are clean as a notebook and broken as Python, or the other way round.
    (folder / "a.py").write_bytes(b"{}\n")
    assert run("fix", "a.py").err == "1 clean.\n"
    (folder / "b.ipynb").write_bytes(b"{}\n")
    assert "skipped: b.ipynb is not a notebook" in run("fix", "b.ipynb").err
    assert run("fix", "--write", "a.ipynb").code == 0
    assert (folder / "a.ipynb").read_text() == text.replace("(1", "(1)")
    assert len(engine.asked) == 1


def test_nothing_of_a_file_is_kept_but_what_a_repair_writes(run, folder, cache) -> None:
    (folder / "app.py").write_bytes(b"password = 'hunter2'\nb = (1\n")
    (folder / "clean.py").write_bytes(b"password = 'hunter2'\n")
    run("fix")
    kept = b"".join(path.read_bytes() for path in cache.rglob("*") if path.is_file())
    for secret in (b"password", b"hunter2", b"app.py", b"clean.py"):
        assert secret not in kept
    assert b'[[27, 27, ")"]]' in kept


def test_without_a_cache_nothing_is_kept_or_known(run, app, cache, engine) -> None:
    run("fix", "--no-cache")
    assert list(cache.iterdir()) == []
    run("fix")
    run("fix", "--no-cache")
    assert len(engine.asked) == 3


def check_as_if_new(run, app, engine) -> None:
    """A run finds what it would find without any cache, and so does the next one, from the cache."""
    engine.asked.clear()
    outcome = run("fix")
    assert (outcome.code, len(engine.asked)) == (1, 1)
    assert outcome.out == run("fix", "--no-cache").out
    assert outcome.err.startswith("would be fixed: app.py (1 edit in 0.1 s)\n")
    engine.asked.clear()
    assert (run("fix").out, engine.asked) == (outcome.out, [])


@pytest.mark.parametrize("data", [b"", b"nonsense" * 1000, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_file_that_is_no_table_is_begun_anew(data: bytes, run, app, cache, engine) -> None:
    run("fix")
    (cache / FILE_NAME).write_bytes(data)
    check_as_if_new(run, app, engine)


def test_a_table_that_is_cut_or_overwritten_does_no_harm(run, folder, app, cache, engine) -> None:
    for index in range(2000):
        (folder / f"a{index}.py").write_bytes(b"x = %d\n" % index)
    expected = run("fix").out
    path = cache / FILE_NAME
    whole = path.read_bytes()
    assert len(whole) > 100_000
    for damaged in (
        whole[: len(whole) // 2],
        whole[:5000] + b"\0" * 20_000 + whole[25_000:],
        whole[:-5000] + b"\xff" * 5000,
        whole[:4096] + bytes(byte ^ 0x55 for byte in whole[4096:]),
    ):
        path.write_bytes(damaged)
        outcome = run("fix")
        assert (outcome.code, outcome.out) == (1, expected)
        assert run("fix").out == expected


def test_an_entry_that_was_changed_is_a_miss(run, app, cache, engine) -> None:
    run("fix")
    with sqlite3.connect(cache / FILE_NAME) as table:
        rows = table.execute("SELECT key, value FROM verdict").fetchall()
        assert len(rows) == 2
        for key, value in rows:
            table.execute("UPDATE verdict SET value = ? WHERE key = ?", (value.replace(b'")"', b'"]"'), key))
    table.close()
    check_as_if_new(run, app, engine)


@pytest.mark.parametrize(
    "text", ["", "[]", "null", '{"edits": [[5, 2, ""]]}', '{"edits": [[0, 999, ""]], "score": 1}', "\udc80"]
)
def test_an_entry_that_means_nothing_is_a_miss(text: str, tmp_path) -> None:
    table = Verdicts.opened(tmp_path)
    table._put(b"key", text.encode("utf-8", "surrogateescape"))
    for _ in range(2):
        assert table.draft(b"key", "source") is None
        assert table.about(b"key") is None
        table._flush()


def test_a_draft_comes_back_at_no_cost(tmp_path) -> None:
    source, text = "é = (1\r\nx\n", "é = (1)\r\n\U0001f600\n"
    draft = Draft(text, -1.5e-9, 0.1 + 0.2, 3, True, Cost(5, 6, 7.0))
    table = Verdicts.opened(tmp_path)
    table.put_draft(b"key", source, draft)
    table.close()
    again = Verdicts.opened(tmp_path)
    assert again.draft(b"key", source) == replace(draft, cost=Cost())
    assert again.draft(b"other", source) is None
    again.close()


def test_keys_do_not_run_into_each_other() -> None:
    keys = [key_of("a", "b"), key_of("ab"), key_of("ab", ""), key_of("", "ab"), key_of(b"a", b"b", b"")]
    assert len(set(keys)) == 5
    assert key_of("a", "b") == key_of(b"a", b"b")


def test_what_was_not_used_for_longest_goes_first(tmp_path) -> None:
    def opened(day: int) -> Verdicts:
        return Verdicts.opened(tmp_path, today=lambda: day, max_entries=100)

    for day in range(3):
        table = opened(day)
        for index in range(40):
            table.put_text(key_of(str(day), str(index)), "")
        for index in range(20):
            # The first twenty of the first day are used every day.
            assert table.text(key_of("0", str(index))) == ""
        table.close()
    table = opened(3)
    left = [(day, i) for day in range(3) for i in range(40) if table.text(key_of(str(day), str(i))) == ""]
    assert len(left) == 75
    assert {(0, index) for index in range(20)} <= set(left)
    assert len([1 for day, _ in left if day == 2]) == 40
    table.close()


def test_the_table_does_not_grow_for_ever(tmp_path) -> None:
    for day in range(5):
        table = Verdicts.opened(tmp_path, today=lambda day=day: day, max_bytes=100_000)
        for index in range(100):
            table.put_text(key_of(str(day), str(index)), "x" * 1000)
        table.put_text(key_of("huge"), "x" * 1_000_000)
        table.close()
    assert (tmp_path / FILE_NAME).stat().st_size < 500_000


def test_a_table_that_is_locked_is_done_without(run, app, cache, engine, monkeypatch) -> None:
    run("fix")
    monkeypatch.setattr(verdicts, "_SECONDS_TO_WAIT", 0)
    other = sqlite3.connect(cache / FILE_NAME)
    other.execute("BEGIN EXCLUSIVE")
    outcome = run("fix", "--write")
    assert (outcome.code, app.read_bytes()) == (0, WHOLE)
    assert re.search(
        r"^redraft: the cache in \S+ cannot be used \(database is locked\); name another", outcome.err
    )
    other.rollback()
    other.close()
    app.write_bytes(BROKEN)
    engine.asked.clear()
    assert (run("fix").code, engine.asked) == (1, [])


def test_a_table_that_gets_locked_on_the_way_costs_nothing_but_memory(
    run, app, cache, engine, monkeypatch
) -> None:
    monkeypatch.setattr(verdicts, "_SECONDS_TO_WAIT", 0)
    others: list[sqlite3.Connection] = []

    def repairs(source: str) -> str:
        others.append(sqlite3.connect(cache / FILE_NAME))
        others[-1].execute("BEGIN EXCLUSIVE")
        return WHOLE.decode()

    engine.repairs = repairs
    assert (run("fix", "--write").code, app.read_bytes()) == (0, WHOLE)
    others[0].rollback()
    others[0].close()


@pytest.mark.skipif(sys.platform == "win32", reason="there files are without modes")
def test_a_folder_that_others_may_write_to_is_not_used(run, app, cache) -> None:
    cache.chmod(0o777)
    outcome = run("fix", "--write")
    assert (outcome.code, app.read_bytes()) == (0, WHOLE)
    assert outcome.err.startswith(
        f"redraft: the cache in {cache} cannot be used (others may write there); name"
    )
    assert list(cache.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(
        VerdictsError, match=r"Not a directory.*name another folder in REDRAFT_CACHE_DIR, or add --no-cache"
    ):
        Verdicts.opened(tmp_path / "file" / "cache")


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_two_runs_at_once_do_not_disturb_each_other(folder, cache, monkeypatch) -> None:
    paths = [str(ROOT / home) for home in ("kernels", "model", "lsp_server")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    monkeypatch.setenv("FINGERPRINT", "one")
    (folder / "tree").mkdir()
    for index in range(60):
        (folder / "tree" / f"a{index:02}.py").write_bytes(BROKEN if index % 2 else b"x = %d\n" % index)
    command = [sys.executable, str(Path(__file__).with_name("run_scripted.py")), "fix", "--check", "tree"]
    runs = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    said = [process.communicate(timeout=300)[1] for process in runs]
    assert [process.returncode for process in runs] == [1, 1, 1], shlex.join(command)
    for text in said:
        assert text.splitlines()[-1].startswith("30 fixed, 30 clean")
        assert "cache" not in text
    with sqlite3.connect(cache / FILE_NAME) as table:
        assert table.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert table.execute("SELECT count(*) FROM verdict").fetchone() == (30 + 1 + 1,)
    table.close()


def test_ctrl_c_keeps_what_is_known_so_far(run, app, folder, engine) -> None:
    (folder / "b.py").write_bytes(HOPELESS)

    def repairs(source: str) -> str:
        if source.encode() == HOPELESS:
            raise KeyboardInterrupt
        return WHOLE.decode()

    engine.repairs = repairs
    (folder / "aa.py").write_bytes(WHOLE)
    assert run("fix").code == 130
    engine.asked.clear()
    assert run("fix", "app.py", "aa.py").code == 1
    assert engine.asked == []


def test_an_engine_that_cannot_be_opened_still_ends_the_run(run, app, folder, monkeypatch) -> None:
    def open_engine(choice: ModelChoice) -> None:
        raise CheckpointError("model.safetensors is damaged; get it again")

    (folder / "b.py").write_bytes(HOPELESS)
    monkeypatch.setattr(loading, "open_engine", open_engine)
    outcome = run("fix")
    assert (outcome.code, outcome.err) == (2, "redraft: model.safetensors is damaged; get it again\n")


@pytest.fixture
def fingerprint(monkeypatch):
    monkeypatch.undo()
    return loading.fingerprint


def test_a_fingerprint_tells_checkpoints_devices_and_bases_apart(fingerprint, tmp_path, monkeypatch) -> None:
    import shutil

    from redraft_model.network.checkpoint_info import BUNDLED

    monkeypatch.setenv("REDRAFT_DATA_DIR", str(tmp_path / "data"))
    shutil.copytree(BUNDLED, tmp_path / "mine")
    own = ModelChoice(tmp_path / "mine", "cpu", "tiny")
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "config.json").write_text("{}")
    choices = [
        ModelChoice(None, "cpu", "tiny"),
        ModelChoice(None, "auto", "tiny"),
        own,
        ModelChoice(tmp_path / "mine", "cpu", str(tmp_path / "base")),
    ]
    found = [fingerprint(choice) for choice in choices]
    assert len({*found}) == 4
    assert [fingerprint(choice) for choice in choices] == found
    calibration = tmp_path / "mine" / "calibration.json"
    calibration.write_text(calibration.read_text() + " ")
    assert fingerprint(own) not in found
    assert fingerprint(ModelChoice(tmp_path / "nowhere", "cpu", "tiny")) is None


def test_what_a_text_was_read_as_is_remembered_without_the_text(tmp_path) -> None:
    source, text = "```\nhunter2 = (1\n```\n", "hunter2 = (1)\n"
    draft = Draft(text, 0.5, 0.25, 3, True, Cost(), Reading("Python in a fence", "hunter2 = (1\n"))
    table = Verdicts.opened(tmp_path)
    table.put_draft(b"key", source, draft)
    table.close()
    assert b"hunter2" not in (tmp_path / FILE_NAME).read_bytes()
    again = Verdicts.opened(tmp_path)
    assert again.draft(b"key", source) == draft
    again.close()


def test_the_python_that_a_file_needs_is_remembered(run, folder, monkeypatch) -> None:
    from redraft_server import fixing

    (folder / "clean.py").write_bytes(WHOLE)
    monkeypatch.setattr(fixing, "needed", lambda source: (9, 9))
    assert run("fix").err == "clean: clean.py (needs Python 9.9)\n1 clean.\n"
    monkeypatch.setattr(fixing, "needed", lambda source: None)
    assert run("fix").err == "clean: clean.py (needs Python 9.9)\n1 clean.\n"
    assert run("fix", "--target-version", "3.12").err == "1 clean.\n"


def test_of_a_line_that_changes_only_what_is_added_is_kept(tmp_path) -> None:
    source, text = "password(hunter2 secret\nx = 1\n", "password(hunter2, secret)\nx = 1\n"
    table = Verdicts.opened(tmp_path)
    table.put_draft(b"key", source, Draft(text, 0.5, 0.25, 2, True, Cost()))
    table.close()
    kept = (tmp_path / FILE_NAME).read_bytes()
    assert b"secret" not in kept
    assert b'[[16, 16, ","], [23, 23, ")"]]' in kept


def test_texts_that_differ_in_a_great_deal_are_not_compared(tmp_path) -> None:
    table = Verdicts.opened(tmp_path)
    table.put_draft(b"key", "a" * 20_000, Draft("b" * 20_000, 0.5, 0.25, 2, True, Cost()))
    assert table.draft(b"key", "a" * 20_000) is None
    table.close()


@given(source=st.text(), text=st.text())
def test_any_draft_comes_back(source: str, text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        table = Verdicts.opened(Path(folder))
        table.put_draft(b"key", source, Draft(text, 0.5, 0.25, 2, True, Cost()))
        found = table.draft(b"key", source)
        table.close()
    assert found is not None
    assert found.text == text
