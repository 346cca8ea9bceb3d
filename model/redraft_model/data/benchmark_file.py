"""Benchmark files: gzipped JSON lines, read row by row with the fields checked. Knows nothing of suites."""

import gzip
import json
import zlib
from dataclasses import dataclass
from pathlib import Path

from redraft_model.errors import DataError


@dataclass(frozen=True)
class Row:
    """One object of a benchmark file. `number` counts lines from 1; `file` is for messages only.

    The accessors raise DataError if the field is missing or of another type, naming file, line and field.
    """

    file: str
    number: int
    fields: dict[str, object]

    def text(self, name: str) -> str:
        """A string field, with its line ends as "\\n": the engine's door knows no other."""
        return self._text(name, self.json(name))

    def texts(self, name: str) -> tuple[str, ...]:
        """A field that is a list of strings, with their line ends as "\\n"."""
        return tuple(self._text(name, element) for element in self._elements(name))

    def flag(self, name: str) -> bool:
        """A field that is true or false."""
        value = self.json(name)
        if not isinstance(value, bool):
            raise self._wrong(name, "true or false")
        return value

    def row(self, name: str) -> "Row":
        """A field that is an object."""
        return self._row(name, self.json(name))

    def rows(self, name: str) -> tuple["Row", ...]:
        """A field that is a list of objects."""
        return tuple(self._row(name, element) for element in self._elements(name))

    def pairs(self, name: str) -> tuple[tuple[object, object], ...]:
        """A field that is a list of lists of two values."""
        pairs = []
        for element in self._elements(name):
            if not isinstance(element, list) or len(element) != 2:
                raise self._wrong(name, "a list of pairs")
            pairs.append((element[0], element[1]))
        return tuple(pairs)

    def json(self, name: str) -> object:
        """A field as it came out of JSON."""
        if name not in self.fields:
            raise DataError(
                f"{self.file} line {self.number} has no field {name}; is it the right benchmark file?"
            )
        return self.fields[name]

    def _text(self, name: str, value: object) -> str:
        if not isinstance(value, str):
            raise self._wrong(name, "a string or a list of strings")
        return value.replace("\r\n", "\n").replace("\r", "\n")

    def _row(self, name: str, value: object) -> "Row":
        if not isinstance(value, dict):
            raise self._wrong(name, "an object or a list of objects")
        return Row(self.file, self.number, value)

    def _elements(self, name: str) -> list[object]:
        value = self.json(name)
        if not isinstance(value, list):
            raise self._wrong(name, "a list")
        return value

    def _wrong(self, name: str, expected: str) -> DataError:
        place = f"{self.file} line {self.number}"
        return DataError(f"{place}: the field {name} should be {expected}; is it the right benchmark file?")


def read_rows(path: Path) -> list[Row]:
    """The rows of the gzipped JSON-lines file at `path`, in order; blank lines are skipped.

    Raises:
        DataError: there is no such file, it is damaged, or a line is not a JSON object.
    """
    if not path.is_file():
        raise DataError(f"there is no benchmark file {path}; pass the folder that holds it")
    try:
        lines = gzip.decompress(path.read_bytes()).decode("utf-8").split("\n")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read as gzipped UTF-8 ({error}); fetch it again") from error
    return [_row(path, number, line) for number, line in enumerate(lines, start=1) if line.strip()]


def _row(path: Path, number: int, line: str) -> Row:
    try:
        fields = json.loads(line)
    except json.JSONDecodeError as error:
        raise DataError(f"{path.name} line {number} is not JSON ({error}); fetch the file again") from error
    if not isinstance(fields, dict):
        raise DataError(f"{path.name} line {number} is not a JSON object; is it the right benchmark file?")
    return Row(path.name, number, fields)
