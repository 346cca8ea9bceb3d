"""What is suggested at the cursor, when, and to whom."""

import asyncio
import json
from pathlib import Path
from typing import Any

from redraft_model.passage import LONGEST_CONTEXT

FULL = {"general": {"positionEncodings": ["utf-16"]}}
AUTOMATIC, INVOKED = 2, 1


def drafts(*texts: str, steps: int = 3, is_held: bool = False) -> str:
    """Two lines that make the engine draft `texts` in `steps` steps, when it is let go if it `is_held`."""
    return f"# steps: {steps}{' # held' * is_held}\n# drafts: {json.dumps(texts)}\n"


def params(
    uri: str, line: int, character: int, kind: int = AUTOMATIC, selected: Any = None
) -> dict[str, Any]:
    context: dict[str, Any] = {"triggerKind": kind}
    if selected is not None:
        context["selectedCompletionInfo"] = selected
    return {
        "textDocument": {"uri": uri},
        "position": {"line": line, "character": character},
        "context": context,
    }


def on_line(line: int, start: int, end: int) -> dict[str, Any]:
    return {"start": {"line": line, "character": start}, "end": {"line": line, "character": end}}


async def suggested(editor: Any, text: str, line: int, character: int, *rest: Any, **opened: Any) -> Any:
    """The items suggested in a document with `text`."""
    uri = editor.open(text, **opened)
    return (await editor.ask("textDocument/inlineCompletion", params(uri, line, character, *rest)))["items"]


