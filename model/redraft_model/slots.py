"""Slots: places of a text that parses where another name, operator or literal could stand. No torch here."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from redraft_model.passage import Span
from redraft_model.survey import ARITHMETIC, COMPARISONS, FILLERS, Scope, Survey, parsed, steps

# What is taken for one another.
_FAMILIES = (("+", "-", "*", "/", "//", "%", "**"), ("&", "|", "^", "<<", ">>"))
_NUMBERS, _TRUTHS = ("0", "1", "2"), ("True", "False")
N_OTHERS = 24  # names offered for one slot, the nearest ones

# What a value is given to: a keyword, an attribute, a key, or what it is compared with.
_GIVEN_TO = re.compile(r"""(\w+)["']?\]?\s*(?:[=!]?=|:)\s*$""")
_LONGEST = 80  # characters between a value and the end of the word that it is given to


@dataclass(frozen=True)
class Word:
    """What stands or could stand in a slot. Of a name: how often it is elsewhere, and where its value comes from."""

    text: str
    n_reads: int = 1  # of this variable elsewhere; 1 for what is no name
    n_near: int = 0  # in the same statement
    n_beside: int = 0  # among the arguments of the same call or the operands of the same operator
    n_alike: int = 0  # places where what is done in the slot (a dot or an index follows) is done to it
    n_same: int = 0  # places where the very attribute that is meant in the slot is meant of it
    is_bound: bool = True  # whether the function gives it a value, be it further down
    is_late: bool = False  # whether it does so further down only
    is_parameter: bool = False


@dataclass(frozen=True)
class Slot:
    """The characters of a name, an operator or a literal, and what else could stand there."""

    span: Span
    now: Word
    others: tuple[Word, ...]
    function: int = -1  # where the function begins that it is in; -1 outside of all
    is_name: bool = False
    has_dot: bool = False  # whether an attribute of it is meant
    given_to: str = ""  # the word that this value is for; empty where it is for none

    @property
    def text(self) -> str:
        """What is there now."""
        return self.now.text


def slots(source: str, within: Span | None = None) -> list[Slot]:
    """The slots of `source`, or of a part of it, in order.

    There are none when it does not parse, or has lines that end in a lone carriage return.
    """
    survey = _surveyed(source)
    if survey is None:
        return []
    part = within or Span(0, len(source))
    found = [*_names(survey, part), *_operators(survey), *_literals(survey)]
    inside = {
        slot.span: slot for slot in found if part.start <= slot.span.start and slot.span.end <= part.end
    }
    return sorted(inside.values(), key=lambda slot: slot.span)


@lru_cache(maxsize=1)
def _surveyed(source: str) -> Survey | None:
    """The survey of `source`, kept because a text is looked at window by window."""
    # The parser ends a line at a lone carriage return; the survey splits them at line feeds.
    tree = None if "\r" in source.replace("\r\n", "\n") else parsed(source)
    try:
        return None if tree is None else Survey(source, tree)
    except RecursionError:
        # A chain of hundreds of operators nests as deeply as it is long.
        return None


def _names(survey: Survey, within: Span) -> Iterator[Slot]:
    for node, scope in survey.names:
        start = survey.start(node)
        if not within.start <= start <= within.end:
            continue
        names = scope.names()
        if node.id in FILLERS or node.id not in names or survey.text(node) != node.id:
            continue
        # What is bound further down would be an error at once.
        earlier = [name for name in names if name not in FILLERS and names[name] <= start]
        nearest = sorted(earlier, key=lambda name: (not scope.binds(name), start - names[name]))
        others = tuple(
            _word(survey, name, node, scope, names[name] > start)
            for name in nearest[: N_OTHERS + 1]
            if name != node.id
        )
        if others:
            given_to = _GIVEN_TO.search(survey.code, max(0, start - _LONGEST), start)
            yield Slot(
                Span(start, start + len(node.id)),
                _word(survey, node.id, node, scope, names[node.id] > start),
                others,
                survey.function_at(start),
                is_name=True,
                has_dot=survey.use(node) == ".",
                given_to=given_to[1] if given_to else "",
            )


def _word(survey: Survey, name: str, node: ast.Name, scope: Scope, is_late: bool) -> Word:
    """What is known of a name that is, or could be, the one of `node`; that place itself does not count."""
    here = int(name == node.id)
    use, attribute = survey.use(node), survey.attribute(node)
    return Word(
        name,
        n_reads=survey.n_reads(name, scope) - here,
        n_near=survey.n_in_statement(name, node) - here,
        n_beside=survey.n_beside(name, node) - here if survey.n_beside(node.id, node) else 0,
        n_alike=survey.n_uses(name, scope, use) - here if use else 0,
        n_same=survey.n_wanted(name, scope, attribute) - here if attribute else 0,
        is_bound=scope.binds(name),
        is_late=is_late,
        is_parameter=scope.has_parameter(name),
    )


def _operators(survey: Survey) -> Iterator[Slot]:
    for node in survey.comparisons:
        for left, operator, right in steps(node):
            text = COMPARISONS.get(type(operator))
            span = survey.between(left, right, re.escape(text) + r"(?!=)") if text else None
            if text and span:
                yield _one_of(survey, span, text, tuple(COMPARISONS.values()))
    for binary in survey.arithmetic:
        text = ARITHMETIC[type(binary.op)]
        for family in _FAMILIES:
            if text in family and (span := survey.between(binary.left, binary.right, re.escape(text))):
                yield _one_of(survey, span, text, family)
    for boolean in survey.boolean:
        text = "and" if isinstance(boolean.op, ast.And) else "or"
        for left, right in zip(boolean.values, boolean.values[1:], strict=False):
            if span := survey.between(left, right, rf"\b{text}\b"):
                yield _one_of(survey, span, text, ("and", "or"))


def _literals(survey: Survey) -> Iterator[Slot]:
    for node in survey.literals:
        start = survey.start(node)
        text = str(node.value)
        for family in (_NUMBERS, _TRUTHS):
            if text in family and not isinstance(node.value, str | bytes) and survey.text(node) == text:
                yield _one_of(survey, Span(start, start + len(text)), text, family)


def _one_of(survey: Survey, span: Span, text: str, family: tuple[str, ...]) -> Slot:
    others = tuple(Word(other) for other in family if other != text)
    return Slot(span, Word(text), others, survey.function_at(span.start))
