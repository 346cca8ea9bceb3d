"""Notebooks: each cell is a document of its own, kept in step like any other.

What a notebook adds is that its cells come and go with it. Only cells in Python are ever sent; the order of
the cells is the editor's business.
"""

import logging

from lsprotocol import types

from redraft_server.session import Session
from redraft_server.sources import Source, canonical

logger = logging.getLogger(__name__)

# lsprotocol cannot read its own filter of cells alone, so the kind of notebook is said to be any.
SYNC = types.NotebookDocumentSyncOptions(
    notebook_selector=[
        types.NotebookDocumentFilterWithNotebook("*", cells=[types.NotebookCellLanguage("python")])
    ]
)


def did_open(session: Session, params: types.DidOpenNotebookDocumentParams) -> None:
    """Take over the cells of a notebook."""
    session.notebooks[canonical(params.notebook_document.uri)] = set()
    for cell in params.cell_text_documents:
        _open(session, params.notebook_document.uri, cell)


def did_change(session: Session, params: types.DidChangeNotebookDocumentParams) -> None:
    """Follow cells that come, go, or are edited."""
    uri = params.notebook_document.uri
    if canonical(uri) not in session.notebooks:
        logger.warning("Ignored a change of a notebook that is not open: %s", uri)
        return
    cells = params.change.cells
    if cells is None:
        return
    if cells.structure is not None:
        for gone in cells.structure.did_close or ():
            _close(session, uri, gone.uri)
        for cell in cells.structure.did_open or ():
            _open(session, uri, cell)
    for change in cells.text_content or ():
        source = session.sources.get(change.document.uri)
        if source is None:
            logger.warning("Ignored a change of a cell that is not open: %s", change.document.uri)
            continue
        session.sources.put(source.edited(change.changes, change.document.version))


def did_close(session: Session, params: types.DidCloseNotebookDocumentParams) -> None:
    """Forget a notebook with all its cells, also those that the client did not mention."""
    uri = params.notebook_document.uri
    for cell in (*session.notebooks.get(canonical(uri), ()), *(c.uri for c in params.cell_text_documents)):
        session.sources.forget(cell)
    session.notebooks.pop(canonical(uri), None)


def _open(session: Session, notebook: str, cell: types.TextDocumentItem) -> None:
    session.notebooks[canonical(notebook)].add(canonical(cell.uri))
    session.sources.put(Source.opened(cell, session.client.encoding, is_cell=True))


def _close(session: Session, notebook: str, cell: str) -> None:
    session.notebooks[canonical(notebook)].discard(canonical(cell))
    session.sources.forget(cell)
