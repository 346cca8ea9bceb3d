"""The registry of forward processes: what a process promises, and how one is found by name."""

import random
from collections.abc import Callable
from typing import Any, Protocol, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from redraft_model.passage import Span

TokenIds = NDArray[np.int32]


class TextProcess(Protocol):
    """Corrupts text. Equal (code, state of rng) give equal results."""

    @property
    def name(self) -> str:
        """The name it is registered under."""
        ...

    def corrupt(self, code: str, rng: random.Random) -> str:
        """A corrupted version of `code`; `code` itself when nothing applies."""
        ...


class SpanProcess(Protocol):
    """Chooses a piece of text to be taken out and written again."""

    @property
    def name(self) -> str:
        """The name it is registered under."""
        ...

    def cut(self, code: str, rng: random.Random) -> Span:
        """A non-empty span of a non-empty `code`."""
        ...


class TokenProcess(Protocol):
    """Corrupts token ids."""

    @property
    def name(self) -> str:
        """The name it is registered under."""
        ...

    def corrupt(self, x_0: TokenIds, t: float, rng: np.random.Generator) -> TokenIds:
        """x_t (int32, 1-D; a new array) of the clean tokens `x_0` at time `t` in [0, 1]."""
        ...


Process = TypeVar("Process", bound=type)

TEXT_PROCESSES: dict[str, Callable[..., TextProcess]] = {}
SPAN_PROCESSES: dict[str, Callable[..., SpanProcess]] = {}
TOKEN_PROCESSES: dict[str, Callable[..., TokenProcess]] = {}


def register(table: dict[str, Any]) -> Callable[[Process], Process]:
    """Class decorator: file a process in one of the three tables under its `name`."""

    def file(process: Process) -> Process:
        name = cast(str, process.name)  # type: ignore[attr-defined]
        if name in names():
            raise ValueError(f"there already is a forward process called {name!r}; choose another name")
        table[name] = process
        return process

    return file


def text_process(name: str, **settings: object) -> TextProcess:
    """The text process called `name` with these settings; KeyError names the ones there are."""
    return _found(TEXT_PROCESSES, name)(**settings)


def span_process(name: str, **settings: object) -> SpanProcess:
    """The span process called `name` with these settings; KeyError names the ones there are."""
    return _found(SPAN_PROCESSES, name)(**settings)


def token_process(name: str, **settings: object) -> TokenProcess:
    """The token process called `name` with these settings; KeyError names the ones there are."""
    return _found(TOKEN_PROCESSES, name)(**settings)


def names() -> list[str]:
    """All registered processes, sorted."""
    return sorted({**TEXT_PROCESSES, **SPAN_PROCESSES, **TOKEN_PROCESSES})


Factory = TypeVar("Factory")


def _found(table: dict[str, Factory], name: str) -> Factory:
    if name not in table:
        raise KeyError(f"no forward process {name!r}; there are {', '.join(sorted(table))}")
    return table[name]
