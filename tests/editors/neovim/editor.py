"""A real Neovim with the plugin in it, driven by keys and looked at from outside."""

import contextlib
import json
import os
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pynvim

T = TypeVar("T")

ROOT = Path(__file__).parents[3]
PLUGIN = ROOT / "editor_clients" / "neovim"
INIT = Path(__file__).with_name("init.lua")
BUILD = ROOT / "build" / "neovim"

# A machine that does other things, too, is not a reason to fail.
PATIENCE = float(os.environ.get("REDRAFT_TEST_PATIENCE", "30"))

SECONDS_TO_LEAVE = 5.0


def python() -> str:
    """The interpreter that has Redraft."""
    return str(ROOT / ".venv" / "bin" / "python")


def program(version: str) -> str:
    """The Neovim called `version`, newest or oldest."""
    chosen = os.environ.get("NVIM") if version == "newest" else None
    return chosen or str(BUILD / version / "bin" / "nvim")


def environment(home: Path, runtime: Path) -> dict[str, str]:
    """The environment of an editor that knows nothing of the user's files, nor of their daemon."""
    ours = (str(ROOT / home) for home in ("kernels", "model", "lsp_server"))
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("NVIM", "VIM"))}
    return {
        **inherited,
        "PATH": f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join(ours),
        "REDRAFT_RUNTIME_DIR": str(runtime),
        "REDRAFT_LOG_DIR": str(runtime),
        **{f"XDG_{name}_HOME": str(home / name.lower()) for name in ("CONFIG", "DATA", "STATE", "CACHE")},
        "REDRAFT_PLUGIN": str(PLUGIN),
    }


def until(look: Callable[[], T], what: str, patience: float = PATIENCE) -> T:
    """The first answer of `look` that is true."""
    deadline = time.monotonic() + patience
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"never happened: {what}; last seen: {found!r}")
        time.sleep(0.01)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())


class Editor:
    """One Neovim with one file open."""

    def __init__(
        self,
        version: str,
        folder: Path,
        runtime: Path,
        *,
        options: object,
        text: str,
        name: str = "a.py",
        arguments: Sequence[str] = (),
    ) -> None:
        self.path = folder / name
        _write(self.path, text)
        variables = environment(folder / "home", runtime) | {"REDRAFT_OPTIONS": json.dumps(options)}
        argv = ["env", "--ignore-environment", *(f"{key}={value}" for key, value in variables.items())]
        argv += [program(version), "--embed", "--headless", "-n", "-i", "NONE", "-u", str(INIT), *arguments]
        self.nvim = pynvim.attach("child", argv=[*argv, str(self.path)])
        self.pid = int(self.lua("return vim.fn.getpid()"))

    def open(self, path: Path, text: str) -> None:
        """Go on with another file, as if nothing had been."""
        self.path = path
        _write(path, text)
        self.keys("<Esc><Esc>")
        self.lua(
            "_G.said = {} vim.cmd('silent! %bwipeout!') vim.cmd.edit(...) vim.fn.cursor(1, 1) vim.cmd('normal! m`')",
            str(path),
        )

    def lua(self, code: str, *arguments: object) -> Any:
        """The value that `code` returns inside the editor."""
        return self.nvim.exec_lua(code, *arguments)

    def keys(self, keys: str) -> None:
        """Press `keys`, written as in a mapping."""
        rest = keys
        while rest:
            n_taken = self.nvim.input(rest)
            rest = rest.encode()[n_taken:].decode()

    def type(self, text: str, pause: float = 0.01) -> None:
        """Type `text` as a person does, key by key."""
        for character in text:
            self.keys("<lt>" if character == "<" else character)
            time.sleep(pause)

    def run(self, command: str) -> None:
        """Type a command line."""
        self.keys(f":{command}<CR>")

    @property
    def text(self) -> str:
        """The buffer."""
        return "\n".join(self.nvim.current.buffer[:]) + "\n"

    @property
    def cursor(self) -> tuple[int, int]:
        """Line from 1 and byte from 0."""
        line, column = self.nvim.current.window.cursor
        return line, column

    @property
    def said(self) -> list[str]:
        """What the user was told, oldest first."""
        return list(self.lua("return _G.said"))

    @property
    def mode(self) -> str:
        return str(self.nvim.api.get_mode()["mode"])

    def attached(self) -> None:
        """Wait until the server has the document."""
        until(
            lambda: self.lua(
                "local c = vim.lsp.get_clients({ name = 'redraft', bufnr = 0 })[1] return c and c.initialized or false"
            ),
            f"the server is attached; said: {self.said}",
        )

    def shown(self) -> str:
        """The buffer as it looks, with what is drawn into it and over it; drawn text is in ⟨⟩, highlighted text in ‹›."""
        return str(self.lua(SHOWN))

    def ghost(self) -> str | None:
        """The suggestion at the cursor; None if there is none."""
        found = self.lua(GHOST)
        return None if found is None or found is False else str(found)

    def wait_for_text(self, text: str) -> None:
        until(lambda: self.text == text, f"the text\n{text}\nsaid: {self.said}; there is:\n{self.text}")

    def wait_for_ghost(self, ghost: str | None) -> None:
        until(lambda: self.ghost() == ghost, f"the suggestion {ghost!r}; said: {self.said}")

    def wait_for_words(self, words: str) -> None:
        until(lambda: any(words in sentence for sentence in self.said), f"{words!r} in {self.said}")

    def state(self) -> str | None:
        """What becomes of the rewrite."""
        return self.lua("return require('redraft.rewrite').state()")

    def wait_for_state(self, state: str | None) -> None:
        until(lambda: [self.state()] == [state], f"the rewrite is {state}; said: {self.said}")

    def close(self) -> None:
        """Leave without saving, and wait until the editor is gone: one that lives would start its server again."""
        with contextlib.suppress(OSError, EOFError):
            self.nvim.command("qall!", async_=True)
        deadline = time.monotonic() + SECONDS_TO_LEAVE
        while is_running(self.pid):
            if time.monotonic() > deadline:
                os.kill(self.pid, signal.SIGKILL)
                break
            time.sleep(0.01)
        with contextlib.suppress(OSError, EOFError):
            self.nvim.close()


