"""Where settings come from and which source wins. Knows nothing of messages.

A later source wins over an earlier one:

1. the pyproject.toml of the workspace folder, which anybody may have written: `[tool.redraft]`, and `requires-python` for what that
   does not say of the target version,
2. the `initializationOptions` of the editor,
3. what the editor pushes with `workspace/didChangeConfiguration`,
4. what it answers to `workspace/configuration`, for each workspace folder.

A source that speaks again replaces what it said before. Documents outside of all folders have no source 1.
"""

import stat
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from redraft_model.errors import RedraftError
from redraft_model.text.versions import version_name

from redraft_server.settings import Settings, Values, personal_values, project_values
from redraft_server.target import required
from redraft_server.uris import file_path, is_inside, path_of

SECTION = "redraft"
PROJECT_FILE = "pyproject.toml"
MAX_PROJECT_BYTES = 1_000_000


@dataclass(frozen=True)
class Configuration:
    """The sources of settings of one client. `folders` are the URIs of its workspace folders."""

    folders: tuple[str, ...] = ()
    initial: Values = field(default_factory=dict)
    pushed: Values = field(default_factory=dict)
    projects: Mapping[str, Values] = field(default_factory=dict)
    answers: Mapping[str | None, Values] = field(default_factory=dict)
    """By folder; None for what is in no folder."""

    @property
    def general(self) -> Settings:
        """The settings outside of all folders, which are those of the server as a whole."""
        return self._settings(None)

    def for_document(self, uri: str) -> Settings:
        """The settings that hold for the document `uri`."""
        return self._settings(self.folder_of(uri))

    def folder_of(self, uri: str) -> str | None:
        """The innermost folder around the document `uri`; None if it is in none."""
        around = [folder for folder in self.folders if is_inside(uri, folder)]
        return max(around, key=lambda folder: len(path_of(folder)), default=None)

    def with_folders(self, added: Iterable[str], removed: Iterable[str]) -> "Configuration":
        """After the client added and removed workspace folders."""
        gone = set(removed)
        folders = tuple(dict.fromkeys((*(f for f in self.folders if f not in gone), *added)))
        return replace(
            self,
            folders=folders,
            projects={folder: values for folder, values in self.projects.items() if folder in folders},
            answers={f: values for f, values in self.answers.items() if f is None or f in folders},
        )

    def with_initial(self, options: object) -> tuple["Configuration", list[str]]:
        """After `initializationOptions`, and what in them cannot be used."""
        values, complaints = personal_values(_section(options))
        return replace(self, initial=values), complaints

    def with_pushed(self, options: object) -> tuple["Configuration", list[str]]:
        """After `workspace/didChangeConfiguration`, which may bring the settings of the whole editor."""
        is_ours = isinstance(options, dict) and SECTION in options
        values, complaints = personal_values(_section(options))
        return replace(self, pushed=values), complaints if is_ours else []

    def with_answers(self, answers: Mapping[str | None, object]) -> tuple["Configuration", list[str]]:
        """After `workspace/configuration` was answered."""
        found = {folder: personal_values(options) for folder, options in answers.items()}
        complaints = [complaint for _, complaints in found.values() for complaint in complaints]
        return replace(self, answers={folder: values for folder, (values, _) in found.items()}), complaints

    def with_projects_read(self) -> tuple["Configuration", list[str]]:
        """After a look into every folder's pyproject.toml; one that cannot be read leaves things as they were."""
        projects = dict(self.projects)
        complaints: list[str] = []
        for folder in self.folders:
            path = file_path(folder)
            if path is None:
                continue
            try:
                projects[folder], found = _project_values(_project(path))
            except UnusableProject as error:
                found = [str(error)]
            complaints += [f"{path / PROJECT_FILE}: {complaint}" for complaint in found]
        return replace(self, projects=projects), complaints

    def _settings(self, folder: str | None) -> Settings:
        project = {} if folder is None else self.projects.get(folder, {})
        settings = Settings()
        for values in (project, self.initial, self.pushed, self.answers.get(folder, {})):
            settings = settings.with_values(values)
        return settings


class UnusableProject(RedraftError):  # noqa: N818  (a fact about a file)
    """A pyproject.toml cannot be used."""


def _section(options: object) -> object:
    """Our part of what an editor sends: under our name, or all of it."""
    return options.get(SECTION, options) if isinstance(options, dict) else options


def _project_values(project: dict[str, object]) -> tuple[Values, list[str]]:
    """What the content of a pyproject.toml sets, and what in it cannot be used."""
    tool = project.get("tool")
    values, complaints = project_values(tool.get(SECTION) if isinstance(tool, dict) else None)
    version = required(project)
    requires = {} if version is None else {"target_version": version_name(version)}
    return {**requires, **values}, complaints


def _project(folder: Path) -> dict[str, object]:
    """The content of the pyproject.toml in `folder`, empty if there is none; raises UnusableProject."""
    try:
        path = (folder / PROJECT_FILE).resolve(strict=True)
    except FileNotFoundError:
        return {}
    except (OSError, RuntimeError) as error:
        raise UnusableProject(f"The file cannot be read: {error}.") from error
    if not path.is_relative_to(folder.resolve()):
        raise UnusableProject("The file is a link that leads out of the workspace folder, so it is ignored.")
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_PROJECT_BYTES:
            raise UnusableProject(
                f"This is no file of at most {MAX_PROJECT_BYTES:,} bytes, so it is ignored."
            )
        with path.open("rb") as file:
            text = file.read(MAX_PROJECT_BYTES + 1).decode()
        return tomllib.loads(text)
    except OSError as error:
        raise UnusableProject(f"The file cannot be read: {error.strerror or error}.") from error
    except (ValueError, RecursionError) as error:
        raise UnusableProject(f"The file is not valid TOML, so it is ignored: {error}.") from error
