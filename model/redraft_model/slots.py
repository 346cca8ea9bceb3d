"""Slots: places of a text that parses where another name, operator or literal could stand. No torch here."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from redraft_model.passage import Span
from redraft_model.survey import ARITHMETIC, COMPARISONS, OWN_NAMES, Survey, parsed, steps

# What is taken for one another.
_FAMILIES = (("+", "-", "*", "/", "//", "%", "**"), ("&", "|", "^", "<<", ">>"))
_NUMBERS, _TRUTHS = ("0", "1", "2"), ("True", "False")
N_OTHERS = 24  # names offered for one slot, the nearest ones


@dataclass(frozen=True)
class Other:
    """What else could stand in a slot, and how often it is read elsewhere (1 for what is no name)."""

    text: str
    n_reads: int = 1


@dataclass(frozen=True)
class Slot:
    """The characters of a name, an operator or a literal; how often its name is read, this time included."""

    span: Span
    text: str
    others: tuple[Other, ...]
    is_name: bool = False
    n_reads: int = 2  # what is no name stands elsewhere, too


def slots(source: str) -> list[Slot]:
    """The slots of `source` in order; none when it does not parse, or has lines that end in a lone carriage return."""
    # The parser ends a line at a lone carriage return; the survey splits them at line feeds.
    tree = None if "\r" in source.replace("\r\n", "\n") else parsed(source)
    if tree is None:
        return []
    try:
        survey = Survey(source, tree)
        found = [*_names(survey), *_operators(survey), *_literals(survey)]
    except RecursionError:
        # A chain of hundreds of operators nests as deeply as it is long.
        return []
    return sorted({slot.span: slot for slot in found}.values(), key=lambda slot: slot.span)


def _names(survey: Survey) -> Iterator[Slot]:
    for node, scope in survey.names:
        start = survey.start(node)
        names = scope.names()
        if node.id in OWN_NAMES or node.id not in names or survey.text(node) != node.id:
            continue
        # What is bound further down would be an error at once.
        earlier = [name for name in names if name not in OWN_NAMES and names[name] <= start]
        nearest = sorted(earlier, key=lambda name: (not scope.binds(name), start - names[name]))
        others = tuple(
            Other(name, survey.n_reads(name, scope)) for name in nearest[: N_OTHERS + 1] if name != node.id
        )
        if others:
            span = Span(start, start + len(node.id))
            yield Slot(span, node.id, others, is_name=True, n_reads=survey.n_reads(node.id, scope))


def _operators(survey: Survey) -> Iterator[Slot]:
    for node in survey.comparisons:
        for left, operator, right in steps(node):
            text = COMPARISONS.get(type(operator))
            span = survey.between(left, right, re.escape(text) + r"(?!=)") if text else None
            if text and span:
                yield _one_of(span, text, tuple(COMPARISONS.values()))
    for binary in survey.arithmetic:
        text = ARITHMETIC[type(binary.op)]
        for family in _FAMILIES:
            if text in family and (span := survey.between(binary.left, binary.right, re.escape(text))):
                yield _one_of(span, text, family)
    for boolean in survey.boolean:
        text = "and" if isinstance(boolean.op, ast.And) else "or"
        for left, right in zip(boolean.values, boolean.values[1:], strict=False):
            if span := survey.between(left, right, rf"\b{text}\b"):
                yield _one_of(span, text, ("and", "or"))


def _literals(survey: Survey) -> Iterator[Slot]:
    for node in survey.literals:
        start = survey.start(node)
        text = str(node.value)
        for family in (_NUMBERS, _TRUTHS):
            if text in family and not isinstance(node.value, str | bytes) and survey.text(node) == text:
                yield _one_of(Span(start, start + len(text)), text, family)


def _one_of(span: Span, text: str, family: tuple[str, ...]) -> Slot:
    return Slot(span, text, tuple(Other(other) for other in family if other != text))
