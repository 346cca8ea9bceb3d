"""What a user can set: one home, one default and one sentence for each. Knows nothing of where settings come from.

Editors write a name in camelCase (`liveDenoise`), pyproject.toml in kebab-case (`live-denoise`).
"""

import math
import os
import re
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields, replace
from typing import Any, TypeVar

from pathspec import GitIgnoreSpec
from redraft_model.passage import Version

from redraft_server.target import version_of

T = TypeVar("T")

Values = Mapping[str, Any]
"""Values that were found usable, by the name of their field; what is not there is not set."""

# A repair that nobody looks at is made from this probability on that it is right; below it, it is only shown. Of repairs of
# held-out code that said so much or more nine of ten were right (213 of 234, docs/log.md).
DEFAULT_MIN_CONFIDENCE = 0.6
DEFAULT_TIMEOUT = 20  # seconds

# The target version of code that may use whatever the newest Python takes.
NEWEST = "newest"

_WORD_BOUNDARY = re.compile(r"(?<=[a-z])(?=[A-Z])|-")


@dataclass(frozen=True)
class Kind:
    """What a setting can be: in words, and as a function that gives the value to use, or None."""

    words: str
    usable: Callable[[object], object]


def _setting(default: T, sentence: str, kind: Kind, *, is_personal: bool = False) -> T:
    # What is personal costs memory or uncovers files: nobody's repository decides about that.
    return field(default=default, metadata={"help": sentence, "kind": kind, "is_personal": is_personal})


def _usable_globs(value: object) -> tuple[str, ...] | None:
    if not isinstance(value, list | tuple) or not all(isinstance(glob, str) for glob in value):
        return None
    if any(glob.startswith("!") for glob in value):
        return None
    try:
        GitIgnoreSpec.from_lines(value)
    except (ValueError, re.error):
        return None
    return tuple(value)


def _number(words: str, is_right: Callable[[float], bool]) -> Kind:
    def usable(value: object) -> object:
        is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        return value if is_number and is_right(value) else None  # type: ignore[arg-type]

    return Kind(words, usable)


def _one_of(*words: str) -> Kind:
    return Kind(" or ".join(f"“{word}”" for word in words), lambda value: value if value in words else None)


def _usable_version(value: object) -> str | None:
    is_version = isinstance(value, str) and (value == NEWEST or version_of(value) is not None)
    return value if is_version else None  # type: ignore[return-value]


_FLAG = Kind("true or false", lambda value: value if isinstance(value, bool) else None)
_SHARE = _number("a number from 0 to 1", lambda number: 0 <= number <= 1)
_COUNT = _number("a whole number, at least 0", lambda number: number >= 0 and isinstance(number, int))
_SECONDS = _number("a number of seconds, 0, or -1", lambda number: number >= 0 or number == -1)
_TIMEOUT = _number("a number of seconds, at least 0", lambda number: number >= 0)
_GLOBS = Kind("a list of globs as in .gitignore, without “!”", _usable_globs)


