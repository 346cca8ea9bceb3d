"""What a status line shows, what is loaded when, and how long a suggestion takes beyond the server's own time."""

import re
import statistics
import subprocess
from pathlib import Path

from conftest import Open
from editor import PLUGIN, environment, program, until

# Beyond the pause after a key and the server's own time, for what is between a key and the picture.
MILLISECONDS = 30.0
N_KEYS = 20


def test_nothing_is_loaded_before_a_python_file_is_opened(version: str, tmp_path: Path) -> None:
    script = "for name in pairs(package.loaded) do if name:find('^redraft') then io.stdout:write(name .. ' ') end end"
    done = subprocess.run(
        [
            program(version),
            "--headless",
            "--clean",
            "--cmd",
            f"set rtp+={PLUGIN}",
            "-c",
            f"lua {script}",
            "+qa",
        ],
        env=environment(tmp_path, tmp_path),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout + done.stderr == ""


def test_the_status_line_says_what_is_going_on(open_editor: Open) -> None:
    editor = open_editor("# steps: 100\nx = 1\n")
    editor.lua(
        "_G.n_told = 0 vim.api.nvim_create_autocmd('User', { pattern = 'RedraftStatus', "
        "callback = function() _G.n_told = _G.n_told + 1 end })"
    )

    def status() -> str:
        return str(editor.lua("return require('redraft').status()"))

    until(lambda: status() == "Redraft", "idle")
    editor.keys("2G:.Redraft types<CR>")
    until(lambda: "/100" in status(), "a step")
    until(lambda: status() == "Redraft ?", "a question")
    editor.run("Redraft reject")
    until(lambda: status() == "Redraft", "idle again")
    assert editor.lua("return _G.n_told") >= 3


def test_links_of_the_manual_lead_somewhere() -> None:
    manual = (PLUGIN / "doc" / "redraft.txt").read_text("utf-8")
    links = set(re.findall(r"\|((?::Redraft|redraft|g:redraft|<Plug>\(redraft)[^|\s]*)\|", manual))
    assert links
    assert {link for link in links if f"*{link}*" not in manual} == set()


def test_a_suggestion_is_drawn_soon_after_the_server_has_answered(open_editor: Open) -> None:
    """Measured inside the editor, from the key to the drawn text, less the pause and the server's own time."""
    debounce = 20
    editor = open_editor("x = 1\n", alone=True, options={"ghost": "own", "debounce": debounce})
    editor.lua(WATCH)
    own_times: list[float] = []
    for number in range(N_KEYS):
        # Before the keys: the suggestion may be there before anything else is asked.
        editor.lua("_G.watched = {}")
        # Another text each time, or the server would remember.
        editor.keys(f'<Esc>ggcG# drafts: ["y{number} = 2"]<CR><Esc>0Di')
        until(lambda: editor.lua("return _G.watched.drawn ~= nil"), f"suggestion {number}")
        watched = editor.lua("return _G.watched")
        own_times.append((watched["drawn"] - watched["answered"]) / 1e6)
    sent = [float(value) for value in editor.lua("return _G.delays")]
    overhead = statistics.median(own_times) + max(0.0, statistics.median(sent) - debounce)
    print(
        f"\nsuggestion: request {statistics.median(sent):.1f} ms after the key (pause {debounce} ms), drawn "
        f"{statistics.median(own_times):.2f} ms after the answer; n = {N_KEYS}"
    )
    assert overhead <= MILLISECONDS


# Times of the last key, of the request, of the answer and of the picture.
WATCH = """
_G.watched, _G.delays = {}, {}
local key_at = vim.uv.hrtime()
vim.api.nvim_create_autocmd({ 'TextChangedI', 'InsertEnter' }, { callback = function() key_at = vim.uv.hrtime() end })
local client = vim.lsp.get_clients({ name = 'redraft' })[1]
local request = client.rpc.request
client.rpc.request = function(method, params, callback, ...)
  if method ~= 'textDocument/inlineCompletion' then
    return request(method, params, callback, ...)
  end
  table.insert(_G.delays, (vim.uv.hrtime() - key_at) / 1e6)
  return request(method, params, function(...)
    _G.watched.answered = vim.uv.hrtime()
    return callback(...)
  end, ...)
end
local set_extmark = vim.api.nvim_buf_set_extmark
local ns = vim.api.nvim_create_namespace('redraft.ghost')
vim.api.nvim_buf_set_extmark = function(bufnr, namespace, ...)
  local id = set_extmark(bufnr, namespace, ...)
  if namespace == ns and _G.watched.answered then
    _G.watched.drawn = vim.uv.hrtime()
  end
  return id
end
"""
