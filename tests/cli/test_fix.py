"""`redraft fix`: what it prints, what it writes, and how it ends."""

import json
import subprocess
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest
from redraft_model.errors import CheckpointError, PassageError
from redraft_model.passage import Draft
from redraft_server import loading
from redraft_server.model_choice import ModelChoice
from redraft_server.settings import DEFAULT_MIN_CONFIDENCE

BROKEN = b"a = 1\nb = (1\nc = 3\n"
WHOLE = b"a = 1\nb = (1)\nc = 3\n"
HOPELESS = b"a = [\n"
PATCH = b"""\
--- a/app.py
+++ b/app.py
@@ -1,3 +1,3 @@
 a = 1
-b = (1
+b = (1)
 c = 3
"""


@pytest.fixture
def app(folder: Path) -> Path:
    path = folder / "app.py"
    path.write_bytes(BROKEN)
    return path


def test_without_a_flag_the_change_is_shown_and_nothing_written(run, app) -> None:
    outcome = run("fix", "app.py")
    assert (outcome.code, outcome.out) == (1, PATCH)
    assert app.read_bytes() == BROKEN
    assert outcome.err == (
        "would be fixed: app.py (1 edit in 0.1 s)\n"
        "1 fixed; 2 forward passes, 300 tokens/s; nothing written, add --write to do it.\n"
    )


def test_write_repairs_the_file_in_place(run, app) -> None:
    outcome = run("fix", "--write", "app.py")
    assert (outcome.code, outcome.out) == (0, b"")
    assert app.read_bytes() == WHOLE
    assert outcome.err.startswith("fixed: app.py (1 edit in 0.1 s)\n1 fixed; ")


def test_a_second_run_finds_nothing_to_do(run, app, engine) -> None:
    run("fix", "--write", "app.py")
    outcome = run("fix", "--write", "app.py")
    assert (outcome.code, outcome.err) == (0, "1 clean.\n")
    assert len(engine.asked) == 1


def test_check_only_counts(run, app) -> None:
    outcome = run("fix", "--check", "app.py")
    assert (outcome.code, outcome.out) == (1, b"")
    assert app.read_bytes() == BROKEN
    app.write_bytes(WHOLE)
    assert run("fix", "--check", "app.py").code == 0


def test_diff_is_a_patch_git_takes(run, app) -> None:
    outcome = run("fix", "--diff", "app.py")
    assert (outcome.code, outcome.out) == (1, PATCH)
    subprocess.run(["git", "init", "-q"], check=True)
    subprocess.run(["git", "apply", "-"], input=outcome.out, check=True)
    assert app.read_bytes() == WHOLE


def test_no_flag_may_contradict_another(run, app) -> None:
    outcome = run("fix", "--write", "--diff", "app.py")
    assert outcome.code == 2
    assert "choose one of --write, --diff and --check" in outcome.err
    assert app.read_bytes() == BROKEN


def test_a_file_without_a_repair_is_left_alone_and_reported(run, folder) -> None:
    (folder / "app.py").write_bytes(HOPELESS)
    outcome = run("fix", "--write", "app.py")
    assert outcome.code == 1
    assert (folder / "app.py").read_bytes() == HOPELESS
    assert "unfixable: app.py (no repair found for '[' was never closed in line 1)\n" in outcome.err


def test_a_partial_repair_is_shown_and_reported_and_never_written(run, folder) -> None:
    (folder / "app.py").write_bytes(BROKEN + HOPELESS)
    shown = run("fix", "app.py")
    assert (shown.code, b"+b = (1)\n" in shown.out) == (1, True)
    said = "partly fixed: app.py (1 edit in 0.1 s; left: '[' was never closed in line 4"
    assert shown.err == f"{said})\n1 partly fixed; 2 forward passes, 300 tokens/s.\n"
    outcome = run("fix", "--write", "app.py")
    assert outcome.code == 1
    assert (folder / "app.py").read_bytes() == BROKEN + HOPELESS
    assert outcome.err.startswith(f"{said}; not written)\n")


