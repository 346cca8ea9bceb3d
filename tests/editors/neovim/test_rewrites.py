"""Repairs and rewrites: listed, drawn, shown, accepted and undone; the text changes when somebody says so."""

import json
import re
import time

from conftest import Open
from editor import until

LOUD = "# masks\nx = 1\nsecond = first\nlast = 3\n"


def test_a_code_action_of_neovims_own_menu_repairs_and_one_undo_takes_it_back(open_editor: Open) -> None:
    broken = "def f():\n    retrun 3\n"
    editor = open_editor(broken, alone=True)
    editor.keys("2G")
    editor.lua("vim.schedule(vim.lsp.buf.code_action)")
    # While the menu waits for an answer, nothing else can be asked.
    until(lambda: editor.mode in ("c", "r", "rm", "r?"), "the menu is there")
    editor.keys("1<CR>")
    editor.wait_for_text("def f():\n    return 3\n")
    editor.keys("u")
    editor.wait_for_text(broken)


def test_a_repair_is_shown_first_and_one_undo_takes_it_back(open_editor: Open) -> None:
    editor = open_editor("def f():\n    retrun 3\n")
    broken = editor.text
    editor.keys("2G")
    editor.run("Redraft repair")
    editor.wait_for_state("shown")
    assert editor.text == broken
    assert "‹" in editor.shown()
    assert "⟨" in editor.shown()
    editor.run("Redraft accept")
    editor.wait_for_text("def f():\n    return 3\n")
    assert editor.state() is None
    assert "⟨" not in editor.shown()
    editor.keys("u")
    editor.wait_for_text(broken)


def test_the_whole_file_is_repaired(open_editor: Open) -> None:
    editor = open_editor("def f():\n    retrun 3\n\n\ndef g():\n    retrun 4\n")
    editor.run("Redraft file")
    editor.wait_for_state("shown")
    editor.keys("<M-y>")
    editor.wait_for_text("def f():\n    return 3\n\n\ndef g():\n    return 4\n")


def test_a_file_without_errors_is_left_alone_and_the_user_told(open_editor: Open) -> None:
    editor = open_editor("a = 1\n")
    editor.run("Redraft file")
    editor.wait_for_words("this file has no syntax errors")
    editor.run("Redraft repair")
    editor.wait_for_words("there is nothing to repair at the cursor")
    assert editor.state() is None


def test_a_rewrite_of_the_selection_is_drawn_while_it_runs_and_leaves_the_text_alone(
    open_editor: Open,
) -> None:
    text = LOUD.replace("# masks", "# masks\n# steps: 100")
    editor = open_editor(text)
    editor.keys("4GVj:Redraft types<CR>")
    drawn = until(
        lambda: (_shown := editor.shown()) if "░" in (_shown := editor.shown()) else "", "masks are drawn"
    )
    assert "⟨=" in drawn
    assert re.search(r" step \d+/100", drawn)
    assert editor.text == text
    until(lambda: "SEC" in editor.shown() and "░" in editor.shown(), "letters come out of the masks")
    assert editor.text == text
    assert "/100" in editor.lua("return require('redraft').status()")
    editor.wait_for_state("shown")
    assert "░" not in editor.shown()
    assert "‹second = first›" in editor.shown().replace("› ⟨", "›⟨") or "⟨SECOND = FIRST⟩" in editor.shown()


def test_a_rejected_rewrite_changes_nothing_and_can_be_asked_for_again(open_editor: Open) -> None:
    editor = open_editor(LOUD)
    tick = editor.lua("return vim.b.changedtick")
    editor.keys("3GVj:Redraft types<CR>")
    editor.wait_for_state("shown")
    editor.run("Redraft reject")
    editor.wait_for_state(None)
    assert editor.text == LOUD
    assert editor.shown() == LOUD
    assert editor.lua("return vim.b.changedtick") == tick
    editor.run("Redraft again")
    editor.wait_for_state("shown")
    editor.run("Redraft accept")
    editor.wait_for_text("# masks\nx = 1\nSECOND = FIRST\nLAST = 3\n")
    editor.keys("u")
    editor.wait_for_text(LOUD)


def test_again_finds_its_lines_where_they_are_now(open_editor: Open) -> None:
    editor = open_editor(LOUD)
    editor.keys("3G:.Redraft types<CR>")
    editor.wait_for_state("shown")
    editor.run("Redraft reject")
    editor.keys("ggOnew = 0<Esc>")
    editor.run("Redraft again")
    editor.wait_for_state("shown")
    editor.run("Redraft accept")
    editor.wait_for_text("new = 0\n# masks\nx = 1\nSECOND = FIRST\nlast = 3\n")


