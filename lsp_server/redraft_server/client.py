"""What the editor at the other end can do, read once from its capabilities."""

from dataclasses import dataclass

from lsprotocol import types
from pygls.capabilities import get_capability

# utf-16 is what every client must understand, so it is what remains when none of a client's wishes is known.
_ENCODINGS = {kind.value: kind for kind in types.PositionEncodingKind}


@dataclass(frozen=True)
class Client:
    """The abilities the server has to care about; the defaults are those of the plainest client."""

    encoding: types.PositionEncodingKind = types.PositionEncodingKind.Utf16
    has_action_literals: bool = False
    resolves_edits: bool = False
    shows_disabled: bool = False
    shows_generated_tag: bool = False
    has_versioned_edits: bool = False
    applies_edits: bool = False
    knows_refactorings: bool = False
    creates_progress: bool = False
    answers_configuration: bool = False
    registers_configuration: bool = False
    registers_watched_files: bool = False
    has_notebooks: bool = False
    pulls_diagnostics: bool = False
    refreshes_diagnostics: bool = False
    shows_previews: bool = False
    follows_status: bool = False
    has_inline_completion: bool = False
    has_completion: bool = False
    inserts_as_is: bool = False

    @classmethod
    def of(cls, capabilities: types.ClientCapabilities) -> "Client":
        """The client that announced `capabilities`."""
        actions = "text_document.code_action"
        completion = "text_document.completion.completion_item"
        wishes = get_capability(capabilities, "general.position_encodings") or ()
        resolved = get_capability(capabilities, f"{actions}.resolve_support.properties") or ()
        tags = get_capability(capabilities, f"{actions}.tag_support.value_set") or ()

        modes = get_capability(capabilities, f"{completion}.insert_text_mode_support.value_set") or ()

        def has(field: str) -> bool:
            return get_capability(capabilities, field) is True

        return cls(
            encoding=next(
                (_ENCODINGS[str(getattr(w, "value", w))] for w in wishes if w in _ENCODINGS), cls.encoding
            ),
            has_action_literals=get_capability(capabilities, f"{actions}.code_action_literal_support")
            is not None,
            resolves_edits="edit" in resolved and has(f"{actions}.data_support"),
            shows_disabled=has(f"{actions}.disabled_support"),
            shows_generated_tag=types.CodeActionTag.LlmGenerated in tags,
            has_versioned_edits=has("workspace.workspace_edit.document_changes"),
            applies_edits=has("workspace.apply_edit"),
            knows_refactorings=has("workspace.workspace_edit.metadata_support"),
            creates_progress=has("window.work_done_progress"),
            answers_configuration=has("workspace.configuration"),
            registers_configuration=has("workspace.did_change_configuration.dynamic_registration"),
            registers_watched_files=has("workspace.did_change_watched_files.dynamic_registration"),
            has_inline_completion=get_capability(capabilities, "text_document.inline_completion") is not None,
            has_completion=get_capability(capabilities, "text_document.completion") is not None,
            inserts_as_is=types.InsertTextMode.AsIs in modes,
            has_notebooks=get_capability(capabilities, "notebook_document.synchronization") is not None,
            pulls_diagnostics=get_capability(capabilities, "text_document.diagnostic") is not None,
            refreshes_diagnostics=has("workspace.diagnostics.refresh_support"),
            shows_previews=get_capability(capabilities, "workspace.text_document_content") is not None,
            follows_status=_is_set(capabilities.experimental, "serverStatusNotification"),
        )

    def edit(self, uri: str, version: int, edits: list[types.TextEdit]) -> types.WorkspaceEdit:
        """`edits` to version `version` of a document, in the form this client can undo in one step."""
        if not self.has_versioned_edits:
            return types.WorkspaceEdit(changes={uri: edits})
        document = types.OptionalVersionedTextDocumentIdentifier(uri=uri, version=version)
        return types.WorkspaceEdit(document_changes=[types.TextDocumentEdit(document, edits)])


def _is_set(experimental: object, name: str) -> bool:
    return isinstance(experimental, dict) and experimental.get(name) is True