def test_a_repair_that_parses_and_does_not_compile_is_a_partial_one(run, folder, engine) -> None:
    (folder / "app.py").write_bytes(b"def f(:\n    pass\nreturn (1\n")
    engine.repairs = lambda source: source.replace("f(:", "f():").replace("(1", "(1)")
    outcome = run("fix", "--write", "app.py")
    assert outcome.code == 1
    assert (folder / "app.py").read_bytes() == b"def f(:\n    pass\nreturn (1\n"
    said = "partly fixed: app.py (1 edit in 0.1 s; left: 'return' outside function in line 3; not written)\n"
    assert outcome.err.startswith(said)


# What each Python since 3.11 parses and refuses to compile, the line of it, and the beginning of what it says.
REFUSED = [
    ("import sys\n\nreturn 1\n", 3, "'return' outside function"),
    ("x = 1\nbreak\n", 2, "'break' outside loop"),
    ("def f():\n    await g()\n", 2, "'await' outside async function"),
    ("x = 1\nyield x\n", 2, "'yield' outside function"),
    ("x = 1\ndef f(a, a):\n    pass\n", 2, "duplicate "),
    ("f(a=1, a=2)\n", 1, "keyword argument repeated: a"),
    ("def f():\n    x = 1\n    global x\n", 3, "name 'x' is assigned to before global declaration"),
    ("x = 1\nfrom __future__ import annotations\n", 2, "from __future__ imports must occur at the beginning"),
    ("*a = [1]\n", 1, "starred assignment target must be in a list or tuple"),
    ("nonlocal x\n", 1, "nonlocal declaration not allowed at module level"),
]


@pytest.mark.parametrize(("source", "line", "message"), REFUSED)
def test_what_parses_and_does_not_compile_is_named(source: str, line: int, message: str, run, folder) -> None:
    (folder / "app.py").write_text(source)
    outcome = run("fix", "--write", "app.py")
    assert outcome.code == 1
    assert (folder / "app.py").read_text() == source
    assert outcome.err.startswith(f"unfixable: app.py (no repair found for {message}")
    assert f" in line {line})\n" in outcome.err


def test_what_parses_and_does_not_compile_is_repaired(run, folder, engine) -> None:
    (folder / "app.py").write_bytes(b"x = 1\nreturn x\n")
    engine.repairs = lambda source: source.replace("return x", "print(x)")
    assert run("fix", "--write", "app.py").code == 0
    assert (folder / "app.py").read_bytes() == b"x = 1\nprint(x)\n"
    assert run("fix", "--write", "app.py").err == "1 clean.\n"
    assert engine.asked == [("x = 1\nreturn x\n", False)]


@pytest.mark.parametrize("source", ["x >>y, 'x'\n", "await f()\n", "x = lambda: (yield)\n"])
def test_what_compiles_is_clean_whatever_it_means(source: str, run, folder, engine) -> None:
    (folder / "app.py").write_text(source)
    assert (run("fix", "app.py").code, engine.asked) == (0, [])


def test_what_compiles_and_always_fails_is_not_clean(run, folder, engine) -> None:
    (folder / "app.py").write_text("import sys\nprint >>sys.stderr, 'x'\n")
    outcome = run("fix", "app.py")
    assert outcome.code == 1
    assert (
        "unfixable: app.py (no repair found for 'print >>' is Python 2 and fails in Python 3 in line 2)"
        in outcome.err
    )


def test_semantic_repair_never_leaves_what_does_not_compile(run, folder, engine) -> None:
    (folder / "app.py").write_bytes(b"def f():\n    return 1\n")
    engine.repairs = lambda _: "f()\nreturn 1\n"
    outcome = run("fix", "--semantic", "app.py")
    assert (outcome.code, outcome.out) == (1, b"")
    assert "unfixable: app.py (The text compiles and the rewrite would not)\n" in outcome.err


def sure(engine, confidence: float) -> None:
    engine.about, engine.confidence = replace(engine.about, is_calibrated=True), confidence


def test_a_repair_below_the_bound_is_shown_and_never_written(run, app, engine) -> None:
    sure(engine, 0.299)
    said = "unsure: app.py (1 edit in 0.1 s, 29 % sure; below --min-confidence 0.3"
    shown = run("fix", "--min-confidence", 0.3, "app.py")
    assert (shown.code, shown.out) == (1, PATCH)
    assert shown.err == f"{said})\n1 unsure; 2 forward passes, 300 tokens/s.\n"
    for flag in ("--diff", "--check"):
        assert run("fix", flag, "--min-confidence", 0.3, "app.py").code == 1
    outcome = run("fix", "--write", "--min-confidence", 0.3, "app.py")
    assert (outcome.code, outcome.out, app.read_bytes()) == (1, b"", BROKEN)
    assert outcome.err.startswith(f"{said}; not written)\n1 unsure; ")


