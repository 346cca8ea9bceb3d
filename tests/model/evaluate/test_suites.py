"""Each suite on two or three items of its own format, with an engine whose answers are written down."""

import gzip
import json
import shlex
import shutil
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from redraft_model.data.benchmark_file import Row
from redraft_model.data.young import Hole, Repair, collect, write_young
from redraft_model.errors import Cancelled, DataError
from redraft_model.evaluate import SUITES, Result, run_suite
from redraft_model.evaluate.great_varmisuse import is_at_the_bug
from redraft_model.evaluate.infill_mbpp import Item as Blank
from redraft_model.evaluate.logic_condefects import is_on_the_line
from redraft_model.evaluate.logic_debugbench import passes_calls
from redraft_model.evaluate.syntax_repair import judge_repair
from redraft_model.passage import About, Cost, Draft, Passage

Answer = str | BaseException


@dataclass
class ScriptedEngine:
    """Answers from a table of texts; what is not in it is left alone or left empty."""

    repairs: Mapping[str, Answer] = field(default_factory=dict)
    completions: Mapping[str, Answer] = field(default_factory=dict)
    asked: list[tuple[str, bool]] = field(default_factory=list)
    about: About = About("scripted", "", 0, 0, 0, ("repair",), "cpu")

    def repair(self, source: str, *, semantic: bool = False, **options: object) -> Draft:  # noqa: ARG002
        self.asked.append((source, semantic))
        return self._draft(self.repairs.get(source, source))

    def complete(self, passage: Passage, **options: object) -> list[Draft]:  # noqa: ARG002
        assert passage.target == ""
        whole = passage.before + "<hole>" + passage.after
        return [self._draft(self.completions[whole])] if whole in self.completions else []

    def _draft(self, answer: Answer) -> Draft:
        if isinstance(answer, BaseException):
            raise answer
        return Draft(answer, 0.0, 1.0, 0, True, Cost())


def write(folder: Path, suite: str, rows: Sequence[Mapping[str, object]]) -> Path:
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    path = folder / SUITES[suite].file
    path.write_bytes(gzip.compress(lines.encode()))
    return path


def run(folder: Path, suite: str, rows: Sequence[Mapping[str, object]], engine: ScriptedEngine) -> Result:
    write(folder, suite, rows)
    return run_suite(suite, folder, engine)


def check(result: Result, expected: Mapping[str, tuple[int, int]]) -> None:
    assert {metric.name: (metric.count, metric.n) for metric in result.metrics} == expected


SNIPPETS = [{"id": f"snippet/{number}", "before": f"f({number}\n", "error": ""} for number in range(12)]


def test_pydex_counts_parse_bifi_tests_and_exact_match(tmp_path: Path) -> None:
    tests = [{"input": "2", "output": "4\n"}, {"input": "5", "output": "10\n"}]
    broken = {
        "right": "x = int(input()\nprint(x * 2)\n",
        "wrong": "x = int(input()\nprint(x * 3)\n",
        "deleted": "x = int(input()\nprint(x * 4)\nprint(x * 2)\n",
        "crash": "x = int(input()\nprint(x * 5)\n",
    }
    rows = [
        {"id": name, "before": before, "after": before.replace("()\n", "())\n"), "stdin_tests": tests}
        for name, before in broken.items()
    ]
    engine = ScriptedEngine(
        {
            broken["right"]: "x = int(input())\nprint(x * 2)  # done\n",
            broken["wrong"]: "x = int(input())\nprint(x * 3)\n",
            broken["deleted"]: "pass\n",
            broken["crash"]: RuntimeError("no memory left"),
        }
    )
    result = run(tmp_path, "syntax_pydex", rows, engine)
    check(
        result,
        {
            "parse": (3, 4),
            "BIFI rule": (2, 4),
            "tests": (1, 4),
            "exact match": (2, 4),
            "crashed": (1, 4),
        },
    )
    assert [semantic for _, semantic in engine.asked] == [False] * 4
    assert result.records[3]["error"] == "RuntimeError: no memory left"
    assert result.system == "scripted"


