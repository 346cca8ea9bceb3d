"""Where in a text diagnostics are: the characters of the names, attributes and arguments that they are about."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from redraft_model.passage import Diagnosis, DiagnosisKind, Span
from redraft_model.text.parser import line_starts

from redraft_server.diagnostics.diagnostic import Diagnostic, Position, Unit

_NAME, _NAME_AT_END = re.compile(r"\w+"), re.compile(r"\w+\Z")
_OWNER_AT_END = re.compile(r"\b(?<![.\w])\w+\s*\.\s*\Z")


@dataclass(frozen=True)
class Located:
    """A diagnostic, and the place of a text that it means."""

    diagnosis: Diagnosis
    diagnostic: Diagnostic


def located(text: str, diagnostics: Sequence[Diagnostic]) -> list[Located]:
    """The diagnostics about names, attributes and arguments of `text`, in the order of their places, each place once.

    What is not in the text, because it has changed since, is left out.
    """
    found: dict[Span, Located] = {}
    for each in _located(text, diagnostics):
        found.setdefault(each.diagnosis.span, each)
    return [found[span] for span in sorted(found)]


def _located(text: str, diagnostics: Sequence[Diagnostic]) -> Iterator[Located]:
    starts = line_starts(text)
    for diagnostic in diagnostics:
        if diagnostic.kind is not None:
            span = _span(text, starts, diagnostic)
            meant = None if span is None else _meant(text, span, diagnostic.kind)
            if meant is not None:
                yield Located(Diagnosis(meant, diagnostic.kind), diagnostic)


def _meant(text: str, span: Span, kind: DiagnosisKind) -> Span | None:
    """The name of an undefined or unused variable, an attribute, or all of an argument; None where there is none."""
    if kind is DiagnosisKind.ARGUMENT:
        return span if span.start < span.end else None
    # Of an attribute some tools underline the name alone, others what it is an attribute of as well.
    at_end = kind is DiagnosisKind.ATTRIBUTE
    name = _NAME_AT_END.search(text, span.start, span.end) if at_end else _NAME.match(text, span.start)
    if name is None or not name[0].isidentifier():
        return None
    owner = (
        _OWNER_AT_END.search(text, text.rfind("\n", 0, name.start()) + 1, name.start()) if at_end else None
    )
    return Span(owner.start() if owner else name.start(), name.end())


def _span(text: str, starts: Sequence[int], diagnostic: Diagnostic) -> Span | None:
    """The characters of a diagnostic; None if the text has no such place, or nobody says where an expression ends."""
    start = _offset(text, starts, diagnostic.start, diagnostic.unit)
    if start is None:
        return None
    if diagnostic.end is None:
        # A name ends where it ends.
        is_name = diagnostic.kind in (DiagnosisKind.UNDEFINED, DiagnosisKind.UNUSED)
        return Span(start, start) if is_name else None
    end = _offset(text, starts, diagnostic.end, diagnostic.unit)
    return None if end is None or end < start else Span(start, end)


def _offset(text: str, starts: Sequence[int], at: Position, unit: Unit) -> int | None:
    if not 0 <= at.line < len(starts):
        return None
    end = starts[at.line + 1] - 1 if at.line + 1 < len(starts) else len(text)
    line = text[starts[at.line] : end]
    column = at.column
    if unit is not Unit.CHARACTER and not line.isascii():
        encoding, size = ("utf-8", 1) if unit is Unit.UTF8 else ("utf-16-le", 2)
        column = len(line.encode(encoding)[: column * size].decode(encoding, errors="ignore"))
    return starts[at.line] + column if column <= len(line) else None
