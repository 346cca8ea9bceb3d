"""Slots: where another name, operator or literal could stand, and which."""

from dataclasses import replace

import pytest
from redraft_model.misuse.slots import N_OTHERS, Slot, Word, slots
from redraft_model.passage import Span


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
    assert others(at(source, "b")) == ["a", "self"]
    assert set(others(at(source, "i"))) == {"a", "b", "c", "late", "self"}
    assert "outside" not in others(at(source, "c"))


def test_only_what_is_inside_a_span_is_a_slot_of_it() -> None:
    source = "def f(a, b):\n    c = a + b\n    return c < a\n"
    everything = slots(source)
    at_return = Span(source.index("return"), len(source))
    assert slots(source, at_return) == everything[3:]
    assert [slot.text for slot in everything] == ["a", "+", "b", "c", "<", "a"]
    start = everything[1].span.start
    assert slots(source, Span(start, start)) == []


def test_self_is_a_name_as_others_are_and_what_nobody_reads_is_none() -> None:
    source = "def f(self, a):\n    _, b = self.x(a)\n    return _ + b\n"
    assert others(at(source, "self")) == ["a"]
    assert others(at(source, "b")) == ["a", "self"]
    assert [slot.text for slot in slots(source)] == ["self", "a", "+", "b"]


def test_reads_are_counted_in_the_scope_of_the_name_closures_and_calls_included() -> None:
    source = (
        "def f(a, used_in_g, called, unused):\n    def g():\n        return used_in_g\n    called()\n    return a\n"
        "def h(unused):\n    return unused\n"
    )
    slot = at(source, "a")
    assert slot.now.n_reads == 0, "it is not read elsewhere"
    assert {other.text: other.n_reads for other in slot.others} == {"used_in_g": 1, "called": 1, "unused": 0}


def words(slot: Slot) -> dict[str, Word]:
    return {word.text: word for word in (slot.now, *slot.others)}


def test_names_of_the_same_statement_count_those_of_its_block_do_not() -> None:
    source = "def f(a, b, c):\n    if a.x(b, b):\n        c = a\n    return c\n"
    found = words(at(source, "b"))
    assert {name: word.n_near for name, word in found.items()} == {"a": 1, "b": 1, "c": 0}
    assert {name: word.n_near for name, word in words(at(source, "a", 1)).items()} == {"a": 0, "b": 0, "c": 1}


@pytest.mark.parametrize(
    ("line", "n_beside"),
    [("g(a, a)", 1), ("g(a, k=a)", 1), ("a < a", 1), ("a + a", 1), ("g(a)(a)", 0), ("g(a, h(a))", 0)],
)
def test_arguments_of_one_call_and_operands_of_one_operator_stand_beside_each_other(
    line: str, n_beside: int
) -> None:
    source = f"def f(a, b):\n    {line}\n"
    assert at(source, "a").now.n_beside == n_beside
    assert at(source, "a").now.n_near == 1


def test_what_is_done_with_a_variable_is_counted_where_it_is_done() -> None:
    source = "def f(a, b, c):\n    a.x = b.y\n    a.z(c[0])\n    return a, b[1]\n"
    assert {name: word.n_alike for name, word in words(at(source, "b")).items()} == {"a": 2, "b": 0, "c": 0}
    assert {name: word.n_alike for name, word in words(at(source, "c")).items()} == {"a": 0, "b": 1, "c": 0}
    assert not any(word.n_alike for word in words(at(source, "a", 2)).values())
    assert [at(source, name).has_dot for name in "abc"] == [True, True, False]


def test_where_else_the_same_attribute_is_meant_is_counted() -> None:
    source = "def f(self, a, b):\n    self.x = a.x + b.y\n    return a.x(self.y), b\n"
    assert {name: word.n_same for name, word in words(at(source, "a")).items()} == {"self": 1, "a": 1, "b": 0}
    assert {name: word.n_same for name, word in words(at(source, "b")).items()} == {"self": 1, "a": 0, "b": 0}
    assert not any(word.n_same for word in words(at(source, "b", 1)).values())