@pytest.mark.parametrize(
    ("before", "answer", "parses", "bifi"),
    [
        ("print(1", "print(1)", True, True),
        ("print(1", "print(1", False, False),
        ("x = 1", "x  =  1", True, False),
        ("a b c d e", "a", True, True),
        ("a b c d e f", "a", True, False),
        ("a b c d e f", "# a b c d e f", True, False),
        ("f(\n", "f((\n", False, False),
    ],
)
def test_bifi_rule(before: str, answer: str, parses: bool, bifi: bool) -> None:
    record = judge_repair(before, answer)
    assert (record["parses"], record["bifi"]) == (parses, bifi)


def test_cpython_goes_on_after_a_crash(tmp_path: Path) -> None:
    engine = ScriptedEngine({"f(0\n": IndexError("list index out of range"), "f(1\n": "f(1)\n"})
    result = run(tmp_path, "syntax_cpython", SNIPPETS[:3], engine)
    check(result, {"parse": (1, 3), "BIFI rule": (1, 3), "crashed": (1, 3)})
    assert [record["crashed"] for record in result.records] == [True, False, False]


def test_ruff_counts_snippets_that_parse_here_apart(tmp_path: Path) -> None:
    rows = [
        {"id": str(k), "before": text} for k, text in enumerate(["f(\n", "x = (\n", "x = 1\r\n", "y = 1\n"])
    ]
    engine = ScriptedEngine({"f(\n": "f()\n", "y = 1\n": "y = 2\n"})
    check(
        run(tmp_path, "syntax_ruff", rows, engine),
        {
            "parse": (1, 2),
            "BIFI rule": (1, 2),
            "false alarm, snippets that parse here": (1, 2),
            "crashed": (0, 4),
        },
    )


def test_variable_misuse_reports_all_four(tmp_path: Path) -> None:
    fixed = "def f(a, b):\n    return a + b"
    buggy = ["def f(a, b):\n    return a + a", "def f(a, b):\n    return b + b"]
    clean = ["def g(a):\n    return a", "def h(a):\n    return a", "def i(a):\n    return a"]
    rows = [{"buggy": text, "fixed": fixed, "has_bug": True} for text in buggy]
    rows += [{"buggy": text, "fixed": text, "has_bug": False} for text in clean]
    engine = ScriptedEngine(
        {
            buggy[0]: "def f(a, b):\n    return (a + b)",
            buggy[1]: "def f(a, b):\n    return f + b",
            clean[1]: "def h(a):\n    return h",
            clean[2]: KeyError("a"),
        }
    )
    check(
        run(tmp_path, "great_varmisuse", rows, engine),
        {
            "localised, buggy half": (1, 2),
            "repaired, buggy half": (1, 2),
            "false alarm, clean half": (1, 3),
            "joint accuracy, all": (2, 5),
            "crashed": (1, 5),
        },
    )
    assert all(semantic for _, semantic in engine.asked)


@pytest.mark.parametrize(
    ("answer", "is_there"),
    [
        ("x = a + b", True),
        ("x = a + c", True),
        ("x = a + self.a", True),
        ("x = a + a", False),
        ("x = b + a", False),
        ("x = b + b", False),
    ],
)
def test_a_bug_is_localised_when_nothing_else_is_changed(answer: str, is_there: bool) -> None:
    assert is_at_the_bug("x = a + a", "x = a + b", answer) is is_there


MEAN = "def mean(values, weight):\n    total = sum(values)\n    return total / weight\n"


def young(
    kind: str, before: str, after: str, missing: str | None = None, split: str = "dev"
) -> dict[str, object]:
    row = {"id": f"{kind}/{len(before)}", "kind": kind, "split": split, "package": "p", "path": "p/m.py"}
    return row | {"before": before, "after": after} | ({} if missing is None else {"missing": missing})


