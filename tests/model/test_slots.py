"""Slots: where another name, operator or literal could stand, and which."""

import pytest
from redraft_model.passage import Span
from redraft_model.slots import N_OTHERS, Slot, slots


def at(source: str, text: str, number: int = 0) -> Slot:
    """The slot that holds `text`, the `number`th of them."""
    return [slot for slot in slots(source) if slot.text == text][number]


def others(slot: Slot) -> list[str]:
    return [other.text for other in slot.others]


def test_slots_are_in_order_and_hold_what_is_in_the_text() -> None:
    source = "def f(größe, b):\n    x = größe + b\n    return x if x >= 1 and b else größe\n"
    found = slots(source)
    assert [slot.span for slot in found] == sorted(slot.span for slot in found)
    assert [slot.text for slot in found] == ["größe", "+", "b", "x", "x", ">=", "1", "and", "b", "größe"]
    assert all(slot.span.of(source) == slot.text for slot in found)


def test_a_name_may_be_another_variable_of_its_function_bound_before() -> None:
    source = "outside = 1\ndef f(self, a):\n    b = a\n    c = b\n    late = 2\n    return [i for i in c]\n"
    assert others(at(source, "b")) == ["a"]
    assert set(others(at(source, "i"))) == {"a", "b", "c", "late"}
    assert "outside" not in others(at(source, "c"))
    assert "self" not in others(at(source, "c"))


def test_reads_are_counted_in_the_scope_of_the_name_closures_and_calls_included() -> None:
    source = (
        "def f(a, used_in_g, called, unused):\n    def g():\n        return used_in_g\n    called()\n    return a\n"
        "def h(unused):\n    return unused\n"
    )
    slot = at(source, "a")
    assert slot.n_reads == 1
    assert {other.text: other.n_reads for other in slot.others} == {"used_in_g": 1, "called": 1, "unused": 0}


@pytest.mark.parametrize(
    ("source", "text", "expected"),
    [
        ("a < b", "<", "<= > >= == !="),
        ("a == b", "==", "< <= > >= !="),
        ("a // b", "//", "+ - * / % **"),
        ("a | b", "|", "& ^ << >>"),
        ("a or b or c", "or", "and"),
        ("f(True)", "True", "False"),
        ("f(2)", "2", "0 1"),
    ],
)
def test_an_operator_or_literal_may_be_another_of_its_kind(source: str, text: str, expected: str) -> None:
    slot = at(source, text)
    assert sorted(others(slot)) == sorted(expected.split())
    assert not slot.is_name


@pytest.mark.parametrize(
    "source",
    ["a <", "'1' + '2'", "f(1.0)", "# 1 < 2", "x: int", "", "a = b'0'", "1j\0", "a = 1\rb = a < 2\r"],
)
def test_what_is_no_slot(source: str) -> None:
    assert [slot for slot in slots(source) if slot.text not in "+"] == []


def test_lines_may_end_as_on_windows() -> None:
    source = "a = 3\r\nc = 4\r\nb = a\r\n"
    assert at(source, "a").span == Span(18, 19)


def test_of_many_names_the_nearest_are_offered() -> None:
    source = "".join(f"v{i} = {i + 3}\n" for i in range(60)) + "print(v59)\n"
    assert others(at(source, "v59"))[0] == "v58"
    assert N_OTHERS <= len(others(at(source, "v59"))) <= N_OTHERS + 1
