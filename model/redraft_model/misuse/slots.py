"""Slots: places of a text that parses where another name, operator or literal could stand. No torch here."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import lru_cache

from redraft_model.passage import Diagnosis, DiagnosisKind, Span
from redraft_model.text.attributes import ClassAttributes, Use, class_attributes
from redraft_model.text.scopes import ARITHMETIC, COMPARISONS, FILLERS, Scope, ScopeAnalysis, parsed, steps

# What is taken for one another.
_FAMILIES = (("+", "-", "*", "/", "//", "%", "**"), ("&", "|", "^", "<<", ">>"))
_NUMBERS, _TRUTHS = ("0", "1", "2"), ("True", "False")
KINDS = ("name", "attribute", "sign")  # a variable; an attribute of self or cls; an operator or literal
N_OTHERS = 24  # names offered for one slot, the nearest ones
N_SPELT_ALIKE = 3  # functions, classes and the like that are offered for a name from nowhere
SPELT_ALIKE = 0.6  # how alike at least, as difflib measures it

# What a value is given to: a keyword, an attribute, a key, or what it is compared with.
_GIVEN_TO = re.compile(r"""(\w+)["']?\]?\s*(?:[=!]?=|:)\s*$""")
_LONGEST = 80  # characters between a value and the end of the word that it is given to


@dataclass(frozen=True)
class Word:
    """What stands or could stand in a slot. Of a name: how often it is elsewhere, and where its value comes from."""

    text: str
    n_reads: int = (
        1  # elsewhere; an operator or literal counts as read wherever it stands in the same function
    )
    n_near: int = 0  # in the same statement
    n_beside: int = 0  # among the arguments of the same call or the operands of the same operator
    n_alike: int = 0  # places where what is done in the slot (a dot or an index follows) is done to it
    n_same: int = 0  # places where the very attribute that is meant in the slot is meant of it
    n_around: int = 0  # words and signs around the slot that are the same elsewhere (`ngrams.py`)
    is_known: bool = True  # whether anything in the text gives it a value, or Python does
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
    kind: str = "sign"  # of KINDS
    has_dot: bool = False  # whether an attribute of it is meant
    is_in_module: bool = False  # whether the text is more than a fragment: it imports something
    is_called: bool = False  # whether it is called; of names only those from nowhere are slots there
    given_to: str = ""  # the word that this value is for; empty where it is for none

    @property
    def text(self) -> str:
        """What is there now."""
        return self.now.text


def slots(source: str, within: Span | None = None) -> list[Slot]:
    """The slots of `source`, or of a part of it, in order.

    There are none when it does not parse, or has lines that end in a lone carriage return.
    """
    analysed = _analysed(source)
    if analysed is None:
        return []
    analysis, classes = analysed
    part = within or Span(0, len(source))
    found = [
        *_names(analysis, part),
        *_called(analysis, part),
        *(slot for each in classes for slot in _attributes(analysis, each, part)),
        *_signs(analysis),
    ]
    inside = {
        slot.span: slot for slot in found if part.start <= slot.span.start and slot.span.end <= part.end
    }
    return [_with_ngrams(analysis, inside[span]) for span in sorted(inside)]


def slots_of_diagnosis(source: str, diagnosis: Diagnosis) -> list[Slot]:
    """The slots in one of which a word has to change because of a diagnosis, in order; with no other word than it allows.

    Whatever takes a place has a value. Of an unused variable these are the places of its function that could read it.
    """
    if diagnosis.kind is not DiagnosisKind.UNUSED:
        meant = (slot for slot in slots(source, diagnosis.span) if _is_meant(slot, diagnosis.kind))
        return [slot for each in meant if (slot := _with_known(each)).others]
    analysed, name = _analysed(source), diagnosis.span.of(source)
    if analysed is None:
        return []
    function = analysed[0].function_at(diagnosis.span.start)
    found = (slot for slot in slots(source) if slot.kind == "name" and slot.function == function)
    return [slot for each in found if (slot := _with_unread(each, name)).others]


def _is_meant(slot: Slot, kind: DiagnosisKind) -> bool:
    if kind is DiagnosisKind.UNDEFINED:
        return slot.kind == "name"
    return kind is DiagnosisKind.ARGUMENT or slot.kind != "sign"


