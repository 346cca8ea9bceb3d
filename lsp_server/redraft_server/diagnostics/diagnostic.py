"""A diagnostic of another tool: a file, a place in it, a rule and a message."""

from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

from redraft_model.errors import RedraftError
from redraft_model.passage import DiagnosisKind

_KINDS = {
    "F821": DiagnosisKind.UNDEFINED,
    "reportUndefinedVariable": DiagnosisKind.UNDEFINED,
    "name-defined": DiagnosisKind.UNDEFINED,
    "F841": DiagnosisKind.UNUSED,
    "F811": DiagnosisKind.UNUSED,
    "reportAttributeAccessIssue": DiagnosisKind.ATTRIBUTE,
    "attr-defined": DiagnosisKind.ATTRIBUTE,
    "call-arg": DiagnosisKind.ARGUMENT,
    "arg-type": DiagnosisKind.ARGUMENT,
    "reportCallIssue": DiagnosisKind.ARGUMENT,
    "reportArgumentType": DiagnosisKind.ARGUMENT,
}


class DiagnosticsError(RedraftError):
    """Diagnostics cannot be read, or a tool that makes them cannot be run."""


class Unit(Enum):
    """What a tool counts columns in."""

    CHARACTER = auto()
    UTF16 = auto()
    ASCII = auto()
    """Characters, on lines of ASCII alone; elsewhere nobody knows what."""


@dataclass(frozen=True)
class Position:
    """A line and a column, both counted from 0."""

    line: int
    column: int


@dataclass(frozen=True)
class Diagnostic:
    """What a tool has found at one place of a file, whose path is absolute; `end` is None where the tool does not say it."""

    path: Path
    rule: str
    message: str
    start: Position
    end: Position | None
    unit: Unit
    word: str = ""
    """The name that is wrong, where the message says it; it is the place where `unit` fails."""

    @property
    def kind(self) -> DiagnosisKind | None:
        """What it says of a name, an attribute or an argument; None if it is about something else."""
        return _KINDS.get(self.rule)

    @property
    def said(self) -> str:
        """The first line of the message, with the rule."""
        message = self.message.strip().partition("\n")[0].rstrip(".")
        return f"{message} [{self.rule}]"

    def __str__(self) -> str:
        return f"{self.said} in line {self.start.line + 1}"
