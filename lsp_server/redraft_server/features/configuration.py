"""Settings as they come and go: what the editor says, what it answers, what pyproject.toml files say.

Whoever acts upon settings waits until they are settled, see `Session.settled`.
"""

import asyncio
import logging
from collections.abc import Sequence

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from redraft_server.configuration import PROJECT_FILE, SECTION
from redraft_server.features import doubts
from redraft_server.session import Session
from redraft_server.uris import relative_path

logger = logging.getLogger(__name__)

# An editor that takes longer than this to say what its settings are is not waited for.
SECONDS_TO_ANSWER = 2.0


def start(session: Session, params: types.InitializeParams) -> None:
    """Take over what `initialize` says."""
    folders = [folder.uri for folder in params.workspace_folders or ()]
    if not folders and params.root_uri is not None:
        folders = [params.root_uri]
    session.configuration = session.configuration.with_folders(folders, [])
    _read_projects(session)
    session.configuration, complaints = session.configuration.with_initial(params.initialization_options)
    _complain(session, complaints)
    if complaints:
        message = "Redraft: " + " ".join(complaints)
        session.server.window_show_message(types.ShowMessageParams(types.MessageType.Warning, message))
    _apply(session)


def ask(session: Session) -> None:
    """Ask the client for the settings of every folder, if it can be asked."""
    if not session.client.answers_configuration:
        return
    if session.asking is not None:
        session.asking.cancel()
    session.asking = asyncio.ensure_future(_ask(session))


def registrations(session: Session) -> list[types.Registration]:
    """What this client should be asked to tell us about."""
    wanted: list[types.Registration] = []
    if session.client.registers_configuration:
        options: object = types.DidChangeConfigurationRegistrationOptions(SECTION)
        method = types.WORKSPACE_DID_CHANGE_CONFIGURATION
        wanted.append(types.Registration("redraft-configuration", method, options))
    if session.client.registers_watched_files:
        watchers = [types.FileSystemWatcher(f"**/{PROJECT_FILE}")]
        options = types.DidChangeWatchedFilesRegistrationOptions(watchers)
        method = types.WORKSPACE_DID_CHANGE_WATCHED_FILES
        wanted.append(types.Registration("redraft-projects", method, options))
    return wanted


def did_change(session: Session, params: types.DidChangeConfigurationParams) -> None:
    """Take over what the editor pushes; those who only say that something changed are asked."""
    session.configuration, complaints = session.configuration.with_pushed(params.settings)
    _complain(session, complaints)
    _read_projects(session)
    _apply(session)
    doubts.settings_changed(session)
    ask(session)


def did_change_folders(session: Session, params: types.DidChangeWorkspaceFoldersParams) -> None:
    """Follow the workspace."""
    session.configuration = session.configuration.with_folders(
        [folder.uri for folder in params.event.added], [folder.uri for folder in params.event.removed]
    )
    _read_projects(session)
    ask(session)


def did_change_files(session: Session, params: types.DidChangeWatchedFilesParams) -> None:
    """Read the pyproject.toml of the folders again if one of them changed."""
    folders = session.configuration.folders
    if any(
        relative_path(change.uri, folder) == PROJECT_FILE for change in params.changes for folder in folders
    ):
        _read_projects(session)
        doubts.settings_changed(session)


async def _ask(session: Session) -> None:
    scopes = (None, *session.configuration.folders)
    items = [types.ConfigurationItem(scope, SECTION) for scope in scopes]
    try:
        async with asyncio.timeout(SECONDS_TO_ANSWER):
            answers: Sequence[object] | None = await session.server.workspace_configuration_async(
                types.ConfigurationParams(items)
            )
    except (JsonRpcException, TimeoutError) as error:
        logger.warning("The client did not say what its settings are: %s", error or "no answer")
        return
    # A client that knows no folders may send one answer for all.
    answers = answers or []
    found = {scope: answers[index] for index, scope in enumerate(scopes) if index < len(answers)}
    session.configuration, complaints = session.configuration.with_answers(found)
    _complain(session, complaints)
    _apply(session)
    doubts.settings_changed(session)


def _read_projects(session: Session) -> None:
    if not session.shares_machine:
        # A path of the client's machine would be some other file here.
        return
    session.configuration, complaints = session.configuration.with_projects_read()
    _complain(session, complaints)


def _apply(session: Session) -> None:
    """What concerns the engine as a whole, which is for the users of its machine to say."""
    if not session.shares_machine:
        return
    settings = session.configuration.general
    session.scheduler.configure(n_threads=settings.threads, keep_alive=settings.keep_alive)


def _complain(session: Session, complaints: Sequence[str]) -> None:
    """Into the editor's log, each sentence once: an unchanged mistake is sent again with every change."""
    for complaint in complaints:
        if complaint not in session.complaints:
            session.complaints.add(complaint)
            session.server.window_log_message(types.LogMessageParams(types.MessageType.Warning, complaint))