def test_young_code_is_judged_by_kind(tmp_path: Path) -> None:
    wrong = MEAN.replace("/ weight", "/ total")
    other = MEAN.replace("sum(values)", "sum(weight)")
    elsewhere = MEAN.replace("return total", "return weight")
    clean = MEAN.replace("mean", "average")
    broken = MEAN.replace("weight):", "weight:")
    unclosed = MEAN.replace("sum(values)", "sum(values")
    rows = [
        young("misuse", wrong, MEAN),
        young("misuse", other, MEAN),
        young("misuse", elsewhere, MEAN),
        young("clean", MEAN, MEAN),
        young("clean", clean, clean),
        young("syntax", broken, MEAN),
        young("syntax", unclosed, MEAN),
        young("line", "def f(x):\n", "\n    return y\n", "    y = g(x)  # the rest"),
        young("line", "def g(x):\n", "\n    return y\n", "    y = g(x)"),
        young("rest", "def f(x):\n    y = in", "\n    return y\n", "ner(x, 1)"),
        young("rest", "def g(x):\n    y = in", "\n    return y\n", "ner(x, 1)"),
        young("rest", "def h(x):\n    y = in", "\n    return y\n", "ner(x, 1)"),
    ]
    engine = ScriptedEngine(
        {
            wrong: MEAN + "# repaired\n",
            other: MEAN.replace("sum(values)", "sum(total)"),
            elsewhere: elsewhere.replace("sum(values)", "sum(weight)"),
            clean: clean.replace("/ weight", "/ total"),
            broken: MEAN,
            unclosed: MEAN.replace("sum(values)", "sum(weight)"),
        },
        {
            "def f(x):\n<hole>\n    return y\n": "    y = g( x )",
            "def g(x):\n<hole>\n    return y\n": "    y = g(1",
            "def f(x):\n    y = in<hole>\n    return y\n": "ner(x,1)",
            "def g(x):\n    y = in<hole>\n    return y\n": "ner(x)",
            "def h(x):\n    y = in<hole>\n    return y\n": ValueError("too long"),
        },
    )
    result = run(tmp_path, "young", rows, engine)
    check(
        result,
        {
            "misuse, exact": (1, 3),
            "misuse, localised": (2, 3),
            "misuse, parse": (3, 3),
            "clean, false alarm": (1, 2),
            "syntax, exact": (1, 2),
            "syntax, parse": (2, 2),
            "line, exact": (1, 2),
            "line, parse": (1, 2),
            "rest, exact": (1, 3),
            "rest, parse": (2, 3),
            "crashed": (1, 12),
        },
    )
    assert [semantic for _, semantic in engine.asked] == [True] * 5 + [False] * 2
    assert {record["package"] for record in result.records} == {"p"}
    assert "total" not in result.to_json()


def test_a_hole_without_a_draft_is_not_restored(tmp_path: Path) -> None:
    result = run(
        tmp_path, "young", [young("line", "if x:\n", "\n    y = 1\n", "    x = 2")], ScriptedEngine()
    )
    assert result.metric("line, exact").count == 0
    assert result.metric("line, parse").count == 1
    assert result.metric("misuse, exact").rate is None


def test_a_third_of_young_code_is_tried_only_when_it_is_asked_for(tmp_path: Path) -> None:
    rows = [
        young("clean", f"x = {10**i}\n", f"x = {10**i}\n", split="test" if i == 1 else "dev")
        for i in range(3)
    ]
    dev = run(tmp_path, "young", rows, ScriptedEngine())
    assert [record["id"] for record in dev.records] == ["clean/6", "clean/8"]
    assert dev.name == "scripted, dev split"
    test = run_suite("young", tmp_path, ScriptedEngine(), split="test")
    assert [record["id"] for record in test.records] == ["clean/7"]
    assert Result.from_json(test.to_json()).split == "test"
    with pytest.raises(DataError, match="no item for the suite young, split other"):
        run_suite("young", tmp_path, ScriptedEngine(), split="other")


