"""What methods read of self, and whether its class has it."""

import ast

import pytest
from redraft_model.text.attributes import ClassAttributes, class_attributes

CLASS = """\
class Box:
    unit = "m"

    def __init__(self, width):
        self.width = width
        self.items: list = []

    @property
    def half(self):
        return self.width / 2

    def add(self, item):
        self.items.append(item + self.width * self.width)
        return self.add(self.half) or cls.unit
"""


def only(code: str) -> ClassAttributes:
    """The class_attributes of the one class of `code`."""
    outside, inside = class_attributes(ast.parse(code))
    assert not outside.uses
    return inside


def test_data_and_methods_are_told_apart_and_properties_are_read_like_data() -> None:
    found = only(CLASS)
    assert found.data == {"unit", "width", "items", "half"}
    assert found.of_kind(called=False) == {"unit", "width", "items", "half"}
    assert found.of_kind(called=True) == {"half", "add"}
    assert found.is_closed


def test_reads_are_counted_and_those_of_a_statement_too() -> None:
    found = only(CLASS)
    assert [(use.node.attr, use.is_called) for use in found.uses] == [
        ("width", False),
        ("items", False),
        ("width", False),
        ("width", False),
        ("add", True),
        ("half", False),
        ("unit", False),
    ]
    assert (found.n_reads("width"), found.n_reads("add"), found.n_reads("nothing")) == (3, 1, 0)
    twice = found.uses[2].statement
    assert (found.n_in_statement("width", twice), found.n_in_statement("half", twice)) == (2, 0)


def test_what_a_closed_class_has() -> None:
    found = only(CLASS)
    assert all(map(found.has, ("unit", "half", "add", "items", "__class__", "__doc__")))
    assert not found.has("hieght")


@pytest.mark.parametrize(
    "change",
    [
        ("class Box:", "class Box(Base):"),
        ("class Box:", "class Box(metaclass=Meta):"),
        ("class Box:", "@registered\nclass Box:"),
        ("class Box:", "@attr.s(these=fields)\nclass Box:"),
        ("class Box:", "@wrappers[0]\nclass Box:"),
        ("def add", "def __getattr__"),
        ("self.items: list", "self.__dict__['items']"),
        ("self.items: list", "setattr(self, 'items', []); x"),
    ],
)
def test_a_class_that_may_have_any_attribute(change: tuple[str, str]) -> None:
    found = only(CLASS.replace(*change))
    assert not found.is_closed
    assert found.has("hieght")


@pytest.mark.parametrize("decorator", ["dataclass", "dataclasses.dataclass(frozen=True)", "final"])
def test_a_decorator_that_adds_nothing(decorator: str) -> None:
    assert only(f"@{decorator}\n{CLASS}").is_closed


def test_object_is_no_parent_to_speak_of() -> None:
    assert only(CLASS.replace("Box:", "Box(object):")).is_closed


def test_an_attribute_may_be_given_under_a_condition() -> None:
    code = "class A:\n    if x:\n        y = 1\n    try:\n        z = 2\n    except OSError:\n        def m(self): return self.y\n"
    assert only(code).data == {"y", "z"}
    assert only(code).methods == {"m"}


def test_outside_of_all_classes_self_may_have_anything() -> None:
    (found,) = class_attributes(
        ast.parse("def f(self):\n    self.a = 1\n    return self.b(self.a, other.c)\n")
    )
    assert found.has("anything")
    assert found.of_kind(called=True) == {"b"}
    assert found.of_kind(called=False) == {"a"}


def test_each_class_has_its_own() -> None:
    code = "class A:\n    class B:\n        def f(self): return self.x\n    def g(self): return self.y, self.B()\n"
    outside, outer, inner = class_attributes(ast.parse(code))
    assert [use.node.attr for use in inner.uses] == ["x"]
    assert [use.node.attr for use in outer.uses] == ["y", "B"]
    assert outer.has("B")
    assert not outer.has("y")
    assert not outside.uses
