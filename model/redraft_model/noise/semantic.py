"""Semantic noise: code that still parses but means something else, by bugs that reviewers overlook."""

import ast
import keyword
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import ClassVar, NamedTuple, TypeVar

from redraft_model.noise.mutators.typos import misspelt
from redraft_model.noise.registry import TEXT_PROCESSES, register
from redraft_model.passage import Span
from redraft_model.text.attributes import class_attributes
from redraft_model.text.scopes import (
    ARITHMETIC,
    COMPARISONS,
    FILLERS,
    OWN_NAMES,
    ScopeAnalysis,
    parsed,
    steps,
)

OWN_SPARED = 0.6  # share of the places of self and cls that keep them
OWN_SPELT = 0.9  # share of those that are never misspelt either
UNKNOWN = 0.35  # share of the wrong attributes of self that its class does not have
EARLIER = 0.8  # share of the wrong names that have a value by then

Item = TypeVar("Item")


@register(TEXT_PROCESSES)
@dataclass(frozen=True)
class SemanticNoise:
    """One mutation, or two with probability `second`: BugLab's (arXiv 2105.12787), and similar attributes.

    The text is edited in place, so formatting and comments stay. The output parses and its syntax tree
    differs from the input's; where that cannot be had (the input does not parse, nothing applies) the code
    is returned unchanged.
    """

    name: ClassVar[str] = "semantic"
    second: float = 0.2

    def corrupt(self, code: str, rng: Random) -> str:
        """`code` with a wrong name, operator, literal, argument order, test or attribute."""
        tree = parsed(code)
        if tree is None or "\r" in code:
            return code
        try:
            return self._mutated_once_or_twice(code, tree, rng)
        except RecursionError:
            # A chain of hundreds of operators nests as deeply as it is long.
            return code

    def _mutated_once_or_twice(self, code: str, tree: ast.Module, rng: Random) -> str:
        mutant = _mutated(code, tree, rng)
        if mutant is None:
            return code
        text, mutant_tree = mutant
        if rng.random() < self.second:
            twice = _mutated(text, mutant_tree, rng)
            if twice is not None and not _is_same(twice[1], tree):
                return twice[0]
        return text


class Change(NamedTuple):
    """Characters to replace, and by what."""

    span: Span
    text: str


# Off by one and the wrong direction are the mistakes people make; the others are rare.
_WRONG_COMPARISON = {
    "<": ("<=", "<=", "<=", ">", ">", ">=", "==", "!="),
    "<=": ("<", "<", "<", ">=", ">=", ">", "==", "!="),
    ">": (">=", ">=", ">=", "<", "<", "<=", "==", "!="),
    ">=": (">", ">", ">", "<=", "<=", "<", "==", "!="),
    "==": ("!=", "!=", "!=", ">=", "<=", "<", ">"),
    "!=": ("==", "==", "==", ">", "<", ">=", "<="),
}
_MEMBERSHIP = {
    ast.In: (r"\bin\b", "not in"),
    ast.NotIn: (r"\bnot\s+in\b", "in"),
    ast.Is: (r"\bis\b", "is not"),
    ast.IsNot: (r"\bis\s+not\b", "is"),
}
_WRONG_ARITHMETIC = {
    "+": ("-", "-", "-", "*", "*", "/", "%"),
    "-": ("+", "+", "+", "*", "/", "%"),
    "*": ("+", "+", "/", "/", "**", "-", "//"),
    "/": ("//", "//", "//", "*", "*", "%", "-"),
    "//": ("/", "/", "/", "%", "%", "*"),
    "%": ("//", "//", "/", "/", "*", "+"),
    "**": ("*", "*", "*", "+", "//"),
    "&": ("|", "|", "^"),
    "|": ("&", "&", "^", "+"),
    "^": ("|", "&", "**"),
    "<<": (">>", ">>", "*"),
    ">>": ("<<", "<<", "//"),
    "@": ("*", "+"),
}
# What a variable is called when another name is not remembered.
_USUAL = (
    "result", "results", "res", "ret", "output", "out", "ans", "answer", "data", "value", "values", "val", "item", "items",
    "element", "x", "y", "i", "j", "n", "num", "number", "count", "total", "temp", "tmp", "string", "text", "line", "lines",
    "name", "key", "index", "idx", "lst", "arr", "array", "node", "args", "self", "this", "params", "config", "path", "file",
)  # fmt: skip
# One family a line.
_NEIGHBOURS = """
    append extend insert add
    add update append remove
    keys values items
    lower upper title capitalize casefold
    startswith endswith
    strip lstrip rstrip
    find index rfind rindex count
    split rsplit splitlines partition
    join split
    pop popleft remove popitem
    appendleft append
    get pop setdefault
    remove discard add pop
    union intersection difference update
    issubset issuperset
    sort reverse
    isdigit isalpha isalnum isnumeric isspace
    isupper islower
    ljust rjust center zfill
    read readline readlines
    write writelines
    min max sum
    encode decode
    removeprefix removesuffix
    load loads
    dump dumps load
    match search fullmatch
    floor ceil
    sin cos tan
    acquire release
    first last
    start end stop
    left right
    width height
    next prev
    x y
    exists is_file is_dir
    isfile isdir exists
    dirname basename
    head tail
    stdout stderr
    set clear
    push pop
    argmin argmax
    group groups
    rows columns
    row column
    parent child children
    key value
    any all
"""
_NEIGHBOURS_OF: dict[str, list[str]] = {}
for _family in map(str.split, _NEIGHBOURS.strip().splitlines()):
    for _member in _family:
        _NEIGHBOURS_OF.setdefault(_member, []).extend(other for other in _family if other != _member)


