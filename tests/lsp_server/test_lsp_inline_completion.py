"""What is suggested at the cursor, when, and to whom; the fitting of drafts alone, then the real server."""

import json
from typing import Any

import pytest
from redraft_model.passage import Passage
from redraft_server.features.fitting import fitted, is_inviting, word_before

FULL = {"general": {"positionEncodings": ["utf-16"]}}
AUTOMATIC, INVOKED = 2, 1


def check(around: str, draft: str, expected: str) -> None:
    """`draft` at the "|" of `around` is fitted to `expected`."""
    before, after = around.split("|")
    assert fitted(draft, Passage(before, "", after)) == expected


@pytest.mark.parametrize(
    ("around", "draft", "expected"),
    [
        ("x = |\n", "1", "1"),
        ("print(|)\n", "x)", "x"),
        ("print(|)\n", "f(x)", "f(x)"),
        ("print(|)\n", "f(x))", "f(x)"),
        ("x = [|]\n", "1, 2]", "1, 2"),
        ("d[|]\n", "a[0]", "a[0]"),
        ('x = "|"\n', 'abc"', "abc"),
        ('x = "|"\n', "it's", "it's"),
        ("f(a, |, value)\n", "b, value)", "b"),
        ("if x|:\n", " > 0:", " > 0"),
        ("x = |\n", "1\n", "1"),
        ("x = |\n", " \n ", ""),
        ("x = |\n", "", ""),
    ],
)
def test_what_stands_behind_the_cursor_is_not_suggested_again(around: str, draft: str, expected: str) -> None:
    check(around, draft, expected)


@pytest.mark.parametrize(
    ("around", "draft", "expected"),
    [
        ("    |\n    return x\n", "return x", ""),
        ("    ret|\n    return x\n", "urn x", ""),
        ("    |\n    return x\n", "y = 1\n    return x", "y = 1"),
        ("    |\n\n    y = 2\n    return x\n", "y = 1\n    y = 2\n    return x", "y = 1"),
        ("    |\n    return x\n", "return y", "return y"),
        ("|", "import os", "import os"),
    ],
)
def test_lines_below_are_not_suggested_again(around: str, draft: str, expected: str) -> None:
    check(around, draft, expected)


@pytest.mark.parametrize(
    ("around", "expected"),
    [
        ("x = |", True),
        ("pri|", True),
        ("pr|int", False),
        ("print(|)", True),
        ("f(g(|)]})  ", True),
        ("x = | + 12345678", False),
        ("x = | + y", True),
        ("", True),
    ],
)
def test_nobody_is_disturbed_in_the_middle_of_something(around: str, expected: bool) -> None:
    before, _, after = around.partition("|")
    assert is_inviting(before, after) is expected


def test_the_word_before_the_cursor_may_be_in_any_script() -> None:
    assert word_before("x.größe_1") == "größe_1"
    assert word_before("x.") == ""


def drafts(*texts: str, steps: int = 3) -> str:
    """A first line that makes the engine draft `texts` in `steps` denoise steps."""
    return f"# steps: {steps} # drafts: {json.dumps(texts)}\n".replace(" # drafts", "\n# drafts")


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
    assert "complete n_drafts=1 single_line=False" in editor.log
    assert "complete n_drafts=3 single_line=False" in editor.log


async def test_the_word_before_the_cursor_belongs_to_the_suggestion(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    text = drafts("nt(x)") + "s = '😀'; pri\n"
    assert await suggested(editor, text, 2, 13) == [{"insertText": "print(x)", "range": on_line(2, 10, 13)}]


async def test_lines_are_ended_as_in_the_document(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
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
    text = drafts("for x in (", "x = 1", "y = 2)")
    items = await suggested(editor, text, 2, 0, INVOKED)
    assert [item["insertText"] for item in items] == ["x = 1"]
    # In a document that does not parse yet nothing can be said against it.
    items = await suggested(editor, text + "\nif (\n", 2, 0, INVOKED)
    assert [item["insertText"] for item in items] == ["for x in (", "x = 1", "y = 2)"]


async def test_a_guess_is_shown_only_to_who_asks(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    text = drafts("guess") + "value = \n"
    assert await suggested(editor, text, 2, 8) == []
    assert [item["insertText"] for item in await suggested(editor, text, 2, 8, INVOKED)] == ["guess"]


async def test_the_selected_entry_of_the_popup_is_continued(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    selected = {"range": on_line(2, 2, 4), "text": "append"}
    items = await suggested(editor, drafts("(1)") + "x.ap\n", 2, 4, AUTOMATIC, selected)
    assert items == [{"insertText": "append(1)", "range": selected["range"]}]


async def test_the_newest_request_of_a_document_wins(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    uri = editor.open(drafts("1", steps=100_000) + "x = \n")
    other = editor.open(drafts("2") + "y = \n", uri="file:///other.py")
    method = "textDocument/inlineCompletion"
    first = editor.start(method, params(uri, 2, 4))
    await editor.logged("complete n_drafts=1 single_line=False")
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
    await editor.logged("complete n_drafts=1 single_line=False")
    editor.notify("$/cancelRequest", {"id": request})
    assert (await editor.response(request))["error"]["code"] == -32800
    await editor.logged("cancelled")


async def test_what_is_typed_on_meanwhile_keeps_what_begins_with_it(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    uri = editor.open(drafts("print(x)", "x = 1", "pr", steps=60) + "\n")
    method = "textDocument/inlineCompletion"
    request = editor.start(method, params(uri, 2, 0, INVOKED))
    await editor.logged("complete n_drafts=3 single_line=False")
    editor.change(uri, "pr", on_line(2, 0, 0))
    items = (await editor.response(request))["result"]["items"]
    assert items == [{"insertText": "print(x)", "range": on_line(2, 0, 2)}]


async def test_a_change_elsewhere_makes_suggestions_void(start_editor: Any) -> None:
    editor = await start_editor()
    await editor.initialize(FULL)
    uri = editor.open(drafts("print(x)", steps=60) + "x = \n")
    request = editor.start("textDocument/inlineCompletion", params(uri, 2, 4))
    await editor.logged("complete n_drafts=1 single_line=False")
    editor.change(uri, "# new\n", on_line(2, 0, 0))
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