def _with_known(slot: Slot) -> Slot:
    """The slot with no other words than those that have a value."""
    return replace(slot, others=tuple(word for word in slot.others if word.is_known))


def _with_unread(slot: Slot, name: str) -> Slot:
    """The slot with `name` as the only other word; with none if something reads it by now."""
    return replace(slot, others=tuple(word for word in slot.others if word.text == name and not word.n_reads))


@lru_cache(maxsize=1)
def _analysed(source: str) -> tuple[ScopeAnalysis, list[ClassAttributes]] | None:
    """The analysis of `source` and its classes, kept because a text is looked at window by window."""
    # The parser ends a line at a lone carriage return; the analysis splits them at line feeds.
    tree = None if "\r" in source.replace("\r\n", "\n") else parsed(source)
    try:
        return None if tree is None else (ScopeAnalysis(source, tree), class_attributes(tree))
    except RecursionError:
        # A chain of hundreds of operators nests as deeply as it is long.
        return None


def _with_ngrams(analysis: ScopeAnalysis, slot: Slot) -> Slot:
    """The slot with what stands around its words elsewhere."""

    def known(word: Word) -> Word:
        return replace(word, n_around=analysis.ngrams.n_around(slot.span, word.text))

    return replace(slot, now=known(slot.now), others=tuple(known(word) for word in slot.others))


def _names(analysis: ScopeAnalysis, within: Span) -> Iterator[Slot]:
    for node, scope in analysis.names:
        start = analysis.start(node)
        if not within.start <= start <= within.end:
            continue
        names = scope.names()
        # What stands before a dot and is no variable is a module, unless it comes from nowhere.
        if node.id in FILLERS or (node.id not in names and analysis.is_known(node.id, scope)):
            continue
        if analysis.text(node) != node.id:
            continue
        # What is bound further down would be an error at once.
        earlier = [name for name in names if name not in FILLERS and names[name] <= start]
        nearest = sorted(earlier, key=lambda name: (not scope.binds(name), start - names[name]))
        offered = [name for name in nearest[: N_OTHERS + 1] if name != node.id]
        offered += [name for name in _spelt_alike(analysis, node.id, scope) if name not in offered]
        if offered:
            given_to = _GIVEN_TO.search(analysis.code, max(0, start - _LONGEST), start)
            yield Slot(
                Span(start, start + len(node.id)),
                _word(analysis, node.id, node, scope, names.get(node.id, 0) > start),
                tuple(_word(analysis, name, node, scope, names.get(name, 0) > start) for name in offered),
                analysis.function_at(start),
                kind="name",
                is_in_module=analysis.is_module,
                has_dot=analysis.use(node) == ".",
                given_to=given_to[1] if given_to else "",
            )


def _called(analysis: ScopeAnalysis, within: Span) -> Iterator[Slot]:
    """What is called by name and comes from nowhere: a function that is spelt alike may be meant."""
    for node, scope in analysis.called:
        start = analysis.start(node)
        if not within.start <= start <= within.end or analysis.text(node) != node.id:
            continue
        if offered := _spelt_alike(analysis, node.id, scope):
            yield Slot(
                Span(start, start + len(node.id)),
                _word(analysis, node.id, node, scope, is_late=False),
                tuple(_word(analysis, name, node, scope, is_late=False) for name in offered),
                analysis.function_at(start),
                kind="name",
                is_in_module=analysis.is_module,
                is_called=True,
            )


def _attributes(analysis: ScopeAnalysis, of: ClassAttributes, within: Span) -> Iterator[Slot]:
    """What methods read of self; another attribute of the same class may be meant."""
    starts: dict[str, list[int]] = {}
    for use in of.uses:
        starts.setdefault(use.node.attr, []).append(analysis.end(use.node) - len(use.node.attr))
    similar = {called: of.of_kind(called=called) for called in (False, True)}
    for use in of.uses:
        name = use.node.attr
        end = analysis.end(use.node)
        start = end - len(name)
        if not within.start <= start <= within.end or analysis.code[start:end] != name:
            continue
        away = {
            other: min((abs(at - start) for at in starts.get(other, ())), default=len(analysis.code))
            for other in similar[use.is_called] - {name}
        }
        nearest = sorted(away, key=lambda other: (away[other], other))
        if not of.has(name):
            # The sort is stable: these come first, the others as before.
            spelt = get_close_matches(name, nearest, N_SPELT_ALIKE, SPELT_ALIKE)
            nearest.sort(key=lambda other: other not in spelt)
        if nearest:
            owner = analysis.start(use.node)
            given_to = _GIVEN_TO.search(analysis.code, max(0, owner - _LONGEST), owner)
            yield Slot(
                Span(start, end),
                _member(of, name, use),
                tuple(_member(of, other, use) for other in nearest[:N_OTHERS]),
                analysis.function_at(start),
                is_called=use.is_called,
                kind="attribute",
                is_in_module=analysis.is_module,
                given_to=given_to[1] if given_to else "",
            )