def misuse_variable(analysis: ScopeAnalysis, rng: Random) -> list[Change]:
    """Another variable of the same function in a variable's place; self and cls, which are everywhere, are taken less often."""
    for node, scope in _shuffled(analysis.names, rng):
        if node.id in FILLERS or (node.id in OWN_NAMES and rng.random() < OWN_SPARED):
            continue
        names = scope.names()
        start = analysis.start(node)
        if node.id not in names or analysis.text(node) != node.id:
            continue
        others = [name for name in names if name != node.id and name not in FILLERS]
        # What is bound further down would be an error at once, and is meant less often.
        earlier = [name for name in others if names[name] <= start]
        bound = [name for name in (earlier if rng.random() < EARLIER else others) if scope.binds(name)]
        if candidates := bound or earlier or others:
            return [Change(Span(start, start + len(node.id)), rng.choice(candidates))]
    return []


def unknown_name(analysis: ScopeAnalysis, rng: Random) -> list[Change]:
    """A name from nowhere in the place of one that has a value: misspelt, another function's, in other words, or any old one."""
    for node, scope in _shuffled([*analysis.names, *analysis.called], rng):
        if node.id in FILLERS or (node.id in OWN_NAMES and rng.random() < OWN_SPELT):
            continue
        if not analysis.is_known(node.id, scope) or analysis.text(node) != node.id:
            continue
        elsewhere = sorted(
            {name for other, around in analysis.names if around is not scope for name in around.bound}
        )
        kind = rng.choice(["misspelt", "misspelt", "other_scope", "reworded", "usual"])
        if kind == "other_scope" and elsewhere:
            wrong = rng.choice(elsewhere)
        elif kind == "reworded":
            wrong = _reworded(node.id, rng)
        elif kind == "usual":
            wrong = rng.choice(_USUAL)
        else:
            wrong = misspelt(node.id, rng)
        if wrong.isidentifier() and not keyword.iskeyword(wrong) and not analysis.is_known(wrong, scope):
            start = analysis.start(node)
            return [Change(Span(start, start + len(node.id)), wrong)]
    return []


def misuse_attribute(analysis: ScopeAnalysis, rng: Random) -> list[Change]:
    """Another attribute of self in the place of one that is read; one in three is none of its class, but spelt alike."""
    uses = [(use, each) for each in class_attributes(analysis.tree) for use in each.uses]
    for use, each in _shuffled(uses, rng):
        name, end = use.node.attr, analysis.end(use.node)
        start = end - len(name)
        if not each.has(name) or analysis.code[start:end] != name:
            continue
        if rng.random() < UNKNOWN:
            wrong = misspelt(name, rng) if rng.random() < 0.5 else _reworded(name, rng)
            others = [wrong] if wrong.isidentifier() and not keyword.iskeyword(wrong) else []
        else:
            others = sorted(each.of_kind(called=use.is_called) - {name})
        if others:
            return [Change(Span(start, end), rng.choice(others))]
    return []


