"""Real fixes as training text: what somebody had written, and what it became. Knows nothing of tokens.

A pair file is gzipped JSON lines, one object a pair with the fields of `Pair`. Files joined end to end are one file.
"""

import gzip
import json
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from redraft_model.data.json_lines import write_json_lines
from redraft_model.errors import DataError


@dataclass(frozen=True)
class Pair:
    """A text before and after its fix.

    `origin` names the collection the pair is from, `source` the project, file or task inside it. A text that is not
    whole is a piece of a file: what stands around it is unknown. A pair from a history has the id and the message of its
    commit.
    """

    before: str
    after: str
    origin: str
    source: str
    licence: str
    is_whole: bool = True
    commit: str = ""
    message: str = ""


_TYPES = {field.name: bool if field.name == "is_whole" else str for field in fields(Pair)}
_REQUIRED = _TYPES.keys() - {"commit", "message"}


def read_pairs(path: Path) -> list[Pair]:
    """The pairs of a file, in order.

    Raises DataError when there is no such file, it is damaged, holds no pair, or a line is not a pair.
    """
    try:
        lines = gzip.decompress(path.read_bytes()).decode("utf-8").split("\n")
    except FileNotFoundError as error:
        raise DataError(
            f"there is no pair file {path}; make one with `redraft data pairs` or `redraft data fix`"
        ) from error
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read as gzipped UTF-8 ({error}); make it again") from error
    pairs = [_pair(path, number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if not pairs:
        raise DataError(f"{path} holds no pair; name a pair file that does")
    return pairs


def write_pairs(path: Path, pairs: Iterable[Pair]) -> None:
    """Write a file that `read_pairs` reads; the same pairs give the same bytes."""
    write_json_lines(path, pairs)


def origins(paths: Sequence[Path]) -> tuple[str, ...]:
    """The origins of the pairs in these files, each once, sorted."""
    return tuple(sorted({pair.origin for path in paths for pair in read_pairs(path)}))


def _pair(path: Path, number: int, line: str) -> Pair:
    place = f"{path} line {number}"
    try:
        values = json.loads(line)
    except json.JSONDecodeError as error:
        raise DataError(f"{place} is not JSON ({error}); make the file again") from error
    if not isinstance(values, dict) or not _REQUIRED <= values.keys() <= _TYPES.keys():
        raise DataError(f"{place} is not an object with the fields {', '.join(_TYPES)}; make the file again")
    for name, value in values.items():
        if not isinstance(value, _TYPES[name]):
            wanted = "true or false" if _TYPES[name] is bool else "a string"
            raise DataError(f"{place}: the field {name} should be {wanted}; make the file again")
    pair = Pair(**values)
    if pair.before == pair.after:
        raise DataError(f"{place} changes nothing; make the file again")
    if "\r" in pair.before + pair.after:
        raise DataError(f"{place} has line ends other than \\n; make the file again")
    return pair
