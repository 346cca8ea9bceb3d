"""What is known of the words for the slots of a text, beside what the network thinks of them."""

from dataclasses import fields

import pytest
from redraft_model.calibration.logistic import NO_RIVAL
from redraft_model.misuse.ranking import MANY, MISUSE_FEATURES, MisuseFeatures, misuse_features
from redraft_model.misuse.slots import slots

METHOD = """\
def order(self, parts, supplier, part_count, unused):
    total = self.limit(parts)
    supplier.send(count=parts, total=total)
    if parts == parts:
        left = supplier.stock
    return parts
"""


def of(source: str, text: str, number: int, other: str) -> MisuseFeatures:
    """The features of `other` in the slot that is the `number`th one to hold `text`."""
    slot = [slot for slot in slots(source) if slot.text == text][number]
    (word,) = [word for word in slot.others if word.text == other]
    (found,) = misuse_features([(slot, word, 0.0)])
    return found


def test_a_lead_is_over_what_is_there_and_over_all_other_words_of_the_slot() -> None:
    first, second = slots("def f(a, b, c):\n    return a + b\n")[::2]
    gains = [(first, first.others[0], 3.0), (first, first.others[1], 1.0), (second, second.others[0], -2.0)]
    found = misuse_features(gains)
    assert [each.lead for each in found] == [2.0, -2.0, -2.0]
    assert [each.front for each in found] == [3.0, 1.0, -5.0]
    (alone,) = misuse_features([(first, first.others[0], 40.0)])
    assert (alone.lead, alone.front) == (NO_RIVAL, NO_RIVAL)
    assert misuse_features([]) == []
    assert len(found[0].values()) == len(MISUSE_FEATURES) == len(fields(MisuseFeatures)) - 1


def test_how_often_names_are_read_is_told_up_to_a_bound() -> None:
    found = of(METHOD, "supplier", 0, "unused")
    assert (found.old_reads, found.new_reads, found.old_unread) == (1, 0, 0)
    assert (found.new_unread, found.new_unread_parameter) == (1, 1)
    found = of(METHOD, "parts", 4, "left")
    assert (found.old_reads, found.new_unread, found.new_unread_parameter) == (4, 1, 0)
    source = "def f(a, b):\n    print(a)\n" + 9 * "    print(b)\n"
    assert of(source, "a", 0, "b").new_reads == MANY
    assert of(source, "a", 0, "b").old_unread == 1


def test_what_stands_beside_itself_is_told() -> None:
    found = of(METHOD, "parts", 2, "total")
    assert (found.old_near, found.old_beside, found.new_near, found.new_beside) == (1, 1, 0, 0)
    found = of(METHOD, "parts", 1, "total")
    assert (found.old_near, found.new_near, found.new_beside) == (0, 1, 1)


def test_what_stands_around_a_word_elsewhere_is_told() -> None:
    source = "def f(first, last):\n    send(first, 1)\n    send(last, 1)\n"
    found = of(source, "last", 0, "first")
    # send ( _ , 1 )
    assert (found.old_around, found.new_around) == (0, 5)
    found = of(source + "    send(last, 1)\n", "last", 0, "first")
    assert (found.old_around, found.new_around) == (6, 5)


def test_a_value_is_like_the_word_that_it_is_for() -> None:
    found = of(METHOD, "parts", 1, "part_count")
    assert (found.old_like, found.new_like) == (0.0, 0.5)
    assert of("def f(theWidth, a):\n    g(the_width=a)\n", "a", 0, "theWidth").new_like == 1.0
    assert of(METHOD, "parts", 0, "self").new_like == 0.0


def test_self_is_counted_by_itself() -> None:
    found = of(METHOD, "self", 0, "parts")
    assert (found.old_own, found.old_own_whole, found.old_reads, found.old_unread) == (1, 0, 0, 0)
    found = of(METHOD, "supplier", 1, "self")
    assert (found.new_own, found.new_own_dot, found.new_alike, found.old_alike) == (1, 1, 0, 1)
    whole = of("def f(self, a):\n    return g(self, self)\n", "self", 0, "a")
    assert (whole.old_own, whole.old_own_whole, whole.old_near, whole.old_beside) == (1, 1, 0, 0)