def test_the_command_undoes_a_rewrite_only_while_it_is_the_last_change(open_editor: Open) -> None:
    editor = open_editor(LOUD)
    editor.keys("3G:.Redraft types<CR>")
    editor.wait_for_state("shown")
    editor.run("Redraft accept")
    editor.wait_for_text(LOUD.replace("second = first", "SECOND = FIRST"))
    editor.run("Redraft undo")
    editor.wait_for_text(LOUD)
    editor.run("Redraft again")
    editor.wait_for_state("shown")
    editor.run("Redraft accept")
    editor.wait_for_text(LOUD.replace("second = first", "SECOND = FIRST"))
    editor.keys("Goy = 2<Esc>")
    editor.run("Redraft undo")
    editor.wait_for_words("the text has changed since the rewrite")
    assert "SECOND" in editor.text


def test_an_accepted_rewrite_is_an_undo_step_of_its_own_in_insert_mode(open_editor: Open) -> None:
    editor = open_editor(LOUD)
    editor.keys("Goy = 2<Esc>3G:.Redraft types<CR>")
    editor.wait_for_state("shown")
    editor.keys("i<M-y>!<Esc>")
    typed = LOUD + "y = 2\n"
    until(lambda: "!" in editor.text, "typed on")
    editor.keys("u")
    editor.wait_for_text(typed.replace("second = first", "SECOND = FIRST"))
    editor.keys("u")
    editor.wait_for_text(typed)


def test_every_key_arrives_while_a_rewrite_runs_and_cancels_it(open_editor: Open) -> None:
    text = "# steps: 200\nx = 1\n"
    editor = open_editor(text)
    editor.keys("2G:.Redraft types<CR>")
    until(lambda: "/200" in editor.shown(), "it runs")
    typed = "the quick brown fox jumps over the lazy dog 0123456789"
    editor.keys("Go")
    editor.type(typed, pause=0.002)
    editor.wait_for_text(text + typed + "\n")
    editor.wait_for_words("the text has changed, so the rewrite was cancelled")
    assert editor.state() is None
    editor.keys("<Esc>")
    until(lambda: editor.shown() == editor.text, "nothing is drawn any more")


def test_a_running_rewrite_is_cancelled_by_key(open_editor: Open) -> None:
    text = "# steps: 1000\nx = 1\n"
    editor = open_editor(text)
    editor.keys("2G:.Redraft types<CR>")
    until(lambda: "/1000" in editor.shown(), "it runs")
    editor.keys("<M-q>")
    editor.wait_for_state(None)
    assert editor.shown() == text
    # The engine is free again long before ten seconds are over.
    started = time.monotonic()
    editor.keys("ggdd1G:.Redraft types<CR>")
    editor.wait_for_state("shown")
    assert time.monotonic() - started < 9


def test_typing_drops_a_rewrite_that_is_shown(open_editor: Open) -> None:
    editor = open_editor(LOUD)
    editor.keys("3G:.Redraft types<CR>")
    editor.wait_for_state("shown")
    editor.keys("Ax")
    editor.wait_for_words("the text has changed, so the rewrite was dropped")
    editor.keys("<Esc>")
    until(lambda: editor.shown() == LOUD.replace("first", "firstx"), "nothing is drawn any more")
    editor.run("Redraft accept")
    editor.wait_for_words("there is no rewrite to accept")


def test_the_live_view_can_be_switched_off(open_editor: Open) -> None:
    editor = open_editor("# masks\n# steps: 60\nx = 1\n", alone=True, options={"live": False})
    editor.keys("3G:.Redraft types<CR>")
    while editor.state() != "shown":
        assert "░" not in editor.shown()
        time.sleep(0.02)
    editor.run("Redraft accept")
    editor.wait_for_text("# masks\n# steps: 60\nX = 1\n")


def test_what_the_checkpoint_has_not_learnt_is_said_and_not_completed(open_editor: Open) -> None:
    editor = open_editor("x = 1\n")
    editor.run("Redraft docs")
    editor.wait_for_words("the checkpoint has not learnt “docs”; it has learnt: repair, types.")
    offered = editor.lua("return vim.fn.getcompletion('Redraft ', 'cmdline')")
    assert {"repair", "types", "accept", "log"} <= set(offered)
    assert not {"docs", "idiom", "names"} & set(offered)
    assert editor.lua("return vim.fn.getcompletion('Redraft toggle ', 'cmdline')") == ["buffer"]
    assert editor.lua("return vim.fn.getcompletion('Redraft rea', 'cmdline')") == []


