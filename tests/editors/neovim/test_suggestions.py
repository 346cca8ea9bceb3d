"""Suggestions at the cursor: they appear while typing, and come into the text as far as somebody wants them."""

import time
from collections.abc import Callable

from conftest import Open
from editor import Editor, until

ADD = 'def add(a, b):\n    # drafts: ["return a + b"]\n    \n'
TWO = 'def area(w, h):\n    # drafts: ["size = w * h\\n    return size"]\n    \n'
SEVERAL = {"settings": {"multiLine": "always"}}


def test_a_suggestion_appears_while_typing_and_tab_accepts_it(open_editor: Open) -> None:
    editor = open_editor(ADD)
    editor.keys("3GA")
    editor.type("re")
    editor.keys("<BS><BS>")
    editor.wait_for_ghost("return a + b")
    assert editor.text == ADD
    editor.keys("<Tab>")
    editor.wait_for_text(ADD.replace("    \n", "    return a + b\n"))
    assert editor.cursor == (3, 16)
    assert editor.ghost() is None


def test_tab_indents_where_nothing_is_suggested(open_editor: Open) -> None:
    editor = open_editor("value = 1\n")
    editor.keys("ox<BS><Tab>y")
    editor.wait_for_text("value = 1\n    y\n")


def test_one_undo_takes_an_accepted_suggestion_back_and_not_what_was_typed(open_editor: Open) -> None:
    editor = open_editor(ADD)
    editor.keys("3GA")
    editor.wait_for_ghost("return a + b")
    editor.type("ret")
    editor.wait_for_ghost("urn a + b")
    editor.keys("<Tab>")
    editor.wait_for_text(ADD.replace("    \n", "    return a + b\n"))
    editor.keys("<Esc>u")
    editor.wait_for_text(ADD.replace("    \n", "    ret\n"))


def test_typing_what_is_suggested_keeps_the_suggestion(open_editor: Open) -> None:
    editor = open_editor(ADD)
    editor.keys("3GA")
    editor.wait_for_ghost("return a + b")
    # WindowResult at from inside, so that no key and no answer comes between.
    for typed in ("r", "e", "t"):
        editor.keys(typed)
    editor.wait_for_ghost("urn a + b")
    editor.type("!")
    until(lambda: editor.ghost() != "urn a + b", "what does not fit any more goes")


def test_word_after_word_is_accepted(open_editor: Open) -> None:
    editor = open_editor(ADD)
    editor.keys("3GA")
    for expected in ("return", "return a", "return a +", "return a + b"):
        until(editor.ghost, "the next piece is suggested")
        editor.keys("<M-w>")
        editor.wait_for_text(ADD.replace("    \n", f"    {expected}\n"))
    editor.keys("!")
    editor.wait_for_text(ADD.replace("    \n", "    return a + b!\n"))


def test_line_after_line_is_accepted(open_editor: Open) -> None:
    editor = open_editor(TWO, options=SEVERAL)
    editor.keys("3GA")
    editor.wait_for_ghost("size = w * h\n    return size")
    editor.keys("<M-l>")
    editor.wait_for_text(TWO.replace("    \n", "    size = w * h\n"))
    assert editor.cursor == (3, 16)
    until(editor.ghost, "the second line is suggested")
    editor.keys("<M-l>")
    editor.wait_for_text(TWO.replace("    \n", "    size = w * h\n    return size\n"))
    assert editor.cursor == (4, 15)


def test_a_suggestion_of_several_lines_is_accepted_whole(open_editor: Open) -> None:
    editor = open_editor(TWO, options=SEVERAL)
    editor.keys("3GA")
    editor.wait_for_ghost("size = w * h\n    return size")
    editor.keys("<Tab>")
    editor.wait_for_text(TWO.replace("    \n", "    size = w * h\n    return size\n"))
    assert editor.cursor == (4, 15)


def test_a_closing_bracket_that_is_there_is_not_doubled(open_editor: Open) -> None:
    text = '# drafts: ["1, 2)"]\nprint()\n'
    editor = open_editor(text)
    editor.keys("2G$i")
    until(editor.ghost, "a suggestion")
    editor.keys("<Tab>")
    editor.wait_for_text(text.replace("print()", "print(1, 2)"))
    assert editor.cursor == (2, 11)


def test_leaving_insert_mode_takes_the_suggestion_away(open_editor: Open) -> None:
    editor = open_editor(ADD)
    editor.keys("3GA")
    editor.wait_for_ghost("return a + b")
    editor.keys("<Esc>")
    editor.wait_for_ghost(None)
    assert editor.text == ADD


def test_a_suggestion_is_dismissed(open_editor: Open) -> None:
    editor = open_editor(ADD)
    editor.keys("3GA")
    editor.wait_for_ghost("return a + b")
    editor.keys("<M-d>")
    editor.wait_for_ghost(None)
    editor.keys("<Tab>")
    until(lambda: editor.text != ADD, "Tab indents")
    assert "return a + b\n" not in editor.text.replace(ADD, "")