def swap_arguments(analysis: ScopeAnalysis, rng: Random) -> list[Change]:
    """Two positional arguments of a call change places, mostly neighbours."""
    for call in _shuffled(analysis.calls, rng):
        plain = [argument for argument in call.args if not isinstance(argument, ast.Starred)]
        if len(plain) < 2:
            continue
        at = rng.randrange(len(plain) - 1)
        other = at + 1 if rng.random() < 0.8 else rng.randrange(at + 1, len(plain))
        left, right = plain[at], plain[other]
        left_text, right_text = analysis.text(left), analysis.text(right)
        if left_text != right_text:
            return [
                Change(Span(analysis.start(left), analysis.end(left)), right_text),
                Change(Span(analysis.start(right), analysis.end(right)), left_text),
            ]
    return []


def wrong_comparison(analysis: ScopeAnalysis, rng: Random) -> list[Change]:
    """Another of < <= > >= == !=."""
    for node in _shuffled(analysis.comparisons, rng):
        for left, operator, right in _shuffled(steps(node), rng):
            text = COMPARISONS.get(type(operator))
            span = text and analysis.between(left, right, re.escape(text) + r"(?!=)")
            if text and span:
                return [Change(span, rng.choice(_WRONG_COMPARISON[text]))]
    return []


def negate_membership(analysis: ScopeAnalysis, rng: Random) -> list[Change]:
    """in <-> not in, is <-> is not."""
    for node in _shuffled(analysis.comparisons, rng):
        for left, operator, right in _shuffled(steps(node), rng):
            pattern, text = _MEMBERSHIP.get(type(operator), ("", ""))
            span = analysis.between(left, right, pattern) if pattern else None
            if span:
                return [Change(span, text)]
    return []


def wrong_arithmetic(analysis: ScopeAnalysis, rng: Random) -> list[Change]:
    """Another arithmetic operator."""
    for node in _shuffled(analysis.arithmetic, rng):
        if isinstance(node.left, ast.Constant | ast.JoinedStr) and analysis.text(node.left)[-1:] in {
            "'",
            '"',
        }:
            continue
        text = ARITHMETIC[type(node.op)]
        if span := analysis.between(node.left, node.right, re.escape(text)):
            return [Change(span, rng.choice(_WRONG_ARITHMETIC[text]))]
    return []


def wrong_augmented(analysis: ScopeAnalysis, rng: Random) -> list[Change]:
    """Another augmented assignment, or a plain one."""
    for node in _shuffled(analysis.augmented, rng):
        text = ARITHMETIC[type(node.op)]
        if span := analysis.between(node.target, node.value, re.escape(text) + "="):
            wrong = "" if rng.random() < 0.2 else rng.choice(_WRONG_ARITHMETIC[text])
            return [Change(span, wrong + "=")]
    return []


def swap_boolean(analysis: ScopeAnalysis, rng: Random) -> list[Change]:
    """and <-> or, at one place."""
    for node in _shuffled(analysis.boolean, rng):
        text, wrong = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        at = rng.randrange(len(node.values) - 1)
        if span := analysis.between(node.values[at], node.values[at + 1], rf"\b{text}\b"):
            return [Change(span, wrong)]
    return []


def wrong_literal(analysis: ScopeAnalysis, rng: Random) -> list[Change]:
    """A whole number near by, or the other truth value."""
    for node in _shuffled(analysis.literals, rng):
        start = analysis.start(node)
        span = Span(start, start + len(str(node.value)))
        if isinstance(node.value, str | bytes) or span.of(analysis.code) != str(node.value):
            continue
        if isinstance(node.value, bool):
            return [Change(span, str(not node.value))]
        if isinstance(node.value, int):
            return [Change(span, str(rng.choice(_near(node.value))))]
    return []


