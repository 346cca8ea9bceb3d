"""Which Python a project is for: what somebody says, or `requires-python` of a pyproject.toml."""

import re
import tomllib
from functools import lru_cache
from pathlib import Path

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version
from redraft_model import passage

PROJECT_FILE = "pyproject.toml"
MAX_BYTES = 1_000_000

_VERSION = re.compile(r"([23])\.(\d{1,2})\Z")
_POSSIBLE = ((2, 7), *((3, minor) for minor in range(40)))


def version_of(text: str) -> passage.Version | None:
    """The version that `3.11` names; None where it names none."""
    match = _VERSION.match(text)
    return (int(match[1]), int(match[2])) if match else None


def required(project: object) -> passage.Version | None:
    """The oldest Python that a project, the content of a pyproject.toml, admits; None if it does not say."""
    table = project.get("project") if isinstance(project, dict) else None
    words = table.get("requires-python") if isinstance(table, dict) else None
    if not isinstance(words, str):
        return None
    try:
        admitted = SpecifierSet(words)
        named = [Version(each.version.removesuffix(".*")) for each in admitted]
    except (InvalidSpecifier, InvalidVersion):
        return None
    for major, minor in _POSSIBLE:
        releases = [Version(f"{major}.{minor}.0"), Version(f"{major}.{minor}.99")]
        releases += (each for each in named if each.release[:2] == (major, minor))
        if any(admitted.contains(release) for release in releases):
            return major, minor
    return None


def nearest(folder: Path) -> passage.Version | None:
    """The oldest Python that the project around a folder admits: that of the first pyproject.toml from there outwards."""
    folder = folder.absolute()
    for around in (folder, *folder.parents):
        if (around / PROJECT_FILE).is_file():
            return _read(around / PROJECT_FILE)
    return None


@lru_cache(maxsize=256)
def _read(path: Path) -> passage.Version | None:
    """What a pyproject.toml requires; one that cannot be read requires nothing."""
    try:
        with path.open("rb") as file:
            return required(tomllib.loads(file.read(MAX_BYTES).decode()))
    except (OSError, ValueError, RecursionError):
        return None
