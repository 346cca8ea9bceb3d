"""Code actions from the list to the repaired document, in the real server with an engine without weights."""

import asyncio
import sys
from typing import Any

import pytest
from lsprotocol import converters
from pytest_lsp import client_capabilities

BROKEN = "def f():\n    retrun 1\n"
MENDED = "def f():\n    return 1\n"
FULL = {
    "textDocument": {
        "codeAction": {
            "codeActionLiteralSupport": {"codeActionKind": {"valueSet": []}},
            "dataSupport": True,
            "disabledSupport": True,
            "resolveSupport": {"properties": ["edit"]},
            "tagSupport": {"valueSet": [1]},
        }
    },
    "workspace": {"workspaceEdit": {"documentChanges": True}},
}
WITH_PROGRESS = {**FULL, "window": {"workDoneProgress": True}}
PLAIN = {
    "textDocument": {"codeAction": {"codeActionLiteralSupport": {"codeActionKind": {"valueSet": []}}}},
    "workspace": {"applyEdit": True, "workspaceEdit": {"documentChanges": True}},
}


def place(start: tuple[int, int], end: tuple[int, int]) -> dict[str, Any]:
    return {
        "start": {"line": start[0], "character": start[1]},
        "end": {"line": end[0], "character": end[1]},
    }


async def actions(
    editor: Any,
    uri: str,
    start: tuple[int, int] = (0, 0),
    end: tuple[int, int] | None = None,
    diagnostics: tuple[Any, ...] = (),
    **context: Any,
) -> Any:
    params = {
        "textDocument": {"uri": uri},
        "range": place(start, end or start),
        "context": {"diagnostics": list(diagnostics), **context},
    }
    return await editor.ask("textDocument/codeAction", params)


def titles(found: Any) -> list[str]:
    return [action["title"] for action in found]


async def check(editor: Any, before: str, after: str, line: int = 1, **opened: Any) -> None:
    """The first action on `line` of `before`, resolved and applied, gives `after`."""
    uri = editor.open(before, **opened)
    action = (await actions(editor, uri, (line, 0)))[0]
    resolved = await editor.ask("codeAction/resolve", action)
    assert {key: value for key, value in resolved.items() if key != "edit"} == action
    editor.apply(resolved["edit"])
    assert editor.texts[uri] == after