def test_the_drawn_items_of_packages_are_all_right_for_who_wrote_them(tmp_path: Path) -> None:
    """The whole way: items of real modules in a file, and an engine that knows their authors' texts."""
    for module in (shlex, textwrap):
        shutil.copy(module.__file__, tmp_path)
    items = collect([tmp_path], 6).items
    write_young(tmp_path / SUITES["young"].file, items)
    authors = ScriptedEngine(
        {item.before: item.after for item in items if isinstance(item, Repair)},
        {f"{item.before}<hole>{item.after}": item.missing for item in items if isinstance(item, Hole)},
    )
    results = [run_suite("young", tmp_path, authors, split=split) for split in {item.split for item in items}]
    assert sum(result.n for result in results) == 30
    for metric in (metric for result in results for metric in result.metrics):
        assert metric.count == (0 if metric.name in ("clean, false alarm", "crashed") else metric.n), (
            metric.name
        )
    idle = [
        run_suite("young", tmp_path, ScriptedEngine(), split=split)
        for split in {item.split for item in items}
    ]
    for metric in (metric for result in idle for metric in result.metrics if metric.name.endswith("exact")):
        assert metric.count == 0, metric.name


def test_infilling_scores_the_engine_beside_three_fillers(tmp_path: Path) -> None:
    def row(name: int, body: str) -> dict[str, object]:
        return {
            "task_id": name,
            "code": f"def f(x):\r\n{body}".rstrip(),
            "test_list": ["assert f(1) == 2", "assert y == 0"],
            "test_setup_code": "y = f(0) - 1",
        }

    rows = [row(1, "    return x + 1"), row(2, "    return 1 + x"), row(3, "    return (x + 1)")]
    engine = ScriptedEngine(
        completions={
            "def f(x):\n<hole>\n": "    return x + 1 ",
        }
    )
    result = run(tmp_path, "infill_mbpp", rows, engine)
    check(
        result,
        {
            "exact match": (1, 3),
            "parse": (3, 3),
            "tests": (3, 3),
            "exact match, empty line": (0, 3),
            "tests, empty line": (0, 3),
            "exact match, previous line": (0, 3),
            "tests, previous line": (0, 3),
            "exact match, pass": (0, 3),
            "tests, pass": (0, 3),
            "crashed": (0, 3),
        },
    )


def test_infilling_fillers_can_be_right(tmp_path: Path) -> None:
    rows = [
        {
            "task_id": 1,
            "code": "def f():\n    pass",
            "test_list": ["assert f() is None"],
            "test_setup_code": "",
        },
    ]
    result = run(tmp_path, "infill_mbpp", rows, ScriptedEngine())
    right = {metric.name for metric in result.metrics if metric.count}
    assert right == {"exact match, pass", "tests, pass"}


def test_infilling_blanks_no_header_docstring_or_comment() -> None:
    code = (
        '@cache\ndef f(x):\n    """One\n    two\n    three."""\n    # four\n\n    y = [\n        x,\n    ]\n'
        "    return y\n\n\nclass A:\n    pass\n"
    )
    suite = SUITES["infill_mbpp"]
    lines = set()
    for seed in range(60):
        row = {"task_id": 1, "code": code, "test_list": [], "test_setup_code": ""}
        item = suite.pose(_row(row), seed)
        assert isinstance(item, Blank)
        assert item.filled(item.line) == code
        lines.add(item.line)
    assert lines == {"    y = [", "        x,", "    return y", "    pass"}


def test_infilling_skips_what_has_no_line_to_blank(tmp_path: Path) -> None:
    row = {"code": "def f(x): return x", "test_list": [], "test_setup_code": ""}
    good = row | {"task_id": 2, "code": "import math"}
    result = run(tmp_path, "infill_mbpp", [row | {"task_id": 1}, good], ScriptedEngine())
    assert [record["id"] for record in result.records] == ["2"]