def _member(of: ClassAttributes, name: str, use: Use) -> Word:
    here = int(name == use.node.attr)
    return Word(
        name,
        n_reads=of.n_reads(name) - here,
        n_near=of.n_in_statement(name, use.statement) - here,
        is_known=of.has(name),
    )


def _spelt_alike(analysis: ScopeAnalysis, name: str, scope: Scope) -> list[str]:
    """Names that can be read in `scope` and are spelt like `name`, the likest first; none where that has a value itself."""
    if analysis.is_known(name, scope):
        return []
    return get_close_matches(name, analysis.known(scope), N_SPELT_ALIKE, SPELT_ALIKE)


def _word(analysis: ScopeAnalysis, name: str, node: ast.Name, scope: Scope, is_late: bool) -> Word:
    """What is known of a name that is, or could be, the one of `node`; that place itself does not count."""
    here = int(name == node.id)
    use, attribute = analysis.use(node), analysis.attribute(node)
    return Word(
        name,
        n_reads=analysis.n_reads(name, scope) - here,
        n_near=analysis.n_in_statement(name, node) - here,
        n_beside=analysis.n_beside(name, node) - here if analysis.n_beside(node.id, node) else 0,
        n_alike=analysis.n_uses(name, scope, use) - here if use else 0,
        n_same=analysis.n_wanted(name, scope, attribute) - here if attribute else 0,
        is_known=analysis.is_known(name, scope),
        is_bound=scope.binds(name),
        is_late=is_late,
        is_parameter=scope.has_parameter(name),
    )


def _signs(analysis: ScopeAnalysis) -> Iterator[Slot]:
    """Operators and literals, each with how often it and the others are in its function elsewhere."""
    found = [*_operators(analysis), *_literals(analysis)]
    functions = [analysis.function_at(span.start) for span, _ in found]
    counts = Counter(
        (function, span.of(analysis.code)) for function, (span, _) in zip(functions, found, strict=True)
    )
    for function, (span, family) in zip(functions, found, strict=True):
        text = span.of(analysis.code)
        others = tuple(Word(other, counts[function, other]) for other in family if other != text)
        yield Slot(span, Word(text, counts[function, text] - 1), others, function)


def _operators(analysis: ScopeAnalysis) -> Iterator[tuple[Span, tuple[str, ...]]]:
    for node in analysis.comparisons:
        for left, operator, right in steps(node):
            text = COMPARISONS.get(type(operator))
            span = analysis.between(left, right, re.escape(text) + r"(?!=)") if text else None
            if span:
                yield span, tuple(COMPARISONS.values())
    for binary in analysis.arithmetic:
        text = ARITHMETIC[type(binary.op)]
        for family in _FAMILIES:
            if text in family and (span := analysis.between(binary.left, binary.right, re.escape(text))):
                yield span, family
    for boolean in analysis.boolean:
        text = "and" if isinstance(boolean.op, ast.And) else "or"
        for left, right in zip(boolean.values, boolean.values[1:], strict=False):
            if span := analysis.between(left, right, rf"\b{text}\b"):
                yield span, ("and", "or")


def _literals(analysis: ScopeAnalysis) -> Iterator[tuple[Span, tuple[str, ...]]]:
    for node in analysis.literals:
        start = analysis.start(node)
        text = str(node.value)
        for family in (_NUMBERS, _TRUTHS):
            if text in family and not isinstance(node.value, str | bytes) and analysis.text(node) == text:
                yield Span(start, start + len(text)), family