def is_running(pid: int) -> bool:
    """Whether a process is there and is more than an entry in a table."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


# Suggestions of Neovim and ours, as one text.
GHOST = """
local text = nil
for _, name in ipairs({ 'redraft.ghost', 'nvim.lsp.inline_completion' }) do
  local ns = vim.api.nvim_get_namespaces()[name]
  for _, mark in ipairs(ns and vim.api.nvim_buf_get_extmarks(0, ns, 0, -1, { details = true }) or {}) do
    local lines = {}
    for _, line in ipairs({ mark[4].virt_text, unpack(mark[4].virt_lines or {}) }) do
      local words = {}
      for _, chunk in ipairs(line) do
        if chunk[2] ~= 'Normal' then words[#words + 1] = chunk[1] end
      end
      lines[#lines + 1] = table.concat(words)
    end
    assert(text == nil, 'two suggestions at once')
    text = table.concat(lines, '\\n')
  end
end
return text
"""

SHOWN = """
local ns = vim.api.nvim_get_namespaces()['redraft.rewrite']
local marks = ns and vim.api.nvim_buf_get_extmarks(0, ns, 0, -1, { details = true }) or {}
local function words(chunks)
  local all = {}
  for _, chunk in ipairs(chunks) do all[#all + 1] = chunk[1] end
  return table.concat(all)
end
local lines = vim.api.nvim_buf_get_lines(0, 0, -1, false)
local inside, above, below = {}, {}, {}
for _, mark in ipairs(marks) do
  local row, column, details = mark[2], mark[3], mark[4]
  inside[row] = inside[row] or {}
  if details.hl_group and details.hl_group ~= 'RedraftRegion' then
    local last = details.end_row > row and #lines[row + 1] or details.end_col
    table.insert(inside[row], { column, '‹', 1 })
    table.insert(inside[row], { last, '›', 0 })
  end
  if details.virt_text then
    local text = (details.virt_text_pos == 'overlay' and '⟨=' or '⟨') .. words(details.virt_text) .. '⟩'
    local place = details.virt_text_pos == 'eol' and #lines[row + 1] or column
    table.insert(inside[row], { place, text, details.virt_text_pos == 'eol' and 3 or 2 })
  end
  for _, line in ipairs(details.virt_lines or {}) do
    local where = details.virt_lines_above and above or below
    where[row] = where[row] or {}
    table.insert(where[row], '⟨' .. words(line) .. '⟩')
  end
end
local all = {}
for number, line in ipairs(lines) do
  local row = number - 1
  table.sort(inside[row] or {}, function(a, b)
    if a[1] ~= b[1] then return a[1] > b[1] end
    return a[3] > b[3]
  end)
  for _, piece in ipairs(inside[row] or {}) do
    line = line:sub(1, piece[1]) .. piece[2] .. line:sub(piece[1] + 1)
  end
  vim.list_extend(all, above[row] or {})
  all[#all + 1] = line
  vim.list_extend(all, below[row] or {})
end
return table.concat(all, '\\n') .. '\\n'
"""
