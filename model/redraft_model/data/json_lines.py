"""Gzipped JSON lines and reports, written as a whole or not at all."""

import json
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from redraft_model.errors import DataError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

GZIP = 31  # window bits that ask zlib for a gzip header, one without name and time


def write_json_lines(path: Path, rows: "Iterable[DataclassInstance]") -> None:
    """Write a dataclass a line; the same rows give the same bytes. Raises DataError when the file cannot be written."""
    with json_lines_writer(path) as write:
        for row in rows:
            write(row)


@contextmanager
def json_lines_writer(path: Path) -> "Iterator[Callable[[DataclassInstance], None]]":
    """A function that writes one row, for rows that are too many to hold at once.

    The file is there when the context has ended well; otherwise what was there before stays.
    """
    partial = path.with_name(path.name + ".partial")
    packer = zlib.compressobj(9, zlib.DEFLATED, GZIP)
    with _naming(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = partial.open("wb")

    def write(row: "DataclassInstance") -> None:
        with _naming(path):
            stream.write(packer.compress(json.dumps(asdict(row), ensure_ascii=False).encode() + b"\n"))

    try:
        yield write
        with _naming(path):
            stream.write(packer.flush())
            stream.close()
            partial.replace(path)
    finally:
        stream.close()
        partial.unlink(missing_ok=True)


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write a report for people and programs. Raises DataError when the file cannot be written."""
    partial = path.with_name(path.name + ".partial")
    with _naming(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes((json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode())
        partial.replace(path)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror or error}") from error