async def test_one_suggestion_while_typing_and_three_when_asked(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    text = drafts("1", "2", "2", "3") + "s = '😀'; value = \n"
    assert await suggested(editor, text, 2, 18) == [{"insertText": "1", "range": on_line(2, 18, 18)}]
    items = await suggested(editor, text, 2, 18, INVOKED)
    assert [item["insertText"] for item in items] == ["1", "2"]
    assert "complete n_drafts=1 single_line=True" in editor.log
    assert "complete n_drafts=3 single_line=False" in editor.log


async def test_the_word_before_the_cursor_belongs_to_the_suggestion(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    text = drafts("nt(x)") + "s = '😀'; pri\n"
    assert await suggested(editor, text, 2, 13) == [{"insertText": "print(x)", "range": on_line(2, 10, 13)}]


async def test_lines_are_ended_as_in_the_document(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL, initializationOptions={"multiLine": "always"})
    text = (drafts("\n    pass\n    return") + "def f():").replace("\n", "\r\n")
    (item,) = await suggested(editor, text, 2, 8)
    assert item == {"insertText": "\r\n    pass\r\n    return", "range": on_line(2, 8, 8)}


async def test_who_types_gets_nothing_in_the_middle_of_something(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    text = drafts(", 2") + "pr_int = 1\nx = (1, 2, 3, 4, 5)\nx = (1)\n"
    assert await suggested(editor, text, 2, 2) == []
    assert await suggested(editor, text, 3, 4) == []
    assert editor.log == []
    assert len(await suggested(editor, text, 4, 6)) == 1
    assert editor.log[-2:] == ["complete n_drafts=1 single_line=True", "done"]


async def test_a_draft_that_breaks_a_document_that_parses_is_dropped(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    text = drafts("for x in (", "x = 1", "y = 2 +")
    items = await suggested(editor, text, 2, 0, INVOKED)
    assert [item["insertText"] for item in items] == ["x = 1"]
    # In a document that does not parse yet a bracket may stay open, but no line may be none of Python.
    items = await suggested(editor, text + "\nif (\n", 2, 0, INVOKED)
    assert [item["insertText"] for item in items] == ["for x in (", "x = 1"]


async def test_a_guess_is_shown_only_to_who_asks(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    text = drafts("guess") + "value = \n"
    assert await suggested(editor, text, 2, 8) == []
    assert [item["insertText"] for item in await suggested(editor, text, 2, 8, INVOKED)] == ["guess"]
    # Of lines only those that are likely right come before several ones.
    both = drafts("guess", "sure") + "value = \n"
    items = await suggested(editor, both, 2, 8, INVOKED, uri="file:///b.py")
    assert [item["insertText"] for item in items] == ["sure", "guess"]


async def test_the_selected_entry_of_the_popup_is_continued(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    selected = {"range": on_line(2, 2, 4), "text": "append"}
    items = await suggested(editor, drafts("(1)") + "x.ap\n", 2, 4, AUTOMATIC, selected)
    assert items == [{"insertText": "append(1)", "range": selected["range"]}]


async def test_open_documents_are_looked_at_the_last_changed_first(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    older = editor.open("older = 1\n", uri="file:///older.py")
    editor.open("newer = 1\n", uri="file:///newer.py")
    editor.open("other language\n", uri="file:///notes.txt", language="plaintext")
    editor.open("key = 1\n", uri="file:///secrets.py")
    closed = editor.open("closed = 1\n", uri="file:///closed.py")
    editor.notify("textDocument/didClose", {"textDocument": {"uri": closed}})
    text = drafts("1") + "x = \n"
    assert len(await suggested(editor, text, 2, 4)) == 1
    assert editor.log[-3] == 'elsewhere ["newer = 1\\n", "older = 1\\n"]'
    editor.change(older, "older = 2\n")
    assert len(await suggested(editor, text, 2, 4, INVOKED)) == 1
    assert editor.log[-3:-1] == [
        'elsewhere ["older = 2\\n", "newer = 1\\n"]',
        "complete n_drafts=3 single_line=False",
    ]


async def test_of_open_documents_so_many_characters_are_looked_at(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    editor.open("never = 1\n", uri="file:///first.py")
    for name in ("one", "two"):
        editor.open(f"{name} = 1\n" * 15_000, uri=f"file:///{name}.py")
    assert len(await suggested(editor, drafts("1") + "x = \n", 2, 4)) == 1
    two, one = json.loads(editor.log[-3].removeprefix("elsewhere "))
    assert (two, one[:8]) == ("two = 1\n" * 15_000, "one = 1\n")
    assert len(two) + len(one) == LONGEST_CONTEXT


async def test_files_of_the_workspace_are_looked_at_behind_open_documents(
    start_editor: Any, tmp_path: Path
) -> None:
    for name, text in {
        "a.py": "value = 0\n",
        "like.py": "value = 1\n",
        "open.py": "value = 2\n",
        "secrets.py": "value = 3\n",
        "excluded.py": "value = 4\n",
    }.items():
        (tmp_path / name).write_text(text)
    editor = await start_editor()
    await editor.initialize(
        FULL,
        workspaceFolders=[{"uri": tmp_path.as_uri(), "name": "project"}],
        initializationOptions={"disabledGlobs": ["excluded.py"]},
    )
    editor.open("value = 5\n", uri=(tmp_path / "open.py").as_uri())
    text, uri = drafts("1") + "value = \n", (tmp_path / "a.py").as_uri()
    async with asyncio.timeout(300):  # only a test that hangs waits so long
        while 'elsewhere ["value = 5\\n", "value = 1\\n"]' not in editor.log:
            text += "\n"  # what is remembered for the old text is no use
            await suggested(editor, text, 2, 8, uri=uri)
    assert not any("value = 3" in line or "value = 4" in line for line in editor.log)


async def test_the_newest_request_of_a_document_wins(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    uri = editor.open(drafts("1", steps=100_000) + "x = \n")
    other = editor.open(drafts("2") + "y = \n", uri="file:///other.py")
    method = "textDocument/inlineCompletion"
    first = editor.start(method, params(uri, 2, 4))
    await editor.logged("complete n_drafts=1 single_line=True")
    waiting = editor.start(method, params(other, 2, 4))
    second = editor.start(method, params(uri, 2, 4))
    assert (await editor.response(first))["result"] == {"items": []}
    await editor.logged("cancelled")
    editor.change(uri, drafts("3") + "x = \n")
    third = editor.start(method, params(uri, 2, 4))
    assert (await editor.response(second))["result"] == {"items": []}
    assert [i["insertText"] for i in (await editor.response(waiting))["result"]["items"]] == ["2"]
    assert [i["insertText"] for i in (await editor.response(third))["result"]["items"]] == ["3"]


async def test_a_cancelled_request_is_answered_as_cancelled(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    uri = editor.open(drafts("1", steps=100_000) + "x = \n")
    request = editor.start("textDocument/inlineCompletion", params(uri, 2, 4))
    await editor.logged("complete n_drafts=1 single_line=True")
    editor.notify("$/cancelRequest", {"id": request})
    assert (await editor.response(request))["error"]["code"] == -32800
    await editor.logged("cancelled")


async def test_what_is_typed_on_meanwhile_keeps_what_begins_with_it(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    uri = editor.open(drafts("print(x)", "x = 1", "pr", is_held=True) + "\n")
    method = "textDocument/inlineCompletion"
    request = editor.start(method, params(uri, 2, 0, INVOKED))
    await editor.logged("batch of 1")
    editor.change(uri, "pr", on_line(2, 0, 0))
    await editor.caught_up()
    editor.let_go()
    items = (await editor.response(request))["result"]["items"]
    assert items == [{"insertText": "print(x)", "range": on_line(2, 0, 2)}]


async def test_a_change_elsewhere_makes_suggestions_void(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    uri = editor.open(drafts("print(x)", is_held=True) + "x = \n")
    request = editor.start("textDocument/inlineCompletion", params(uri, 2, 4))
    await editor.logged("complete n_drafts=1 single_line=True")
    editor.change(uri, "# new\n", on_line(2, 0, 0))
    await editor.caught_up()
    editor.let_go()
    assert (await editor.response(request))["result"] == {"items": []}


async def test_nothing_is_suggested_where_redraft_has_no_business(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    text = drafts("1") + "x = \n"
    assert await suggested(editor, text, 2, 4, INVOKED, uri="file:///a.js", language="javascript") == []
    unopened = await editor.ask("textDocument/inlineCompletion", params("file:///b.py", 2, 4))
    assert unopened == {"items": []}
    assert await suggested(editor, text + "#\n" * 20_000, 2, 4, INVOKED) == []
    assert await suggested(editor, text + "# \ud800\n", 2, 4, INVOKED) == []
    editor.notify("workspace/didChangeConfiguration", {"settings": {"redraft": {"inlineCompletion": False}}})
    assert await suggested(editor, text, 2, 4, INVOKED) == []
    assert editor.log == []


async def test_a_missing_checkpoint_disturbs_only_who_asks(start_editor: Any, tmp_path: Any) -> None:
    editor = await start_editor("--no-checkpoint")
    await editor.initialize(FULL)
    text = drafts("1") + "x = \n"
    for _ in range(3):
        assert await suggested(editor, text, 2, 4, AUTOMATIC) == []
    assert [m for m in editor.received if "method" in m] == []
    assert (tmp_path / "stderr-0.txt").read_text().count("cannot be loaded") == 1
    assert await suggested(editor, text, 2, 4, INVOKED) == []
    message = await editor.notification("window/showMessage")
    assert message == {"type": 2, "message": "There is no checkpoint here; pass --checkpoint."}


async def test_what_the_editor_has_closed_is_replaced(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    text = drafts("x) + 1") + "s = '😀'; print()\n"
    items = await suggested(editor, text, 2, 16)
    assert items == [{"insertText": "x) + 1", "range": on_line(2, 16, 17)}]


async def test_the_range_of_a_selected_entry_is_kept(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    selected = {"range": on_line(2, 2, 4), "text": "app"}
    items = await suggested(editor, drafts("(1)]") + "[x.ap]\n", 2, 4, AUTOMATIC, selected)
    assert items == []
    selected = {"range": on_line(2, 3, 5), "text": "app"}
    items = await suggested(editor, drafts("(1)]", "(1)] + y") + "[x.ap]\n", 2, 5, INVOKED, selected)
    assert items == [{"insertText": "app(1)", "range": selected["range"]}]


async def test_whether_there_may_be_several_lines_is_a_setting(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    uri = editor.open(drafts("f(\n    a)") + "x = \ny = # 3\n")

    async def first(multi_line: str, trigger: int = AUTOMATIC) -> list[str]:
        settings = {"redraft": {"multiLine": multi_line}}
        editor.notify("workspace/didChangeConfiguration", {"settings": settings})
        items = (await editor.ask("textDocument/inlineCompletion", params(uri, 2, 4, trigger)))["items"]
        return [item["insertText"] for item in items]

    assert await first("auto") == ["f("]
    assert await first("always") == ["f(\n    a)"]
    assert await first("never", INVOKED) == ["f("]
    assert await first("auto", INVOKED) == ["f(", "f(\n    a)"]
    assert [line for line in editor.log if line.startswith("complete")] == [
        "complete n_drafts=1 single_line=True",
        "complete n_drafts=1 single_line=False",
        "complete n_drafts=3 single_line=True",
        "complete n_drafts=3 single_line=True",
        "complete n_drafts=3 single_line=False",
    ]


async def test_how_sure_is_sure_enough_and_how_much_may_follow_are_settings(start_editor: Any) -> None:
    editor = await start_editor()
    options = {"inlineCompletionMinConfidence": 0.2, "maxSuffixCharacters": 20}
    await editor.initialize(FULL, initializationOptions=options)
    text = drafts("guess") + "value =  # 12345678901\n"
    assert len(await suggested(editor, text, 2, 8)) == 1
    editor.notify("workspace/didChangeConfiguration", {"settings": {"redraft": {"maxSuffixCharacters": 3}}})
    assert await suggested(editor, text, 2, 8) == []
    settings = {"redraft": {"inlineCompletionMinConfidence": 0.95}}
    editor.notify("workspace/didChangeConfiguration", {"settings": settings})
    assert await suggested(editor, drafts("1") + "value = \n", 2, 8) == []


async def test_who_types_gets_as_many_lines_as_are_sure_enough_together(start_editor: Any) -> None:
    editor = await start_editor()
    options = {"multiLine": "always", "inlineCompletionMinConfidence": 0.25}
    await editor.initialize(FULL, initializationOptions=options)
    assert len(await suggested(editor, drafts("1") + "value = \n", 2, 8)) == 1
    assert editor.log[-3] == "least 0.25"
    assert len(await suggested(editor, drafts("2") + "value = \n", 2, 8, INVOKED)) == 1
    assert editor.log.count("least 0.25") == 1, "guesses are for who asks"


def n_asked(editor: Any) -> int:
    return sum(line.startswith("complete") for line in editor.log)


async def test_typing_on_does_not_need_the_model(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    uri = editor.open(drafts("print(x[0])") + "\n")
    method = "textDocument/inlineCompletion"
    # As an editor would: the brackets close themselves, and the last one is overtyped.
    for line, column, start in (
        ("", 0, 0),
        ("p", 1, 0),
        ("pri", 3, 0),
        ("print()", 6, 6),
        ("print(x[])", 8, 8),
    ):
        editor.change(uri, line, on_line(2, 0, 99))
        (item,) = (await editor.ask(method, params(uri, 2, column)))["items"]
        range_ = item["range"]
        typed = line[: range_["start"]["character"]] + item["insertText"] + line[range_["end"]["character"] :]
        assert typed == "print(x[0])"
        assert range_["start"]["character"] == start
    # Back to the place of the request, then somewhere else.
    editor.change(uri, "p", on_line(2, 0, 99))
    assert len((await editor.ask(method, params(uri, 2, 1)))["items"]) == 1
    assert n_asked(editor) == 1
    editor.change(uri, "q", on_line(2, 0, 99))
    assert len((await editor.ask(method, params(uri, 2, 1)))["items"]) == 1
    assert n_asked(editor) == 2


async def test_lines_accepted_one_by_one_do_not_need_the_model(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL, initializationOptions={"multiLine": "always"})
    uri = editor.open(drafts("for x in y:\n    f(x)\n    g(x)") + "\n")
    method = "textDocument/inlineCompletion"
    assert len((await editor.ask(method, params(uri, 2, 0)))["items"]) == 1
    editor.change(uri, "for x in y:\n    ", on_line(2, 0, 0))
    (item,) = (await editor.ask(method, params(uri, 3, 4)))["items"]
    assert item == {"insertText": "f(x)\n    g(x)", "range": on_line(3, 4, 4)}
    assert n_asked(editor) == 1


async def test_a_change_elsewhere_needs_the_model_again(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    uri = editor.open(drafts("print(x)") + "x = \n")
    method = "textDocument/inlineCompletion"
    await editor.ask(method, params(uri, 2, 4))
    editor.change(uri, "# new\n", on_line(2, 0, 0))
    await editor.ask(method, params(uri, 3, 4))
    assert n_asked(editor) == 2


async def test_a_result_that_comes_too_late_is_there_for_the_next_request(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    uri = editor.open(drafts("print(x)", is_held=True) + "x = \n")
    method = "textDocument/inlineCompletion"
    request = editor.start(method, params(uri, 2, 4))
    await editor.logged("complete n_drafts=1 single_line=True")
    editor.change(uri, "# new\n", on_line(2, 0, 0))
    await editor.caught_up()
    editor.let_go()
    assert (await editor.response(request))["result"] == {"items": []}
    editor.change(uri, "", {"start": {"line": 2, "character": 0}, "end": {"line": 3, "character": 0}})
    assert len((await editor.ask(method, params(uri, 2, 4)))["items"]) == 1
    assert n_asked(editor) == 1


async def test_who_has_asked_keeps_what_was_suggested_while_typing_on(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    uri = editor.open(drafts("guess(1)", "g = 2") + "\n")
    method = "textDocument/inlineCompletion"
    assert len((await editor.ask(method, params(uri, 2, 0, INVOKED)))["items"]) == 2
    editor.change(uri, "gu", on_line(2, 0, 0))
    items = (await editor.ask(method, params(uri, 2, 2)))["items"]
    assert [item["insertText"] for item in items] == ["guess(1)"]
    assert n_asked(editor) == 2, "for a line and for several ones"


async def test_what_compiles_goes_on_compiling_and_what_only_parses_parsing(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    compiling = drafts("return x", "(x", "x + 1") + "x = 1\n\n"
    items = await suggested(editor, compiling, 3, 0, INVOKED)
    assert [item["insertText"] for item in items] == ["x + 1"]
    elsewhere = drafts("return x", "(x", "x + 1") + "x = 1\n\nbreak\n"
    items = await suggested(editor, elsewhere, 3, 0, INVOKED, uri="file:///b.py")
    assert [item["insertText"] for item in items] == ["x + 1"]
    parsing = drafts("return x", "(x", "x + 1") + "if x:\n    break\n    \n"
    items = await suggested(editor, parsing, 4, 4, INVOKED, uri="file:///c.py")
    assert [item["insertText"] for item in items] == ["return x", "x + 1"]