def test_a_wrong_command_gets_a_sentence(open_editor: Open) -> None:
    editor = open_editor("x = 1\n")
    for command, words in (
        ("Redraft nonsense", "there is no “nonsense”"),
        ("Redraft", "say what to do"),
        ("1Redraft accept", "“accept” takes no range"),
        ("Redraft accept", "there is no rewrite to accept"),
        ("Redraft reject", "there is no rewrite to reject"),
        ("Redraft again", "nothing has been rewritten in this buffer yet"),
        ("Redraft undo", "no rewrite has been accepted"),
        ("Redraft snooze forever", "snooze takes a number of minutes"),
        ("Redraft toggle all", "“toggle” takes “buffer” or nothing"),
    ):
        editor.run(command)
        editor.wait_for_words(words)


def test_edits_are_shown_as_the_lines_they_make(open_editor: Open) -> None:
    """Against the change itself: the hunks of random edits lead to what applying the edits leads to."""
    editor = open_editor("a\n")
    found = editor.lua(HUNKS, 300)
    assert found == [], json.dumps(found, indent=1)


# Random edits with letters of one to four bytes, in all three encodings; what is left of old and new lines is put together
# from the hunks alone.
HUNKS = """
math.randomseed(7)
local letters = { 'a', 'b', 'é', '😀', '\\n', '\\n', ' ', '\\t' }
local function text(n)
  local all = {}
  for _ = 1, n do all[#all + 1] = letters[math.random(#letters)] end
  return table.concat(all)
end
local wrong = {}
for try = 1, ... do
  local bufnr = vim.api.nvim_create_buf(false, true)
  local lines = vim.split(text(math.random(0, 40)), '\\n', { plain = true })
  vim.api.nvim_buf_set_lines(bufnr, 0, -1, false, lines)
  local encoding = ({ 'utf-8', 'utf-16', 'utf-32' })[try % 3 + 1]
  local places = {}
  for _ = 1, 2 * math.random(1, 3) do
    local row = math.random(0, #lines)
    local line = lines[row + 1] or ''
    local n = vim.str_utfindex(line, 'utf-32')
    local byte = vim.str_byteindex(line, 'utf-32', math.random(0, n))
    places[#places + 1] = { row, byte }
  end
  table.sort(places, function(a, b) return a[1] < b[1] or (a[1] == b[1] and a[2] < b[2]) end)
  local edits = {}
  for n = 1, #places, 2 do
    local ends = {}
    for _, place in ipairs({ places[n], places[n + 1] }) do
      local line = lines[place[1] + 1] or ''
      ends[#ends + 1] = { line = place[1], character = vim.str_utfindex(line, encoding, place[2]) }
    end
    local new = text(math.random(0, 4))
    -- Two edits at one place have no order, and behind the last line there is nothing to insert into.
    local before = edits[#edits]
    local touches = before and vim.deep_equal(before.range['end'], ends[1])
    if not touches and ends[1].line < #lines and ends[2].line < #lines then
      edits[#edits + 1] = { range = { start = ends[1], ['end'] = ends[2] }, newText = new }
    end
  end
  local hunks = require('redraft.edits').hunks(bufnr, edits, encoding)
  local found = {}
  local row = 0
  for _, hunk in ipairs(hunks) do
    while row < hunk.first do row = row + 1; found[#found + 1] = lines[row] end
    assert(vim.deep_equal(hunk.old, vim.list_slice(lines, row + 1, row + #hunk.old)))
    row = row + #hunk.old
    vim.list_extend(found, hunk.new)
  end
  while row < #lines do row = row + 1; found[#found + 1] = lines[row] end
  if #edits > 0 then vim.lsp.util.apply_text_edits(vim.deepcopy(edits), bufnr, encoding) end
  local expected = vim.api.nvim_buf_get_lines(bufnr, 0, -1, false)
  if not vim.deep_equal(found, expected) then
    wrong[#wrong + 1] = { try = try, lines = lines, edits = edits, found = found, expected = expected }
  end
  vim.api.nvim_buf_delete(bufnr, { force = true })
end
return { unpack(wrong, 1, 2) }
"""