def test_suggestions_that_were_asked_for_can_be_looked_through(open_editor: Open) -> None:
    text = 'x = 1\n# drafts: ["y = 2", "z = 3"]\n\n'
    editor = open_editor(text)
    editor.keys("3Gi<M-c>")
    editor.wait_for_ghost("y = 2 (1/2)")
    editor.keys("<M-n>")
    editor.wait_for_ghost("z = 3 (2/2)")
    editor.keys("<M-n>")
    editor.wait_for_ghost("y = 2 (1/2)")
    editor.keys("<M-p>")
    editor.wait_for_ghost("z = 3 (2/2)")
    editor.keys("<Tab>")
    editor.wait_for_text(text.replace("\n\n", "\nz = 3\n"))


def test_who_asks_for_suggestions_in_normal_mode_begins_to_insert(open_editor: Open) -> None:
    editor = open_editor('x = 1\n# drafts: ["y = 2"]\n\n')
    editor.keys("3G")
    editor.run("Redraft complete")
    editor.wait_for_ghost("y = 2")
    assert editor.mode == "i"


def test_who_asks_in_vain_is_told(open_editor: Open) -> None:
    editor = open_editor("x = 1\n\n")
    editor.keys("2Gi<M-c>")
    editor.wait_for_words("there is no suggestion for this place")


def test_after_an_asked_for_suggestion_others_come_again(open_editor: Open) -> None:
    editor = open_editor(ADD)
    editor.keys("3GA<M-c>")
    editor.wait_for_ghost("return a + b")
    editor.keys("<Esc>")
    editor.wait_for_ghost(None)
    editor.keys("A")
    editor.wait_for_ghost("return a + b")


def test_switched_off_means_that_nothing_is_suggested(open_editor: Open) -> None:
    editor = open_editor(ADD)
    editor.run("Redraft toggle")
    editor.wait_for_words("suggestions are off everywhere")
    _stays_away(editor, lambda: editor.keys("3GA<C-g>u"))
    editor.keys("<Esc>")
    editor.run("Redraft toggle")
    editor.wait_for_words("suggestions are on everywhere")
    editor.keys("3GA")
    editor.wait_for_ghost("return a + b")


def test_a_buffer_can_be_left_alone(open_editor: Open) -> None:
    editor = open_editor(ADD)
    editor.lua("vim.b.redraft_disable = true")
    _stays_away(editor, lambda: editor.keys("3GA"))
    editor.keys("<Esc>")
    editor.lua("vim.b.redraft_disable = false")
    editor.keys("3GA")
    editor.wait_for_ghost("return a + b")


def test_snoozed_means_quiet_until_woken(open_editor: Open) -> None:
    editor = open_editor(ADD)
    editor.run("Redraft snooze 5")
    editor.wait_for_words("no suggestions for 5 min")
    assert editor.lua("return require('redraft').status()") == "Redraft zz"
    _stays_away(editor, lambda: editor.keys("3GA"))
    editor.keys("<Esc>")
    editor.run("Redraft unsnooze")
    editor.wait_for_words("suggestions are back")
    editor.keys("3GA")
    editor.wait_for_ghost("return a + b")


def test_our_own_ghost_text_asks_once_for_quick_typing_and_cancels_what_is_late(open_editor: Open) -> None:
    editor = open_editor("# steps: 100\nx = 1\n", alone=True, options={"ghost": "own", "debounce": 300})
    editor.lua("""
      _G.asked, _G.cancelled = {}, {}
      local client = vim.lsp.get_clients({ name = 'redraft' })[1]
      local notify, request = client.rpc.notify, client.rpc.request
      client.rpc.notify = function(method, params)
        if method == '$/cancelRequest' then table.insert(_G.cancelled, params.id) end
        return notify(method, params)
      end
      client.rpc.request = function(method, ...)
        local is_sent, id = request(method, ...)
        if method == 'textDocument/inlineCompletion' then table.insert(_G.asked, id) end
        return is_sent, id
      end
    """)
    editor.keys("Go")
    editor.type("abcdefgh", pause=0.001)
    until(lambda: len(editor.lua("return _G.asked")) == 1, "one request for eight keys")
    first = editor.lua("return _G.asked")[0]
    assert first not in editor.lua("return _G.cancelled")
    editor.type("i")
    until(lambda: first in editor.lua("return _G.cancelled"), "what is late is cancelled")
    until(lambda: len(editor.lua("return _G.asked")) == 2, "the next request")


def test_our_own_ghost_text_hides_while_an_entry_of_the_menu_is_selected(open_editor: Open) -> None:
    text = 'value = 1\nvacant = 2\n# drafts: ["lue + 1"]\n'
    editor = open_editor(text, alone=True, options={"ghost": "own"})
    editor.lua("vim.o.completeopt = 'menu,menuone,noselect'")
    editor.keys("Gova<C-n>")
    editor.wait_for_ghost("lue + 1")
    editor.keys("<C-n>")
    until(lambda: editor.lua("return vim.fn.complete_info().selected") == 0, "an entry is selected")
    editor.wait_for_ghost(None)


def _stays_away(editor: Editor, provoke: Callable[[], None]) -> None:
    """Nothing is suggested for longer than it takes to be."""
    provoke()
    deadline = time.monotonic() + 0.6
    while time.monotonic() < deadline:
        assert editor.ghost() is None
        time.sleep(0.02)