def negate_condition(analysis: ScopeAnalysis, rng: Random) -> list[Change]:
    """if x: <-> if not x:"""
    for node in _shuffled(analysis.conditions, rng):
        start = analysis.start(node)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            if match := re.compile(r"not\b[ ]*").match(analysis.code, start):
                return [Change(Span(start, match.end()), "")]
        elif isinstance(node, ast.Name | ast.Attribute | ast.Call | ast.Subscript | ast.BoolOp | ast.Compare):
            return [Change(Span(start, start), "not ")]
    return []


def wrong_attribute(analysis: ScopeAnalysis, rng: Random) -> list[Change]:
    """A method or attribute that does something similar, or another one used on the same object."""
    for node, is_called in _shuffled(analysis.attributes, rng):
        others = list(_NEIGHBOURS_OF.get(node.attr, ()))
        if isinstance(node.value, ast.Name):
            base = node.value.id
            others += [
                other.attr
                for other, other_is_called in analysis.attributes
                if isinstance(other.value, ast.Name)
                and (other.value.id, other_is_called) == (base, is_called)
                and other.attr != node.attr
            ]
        end = analysis.end(node)
        start = end - len(node.attr)
        if others and start >= 0 and analysis.code[start:end] == node.attr:
            return [Change(Span(start, end), rng.choice(others))]
    return []


Mutation = Callable[[ScopeAnalysis, Random], list[Change]]

# Wrong names lead, as they do among the bugs found in public repositories.
MUTATIONS: dict[Mutation, float] = {
    misuse_variable: 0.45,
    unknown_name: 0.12,
    misuse_attribute: 0.10,
    swap_arguments: 0.07,
    wrong_comparison: 0.12,
    negate_membership: 0.05,
    wrong_arithmetic: 0.08,
    wrong_augmented: 0.03,
    swap_boolean: 0.05,
    wrong_literal: 0.07,
    negate_condition: 0.04,
    wrong_attribute: 0.06,
}


def _mutated(code: str, tree: ast.Module, rng: Random) -> tuple[str, ast.Module] | None:
    """`code` after one mutation, with its tree; None when none applies."""
    analysis = ScopeAnalysis(code, tree)
    mutations = dict(MUTATIONS)
    while mutations:
        mutation = rng.choices(list(mutations), list(mutations.values()))[0]
        changes = mutation(analysis, rng)
        text = _changed(code, changes)
        mutant = parsed(text) if changes else None
        if mutant is not None and not _is_same(mutant, tree):
            return text, mutant
        del mutations[mutation]
    return None


def _changed(code: str, changes: list[Change]) -> str:
    for change in sorted(changes, key=lambda change: change.span, reverse=True):
        code = code[: change.span.start] + change.text + code[change.span.end :]
    return code


def _is_same(left: object, right: object) -> bool:
    """Whether two trees are equal, positions aside; stops at the first difference, as ast.dump cannot."""
    if type(left) is not type(right):
        return False
    if isinstance(left, ast.AST):
        return all(_is_same(getattr(left, name, None), getattr(right, name, None)) for name in left._fields)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_is_same, left, right))
    return left == right


def _reworded(name: str, rng: Random) -> str:
    """A name with a part more or less, one of several or several of one, or written the other way."""
    parts = name.split("_")
    kind = rng.choice(["plural", "part", "more", "case"])
    if kind == "plural":
        return name[:-1] if name.endswith("s") else name + "s"
    if kind == "part" and len(parts) > 1:
        del parts[rng.randrange(len(parts))]
        return "_".join(parts)
    if kind == "more":
        return (
            rng.choice(["my_", "new_", "old_", "the_", "cur_"]) + name
            if rng.random() < 0.5
            else name + rng.choice("123_")
        )
    if len(parts) > 1:
        return parts[0] + "".join(part.capitalize() for part in parts[1:])
    return name.swapcase() if len(name) == 1 else name.capitalize() if name.islower() else name.lower()


def _near(value: int) -> list[int]:
    """Whole numbers off by one: one more, one less, and for small ones the other small ones."""
    near = [value + 1, value + 1, value - 1, value - 1]
    if value <= 2:
        near += [0, 1, 2]
    return [number for number in near if number not in (value, -1)] or [value + 1]


def _shuffled(items: Sequence[Item], rng: Random) -> list[Item]:
    return rng.sample(items, len(items))
