"""Where in a text diagnostics are: the characters of the names, attributes and arguments that they are about."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from redraft_model.passage import Diagnosis, DiagnosisKind, Span
from redraft_model.text.parser import line_starts

from redraft_server.diagnostics.diagnostic import Diagnostic, Position, Unit

_NAME, _NAME_AT_END = re.compile(r"\w+"), re.compile(r"\b\w+\Z")
_OWNER_AT_END = re.compile(r"(?<![.\w])\w+\s*\.\s*\Z")
_NAMES = (DiagnosisKind.UNDEFINED, DiagnosisKind.UNUSED)
_IN_WORD = re.compile(r"\w\w")


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
    line_start = text.rfind("\n", 0, name.start()) + 1
    owner = _OWNER_AT_END.search(text, line_start, name.start()) if at_end else None
    return Span(owner.start() if owner else name.start(), name.end())


def _span(text: str, starts: Sequence[int], diagnostic: Diagnostic) -> Span | None:
    """The characters of a diagnostic; None if they are none or half a word, so that the text has changed since.

    Where nobody says where it ends, a name ends with its last character; of anything else nothing is known.
    """
    if diagnostic.unit is Unit.ASCII and not _line(text, starts, diagnostic.start.line).isascii():
        return _quoted(text, starts, diagnostic)
    start = _offset(text, starts, diagnostic.start, diagnostic.unit)
    if start is None:
        return None
    if diagnostic.end is None:
        name = _NAME.match(text, start)
        end = name.end() if name and diagnostic.kind in _NAMES else None
    else:
        end = _offset(text, starts, diagnostic.end, diagnostic.unit)
    if end is None or end < start or any(_IN_WORD.match(text, at - 1) for at in (start, end) if at):
        return None
    return Span(start, end)


def _quoted(text: str, starts: Sequence[int], diagnostic: Diagnostic) -> Span | None:
    """The word that the message of a diagnostic quotes, if its line has it once."""
    line = _line(text, starts, diagnostic.start.line)
    found = [match.span() for match in _NAME.finditer(line) if match[0] == diagnostic.word]
    if len(found) != 1:
        return None
    start = starts[diagnostic.start.line]
    return Span(start + found[0][0], start + found[0][1])


def _offset(text: str, starts: Sequence[int], at: Position, unit: Unit) -> int | None:
    if not 0 <= at.line < len(starts) or at.column < 0:
        return None
    line = _line(text, starts, at.line)
    n = at.column
    if unit is Unit.UTF16:
        data = line.encode("utf-16-le")
        n = len(data[: 2 * n].decode("utf-16-le", "ignore")) if 2 * n <= len(data) else len(line) + 1
    return starts[at.line] + n if n <= len(line) else None


def _line(text: str, starts: Sequence[int], number: int) -> str:
    """A line without its end; "" if the text has no such line."""
    if not 0 <= number < len(starts):
        return ""
    end = starts[number + 1] - 1 if number + 1 < len(starts) else len(text)
    return text[starts[number] : end]
