"""Whole conversations with the editors whose capabilities pytest-lsp has recorded, through its own client.

Its JSON-RPC is pygls', not ours, and it complains about answers that go beyond what the editor can do.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import converters, types
from pygls.exceptions import JsonRpcRequestCancelled
from pytest_lsp import LanguageClient, LspSpecificationWarning, client_capabilities, make_test_lsp_client

RECORDED = sorted(
    file.name.removesuffix(".json").replace("_v", "@v")
    for file in resources.files("pytest_lsp.clients").iterdir()
    if file.name.endswith(".json")
)
SECONDS = 300.0  # only a test that hangs waits so long
URI = "file:///a.py"
BROKEN, MENDED = "s = '😀é'; retrun '😀'\r\n", "s = '😀é'; return '😀'\r\n"
ENDLESS = "# steps: 1000000\n"

pytestmark = pytest.mark.filterwarnings(
    f"error::{LspSpecificationWarning.__module__}.LspSpecificationWarning"
)


class Recorded:
    """A client like one that was recorded, with one document, which it edits as it is told."""

    def __init__(self, client: LanguageClient, capabilities: types.ClientCapabilities, log: Path) -> None:
        self.client = client
        self.log = log
        self.capabilities = capabilities
        self.text, self.version = "", 0
        self.encoding = "utf-16"
        self.labels: list[str | None] = []

    async def until_logged(self, line: str) -> None:
        """Wait until the fake engine has noted `line`."""
        while line not in self.log.read_text().splitlines():
            await asyncio.sleep(0.005)

    async def until_reported(self) -> None:
        """Wait until a progress bar has been moved."""
        bars = self.client.progress_reports
        while not any(value.kind == "report" for bar in bars.values() for value in bar):
            await asyncio.sleep(0.005)

    def let_go(self) -> None:
        """Let the fake engine go on with what is held."""
        self.log.with_name(self.log.name + ".go").touch()

    def open(self, text: str) -> None:
        self.text, self.version = text, 1
        item = types.TextDocumentItem(URI, "python", 1, text)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(item))

    def append(self, text: str) -> None:
        """Type `text` at the end."""
        self.version += 1
        end = types.Position(self.text.count("\n"), 0)
        change = types.TextDocumentContentChangePartial(types.Range(end, end), text)
        identifier = types.VersionedTextDocumentIdentifier(self.version, URI)
        self.client.text_document_did_change(types.DidChangeTextDocumentParams(identifier, [change]))
        self.text += text

    async def actions(self, line: int) -> Any:
        place = types.Position(line, 0)
        identifier = types.TextDocumentIdentifier(URI)
        return await self.client.text_document_code_action_async(
            types.CodeActionParams(identifier, types.Range(place, place), types.CodeActionContext([]))
        )

    async def start(self, action: types.CodeAction | types.Command) -> types.WorkspaceEdit | None:
        """Do what this editor does when `action` is chosen: the edit, unless it comes with workspace/applyEdit."""
        if isinstance(action, types.CodeAction) and action.command is None:
            return (await self.client.code_action_resolve_async(action)).edit
        command = action.command if isinstance(action, types.CodeAction) else action
        params = types.ExecuteCommandParams(command.command, arguments=command.arguments)
        await self.client.workspace_execute_command_async(params)
        return None


def command_or_action(value: Any, _: Any) -> types.Command | types.CodeAction:
    """What lsprotocol's own hook gets wrong: an action may have a command, which then is no string."""
    kind = types.Command if isinstance(value.get("command"), str) else types.CodeAction
    return converters.get_converter().structure(value, kind)


@pytest.fixture
async def recorded(
    request: pytest.FixtureRequest, tmp_path: Path, apply_text_edits: Callable[..., str]
) -> AsyncIterator[Recorded]:
    """The client named by the parameter, connected to a real server around the fake engine."""
    log = tmp_path / "engine.log"
    editor = Recorded(make_test_lsp_client(), client_capabilities(request.param), log)
    editor.client.protocol._converter.register_structure_hook(
        types.Command | types.CodeAction, command_or_action
    )

    @editor.client.feature(types.WORKSPACE_APPLY_EDIT)
    def apply(params: types.ApplyWorkspaceEditParams) -> types.ApplyWorkspaceEditResult:
        editor.labels.append(params.label)
        editor.text = applied(editor, params.edit, apply_text_edits)
        return types.ApplyWorkspaceEditResult(applied=True)

    serve = Path(__file__).with_name("serve_fake.py")
    homes = [str(Path(__file__).parents[2] / home) for home in ("kernels", "model", "lsp_server")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(homes)}
    await editor.client.start_io(sys.executable, str(serve), str(log), env=environment)
    params = types.InitializeParams(capabilities=editor.capabilities)
    result = await asyncio.wait_for(editor.client.initialize_session(params), SECONDS)
    editor.encoding = result.capabilities.position_encoding or "utf-16"
    yield editor
    await asyncio.wait_for(editor.client.shutdown_session(), SECONDS)
    assert editor.client._server is not None
    assert editor.client._server.returncode == 0
    await editor.client.stop()


