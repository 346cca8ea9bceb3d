"""From initialize to exit, and the documents in between."""

import logging

from lsprotocol import types

from redraft_server import __version__
from redraft_server.client import Client
from redraft_server.features import (
    code_action,
    commands,
    completion,
    configuration,
    doubts,
    notebook,
    preview,
    server_status,
)
from redraft_server.session import Session
from redraft_server.sources import Source

logger = logging.getLogger(__name__)

NAME = "redraft"


def initialize(session: Session, params: types.InitializeParams) -> types.InitializeResult:
    """What the server can do for this client. Loads nothing."""
    session.client = Client.of(params.capabilities)
    session.client_info = params.client_info
    configuration.start(session, params)
    if params.process_id is not None:
        session.watch_editor(params.process_id)
    return types.InitializeResult(
        capabilities=capabilities(session),
        server_info=types.ServerInfo(NAME, __version__),
    )


def capabilities(session: Session) -> types.ServerCapabilities:
    """What is announced to the client."""
    client = session.client
    actions = types.CodeActionOptions(
        code_action_kinds=code_action.kinds(session.scheduler.actions), resolve_provider=True
    )
    return types.ServerCapabilities(
        position_encoding=client.encoding,
        text_document_sync=types.TextDocumentSyncOptions(
            open_close=True, change=types.TextDocumentSyncKind.Incremental
        ),
        # Only clients that know code action literals know the options.
        code_action_provider=actions if client.has_action_literals else True,
        inline_completion_provider=types.InlineCompletionOptions(),
        completion_provider=types.CompletionOptions()
        if completion.is_wanted(client, session.configuration.general)
        else None,
        notebook_document_sync=notebook.SYNC if client.has_notebooks else None,
        execute_command_provider=types.ExecuteCommandOptions(commands.NAMES, work_done_progress=True),
        diagnostic_provider=doubts.OPTIONS if client.pulls_diagnostics else None,
        workspace=types.WorkspaceOptions(
            text_document_content=preview.OPTIONS if client.shows_previews else None,
            workspace_folders=types.WorkspaceFoldersServerCapabilities(
                supported=True, change_notifications=True
            ),
        ),
    )


def initialized(session: Session, _params: types.InitializedParams) -> None:
    """Ask for settings, and to be told of changes. The model is loaded when it is needed."""
    wanted = configuration.registrations(session)
    if wanted:
        # A client that refuses tells less; nothing else depends on its answer.
        session.server.client_register_capability(types.RegistrationParams(wanted))
    configuration.ask(session)
    server_status.follow(session)


def shutdown(session: Session, _params: None) -> None:
    """Stop all work; its requests are answered as cancelled."""
    session.shut_down()


def leave(session: Session, _params: None) -> None:
    """End the conversation, and a process that has no other."""
    session.end()


def did_open(session: Session, params: types.DidOpenTextDocumentParams) -> None:
    """Take over a document."""
    session.sources.put(Source.opened(params.text_document, session.client.encoding))


def did_change(session: Session, params: types.DidChangeTextDocumentParams) -> None:
    """Follow an edit."""
    source = session.sources.get(params.text_document.uri)
    if source is None:
        logger.warning("Ignored a change of a document that is not open: %s", params.text_document.uri)
        return
    session.sources.put(source.edited(params.content_changes, params.text_document.version))


def did_close(session: Session, params: types.DidCloseTextDocumentParams) -> None:
    """Forget a document."""
    session.sources.forget(params.text_document.uri)


def cancel_progress(session: Session, params: types.WorkDoneProgressCancelParams) -> None:
    """The user pressed the button of a progress bar."""
    session.cancel(params.token)


def set_trace(_session: Session, _params: types.SetTraceParams) -> None:
    """Accepted and ignored: the log goes to stderr."""
