"""LSP messages out of JSON, taken at their word. Knows nothing of connections or of what is done with them.

Left to itself, cattrs makes something of everything: the text null becomes "None", the line "3" a number,
and a string a list of its letters. A document would no longer be what the editor shows.
"""

from collections.abc import Callable
from typing import Any, Union

import cattrs
from cattrs.cols import is_sequence, list_structure_factory
from pygls.protocol import default_converter

_Hook = Callable[[Any, Any], Any]


def strict_converter() -> cattrs.Converter:
    """Structures lsprotocol's classes from JSON of the right types.

    Raises cattrs.BaseValidationError.
    """
    converter: cattrs.Converter = default_converter()  # type: ignore[no-untyped-call]
    for kind, read in ((str, _string), (bool, _boolean), (int, _integer), (float, _number)):
        converter.register_structure_hook(kind, _exactly(kind, read))
    # Ids, tokens and codes; typing.Union, because that is what lsprotocol's annotations evaluate to.
    converter.register_structure_hook(Union[int, str], lambda value, _: _integer_or_string(value))  # noqa: UP007
    converter.register_structure_hook(
        Union[int, str, None],  # noqa: UP007
        lambda value, _: None if value is None else _integer_or_string(value),
    )
    converter.register_structure_hook_factory(is_sequence, _sequence)
    return converter


def _exactly(kind: type, read: Callable[[object], object]) -> _Hook:
    def structure(value: object, wanted: Any) -> object:
        # A hook for a type is also called for the enumerations derived from it.
        return read(value) if wanted is kind else wanted(read(value))

    return structure


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("a string is wanted")
    return value


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError("true or false is wanted")
    return value


def _integer(value: object) -> int:
    if isinstance(value, float) and value.is_integer():
        # JSON has one kind of number, and some languages write a whole one as 3.0.
        return int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError("a whole number is wanted")
    return value


def _number(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError("a number is wanted")
    return value


def _integer_or_string(value: object) -> int | str:
    return value if isinstance(value, str) else _integer(value)


def _sequence(kind: Any, converter: cattrs.Converter) -> _Hook:
    read = list_structure_factory(kind, converter)

    def structure(value: object, _: Any) -> tuple[Any, ...]:
        if value == {}:
            # Lua has one kind of empty table, and clients written in it have to guess.
            return ()
        if not isinstance(value, list):
            raise TypeError("a list is wanted")
        return tuple(read(value, kind))

    return structure