def test_json_has_the_diff_of_a_repair_below_the_bound(run, app, engine) -> None:
    sure(engine, 0.25)
    outcome = run("fix", "--json", "--write", "--min-confidence", 0.3, "app.py")
    found = json.loads(outcome.out)
    (file,) = found["files"]
    assert (outcome.code, app.read_bytes(), found["summary"]["unsure"]) == (1, BROKEN, 1)
    assert (file["status"], file["confidence"], file["diff"]) == ("unsure", 0.25, PATCH.decode())


@pytest.mark.parametrize(("confidence", "bound"), [(0.3, 0.3), (0.0, 0), (1.0, 1)])
def test_a_repair_that_reaches_the_bound_is_written(
    confidence: float, bound: float, run, app, engine
) -> None:
    sure(engine, confidence)
    assert run("fix", "--write", "--min-confidence", bound, "app.py").code == 0
    assert app.read_bytes() == WHOLE


def test_what_is_not_said_about_confidence_is_the_default(run, app, engine) -> None:
    sure(engine, DEFAULT_MIN_CONFIDENCE - 0.01)
    assert run("fix", "--write", "app.py").code == 1
    assert app.read_bytes() == BROKEN
    sure(engine, DEFAULT_MIN_CONFIDENCE)
    assert run("fix", "--write", "app.py").code == 0
    assert app.read_bytes() == WHOLE


def test_a_checkpoint_without_probabilities_holds_nothing_back_and_says_so_once(
    run, app, folder, engine
) -> None:
    engine.confidence = 0.01
    (folder / "b.py").write_bytes(BROKEN)
    outcome = run("fix", "--write", "--min-confidence", 0.9, "app.py", "b.py")
    assert (outcome.code, app.read_bytes(), (folder / "b.py").read_bytes()) == (0, WHOLE, WHOLE)
    assert outcome.err.count("--min-confidence does not apply: this checkpoint is not calibrated") == 1
    app.write_bytes(BROKEN)
    assert "--min-confidence" not in run("fix", "app.py").err


@pytest.mark.parametrize("bound", ["-0.1", "1.1", "nan", "half"])
def test_a_bound_that_is_no_probability_is_refused(bound: str, run, app) -> None:
    assert run("fix", "--write", f"--min-confidence={bound}", "app.py").code == 2
    assert app.read_bytes() == BROKEN


def test_a_repair_that_drops_a_comment_is_refused(run, folder, engine) -> None:
    (folder / "app.py").write_bytes(b"b = (1  # why\n")
    engine.repairs = lambda _: "b = (1)\n"
    outcome = run("fix", "--write", "app.py")
    assert outcome.code == 1
    assert (folder / "app.py").read_bytes() == b"b = (1  # why\n"
    assert "unfixable: app.py (The rewrite would drop the comment '# why')" in outcome.err


def test_semantic_repair_looks_at_code_that_parses(run, folder, engine) -> None:
    (folder / "app.py").write_bytes(b"a = b\n")
    engine.repairs = lambda source: source.replace("b", "c")
    assert run("fix", "app.py").code == 0
    assert engine.asked == []
    outcome = run("fix", "--semantic", "app.py")
    assert outcome.code == 1
    assert b"-a = b\n+a = c\n" in outcome.out
    assert engine.asked == [("a = b\n", True)]


def test_semantic_repair_never_breaks_code_that_parses(run, folder, engine) -> None:
    (folder / "app.py").write_bytes(b"f(b)\n")
    engine.repairs = lambda _: "f(b\n"
    outcome = run("fix", "--semantic", "--write", "app.py")
    assert outcome.code == 1
    assert (folder / "app.py").read_bytes() == b"f(b)\n"