def test_where_a_value_comes_from_is_known() -> None:
    source = "import m\ndef f(a):\n    b = late or m\n    late = 2\n    return [c for c in b] + other\n"
    late, outside, inner = (at(source, name) for name in ("late", "other", "c"))
    assert (late.now.is_bound, late.now.is_late, late.now.is_parameter) == (True, True, False)
    assert not outside.now.is_bound
    assert not words(outside)["m"].is_bound
    assert words(outside)["a"].is_parameter
    assert words(inner)["a"].is_parameter, "of the function around the comprehension"
    assert inner.now == replace(inner.now, is_bound=True, is_late=False, is_parameter=False)


def test_a_name_from_nowhere_may_be_one_that_is_spelt_alike() -> None:
    source = (
        "import math\ndef f(total):\n    for number in total:\n"
        "        pritn(mth.pi, nubmer)\n    return len(total), zip_(1)\n"
    )
    assert others(at(source, "pritn")) == ["print"]
    assert at(source, "pritn").is_called
    assert "math" in others(at(source, "mth"))
    assert others(at(source, "nubmer")) == ["number", "total", "enumerate"], "each once"
    assert [at(source, name).now.is_known for name in ("pritn", "mth", "nubmer", "total")] == [False] * 3 + [
        True
    ]
    assert not any(slot.text == "len" for slot in slots(source))
    assert at(source, "mth").is_in_module
    assert not at(source.partition("\n")[2], "mth").is_in_module


def test_a_module_before_a_dot_is_no_variable() -> None:
    assert [slot.text for slot in slots("import os\ndef f(a, b):\n    os.remove(a)\n")] == ["a"]


METHODS = """\
class Box:
    def __init__(self, width, height):
        self.width, self.height = width, height
        self.spare = None

    def area(self):
        return self.width * self.hight

    def twice(self):
        return self.area(key=self.height) + self.areas()
"""


def test_an_attribute_of_self_may_be_another_one_of_its_class() -> None:
    width, missing, whole, absent = (at(METHODS, name, -1) for name in ("width", "hight", "area", "areas"))
    assert sorted(others(width)) == ["height", "spare"]
    assert sorted(others(missing)) == ["height", "spare", "width"]
    assert sorted(others(whole)) == ["twice"]
    assert sorted(others(absent)) == ["area", "twice"]
    assert {slot.kind for slot in (width, missing, whole, absent)} == {"attribute"}
    assert [slot.now.is_known for slot in (width, missing, whole, absent)] == [True, False, True, False]
    assert [slot.is_called for slot in (width, missing, whole, absent)] == [False, False, True, True]
    assert at(METHODS, "height", -1).given_to == "key"
    assert words(missing)["height"].n_reads == 1
    assert words(missing)["spare"].n_reads == 0
    assert words(missing)["width"].n_near == 1


def test_of_many_attributes_the_nearest_are_offered() -> None:
    given = "".join(f"        self.a{i} = {i}\n" for i in range(60))
    reads = "".join(f"        x = self.a{i}\n" for i in range(60))
    found = others(at(f"class A:\n    def f(self):\n{given}{reads}", "a30"))
    assert len(found) == N_OTHERS
    assert {"a29", "a31"} <= set(found[:2])
    misspelt = (
        f"class A:\n    def f(self):\n        self.width = 1\n{given}{reads}        return self.widht\n"
    )
    assert others(at(misspelt, "widht"))[0] == "width"


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("g(width=a)", "width"),
        ("b.width = a", "width"),
        ("{'width': a}", "width"),
        ('b["width"] = a', "width"),
        ("width == a", "width"),
        ("width != a", "width"),
        ("width + a", ""),
        ("g(a)", ""),
        ("a", ""),
    ],
)
def test_the_word_that_a_value_is_for_is_known(line: str, word: str) -> None:
    assert at(f"def f(a, b):\n    {line}\n", "a").given_to == word


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
    assert slot.kind == "sign"


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