async def test_a_list_is_made_without_the_model(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    uri = editor.open(BROKEN)
    found = await actions(editor, uri, (1, 0))
    assert found == [
        {
            "title": "Redraft: repair syntax error: invalid syntax",
            "kind": "quickfix.redraft",
            "tags": [1],
            "data": {
                "title": "Redraft: repair syntax error: invalid syntax",
                "uri": uri,
                "version": 1,
                "range": None,
                "is_complete": False,
                "action": "repair",
                "seed": 0,
            },
        },
        {
            "title": "Redraft: repair all syntax errors",
            "kind": "source.fixAll.redraft",
            "tags": [1],
            "data": {
                "title": "Redraft: repair all syntax errors",
                "uri": uri,
                "version": 1,
                "range": None,
                "is_complete": True,
                "action": "repair",
                "seed": 0,
            },
        },
    ]
    assert editor.log == []


async def test_a_list_for_a_thousand_lines_asks_no_model(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    uri = editor.open("def f(argument):\n    return [argument, (1, 2), {'key': argument}]\n" * 500 + BROKEN)
    for _ in range(10):
        editor.change(uri, "\n", place((0, 0), (0, 0)))
        assert await actions(editor, uri, (0, 0))
    # A model would take seconds; how long a list takes is measured by benchmarks/daemon.py.
    assert editor.log == []


async def test_the_resolved_edit_is_the_smallest_one_and_names_the_version(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    uri = editor.open(BROKEN, version=7)
    action = (await actions(editor, uri, (1, 0)))[0]
    resolved = await editor.ask("codeAction/resolve", action)
    (change,) = resolved["edit"]["documentChanges"]
    assert change["textDocument"] == {"uri": uri, "version": 7}
    assert change["edits"] == [{"range": place((1, 7), (1, 9)), "newText": "ur"}]


@pytest.mark.parametrize("client", ["neovim@v0.11.0", "neovim@v0.6.1", "visual-studio-code@v1.65.2"])
async def test_editors_that_resolve_get_the_repaired_text(start_editor: Any, client: str) -> None:
    editor = await start_editor()
    await editor.initialize(converters.get_converter().unstructure(client_capabilities(client)))
    uri = editor.open(BROKEN)
    action = (await actions(editor, uri, (1, 0)))[0]
    editor.apply((await editor.ask("codeAction/resolve", action))["edit"])
    assert editor.texts[uri] == MENDED


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
async def test_wide_characters_before_the_error_shift_nothing(start_editor: Any, encoding: str) -> None:
    editor = await start_editor()
    await editor.initialize({**FULL, "general": {"positionEncodings": [encoding]}})
    assert editor.encoding == encoding
    text = "def f(s='😀é界'): retrun '👩\u200d💻'  # é😀\n"
    await check(editor, text, text.replace("retrun", "return"), line=0)


async def test_everything_but_the_repair_stays_as_it_was(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    for text in (
        "def f():\r\n    retrun 1\r\n",
        "def f():\r    retrun 1\r",
        "def f():\r\n    retrun 1\n",
        "\ufeffdef f():\r\n    retrun 1",
        "def f():\n    retrun 1  # \f \x0b \x1c \x85 \u2028 end\n    retrun 2\n",
    ):
        await check(editor, text, text.replace("retrun", "return"))


async def test_after_edits_the_newest_text_is_repaired(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    uri = editor.open("def g():\n    return 2\n")
    editor.change(uri, BROKEN, place((0, 0), (0, 0)))
    editor.change(uri, "\n\n# 😀", place((1, 99), (1, 99)))
    (action, _) = await actions(editor, uri, (1, 0))
    editor.apply((await editor.ask("codeAction/resolve", action))["edit"])
    assert editor.texts[uri] == "def f():\n    return 1\n\n# 😀\ndef g():\n    return 2\n"


async def test_a_selection_is_repaired_and_the_rest_is_not(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    uri = editor.open("prnt(1)\nprnt(2)\nprnt(3)\n")
    found = await actions(editor, uri, (1, 0), (2, 0))
    assert [(a["title"], a["kind"]) for a in found] == [
        ("Redraft: repair the selection", "refactor.rewrite.redraft.repair")
    ]
    editor.apply((await editor.ask("codeAction/resolve", found[0]))["edit"])
    assert editor.texts[uri] == "prnt(1)\nprint(2)\nprnt(3)\n"
    assert "repair semantic=True" in editor.log


async def test_a_diagnostic_of_another_server_is_repaired_on_its_lines(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    uri = editor.open("prnt(1)\nprnt(2)\n")
    diagnostic = {
        "range": place((1, 0), (1, 4)),
        "severity": 1,
        "source": "Pyright",
        "message": '"prnt" is not defined\n  see the manual',
    }
    hint = {**diagnostic, "severity": 4, "message": "a hint"}
    elsewhere = {**diagnostic, "range": place((0, 0), (0, 4))}
    (action,) = await actions(editor, uri, (1, 2), diagnostics=(diagnostic, diagnostic, hint, elsewhere))
    assert action["title"] == 'Redraft: repair “"prnt" is not defined”'
    assert action["kind"] == "quickfix.redraft"
    assert action["diagnostics"] == [diagnostic]
    assert "isPreferred" not in action
    editor.apply((await editor.ask("codeAction/resolve", action))["edit"])
    assert editor.texts[uri] == "prnt(1)\nprint(2)\n"


async def test_a_document_without_problems_offers_nothing(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    uri = editor.open("x = 1\n")
    assert await actions(editor, uri) == []


async def test_a_syntax_error_elsewhere_is_no_quick_fix_here(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    uri = editor.open("x = 1\n\n" + BROKEN)
    assert titles(await actions(editor, uri, (0, 0))) == ["Redraft: repair all syntax errors"]
    assert await actions(editor, uri, (0, 0), triggerKind=2) == []
    anything = {"range": place((0, 0), (0, 1)), "message": "whatever"}
    assert titles(await actions(editor, uri, (0, 0), diagnostics=(anything,), triggerKind=2)) == [
        "Redraft: repair syntax error: invalid syntax"
    ]


async def test_only_the_kinds_that_are_asked_for_are_listed(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    uri = editor.open(BROKEN)
    fix, rewrite, fix_all = "quickfix.redraft", "refactor.rewrite.redraft.repair", "source.fixAll.redraft"
    for only, kinds in (
        ([""], [fix, rewrite, fix_all]),
        (["quickfix"], [fix]),
        (["quickfix.redraft"], [fix]),
        (["quick"], []),
        (["refactor"], [rewrite]),
        (["refactor.rewrite"], [rewrite]),
        (["refactor.extract"], []),
        (["source"], [fix_all]),
        (["source.fixAll", "quickfix"], [fix, fix_all]),
        (["source.fixAll.ruff", "source.organizeImports"], []),
    ):
        found = await actions(editor, uri, (0, 0), (2, 0), only=only)
        assert [action["kind"] for action in found if "disabled" not in action] == kinds, only


async def test_other_languages_are_refused_by_name_only_to_who_asks(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    uri = editor.open("function f( {}\n", uri="file:///a.js", language="javascript")
    assert await actions(editor, uri, (0, 0), (1, 0), triggerKind=2) is None
    (action,) = await actions(editor, uri, (0, 0), (1, 0), triggerKind=1)
    assert action["disabled"] == {"reason": "Redraft repairs Python only."}
    uri = editor.open("x = '\ud800'\n", uri="file:///half.py")
    (action,) = await actions(editor, uri, (0, 0), (1, 0), triggerKind=1)
    assert "half a character" in action["disabled"]["reason"]
    plain = await start_editor()
    await plain.initialize(PLAIN)
    uri = plain.open("function f( {}\n", uri="file:///a.js", language="javascript")
    assert await actions(plain, uri, (0, 0), (1, 0), triggerKind=1) is None


async def test_a_repair_that_must_not_be_made_is_refused_in_a_sentence(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    for text, reason in (
        ("x = 1  # precious\n", "drop the comment '# precious'"),
        ("breakme = 1\n", "The text parses and the rewrite would not."),
        ("retrun\n", "The text compiles and the rewrite would not."),
        ("x = 1\n", "Redraft found nothing to repair here."),
    ):
        uri = editor.open(text)
        (action,) = await actions(editor, uri, (0, 0), (1, 0))
        error = await editor.error("codeAction/resolve", action)
        assert error["code"] == -32803
        assert reason in error["message"]


async def test_fix_all_is_all_or_nothing(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    uri = editor.open(BROKEN + "x = (\n")
    fix, fix_all = await actions(editor, uri, (0, 0), (3, 0), only=["quickfix", "source"])
    error = await editor.error("codeAction/resolve", fix_all)
    assert error == {
        "code": -32803,
        "message": "Redraft could not repair everything: line 3 would still be wrong ('(' was never closed).",
    }
    editor.apply((await editor.ask("codeAction/resolve", fix))["edit"])
    assert editor.texts[uri] == MENDED + "x = (\n"


async def test_a_missing_checkpoint_is_told_in_a_sentence(start_editor: Any) -> None:
    editor = await start_editor("--no-checkpoint")
    await editor.initialize(FULL)
    uri = editor.open(BROKEN)
    action = (await actions(editor, uri, (1, 0)))[0]
    for _ in range(2):
        error = await editor.error("codeAction/resolve", action)
        assert error == {"code": -32803, "message": "There is no checkpoint here; pass --checkpoint."}


async def test_an_action_for_an_older_version_is_refused(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    uri = editor.open(BROKEN)
    action = (await actions(editor, uri, (1, 0)))[0]
    editor.change(uri, "# new\n", place((0, 0), (0, 0)))
    error = await editor.error("codeAction/resolve", action)
    assert error["code"] == -32803
    assert "has changed since" in error["message"]
    editor.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
    assert "not open any more" in (await editor.error("codeAction/resolve", action))["message"]


async def test_a_change_during_the_work_makes_the_result_void(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    uri = editor.open("# held\n" + BROKEN)
    action = (await actions(editor, uri, (2, 0)))[0]
    request = editor.start("codeAction/resolve", action)
    await editor.logged("repair semantic=False")
    editor.change(uri, "# new\n", place((0, 0), (0, 0)))
    await editor.caught_up()
    editor.let_go()
    error = (await editor.response(request))["error"]
    assert error["code"] == -32803
    assert "has changed while" in error["message"]


async def test_a_repair_ends_when_the_time_is_up_that_the_user_gives_it(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL, initializationOptions={"timeout": 0.01})
    uri = editor.open("# held\n" + BROKEN)
    action = (await actions(editor, uri, (2, 0)))[0]
    await editor.ask("codeAction/resolve", action)
    assert "late" in editor.log


async def test_a_cancelled_repair_is_answered_at_once_and_stops_the_engine(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    uri = editor.open("# steps: 100000\n" + BROKEN)
    action = (await actions(editor, uri, (2, 0)))[0]
    request = editor.start("codeAction/resolve", action)
    await editor.logged("repair semantic=False")
    editor.notify("$/cancelRequest", {"id": request})
    assert (await editor.response(request))["error"]["code"] == -32800
    await editor.logged("cancelled")
    # The engine is free again.
    other = editor.open(BROKEN, uri="file:///b.py")
    editor.apply((await editor.ask("codeAction/resolve", (await actions(editor, other, (1, 0)))[0]))["edit"])
    assert editor.texts[other] == MENDED


async def test_a_repair_that_is_cancelled_while_it_waits_never_starts(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    uri = editor.open("# steps: 100000\n" + BROKEN)
    action = (await actions(editor, uri, (2, 0)))[0]
    first, second = (editor.start("codeAction/resolve", action) for _ in range(2))
    await editor.logged("repair semantic=False")
    editor.notify("$/cancelRequest", {"id": second})
    assert (await editor.response(second))["error"]["code"] == -32800
    editor.notify("$/cancelRequest", {"id": first})
    assert (await editor.response(first))["error"]["code"] == -32800
    await editor.logged("cancelled")
    assert await editor.ask("shutdown", None) is None
    assert editor.log.count("repair semantic=False") == 1


async def test_progress_begins_counts_search_rounds_and_ends_before_the_answer(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(WITH_PROGRESS)
    uri = editor.open("# held\n# steps: 60\n" + BROKEN)
    action = (await actions(editor, uri, (3, 0)))[0]
    request = editor.start("codeAction/resolve", action)
    await editor.message(lambda m: m.get("params", {}).get("value", {}).get("kind") == "report")
    editor.let_go()
    response = await editor.response(request)
    values = [p["value"] for p in editor.progress()]
    assert {p["token"] for p in editor.progress()} == {create_token(editor)}
    assert values[0] == {"kind": "begin", "title": action["title"], "cancellable": True, "percentage": 0}
    assert values[-1] == {"kind": "end"}
    reports = values[1:-1]
    assert reports
    steps = [int(r["message"].removeprefix("search round ").removesuffix(" of at most 60")) for r in reports]
    assert steps == sorted(steps)
    assert [r["percentage"] for r in reports] == [100 * step // 60 for step in steps]
    order = [m.get("method", m.get("id")) for m in editor.received]
    assert order[-1] == response["id"]


def create_token(editor: Any) -> str:
    (token,) = [
        m["params"]["token"] for m in editor.received if m.get("method") == "window/workDoneProgress/create"
    ]
    return token


async def test_an_editor_that_never_grants_progress_still_gets_its_answer(start_editor: Any) -> None:
    editor = await start_editor()
    del editor.answers["window/workDoneProgress/create"]
    await editor.initialize(WITH_PROGRESS)
    await check(editor, BROKEN, MENDED)
    assert editor.progress() == []


async def test_the_button_of_the_progress_bar_cancels(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(WITH_PROGRESS)
    uri = editor.open("# steps: 100000\n" + BROKEN)
    request = editor.start("codeAction/resolve", (await actions(editor, uri, (2, 0)))[0])
    await editor.message(lambda m: m.get("params", {}).get("value", {}).get("kind") == "report")
    editor.notify("window/workDoneProgress/cancel", {"token": create_token(editor)})
    assert (await editor.response(request))["error"]["code"] == -32800
    await editor.logged("cancelled")
    assert editor.progress()[-1]["value"] == {"kind": "end"}


async def test_emacs_gets_a_command_whose_edit_is_applied(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(converters.get_converter().unstructure(client_capabilities("emacs")))
    applied: list[Any] = []

    def apply(params: Any) -> Any:
        applied.append(params)
        editor.apply(params["edit"])
        return {"applied": True}

    editor.answers["workspace/applyEdit"] = apply
    uri = editor.open("s = '😀'\n" + BROKEN)
    action = (await actions(editor, uri, (2, 0)))[0]
    assert "data" not in action
    assert action["command"]["command"] == "redraft.repair"
    params = {"command": "redraft.repair", "arguments": action["command"]["arguments"]}
    assert await editor.ask("workspace/executeCommand", params) == {"applied": True}
    assert editor.texts[uri] == "s = '😀'\n" + MENDED
    assert [a["label"] for a in applied] == ["Redraft: repair syntax error: invalid syntax"]


async def test_a_command_reports_progress_under_the_editors_own_token(start_editor: Any) -> None:
    editor = await start_editor()
    editor.answers["workspace/applyEdit"] = {"applied": False, "failureReason": "read-only"}
    await editor.initialize(PLAIN)
    uri = editor.open(BROKEN)
    command = (await actions(editor, uri, (1, 0)))[0]["command"]
    params = {"command": command["command"], "arguments": command["arguments"], "workDoneToken": 42}
    result = await editor.ask("workspace/executeCommand", params)
    assert result == {"applied": False, "reason": "read-only"}
    assert {p["token"] for p in editor.progress()} == {42}
    kinds = [p["value"]["kind"] for p in editor.progress()]
    assert (kinds[0], kinds[-1]) == ("begin", "end")


async def test_a_command_that_fails_says_so_to_the_user(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(PLAIN)
    uri = editor.open("x = 1\n")
    command = (await actions(editor, uri, (0, 0), (1, 0)))[0]["command"]
    params = {"command": command["command"], "arguments": command["arguments"]}
    result = await editor.ask("workspace/executeCommand", params)
    assert result == {"applied": False, "reason": "Redraft found nothing to repair here."}
    assert (await editor.notification("window/showMessage"))["message"] == result["reason"]


async def test_a_cancelled_command_stops_the_engine(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(PLAIN)
    uri = editor.open("# steps: 100000\n" + BROKEN)
    command = (await actions(editor, uri, (2, 0)))[0]["command"]
    params = {"command": command["command"], "arguments": command["arguments"]}
    request = editor.start("workspace/executeCommand", params)
    await editor.logged("repair semantic=False")
    editor.notify("$/cancelRequest", {"id": request})
    assert (await editor.response(request))["error"]["code"] == -32800
    await editor.logged("cancelled")


async def test_the_plainest_editor_gets_commands_and_unversioned_edits(start_editor: Any) -> None:
    editor = await start_editor()
    result = await editor.initialize({})
    assert result["capabilities"]["codeActionProvider"] is True
    editor.answers["workspace/applyEdit"] = lambda params: editor.apply(params["edit"]) or {"applied": True}
    uri = editor.open(BROKEN)
    command = (await actions(editor, uri, (1, 0)))[0]
    assert set(command) == {"title", "command", "arguments"}
    params = {"command": command["command"], "arguments": command["arguments"]}
    await editor.ask("workspace/executeCommand", params)
    assert editor.texts[uri] == MENDED
    (request,) = [m for m in editor.received if m.get("method") == "workspace/applyEdit"]
    assert set(request["params"]["edit"]) == {"changes"}


async def test_two_documents_are_repaired_side_by_side(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    one = editor.open(BROKEN, uri="file:///one.py")
    two = editor.open("# two\n" + BROKEN, uri="file:///C%3A/tw%20o.py", version=5)
    listed = [(await actions(editor, uri, (line, 0)))[0] for uri, line in ((one, 1), (two, 2))]
    requests = [editor.start("codeAction/resolve", action) for action in listed]
    for response in await asyncio.gather(*map(editor.response, requests)):
        editor.apply(response["result"]["edit"])
    assert (editor.texts[one], editor.texts[two]) == (MENDED, "# two\n" + MENDED)


async def preferred(editor: Any, uri: str) -> list[Any]:
    return [action.get("isPreferred") for action in await actions(editor, uri, (1, 0))]


async def test_a_repair_is_preferred_once_it_is_known_and_likely_right(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL, initializationOptions={"minConfidence": 0.8})
    uri = editor.open(BROKEN)
    assert await preferred(editor, uri) == [None, None], "the list does not run the model"
    (action, _) = await actions(editor, uri, (1, 0))
    await editor.ask("codeAction/resolve", action)
    assert await preferred(editor, uri) == [True, None], "of two actions for one error one is preferred"
    editor.change(uri, "# more\n", place((2, 0), (2, 0)))
    assert await preferred(editor, uri) == [None, None], "another text has another repair"


async def test_a_repair_that_is_a_guess_is_not_preferred(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL, initializationOptions={"minConfidence": 0.8})
    uri = editor.open(BROKEN + "# a guess\n")
    (action, _) = await actions(editor, uri, (1, 0))
    assert (await editor.ask("codeAction/resolve", action))["edit"]
    assert await preferred(editor, uri) == [None, None]


async def test_a_repair_that_leaves_errors_is_not_preferred(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    uri = editor.open(BROKEN + "x = (\n")
    (action, *_) = await actions(editor, uri, (1, 0))
    assert (await editor.ask("codeAction/resolve", action))["edit"]
    assert True not in await preferred(editor, uri)


MISPLACED = "lost = 1\nif lost:\n    return lost\n"


async def test_what_parses_and_does_not_compile_is_repaired_like_a_syntax_error(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    uri = editor.open(MISPLACED)
    fix, fix_all = await actions(editor, uri, (2, 4))
    assert (fix["title"], fix["kind"]) == (
        "Redraft: repair syntax error: 'return' outside function",
        "quickfix.redraft",
    )
    assert fix_all["kind"] == "source.fixAll.redraft"
    for action in (fix, fix_all):
        editor.apply((await editor.ask("codeAction/resolve", action))["edit"])
        assert editor.texts[uri] == MISPLACED.replace("return lost", "print(lost)")
        editor.texts[uri] = MISPLACED
    assert [line for line in editor.log if line.startswith("repair")] == ["repair semantic=False"] * 2


async def test_fix_all_leaves_nothing_that_does_not_compile(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    uri = editor.open(MISPLACED + "break\n")
    (fix_all,) = await actions(editor, uri, (0, 0), only=["source"])
    assert (await editor.error("codeAction/resolve", fix_all))["message"] == (
        "Redraft could not repair everything: line 4 would still be wrong ('break' outside loop)."
    )


async def test_what_only_the_compiler_refuses_is_no_quick_fix_for_other_lines(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    uri = editor.open("prnt(1)\n" + MISPLACED)
    diagnostic = {"range": place((0, 0), (0, 4)), "severity": 1, "message": "prnt is not defined"}
    (action, _) = await actions(editor, uri, (0, 0), diagnostics=(diagnostic,))
    assert action["title"] == "Redraft: repair “prnt is not defined”"
    editor.apply((await editor.ask("codeAction/resolve", action))["edit"])
    assert editor.texts[uri] == "print(1)\n" + MISPLACED
    assert "repair semantic=True" in editor.log
    # A selection with the mistake in it is repaired as one with a syntax error is.
    editor.texts[uri] = "prnt(1)\n" + MISPLACED
    (action, *_) = await actions(editor, uri, (1, 0), (4, 0), only=["refactor.rewrite"])
    editor.apply((await editor.ask("codeAction/resolve", action))["edit"])
    assert editor.texts[uri] == "prnt(1)\n" + MISPLACED.replace("return lost", "print(lost)")
    assert "repair semantic=False" in editor.log


GUESS = BROKEN + "# a guess\n"
UNSURE = "Redraft is only 25 % sure of its repair of this document; look at it with the quick fix."


async def both(editor: Any, uri: str) -> Any:
    return await actions(editor, uri, (1, 0), only=["quickfix", "source"])


async def test_fix_all_makes_no_repair_below_the_bound_and_the_quick_fix_does(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL, initializationOptions={"minConfidence": 0.26})
    uri = editor.open(GUESS)
    fix, fix_all = await both(editor, uri)
    assert await editor.error("codeAction/resolve", fix_all) == {"code": -32803, "message": UNSURE}
    editor.apply((await editor.ask("codeAction/resolve", fix))["edit"])
    assert editor.texts[uri] == MENDED + "# a guess\n"


async def test_fix_all_and_preference_follow_the_same_setting(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL, initializationOptions={"minConfidence": 0.25})
    uri = editor.open(GUESS)
    _, fix_all = await both(editor, uri)
    assert (await editor.ask("codeAction/resolve", fix_all))["edit"]
    assert await preferred(editor, uri) == [True, None]
    editor.notify("workspace/didChangeConfiguration", {"settings": {"redraft": {"minConfidence": 0.26}}})
    assert await preferred(editor, uri) == [None, None]
    assert (await editor.error("codeAction/resolve", fix_all))["message"] == UNSURE


async def test_a_command_that_fixes_all_keeps_to_the_bound_and_says_so(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(PLAIN, initializationOptions={"minConfidence": 0.9})
    for text, reason in ((GUESS, UNSURE), (BROKEN, None)):
        editor.answers["workspace/applyEdit"] = {"applied": True}
        command = (await both(editor, editor.open(text)))[1]["command"]
        params = {"command": command["command"], "arguments": command["arguments"]}
        result = await editor.ask("workspace/executeCommand", params)
        assert (result["applied"], result.get("reason")) == (reason is None, reason)


async def test_a_preview_of_all_repairs_is_a_look_at_them_and_has_no_bound(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL, initializationOptions={"minConfidence": 1})
    _, fix_all = await both(editor, editor.open(GUESS))
    params = {"command": "redraft.preview", "arguments": [fix_all["data"]]}
    assert (await editor.ask("workspace/executeCommand", params))["edit"]


async def test_a_checkpoint_without_probabilities_has_no_bound(start_editor: Any) -> None:
    editor = await start_editor("--uncalibrated")
    await editor.initialize(FULL, initializationOptions={"minConfidence": 1})
    uri = editor.open(GUESS)
    _, fix_all = await both(editor, uri)
    assert (await editor.ask("codeAction/resolve", fix_all))["edit"]
    assert await preferred(editor, uri) == [None, None]


NEWER = 'def last[T](items: list[T]) -> T:\n    return f"{items["a"]}"\n'
INVOKED = {"triggerKind": 1}


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="this Python takes what is newer to others")
async def test_nothing_is_wrong_with_newer_syntax_unless_the_target_is_older(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL, initializationOptions={})
    uri = editor.open(NEWER)
    assert not [title for title in titles(await actions(editor, uri, **INVOKED)) if "syntax" in title]
    older = await start_editor()
    await older.initialize(FULL, initializationOptions={"targetVersion": "3.11"})
    uri = older.open(NEWER)
    (refused,) = await actions(older, uri, (0, 0), (1, 3), **INVOKED)
    assert refused["disabled"] == {"reason": "line 1 needs Python 3.12, the project says 3.11"}
    uri = older.open('print(f"{row["a"]}")\n')
    assert "Redraft: repair syntax error: needs Python 3.12, the project says 3.11" in titles(
        await actions(older, uri, **INVOKED)
    )