def test_json_is_one_object_with_files_summary_and_model(run, app, folder) -> None:
    (folder / "clean.py").write_bytes(b"x = 1\n")
    outcome = run("fix", "--json", "app.py", "clean.py")
    found = json.loads(outcome.out)
    assert outcome.code == 1
    assert found["files"] == [
        {
            "path": "app.py",
            "status": "fixed",
            "reason": "",
            "problem": {
                "message": "'(' was never closed",
                "is_error": True,
                "line": 2,
                "column": 5,
                "end_line": 2,
                "end_column": 6,
            },
            "read_as": "",
            "n_edits": 1,
            "score": 2.5,
            "confidence": None,
            "n_forward": 2,
            "n_tokens": 30,
            "seconds": 0.1,
            "tokens_per_second": 300.0,
            "diff": PATCH.decode(),
        },
        {
            "path": "clean.py",
            "status": "clean",
            "reason": "",
            "problem": None,
            "read_as": "",
            "n_edits": 0,
            "score": None,
            "confidence": None,
            "n_forward": 0,
            "n_tokens": 0,
            "seconds": 0,
            "tokens_per_second": 0,
            "diff": "",
        },
    ]
    assert (found["summary"]["fixed"], found["summary"]["clean"], found["summary"]["n_forward"]) == (1, 1, 2)
    assert found["model"]["name"] == "scripted"


def test_a_calibrated_checkpoint_says_how_sure_it_is(run, app, engine) -> None:
    engine.about = replace(engine.about, is_calibrated=True)
    outcome = run("fix", "--json", "app.py")
    assert json.loads(outcome.out)["files"][0]["confidence"] == 0.9
    assert "1 edit in 0.1 s, 90 % sure" in run("fix", "app.py").err


def test_json_with_write_writes(run, app) -> None:
    outcome = run("fix", "--json", "--write", "app.py")
    assert (outcome.code, json.loads(outcome.out)["summary"]["fixed"]) == (0, 1)
    assert app.read_bytes() == WHOLE


def test_a_folder_is_searched_and_this_one_is_the_default(run, app, folder) -> None:
    (folder / "more").mkdir()
    (folder / "more" / "b.pyi").write_bytes(BROKEN)
    (folder / "more" / "notes.txt").write_bytes(BROKEN)
    outcome = run("fix", "--write")
    assert outcome.code == 0
    assert (folder / "more" / "b.pyi").read_bytes() == app.read_bytes() == WHOLE
    assert (folder / "more" / "notes.txt").read_bytes() == BROKEN


def test_a_folder_without_python_is_an_error(run, folder) -> None:
    (folder / "empty").mkdir()
    outcome = run("fix", "empty")
    assert (outcome.code, outcome.out) == (2, b"")
    assert "there is no Python file in empty" in outcome.err


def test_a_file_that_cannot_be_read_does_not_stop_the_others(run, app, folder) -> None:
    (folder / "binary.py").write_bytes(b"\0\1\2")
    (folder / "large.py").write_bytes(b"#" * 1_000_001)
    (folder / "long.py").write_bytes(b"\n" * 200_000)
    (folder / "latin.py").write_bytes(b"x = '\xe9'\n")
    outcome = run("fix", "--write", ".")
    assert outcome.code == 0
    assert app.read_bytes() == WHOLE
    for line in (
        "skipped: binary.py is binary: it contains NUL bytes",
        "skipped: large.py is too large: 1,000,001 bytes",
        "skipped: long.py has 200,001 lines",
        "skipped: latin.py ",
        "1 fixed, 4 skipped; ",
    ):
        assert line in outcome.err


def test_when_no_file_can_be_processed_the_run_has_failed(run, folder) -> None:
    (folder / "binary.py").write_bytes(b"\0")
    assert run("fix", "binary.py").code == 2


def test_a_path_that_does_not_exist_fails_after_the_others_are_done(run, app) -> None:
    outcome = run("fix", "--write", "missing.py", "app.py")
    assert outcome.code == 2
    assert app.read_bytes() == WHOLE
    assert "failed: missing.py does not exist\n" in outcome.err


@pytest.mark.parametrize("name", ["README.md", "data.json", "program"])
def test_a_file_that_is_not_python_is_refused_after_the_others_are_done(name: str, run, app, folder) -> None:
    (folder / name).write_bytes(BROKEN)
    outcome = run("fix", "--write", name, "app.py")
    assert (outcome.code, app.read_bytes(), (folder / name).read_bytes()) == (2, WHOLE, BROKEN)
    said = f"failed: {name} is not Python, neither by its name nor by its first line; add --force to use it all the same\n"
    assert said in outcome.err
    assert run("fix", "--force", "--write", name).code == 0
    assert (folder / name).read_bytes() == WHOLE