@dataclass(frozen=True)
class Settings:
    """The settings that hold for one document."""

    enable: bool = _setting(True, "Whether Redraft offers anything at all.", _FLAG)
    min_confidence: float = _setting(
        DEFAULT_MIN_CONFIDENCE,
        "How likely right a repair has to be before an editor prefers it, or fix-all makes it.",
        _SHARE,
    )
    timeout: float = _setting(
        DEFAULT_TIMEOUT, "After how many seconds of search a repair is given up; 0: never.", _TIMEOUT
    )
    inline_completion: bool = _setting(True, "Whether Redraft suggests text at the cursor.", _FLAG)
    inline_completion_min_confidence: float = _setting(
        0.5, "How likely right a suggestion has to be that nobody asked for.", _SHARE
    )
    multi_line: str = _setting(
        "auto",
        "Whether a suggestion may have several lines; auto: those that are asked for.",
        _one_of("auto", "always", "never"),
    )
    completion_fallback: str = _setting(
        "auto",
        "Whether an editor without inline completion finds the suggestion in its completion list.",
        _one_of("auto", "never"),
    )
    doubt_diagnostics: bool = _setting(
        False, "Whether tokens that the model did not expect are underlined.", _FLAG
    )
    doubt_threshold: float = _setting(
        0.5, "How much a token has to be doubted before it is underlined.", _SHARE
    )
    max_suffix_characters: int = _setting(
        8,
        "Before how many characters of code on the cursor's line nothing more is suggested unasked.",
        _COUNT,
    )
    disabled_globs: tuple[str, ...] = _setting(
        (),
        "Files that Redraft leaves alone, besides those that look like secrets; all sources add up.",
        _GLOBS,
    )
    allow_globs: tuple[str, ...] = _setting(
        (), "Files that Redraft works on although they look like secrets.", _GLOBS, is_personal=True
    )
    keep_alive: float = _setting(
        900,
        "After how many idle seconds the model is unloaded; 0: at once, -1: never.",
        _SECONDS,
        is_personal=True,
    )
    threads: int = _setting(
        0,
        "How many cores the model may use; 0: PyTorch chooses; counts until the model is loaded.",
        _COUNT,
        is_personal=True,
    )
    target_version: str = _setting(
        NEWEST,
        "The oldest Python that the code is for, such as 3.11: newer syntax is an error then; else requires-python says so.",
        Kind(f"a version such as “3.11”, or “{NEWEST}”", _usable_version),
    )
    live_denoise: bool = _setting(
        False,
        "Whether the editor is sent the text of a running rewrite at each search round or denoise step.",
        _FLAG,
    )

    @property
    def target(self) -> Version | None:
        """The target version; None for the newest."""
        return version_of(self.target_version)

    def with_values(self, values: Values) -> "Settings":
        """These settings with `values`; disabled globs are added, so that no source uncovers another's files."""
        globs = values.get("disabled_globs", ())
        together = tuple(dict.fromkeys((*self.disabled_globs, *globs)))
        return replace(self, **{**values, "disabled_globs": together})


def personal_values(options: object) -> tuple[Values, list[str]]:
    """What a user's own `options` set, and one sentence for each thing in them that cannot be used."""
    return _values(options, _FIELDS)


def project_values(options: object) -> tuple[Values, list[str]]:
    """The same for the options of a repository, which may set less."""
    shared = {name: found for name, found in _FIELDS.items() if not found.metadata["is_personal"]}
    return _values(options, shared)


def wire_name(name: str) -> str:
    """The name of a field as editors write it."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def limit_threads(n_threads: int) -> None:
    """Let PyTorch use `n_threads` cores; has an effect only before it is imported. 0 changes nothing."""
    if n_threads:
        os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(n_threads)


def let_threads_sleep() -> None:
    """Let PyTorch's threads sleep while they wait for each other; has an effect only before it is imported.

    Left alone they spin, and where something else uses the cores, each of them waits for one that is not running: a
    repair that takes 5 seconds on idle cores took 50. Who sets OMP_WAIT_POLICY knows better.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


_FIELDS = {found.name: found for found in fields(Settings)}


def _values(options: object, allowed: Mapping[str, Field[Any]]) -> tuple[Values, list[str]]:
    if options is None:
        return {}, []
    if not isinstance(options, dict):
        return {}, ["The settings are not an object with names and values."]
    values: dict[str, Any] = {}
    complaints: list[str] = []
    for key, value in options.items():
        name = _WORD_BOUNDARY.sub("_", str(key)).lower()
        if name not in _FIELDS:
            complaints.append(f"There is no setting {key!r}.")
        elif name not in allowed:
            complaints.append(f"The setting {key!r} is personal: set it in the editor, not in a repository.")
        elif value is None:
            # Editors send null for what the user has not touched.
            continue
        else:
            kind: Kind = _FIELDS[name].metadata["kind"]
            usable = kind.usable(value)
            if usable is None:
                complaints.append(f"The setting {key!r} cannot be {reprlib.repr(value)}; it is {kind.words}.")
            else:
                values[name] = usable
    return values, complaints