def test_an_attribute_that_is_meant_of_a_name_elsewhere_speaks_for_it() -> None:
    source = "def f(self, a):\n    self.x = 1\n    return self.x + a.x + a.y\n"
    found = of(source, "self", 0, "a")
    assert (found.old_same, found.new_same) == (1, 1)
    found = of(source, "a", 1, "self")
    assert (found.old_same, found.new_same) == (0, 0)


def test_a_name_without_a_value_is_told() -> None:
    source = "def f(a):\n    b = late + other\n    late = 1\n    return a.x\n"
    found = of(source, "late", 0, "a")
    assert (found.old_late, found.old_unbound) == (1, 0)
    found = of(source, "other", 0, "a")
    assert (found.old_late, found.old_unbound, found.old_unread) == (0, 1, 0)
    assert of(source, "a", 0, "other").new_unbound == 1


def test_a_name_from_nowhere_is_of_a_group_of_its_own() -> None:
    source = "def f(total):\n    pritn(totla, Row, mod.x, total)\n"
    found = of(source, "totla", 0, "total")
    assert (found.group, found.in_module, found.is_called, found.has_dot) == ("unknown", 0, 0, 0)
    assert found.spelt_alike == pytest.approx(0.8)
    assert of("import a\n" + source, "totla", 0, "total").in_module == 1
    assert of(source, "Row", 0, "total").old_capital == 1
    assert of(source, "mod", 0, "total").has_dot == 1
    found = of(source, "pritn", 0, "print")
    assert (found.group, found.is_called, found.old_capital) == ("unknown", 1, 0)
    found = of(source, "total", 0, "totla")
    assert (found.group, found.spelt_alike) == ("name", 0)


def test_an_attribute_of_self_is_told_and_whether_its_class_has_it() -> None:
    source = (
        "class A:\n    def __init__(self, a):\n        self.width = a\n        self.height = a\n        self.spare = a\n"
        "    def f(self):\n        return self.width + self.hight + g(spare_part=self.height)\n"
    )
    found = of(source, "hight", 0, "height")
    assert (found.group, found.is_attribute) == ("unknown", 1)
    assert (found.old_reads, found.new_reads, found.old_near, found.new_near) == (0, 1, 0, 1)
    assert found.spelt_alike > 0.8
    found = of(source, "height", -1, "spare")
    assert (found.group, found.is_attribute, found.old_unread, found.new_unread) == ("attribute", 1, 1, 1)
    assert (found.old_like, found.new_like) == (0.0, 0.5)


@pytest.mark.parametrize("text", ["<", "+", "1", "and"])
def test_of_what_is_no_name_only_nats_and_how_often_it_is_used_are_known(text: str) -> None:
    (slot, *_) = (slot for slot in slots("x = 2 + 1 < y and z\n") if slot.text == text)
    (found,) = misuse_features([(slot, slot.others[0], 1.5)])
    known = {name: value for name, value in zip(MISUSE_FEATURES, found.values(), strict=True) if value}
    assert found.group == "sign"
    assert (known.pop("lead"), known.pop("front"), known.pop("old_unread")) == (1.5, 1.5, 1.0)
    assert known.pop("is_literal", 0.0) == float(text == "1")
    assert set(known) <= {"new_unread", "new_reads"}


def test_signs_of_the_same_function_are_counted() -> None:
    source = "def f(a):\n    return a + 1, a + 0, a - 1\ndef g(a):\n    return a * 1\n"
    found = of(source, "1", 0, "0")
    assert (found.old_reads, found.new_reads, found.old_unread, found.new_unread) == (1, 1, 0, 0)
    found = of(source, "+", 0, "*")
    assert (found.old_reads, found.new_reads, found.new_unread) == (1, 0, 1)
    assert of(source, "*", 0, "+").new_reads == 0