def test_a_script_is_python_by_its_first_line(run, folder) -> None:
    (folder / "script").write_bytes(b"#!/usr/bin/env python3\n" + BROKEN)
    assert run("fix", "--write", "script").code == 0
    assert (folder / "script").read_bytes() == b"#!/usr/bin/env python3\n" + WHOLE


def test_a_binary_that_is_forced_is_still_no_text(run, folder) -> None:
    (folder / "program").write_bytes(b"\x7fELF\0")
    assert "is not Python" in run("fix", "program").err
    outcome = run("fix", "--force", "program")
    assert (outcome.code, "program is binary" in outcome.err) == (2, True)


def test_a_run_keeps_nothing_of_the_files_that_are_done(run, folder, engine) -> None:
    """What a run over many files needs at most is what it needs for a few of them."""

    def peak(n_files: int) -> int:
        many = folder / f"of-{n_files}"
        many.mkdir()
        for index in range(n_files):
            line = f"name_{index} = {index}  # " + "x" * 70 + "\n"
            (many / f"a{index:03}.py").write_bytes(line.encode() * 500 + BROKEN)
        tracemalloc.start()
        assert run("fix", "--write", many.name).code == 0
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    def repairs(source: str) -> str:
        engine.asked.clear()
        return source.replace("(1", "(1)")

    engine.repairs = repairs
    peak(1)
    few, many = peak(10), peak(100)
    # The ninety more have 4 MB of text.
    assert many < few + 1_000_000


def test_an_empty_file_is_clean(run, folder) -> None:
    (folder / "empty.py").write_bytes(b"")
    assert run("fix", "empty.py").code == 0


def test_an_engine_that_refuses_one_file_goes_on_with_the_next(run, app, folder, engine) -> None:
    (folder / "b.py").write_bytes(BROKEN)
    answers = iter(["refuse"])

    def repairs(source: str) -> str:
        if next(answers, None):
            raise PassageError("this text is too strange; shorten it")
        return WHOLE.decode()

    engine.repairs = repairs
    outcome = run("fix", "--write", "app.py", "b.py")
    assert outcome.code == 2
    assert (app.read_bytes(), (folder / "b.py").read_bytes()) == (BROKEN, WHOLE)
    assert "failed: app.py: this text is too strange; shorten it\n" in outcome.err


def test_an_engine_that_cannot_be_opened_ends_the_run(run, app, monkeypatch) -> None:
    def open_engine(choice: ModelChoice) -> Draft:
        raise CheckpointError("model.safetensors is damaged; get it again")

    monkeypatch.setattr(loading, "open_engine", open_engine)
    outcome = run("fix", "app.py")
    assert (outcome.code, outcome.err) == (2, "redraft: model.safetensors is damaged; get it again\n")


def test_checkpoint_device_and_model_reach_the_engine(run, app, folder, engine) -> None:
    (folder / "mine").mkdir()
    run("fix", "--checkpoint", "mine", "--device", "cpu", "--model", "tiny", "app.py")
    assert engine.opened_with == [ModelChoice(Path("mine"), "cpu", "tiny")]
    run("fix", "app.py")
    assert engine.opened_with[1] == ModelChoice()


def test_a_missing_checkpoint_is_noticed_even_if_all_files_are_clean(run, folder) -> None:
    (folder / "clean.py").write_bytes(b"x = 1\n")
    outcome = run("fix", "--checkpoint", "nowhere", "clean.py")
    assert outcome.code == 2
    assert "there is no checkpoint folder nowhere" in outcome.err


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("base", "redraft: the base is not installed; run `redraft model get base`\n"),
        (
            "nowhere",
            "redraft: there is no folder nowhere with a base; --model takes auto, tiny, base or a folder\n",
        ),
    ],
)
def test_a_missing_base_is_noticed_even_if_all_files_are_clean(run, folder, model: str, said: str) -> None:
    (folder / "clean.py").write_bytes(b"x = 1\n")
    outcome = run("fix", "--model", model, "clean.py")
    assert (outcome.code, outcome.out, outcome.err) == (2, b"", said)


