"""Gzipped JSON lines, written as a whole or not at all."""

import gzip
import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from redraft_model.errors import DataError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def write_json_lines(path: Path, rows: "Iterable[DataclassInstance]") -> None:
    """Write a dataclass a line; the same rows give the same bytes. Raises DataError when the file cannot be written."""
    lines = [json.dumps(asdict(row), ensure_ascii=False) + "\n" for row in rows]
    data = gzip.compress("".join(lines).encode("utf-8"), mtime=0)
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(data)
        partial.replace(path)
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror or error}") from error