def test_debugbench_calls_the_method(tmp_path: Path) -> None:
    def row(category: str, before: str) -> dict[str, object]:
        return {
            "id": category,
            "category": category,
            "before": before,
            "after": GOOD,
            "call_tests": {"method": "mean", "cases": [[[[1, 2]], 1.5], [[[]], 0.0]]},
        }

    no_colon = GOOD.replace("numbers:", "numbers")
    wrong_sign = GOOD.replace("/", "-")
    two_bugs = no_colon.replace("/", "-")
    rows = [row("missing colons", no_colon), row("operation error", wrong_sign), row("double", two_bugs)]
    engine = ScriptedEngine({no_colon: GOOD + "# done\n", wrong_sign: GOOD, two_bugs: wrong_sign})
    check(
        run(tmp_path, "logic_debugbench", rows, engine),
        {
            "tests": (2, 3),
            "tests, one bug, does not parse": (1, 1),
            "tests, one bug, parses": (1, 1),
            "tests, several bugs": (0, 1),
            "exact match": (2, 3),
            "parse, of those that did not": (2, 2),
            "crashed": (0, 3),
        },
    )
    assert all(semantic for _, semantic in engine.asked)


GOOD = """\
class Solution:
    def mean(self, numbers: List[int]) -> float:
        if not numbers:
            return 0.0
        return sum(numbers) / len(numbers)
"""


@pytest.mark.parametrize(
    ("returned", "expected", "passes"),
    [
        ("1", 1, True),
        ("1", 2, False),
        ("(1, 2)", [1, 2], True),
        ("[1]", [1, 2], False),
        ("0.1 + 0.2", 0.3, True),
        ("0.31", 0.3, False),
        ("[(1, 0.1 + 0.2)]", [[1, 0.3]], True),
        ("None", None, True),
        ("math.inf", "x", False),
        ("deque([1])[0]", 1, True),
    ],
)
def test_calls_compare_tuples_as_lists_and_floats_to_a_tolerance(
    returned: str, expected: object, passes: bool
) -> None:
    solution = f"class Solution:\n    def f(self, x):\n        return {returned}\n"
    assert passes_calls(solution, "f", [([0], expected)]) is passes


def test_condefects_counts_exact_match_and_line(tmp_path: Path) -> None:
    before = ["a = 1\nb = 2\n", "a = 3\nb = 4\n", "a = 5\nb = 6\n", "a = 7\nb = 8\n"]
    rows = [{"id": text, "before": text, "after": text + "b += 1\n", "line": "2"} for text in before[:1]]
    rows += [
        {"id": text, "before": text, "after": text.replace("b", "c"), "line": "2"} for text in before[1:]
    ]
    engine = ScriptedEngine(
        {
            before[0]: before[0] + "\nb  +=  1  # more\n",
            before[1]: "a = 3\nd = 4\n",
            before[2]: ZeroDivisionError("division by zero"),
        }
    )
    check(
        run(tmp_path, "logic_condefects", rows, engine),
        {
            "exact match": (1, 4),
            "right line": (2, 4),
            "changed": (2, 4),
            "parse": (3, 4),
            "crashed": (1, 4),
        },
    )


@pytest.mark.parametrize(
    ("answer", "is_there"),
    [
        ("a\nx\nc\n", True),
        ("a\nb  \nc", False),
        ("a\nx\nx\n", False),
        ("x\nb\nc\n", False),
        ("a\nc\n", True),
    ],
)
def test_the_right_line_is_changed_and_no_other(answer: str, is_there: bool) -> None:
    assert is_on_the_line("a\nb\nc\n", "a\nB\nc\n", answer) is is_there


def test_false_alarms_ask_twice(tmp_path: Path) -> None:
    rows = [
        {"task_id": 1, "code": "x = 1\r\n", "test_list": []},
        {"task_id": 2, "code": "y = 1\n", "test_list": []},
    ]
    engine = ScriptedEngine({"y = 1\n": "y = 2\n"})
    result = run(tmp_path, "false_alarms", rows, engine)
    check(
        result,
        {
            "false alarm, semantic": (1, 2),
            "false alarm, syntax only (must be 0)": (1, 2),
            "crashed": (0, 2),
        },
    )
    assert engine.asked == [("x = 1\n", False), ("x = 1\n", True), ("y = 1\n", False), ("y = 1\n", True)]