def test_stdin_is_repaired_onto_stdout(run, folder) -> None:
    outcome = run("fix", "-", stdin=b"\xef\xbb\xbfb = (1\r\n")
    assert (outcome.code, outcome.out) == (0, b"\xef\xbb\xbfb = (1)\r\n")
    clean = run("fix", "-", stdin=WHOLE)
    assert (clean.code, clean.out) == (0, WHOLE)


def test_stdin_that_cannot_be_repaired_is_passed_through(run, folder) -> None:
    outcome = run("fix", "-", stdin=HOPELESS)
    assert (outcome.code, outcome.out) == (1, HOPELESS)


def test_stdin_is_passed_through_if_its_repair_would_not_be_written(run, folder, engine) -> None:
    partly = run("fix", "-", stdin=BROKEN + HOPELESS)
    assert (partly.code, partly.out) == (1, BROKEN + HOPELESS)
    assert partly.err == (
        "partly fixed: <stdin> (1 edit in 0.1 s; left: '[' was never closed in line 4; not written)\n"
    )
    sure(engine, 0.25)
    unsure = run("fix", "--min-confidence", 0.3, "-", stdin=BROKEN)
    assert (unsure.code, unsure.out) == (1, BROKEN)
    assert unsure.err == (
        "unsure: <stdin> (1 edit in 0.1 s, 25 % sure; below --min-confidence 0.3; not written)\n"
    )


def test_stdin_that_is_no_text_gives_no_output(run, folder) -> None:
    outcome = run("fix", "-", stdin=b"\0")
    assert (outcome.code, outcome.out) == (2, b"")
    assert outcome.err == "redraft: <stdin> is binary: it contains NUL bytes\n"


def test_stdin_with_diff_check_or_json(run, folder) -> None:
    diff = run("fix", "--diff", "-", stdin=BROKEN)
    assert (diff.code, diff.out) == (1, PATCH.replace(b"app.py", b"stdin"))
    check = run("fix", "--check", "-", stdin=BROKEN)
    assert (check.code, check.out) == (1, b"")
    found = run("fix", "--json", "-", stdin=BROKEN)
    assert (found.code, json.loads(found.out)["files"][0]["path"]) == (1, "<stdin>")


def test_stdin_stands_alone(run, app) -> None:
    assert run("fix", "-", "app.py", stdin=BROKEN).code == 2
    assert run("fix", "--write", "-", stdin=BROKEN).code == 2


def test_colours_are_for_terminals_only(run, app, monkeypatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert b"\x1b[31m-b = (1\x1b[0m\n\x1b[32m+b = (1)\x1b[0m\n" in run("fix", "app.py", terminal=True).out
    assert b"\x1b[" not in run("fix", "--diff", "app.py", terminal=True).out
    monkeypatch.setenv("NO_COLOR", "1")
    assert run("fix", "app.py", terminal=True).out == PATCH


def test_the_bar_counts_the_rounds_of_the_search(run, app, monkeypatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    assert "app.py, search round 1 of at most 8" in run("fix", "app.py", terminal=True).err


def test_what_is_said_beside_the_bar_is_whole(run, app, monkeypatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    said = run("fix", "--min-confidence", 0.9, "app.py", terminal=True).err
    assert said.count("this checkpoint is not calibrated, so its repairs have no probability") == 1


def test_a_file_cannot_steer_the_terminal(run, app, monkeypatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app.write_bytes("b = '\x1b]0;owned\x07\u202e'\nb = (1\n".encode())
    for arguments in (("fix", "app.py"), ("fix", "--diff", "app.py")):
        shown = run(*arguments, terminal=True).out
        assert b"\\x1b]0;owned\\x07\\u202e" in shown
        assert b"\x1b]" not in shown
    assert "\x1b]0;owned\x07\u202e".encode() in run("fix", "--diff", "app.py").out


def test_file_names_cannot_steer_the_terminal_either(run, folder) -> None:
    (folder / "a\x1b[2Jb.py").write_bytes(BROKEN)
    assert "a\\x1b[2Jb.py" in run("fix", ".").err


def test_ctrl_c_ends_with_130_and_leaves_the_file(run, app, folder, engine) -> None:
    def repairs(source: str) -> str:
        raise KeyboardInterrupt

    engine.repairs = repairs
    assert run("fix", "--write", "app.py").code == 130
    assert app.read_bytes() == BROKEN
    assert list(folder.iterdir()) == [app]