def applied(editor: Recorded, edit: types.WorkspaceEdit, apply_text_edits: Callable[..., str]) -> str:
    """The text of the editor's document after `edit`, which is of the kind that the editor understands."""
    workspace = editor.capabilities.workspace
    has_versions = bool(workspace and workspace.workspace_edit and workspace.workspace_edit.document_changes)
    if has_versions:
        (change,) = edit.document_changes or ()
        assert isinstance(change, types.TextDocumentEdit)
        assert change.text_document == types.OptionalVersionedTextDocumentIdentifier(URI, editor.version)
        edits = change.edits
    else:
        edits = (edit.changes or {})[URI]
    return apply_text_edits(editor.text, converters.get_converter().unstructure(edits), editor.encoding)


@pytest.mark.parametrize("recorded", RECORDED, indirect=True)
async def test_a_typed_mistake_is_repaired_in(
    recorded: Recorded, apply_text_edits: Callable[..., str]
) -> None:
    recorded.open("# held\n")
    recorded.append("# 😀é\n")
    recorded.append(BROKEN)
    actions = await recorded.actions(2)
    assert actions[0].title == "Redraft: repair syntax error: invalid syntax"
    work = asyncio.ensure_future(recorded.start(actions[0]))
    window = recorded.capabilities.window
    shows_progress = bool(window and window.work_done_progress)
    if shows_progress:
        await asyncio.wait_for(recorded.until_reported(), SECONDS)
    recorded.let_go()
    edit = await asyncio.wait_for(work, SECONDS)
    if edit is None:
        assert recorded.labels == [actions[0].title]
    else:
        recorded.text = applied(recorded, edit, apply_text_edits)
    assert recorded.text == "# held\n# 😀é\n" + MENDED
    bars = list(recorded.client.progress_reports.values())
    assert len(bars) == shows_progress
    for bar in bars:
        kinds = [value.kind for value in bar]
        assert (kinds[0], kinds[-1]) == ("begin", "end")
        assert kinds.count("report") == len(kinds) - 2 > 0
    assert recorded.client.messages == []


@pytest.mark.parametrize("recorded", RECORDED, indirect=True)
async def test_completions_cancelling_and_closing_work_in(recorded: Recorded) -> None:
    client = recorded.client
    recorded.open("""# drafts: ["nt('😀')", "nt()"]\npri""")
    identifier = types.TextDocumentIdentifier(URI)
    asked = types.InlineCompletionContext(types.InlineCompletionTriggerKind.Invoked)
    params = types.InlineCompletionParams(asked, identifier, types.Position(1, 3))
    found = await asyncio.wait_for(client.text_document_inline_completion_async(params), SECONDS)
    assert isinstance(found, types.InlineCompletionList)
    assert [item.insert_text for item in found.items] == ["print('😀')", "print()"]

    client.text_document_did_close(types.DidCloseTextDocumentParams(identifier))
    recorded.open(ENDLESS + BROKEN)
    action = (await recorded.actions(1))[0]
    if isinstance(action, types.CodeAction) and action.command is None:
        method, chosen = types.CODE_ACTION_RESOLVE, action
    else:
        command = action.command if isinstance(action, types.CodeAction) else action
        chosen = types.ExecuteCommandParams(command.command, arguments=command.arguments)
        method = types.WORKSPACE_EXECUTE_COMMAND
    work = asyncio.ensure_future(client.protocol.send_request_async(method, chosen, msg_id="endless"))
    await asyncio.wait_for(recorded.until_logged("repair semantic=False"), SECONDS)
    client.cancel_request(types.CancelParams("endless"))
    with pytest.raises(JsonRpcRequestCancelled):
        await asyncio.wait_for(work, SECONDS)
    client.text_document_did_close(types.DidCloseTextDocumentParams(identifier))
    assert await recorded.actions(0) is None
