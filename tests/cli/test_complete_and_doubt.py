"""`redraft complete` and `redraft doubt`."""

import json
from pathlib import Path

import pytest
from redraft_model.passage import Doubt, Passage, Span


@pytest.fixture
def app(folder: Path) -> Path:
    path = folder / "app.py"
    path.write_bytes(b"def f():\r\n    \r\nf()\r\n")
    return path


def test_a_completion_is_printed_for_the_place_between_two_characters(run, app, engine) -> None:
    outcome = run("complete", "app.py:2:5")
    assert (outcome.code, outcome.out) == (0, b"pass\n")
    assert engine.asked == [(Passage("def f():\n    ", "", "\nf()\n"), 1, 0, False)]
    assert outcome.err == "draft 1 of 1: confidence 0.75, 4 forward passes, 16 tokens/s\n"


def test_options_of_a_completion_reach_the_engine(run, app, engine) -> None:
    engine.completions = ("pass", "return 1\n")
    outcome = run("complete", "--drafts", "2", "--seed", "7", "--single-line", "app.py:2:5")
    assert outcome.out == b"pass\nreturn 1\n"
    assert engine.asked == [(Passage("def f():\n    ", "", "\nf()\n"), 2, 7, True)]


def test_the_project_of_a_file_is_recalled_but_no_secrets(run, app, engine, folder: Path) -> None:
    (folder / "lib").mkdir()
    for name in ("lib/like.py", "lib/secrets.py"):
        (folder / name).write_text("def other(): pass\n")
    app.write_text("def own(): pass\n")
    run("complete", "app.py:1:1")
    assert len(engine.asked[-1]) == 4, "without git there is only the folder itself"
    (folder / ".git").mkdir()
    run("complete", "app.py:1:1")
    assert engine.asked[-1][4:] == (("def other(): pass\n",),)


def test_a_completion_as_json(run, app) -> None:
    found = json.loads(run("complete", "--json", "app.py:2:5").out)
    assert found["drafts"] == [
        {
            "text": "pass",
            "score": 1.0,
            "confidence": 0.75,
            "n_edits": 1,
            "parses": True,
            "cost": {"n_forward": 4, "n_tokens": 8, "seconds": 0.5},
            "n_replaced": 0,
        }
    ]
    assert found["model"]["name"] == "scripted"


def test_no_completion_is_exit_code_1(run, app, engine) -> None:
    engine.completions = ()
    outcome = run("complete", "app.py:2:5")
    assert (outcome.code, outcome.out, outcome.err) == (1, b"", "there is nothing to suggest here\n")


@pytest.mark.parametrize(
    "text",
    [
        "return 1",  # outside of a function
        "x = (",  # the bracket stays open
        "def f():",  # as below
    ],
)
def test_what_must_not_be_inserted_is_not_printed(text: str, run, app, engine) -> None:
    app.write_text("\ndef f():\n    pass\n")
    engine.completions = (text, "import os")
    outcome = run("complete", "--drafts", "2", "app.py:1:1")
    assert (outcome.code, outcome.out) == (0, b"import os\n")


def test_what_follows_behind_the_place_is_replaced(run, app, engine) -> None:
    app.write_text("print()\n")
    engine.completions = ("x)",)
    outcome = run("complete", "app.py:1:7")
    assert (outcome.out, outcome.err.endswith(", in place of ')'\n")) == (b"x)\n", True)
    assert json.loads(run("complete", "--json", "app.py:1:7").out)["drafts"][0]["n_replaced"] == 1


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("app.py", "'app.py' is not FILE:LINE:COL"),
        ("app.py:2", "'app.py:2' is not FILE:LINE:COL"),
        ("app.py:5:1", "app.py has 4 lines; there is no line 5"),
        ("app.py:0:1", "there is no line 0"),
        ("app.py:3:5", "line 3 of app.py has columns 1 to 4; there is no column 5"),
        ("missing.py:1:1", "missing.py cannot be read: No such file or directory"),
    ],
)
def test_a_place_that_is_not_there_is_an_error(place: str, reason: str, run, app) -> None:
    outcome = run("complete", place)
    assert (outcome.code, outcome.out) == (2, b"")
    assert reason in outcome.err


def test_doubtful_tokens_are_marked_with_what_was_expected(run, app, engine) -> None:
    app.write_bytes("x = 1\n\tn('日本', oops)\n".encode())
    outcome = run("doubt", "--threshold", "0.25", "app.py")
    assert outcome.code == 1
    assert outcome.out.decode() == (
        "app.py:2:10: expected 'good' (1.0% likely as it is)\n"
        "  2 |     n('日本', oops)\n"
        "    |               ^^^^ expected 'good'\n"
    )
    assert outcome.err == "1 doubtful token.\n"
    assert engine.asked == [("x = 1\n\tn('日本', oops)\n", 0.25)]


def test_doubtful_tokens_are_underlined_on_a_terminal(run, app, monkeypatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    app.write_bytes(b"oops\x1b[2J\n")
    shown = run("doubt", "app.py", terminal=True).out
    assert b"\x1b[4moops\x1b[0m\\x1b[2J\n" in shown


def test_a_missing_and_a_surplus_token_are_described(run, app, engine) -> None:
    app.write_bytes(b"f(a b))\n")
    engine.doubts = (Doubt(Span(4, 5), 0.02, "insert", ", "), Doubt(Span(6, 7), 0.03, "delete", ""))
    assert run("doubt", "app.py").out.decode() == (
        "app.py:1:5: expected ', ' before this (2.0% likely as it is)\n"
        "  1 | f(a b))\n"
        "    |     ^ expected ', ' before this\n"
        "app.py:1:7: expected nothing here (3.0% likely as it is)\n"
        "  1 | f(a b))\n"
        "    |       ^ expected nothing here\n"
    )


def test_a_doubt_at_the_end_of_the_text_has_a_place(run, app, engine) -> None:
    app.write_bytes(b"f(")
    engine.doubts = (Doubt(Span(2, 2), 0.1, "insert", ")"),)
    assert b"app.py:1:3: expected ')' before this" in run("doubt", "app.py").out


def test_no_doubt_is_exit_code_0(run, app) -> None:
    outcome = run("doubt", "app.py")
    assert (outcome.code, outcome.out, outcome.err) == (0, b"", "0 doubtful tokens.\n")


def test_doubts_as_json(run, app) -> None:
    app.write_bytes(b"x = 1\noops\n")
    found = json.loads(run("doubt", "--json", "app.py").out)
    assert found["doubts"] == [
        {
            "line": 2,
            "column": 1,
            "text": "oops",
            "span": {"start": 6, "end": 10},
            "probability": 0.01,
            "kind": "substitute",
            "proposal": "good",
        }
    ]
    assert (found["path"], found["model"]["name"]) == ("app.py", "scripted")


@pytest.mark.parametrize(("command", "place"), [("doubt", ""), ("complete", ":1:1")])
def test_a_file_that_is_not_python_is_refused_unless_forced(
    command: str, place: str, run, folder, engine
) -> None:
    (folder / "README.md").write_bytes(b"oops\n")
    outcome = run(command, f"README.md{place}")
    assert (outcome.code, outcome.out, engine.asked) == (2, b"", [])
    assert outcome.err == (
        "redraft: README.md is not Python, neither by its name nor by its first line; "
        "add --force to use it all the same\n"
    )
    assert run(command, "--force", f"README.md{place}").out != b""


def test_an_unreadable_file_is_an_error(run, app) -> None:
    app.write_bytes(b"\0")
    assert run("doubt", "app.py").code == 2
