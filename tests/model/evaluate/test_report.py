"""Results as JSON and as Markdown."""

import json
from dataclasses import replace

import pytest
from redraft_model.errors import DataError
from redraft_model.evaluate.machine import Machine
from redraft_model.evaluate.report import Floor, render
from redraft_model.evaluate.result import Metric, Result

MACHINE = Machine("Abacus 3", 2, 1, "Linux x86_64", "3.11.7", "cpu")


def result(system: str = "redraft", limit: int | None = None) -> Result:
    return Result(
        suite="syntax_pydex",
        system=system,
        n=20,
        metrics=(Metric("parse", 10, 20), Metric("false alarm", 0, 0), Metric("half", 1, 10)),
        seconds=1.25,
        engine_seconds=0.5,
        seed=3,
        limit=limit,
        python="3.11.7",
        records=({"id": "a", "crashed": False, "seconds": 0.5, "parses": True},),
    )


def test_json_holds_rates_and_intervals_and_reads_back() -> None:
    text = result().to_json()
    parse, alarm, _ = json.loads(text)["metrics"]
    assert parse == {
        "name": "parse",
        "count": 10,
        "n": 20,
        "rate": 0.5,
        "interval_95": pytest.approx([0.29929, 0.70071], abs=1e-5),
    }
    assert (alarm["rate"], alarm["interval_95"]) == (None, [0.0, 1.0])
    assert Result.from_json(text) == result()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"suite": 1}', "null"])
def test_json_of_something_else_is_refused(text: str) -> None:
    with pytest.raises(DataError, match="run the suite again"):
        Result.from_json(text)


def test_markdown_of_one_result() -> None:
    assert result(limit=20).to_markdown() == (
        "**syntax_pydex**, redraft: n = 20 (a random subset, seed 3), 1.2 s, Python 3.11.7\n"
        "\n"
        "| metric | count | n | rate | 95 % interval |\n"
        "|---|---:|---:|---:|---:|\n"
        "| parse | 10 | 20 | 50.0 % | 29.9 to 70.1 % |\n"
        "| false alarm | 0 | 0 | no items | 0.0 to 100.0 % |\n"
        "| half | 1 | 10 | 10.0 % | 1.8 to 40.4 % |\n"
    )


def test_report_has_systems_as_rows_and_floors_below() -> None:
    page = render(
        [result(), result("leave alone", limit=20)],
        machine=MACHINE,
        date="2026-02-03",
        command="redraft eval syntax_pydex --data DIR",
        floors=[
            Floor("syntax_pydex", "hand | rules", 286, {"parse": "55.6 %", "tests": "31"}),
            Floor("syntax_ruff", "retrieved_context", 1, {"parse": "0 %"}),
        ],
        about={"syntax_pydex": "Student programs."},
    )
    parse = "50.0 % [29.9, 70.1]"
    half = "10.0 % [1.8, 40.4] of 10"
    assert page == (
        "# Results\n"
        "\n"
        "Measured 2026-02-03 with `redraft eval syntax_pydex --data DIR` on "
        "Abacus 3, 2 cores, 1 torch threads, cpu, Linux x86_64, Python 3.11.7.\n"
        "Cells: rate and Wilson 95 % interval.\n"
        "\n"
        "## syntax_pydex\n"
        "\n"
        "Student programs.\n"
        "\n"
        "| system | n | parse | false alarm | half | tests |\n"
        "|---|---:|---:|---:|---:|---:|\n"
        f"| redraft | 20 | {parse} | no items | {half} | - |\n"
        f"| leave alone | 20 (subset, seed 3) | {parse} | no items | {half} | - |\n"
        "| hand \\| rules | 286 | 55.6 % | - | - | 31 |\n"
    )


def test_this_machine_has_a_name_fit_for_a_file() -> None:
    machine = Machine.here(n_threads=1)
    assert machine.n_cores >= 1
    assert machine.cpu
    assert MACHINE.slug == "abacus-3-2-cores-cpu"
    assert set(machine.fields()) == {"cpu", "n_cores", "n_threads", "system", "python", "device"}


def test_a_system_that_was_trained_on_the_set_is_marked_wherever_it_is_named() -> None:
    trained = replace(result(), is_trained_on=True)
    assert Result.from_json(trained.to_json()) == trained
    for one, is_marked in ((trained, True), (result(), False)):
        page = render([one], machine=MACHINE, date="2026-01-01", command="make bench")
        assert ("redraft (trained on this set's fixes)" in page) is is_marked
        assert ("redraft (trained on this set's fixes)" in one.to_markdown()) is is_marked