def test_unknown_suite_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match="there is no suite nonsense; choose from syntax_pydex, syntax_cpython"
    ):
        run_suite("nonsense", tmp_path, ScriptedEngine())


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no benchmark file .*syntax_ruff\.jsonl\.gz"):
        run_suite("syntax_ruff", tmp_path, ScriptedEngine())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"not gzip", "cannot be read as gzipped"),
        (gzip.compress(b'{"id": "a"}')[:-9], "cannot be read as gzipped"),
        (gzip.compress(b"\xff\xfe"), "cannot be read as gzipped"),
        (gzip.compress(b"{]"), "line 1 is not JSON"),
        (gzip.compress(b"[1]"), "line 1 is not a JSON object"),
        (gzip.compress(b'{"id": "a"}'), "line 1 has no field before"),
        (gzip.compress(b'\n{"id": 3, "before": ""}'), "line 2: the field id should be a string"),
        (gzip.compress(b"\n\n"), "holds no item"),
    ],
)
def test_damaged_files_are_refused_with_the_reason(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / SUITES["syntax_cpython"].file).write_bytes(content)
    with pytest.raises(DataError, match=message):
        run_suite("syntax_cpython", tmp_path, ScriptedEngine())


def test_the_file_itself_may_be_named(tmp_path: Path) -> None:
    path = write(tmp_path, "syntax_cpython", SNIPPETS[:2]).rename(tmp_path / "held_back.jsonl.gz")
    assert run_suite("syntax_cpython", path, ScriptedEngine()).n == 2


def test_limit_draws_a_seeded_subset_in_file_order(tmp_path: Path) -> None:
    write(tmp_path, "syntax_cpython", SNIPPETS)

    def drawn(limit: int, seed: int) -> list[int]:
        result = run_suite("syntax_cpython", tmp_path, ScriptedEngine(), limit=limit, seed=seed)
        # A limit that leaves nothing out draws no subset.
        assert result.limit == (limit if limit < len(SNIPPETS) else None)
        return [int(str(record["id"]).partition("/")[2]) for record in result.records]

    assert drawn(5, 1) == drawn(5, 1)
    assert drawn(5, 1) != drawn(5, 2)
    assert drawn(5, 1) == sorted(drawn(5, 1))
    assert len(set(drawn(5, 1))) == 5
    assert drawn(99, 1) == list(range(12))


def test_a_limit_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="pass 1 or more"):
        run_suite("syntax_cpython", tmp_path, ScriptedEngine(), limit=0)


def test_progress_is_told_after_each_item(tmp_path: Path) -> None:
    write(tmp_path, "syntax_cpython", SNIPPETS[:3])
    seen: list[tuple[int, int]] = []
    run_suite(
        "syntax_cpython", tmp_path, ScriptedEngine(), progress=lambda done, total: seen.append((done, total))
    )
    assert seen == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize("wish", [Cancelled(), KeyboardInterrupt()])
def test_a_wish_to_stop_is_no_crash(tmp_path: Path, wish: BaseException) -> None:
    write(tmp_path, "syntax_cpython", SNIPPETS[:3])
    with pytest.raises(type(wish)):
        run_suite("syntax_cpython", tmp_path, ScriptedEngine({"f(1\n": wish}))


def test_records_hold_no_benchmark_text(tmp_path: Path) -> None:
    result = run(tmp_path, "syntax_cpython", SNIPPETS, ScriptedEngine({"f(1\n": "f(1)\n"}))
    assert "f(1" not in result.to_json()


def _row(fields: dict[str, object]) -> Row:
    return Row("test", 1, fields)
