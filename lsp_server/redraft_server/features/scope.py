"""Which documents Redraft works on: one answer for all features.

The same answer holds for a document that only serves as context for another one. It needs no look at the
disk: the text is the editor's, and a URI that is not a file's is as good as one that is.
"""

from functools import lru_cache

from pathspec import GitIgnoreSpec
from redraft_model.errors import RedraftError

from redraft_server.configuration import Configuration
from redraft_server.magics import foreign_magic
from redraft_server.sources import Source
from redraft_server.uris import path_of, relative_path

LANGUAGES = ("python",)

# In lower case. Names are matched with the file's name, so that a project inside a folder `.envs` is no secret.
SECRET_NAMES = (
    ".env*",
    "*.pem",
    "*.key",
    "*.cert",
    "*.crt",
    "*.p12",
    "*.pfx",
    "secrets.*",
    ".netrc",
    "_netrc",
    ".pypirc",
    ".htpasswd",
    "id_rsa*",
    "id_ecdsa*",
    "id_ed25519*",
)
SECRET_FOLDERS = ("**/.ssh/**", "**/.gnupg/**", "**/.aws/**")


def obstacle(source: Source, configuration: Configuration) -> str | None:
    """Why Redraft does not work on `source`, in one sentence; None if it does."""
    if source.language not in LANGUAGES:
        return "Redraft repairs Python only."
    return obstacle_at(source.uri, configuration) or _unusable_text(source)


def obstacle_at(uri: str, configuration: Configuration) -> str | None:
    """Why Redraft does not look at what is at `uri`, whatever its text, in one sentence; None if it does."""
    settings = configuration.for_document(uri)
    if not settings.enable:
        return "Redraft is switched off here (the setting “enable”)."
    paths = _paths(uri, configuration.folder_of(uri))
    if _is_match(settings.disabled_globs, paths):
        return "This file is excluded by the setting “disabledGlobs”."
    if _looks_secret(uri) and not _is_match(settings.allow_globs, paths):
        return "This file looks like one with secrets; “allowGlobs” in your own settings would admit it."
    return None


def _paths(uri: str, folder: str | None) -> list[str]:
    """What a user's glob may mean: the path below the workspace folder, or the whole path."""
    below = relative_path(uri, folder) if folder is not None else None
    whole = path_of(uri).lstrip("/")
    return [whole] if below is None else [below, whole]


def _looks_secret(uri: str) -> bool:
    path = path_of(uri).lstrip("/").lower()
    name = path.rpartition("/")[2]
    return _is_match(SECRET_NAMES, [name]) or _is_match(SECRET_FOLDERS, [path])


def _is_match(globs: tuple[str, ...], paths: list[str]) -> bool:
    return bool(globs) and any(path and _compiled(globs).match_file(path) for path in paths)


@lru_cache(maxsize=64)
def _compiled(globs: tuple[str, ...]) -> GitIgnoreSpec:
    return GitIgnoreSpec.from_lines(globs)


def _unusable_text(source: Source) -> str | None:
    try:
        source.document.text.encode()
    except RedraftError as error:
        return str(error)
    except UnicodeEncodeError as error:
        return f"The document contains half a character (a lone surrogate) at offset {error.start}."
    magic = foreign_magic(source.document.text) if source.is_cell else None
    return f"This cell is not in Python: it begins with {magic}." if magic else None
