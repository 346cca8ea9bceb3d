"""Rewrites of a selection: what a checkpoint has learnt is offered, carried out, and shown while it happens."""

from typing import Any

FULL = {
    "textDocument": {
        "codeAction": {
            "codeActionLiteralSupport": {"codeActionKind": {"valueSet": []}},
            "dataSupport": True,
            "disabledSupport": True,
            "resolveSupport": {"properties": ["edit"]},
        }
    },
    "workspace": {"workspaceEdit": {"documentChanges": True}},
}
TEXT = "# steps: 3\nfirst = 1\nsecond = 2\n"
DOUBTFUL = "# steps: 3\nprnt(1)\nprnt(2)\n"
FIRST = {"start": {"line": 1, "character": 0}, "end": {"line": 2, "character": 0}}
ONLY_REWRITES = {"diagnostics": [], "only": ["refactor.rewrite"]}


async def offered(editor: Any, uri: str, context: Any) -> dict[str, Any]:
    params = {"textDocument": {"uri": uri}, "range": FIRST, "context": context}
    return {action["kind"]: action for action in await editor.ask("textDocument/codeAction", params)}


async def test_what_the_checkpoint_has_learnt_is_announced_and_offered(start_editor: Any) -> None:
    editor = await start_editor("--types")
    result = await editor.initialize(FULL)
    kinds = result["capabilities"]["codeActionProvider"]["codeActionKinds"]
    assert "refactor.rewrite.redraft.types" in kinds
    assert "refactor.rewrite.redraft.docs" not in kinds
    actions = await offered(editor, editor.open(TEXT), {"diagnostics": []})
    assert list(actions) == ["refactor.rewrite.redraft.repair", "refactor.rewrite.redraft.types"]
    assert editor.log == []


async def test_the_selection_is_rewritten_and_the_rest_is_not(start_editor: Any) -> None:
    editor = await start_editor("--types")
    await editor.initialize(FULL)
    uri = editor.open(TEXT)
    action = (await offered(editor, uri, ONLY_REWRITES))["refactor.rewrite.redraft.types"]
    resolved = await editor.ask("codeAction/resolve", action)
    editor.apply(resolved["edit"])
    assert editor.texts[uri] == TEXT.replace("first = 1", "FIRST = 1")
    assert "rewrite types n_drafts=1 seed=0" in editor.log


async def test_a_selection_that_parses_is_repaired_where_it_is_doubted(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    uri = editor.open(DOUBTFUL)
    action = (await offered(editor, uri, ONLY_REWRITES))["refactor.rewrite.redraft.repair"]
    editor.apply((await editor.ask("codeAction/resolve", action))["edit"])
    assert editor.texts[uri] == DOUBTFUL.replace("prnt(1)", "print(1)")
    assert "repair semantic=True" in editor.log


async def test_another_seed_asks_for_another_draft(start_editor: Any) -> None:
    editor = await start_editor("--types")
    await editor.initialize(FULL)
    action = (await offered(editor, editor.open(TEXT), ONLY_REWRITES))["refactor.rewrite.redraft.types"]
    await editor.ask("codeAction/resolve", action | {"data": action["data"] | {"seed": 7}})
    assert "rewrite types n_drafts=1 seed=7" in editor.log


async def test_what_it_has_not_learnt_is_greyed_out_for_those_who_look_for_it(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    actions = await offered(editor, editor.open(TEXT), ONLY_REWRITES)
    types = actions["refactor.rewrite.redraft.types"]
    assert types["disabled"]["reason"] == (
        "The checkpoint has not learnt the action “types”; another one may have."
    )
    assert "data" not in types
    assert "disabled" not in actions["refactor.rewrite.redraft.repair"]


async def test_an_action_that_was_never_learnt_is_refused(start_editor: Any) -> None:
    editor = await start_editor("--types")
    await editor.initialize(FULL)
    action = (await offered(editor, editor.open(TEXT), ONLY_REWRITES))["refactor.rewrite.redraft.types"]
    action["data"]["action"] = "poems"
    error = await editor.error("codeAction/resolve", action)
    assert error == {"code": -32803, "message": "The checkpoint has not learnt the action 'poems'."}


async def test_who_wants_to_see_the_canvas_is_sent_it_step_by_step(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL, initializationOptions={"liveDenoise": True})
    uri = editor.open(DOUBTFUL, version=4)
    action = (await offered(editor, uri, ONLY_REWRITES))["refactor.rewrite.redraft.repair"]
    resolved = await editor.ask("codeAction/resolve", action)
    pictures = [m["params"] for m in editor.received if m.get("method") == "redraft/denoise"]
    assert pictures[0]["textDocument"] == {"uri": uri, "version": 4}
    assert (pictures[0]["index"], pictures[0]["limit"]) == (1, 3)
    assert pictures[0]["edits"] == resolved["edit"]["documentChanges"][0]["edits"]


async def test_nobody_else_is_sent_the_canvas(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    action = (await offered(editor, editor.open(DOUBTFUL), ONLY_REWRITES))["refactor.rewrite.redraft.repair"]
    await editor.ask("codeAction/resolve", action)
    assert not any(m.get("method") == "redraft/denoise" for m in editor.received)


async def test_progress_counts_denoise_steps_where_code_is_denoised_and_search_rounds_where_it_is_broken(
    start_editor: Any,
) -> None:
    editor = await start_editor("--types")
    await editor.initialize({**FULL, "window": {"workDoneProgress": True}})
    for index, (text, unit) in enumerate(((TEXT, "denoise step"), (TEXT + "x = (\n", "search round"))):
        uri = editor.open(text, uri=f"file:///{index}.py")
        data = (await offered(editor, uri, ONLY_REWRITES))["refactor.rewrite.redraft.types"]["data"]
        params = {"command": "redraft.preview", "arguments": [data], "workDoneToken": index}
        await editor.ask("workspace/executeCommand", params)
        values = [p["value"] for p in editor.progress() if p["token"] == index]
        assert next(v["message"] for v in values if v["kind"] == "report") == f"{unit} 1 of at most 3"
