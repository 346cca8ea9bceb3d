"""Reports: counts, lines, JSON and exit codes."""

from dataclasses import replace

import pytest
from redraft_model.passage import About, Cost
from redraft_server.report import Changes, Exit, Report, Result, Status, percent

ABOUT = About("tiny", "checkpoints/tiny", 9, 8, 7, ("repair",), "cpu")


def report_of(*statuses: Status) -> Report:
    return Report(tuple(Result("a.py", status, reason="because") for status in statuses))


@pytest.mark.parametrize(
    ("statuses", "shown", "written"),
    [
        ([], Exit.FINE, Exit.FINE),
        ([Status.CLEAN], Exit.FINE, Exit.FINE),
        ([Status.CLEAN, Status.FIXED], Exit.FOUND, Exit.FINE),
        ([Status.FIXED, Status.PARTLY_FIXED], Exit.FOUND, Exit.FOUND),
        ([Status.FIXED, Status.UNSURE], Exit.FOUND, Exit.FOUND),
        ([Status.CLEAN, Status.UNFIXABLE], Exit.FOUND, Exit.FOUND),
        ([Status.SKIPPED], Exit.FAILED, Exit.FAILED),
        ([Status.SKIPPED, Status.CLEAN], Exit.FINE, Exit.FINE),
        ([Status.SKIPPED, Status.FIXED], Exit.FOUND, Exit.FINE),
        ([Status.FAILED, Status.FIXED], Exit.FAILED, Exit.FAILED),
    ],
)
def test_exit_codes(statuses: list[Status], shown: Exit, written: Exit) -> None:
    report = report_of(*statuses)
    assert [report.exit_code(changes) for changes in (Changes.SHOW, Changes.DIFF, Changes.CHECK)] == [
        shown
    ] * 3
    assert report.exit_code(Changes.WRITE) == written


def test_the_exit_codes_are_those_of_other_linters() -> None:
    assert (Exit.FINE, Exit.FOUND, Exit.FAILED, Exit.INTERRUPTED) == (0, 1, 2, 130)


def test_a_line_says_what_happened_or_would_happen() -> None:
    fixed = Result("a.py", Status.FIXED, n_edits=2, cost=Cost(3, 40, 0.25))
    assert fixed.line(Changes.WRITE) == "fixed: a.py (2 edits in 0.2 s)"
    assert replace(fixed, confidence=0.874).line(Changes.WRITE) == "fixed: a.py (2 edits in 0.2 s, 87 % sure)"
    assert fixed.line(Changes.SHOW) == "would be fixed: a.py (2 edits in 0.2 s)"
    read = replace(fixed, read_as="a transcript of the interpreter")
    assert (
        read.line(Changes.WRITE) == "fixed: a.py (read as a transcript of the interpreter; 2 edits in 0.2 s)"
    )
    partly = Result("a.py", Status.PARTLY_FIXED, "left: invalid syntax in line 3", n_edits=1)
    for changes, end in ((Changes.SHOW, ""), (Changes.WRITE, "; not written")):
        assert partly.line(changes) == (
            f"partly fixed: a.py (1 edit in 0.0 s; left: invalid syntax in line 3{end})"
        )
    unsure = Result("a.py", Status.UNSURE, "below --min-confidence 0.3", n_edits=1, confidence=0.2999)
    for changes, end in ((Changes.CHECK, ""), (Changes.WRITE, "; not written")):
        assert unsure.line(changes) == (
            f"unsure: a.py (1 edit in 0.0 s, 29 % sure; below --min-confidence 0.3{end})"
        )
    assert Result("a.py", Status.UNFIXABLE, "no repair found").line(Changes.WRITE) == (
        "unfixable: a.py (no repair found)"
    )
    assert Result("a.py", Status.SKIPPED, "a.py is binary").line(Changes.WRITE) == "skipped: a.py is binary"


def test_the_summary_counts_files_steps_and_speed() -> None:
    report = Report(
        (
            Result("a.py", Status.FIXED, cost=Cost(3, 40, 0.5)),
            Result("b.py", Status.UNFIXABLE, cost=Cost(5, 60, 0.5)),
            Result("c.py", Status.CLEAN),
        ),
        n_ignored=4,
    )
    expected = "1 fixed, 1 unfixable, 1 clean, 4 ignored by git; 8 forward passes, 100 tokens/s"
    assert report.summary(Changes.WRITE) == expected + "."
    assert report.summary(Changes.SHOW) == expected + "; nothing written, add --write to do it."
    assert Report(()).summary(Changes.SHOW) == "nothing to do."
    once = Report((Result("a.py", Status.UNSURE, cost=Cost(1, 50, 0.5)),))
    assert once.summary(Changes.SHOW) == "1 unsure; 1 forward pass, 100 tokens/s."


def test_a_probability_is_rounded_down_and_no_further() -> None:
    assert [percent(p) for p in (0.0, 0.29, 0.4999, 0.5, 0.57, 0.999, 1.0)] == [
        "0 %",
        "29 %",
        "49 %",
        "50 %",
        "57 %",
        "99 %",
        "100 %",
    ]


def test_json_has_files_summary_and_model() -> None:
    report = Report((Result("a.py", Status.FIXED, "", 2, 1.5, 0.9, Cost(3, 40, 0.5), "--- a/a.py\n"),))
    assert report.to_json(ABOUT) == {
        "files": [
            {
                "path": "a.py",
                "status": "fixed",
                "reason": "",
                "problem": None,
                "read_as": "",
                "n_edits": 2,
                "score": 1.5,
                "confidence": 0.9,
                "n_forward": 3,
                "n_tokens": 40,
                "seconds": 0.5,
                "tokens_per_second": 80.0,
                "diff": "--- a/a.py\n",
            }
        ],
        "summary": {
            "fixed": 1,
            "partly_fixed": 0,
            "unsure": 0,
            "unfixable": 0,
            "clean": 0,
            "skipped": 0,
            "failed": 0,
            "ignored": 0,
            "excluded": 0,
            "n_forward": 3,
            "n_tokens": 40,
            "seconds": 0.5,
            "tokens_per_second": 80.0,
        },
        "model": {
            "name": "tiny",
            "path": "checkpoints/tiny",
            "n_parameters": 9,
            "n_vocabulary": 8,
            "trained_tokens": 7,
            "actions": ("repair",),
            "device": "cpu",
            "origins": (),
            "is_calibrated": False,
            "base": None,
        },
    }
    assert Report(()).to_json(None)["model"] is None
