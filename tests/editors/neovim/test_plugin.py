"""What the plugin does to somebody's Neovim: no key, no noise, little time; and what its pages say."""

import json
import re
import statistics
import subprocess
from pathlib import Path

from conftest import Open
from editor import BUILD, INIT, PLUGIN, ROOT, environment, program, until

MODES = "n i x s o c t".split()


def _run(version: str, tmp_path: Path, *arguments: str) -> str:
    done = subprocess.run(
        [program(version), *arguments],
        env=environment(tmp_path, tmp_path) | {"REDRAFT_OPTIONS": "{}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_no_key_is_taken(version: str, tmp_path: Path) -> None:
    def keys(*arguments: str) -> dict[str, list[str]]:
        script = (
            "local all = {} for _, mode in ipairs(vim.json.decode([=["
            + json.dumps(MODES)
            + "]=])) do local some = {} for _, map in ipairs(vim.api.nvim_get_keymap(mode)) do "
            "some[#some + 1] = map.lhs .. ' ' .. (map.rhs or map.desc or '') end table.sort(some) all[mode] = some end "
            "io.stdout:write(vim.json.encode(all))"
        )
        return json.loads(_run(version, tmp_path, "--headless", "--clean", *arguments, "-c", f"lua {script}", "+qa"))

    without = keys()
    with_plugin = keys("--cmd", f"set rtp+={PLUGIN}")
    ours = {
        mode: [key for key in with_plugin[mode] if not key.startswith("<Plug>(redraft-")] for mode in with_plugin
    }
    assert ours == without
    assert any(key.startswith("<Plug>(redraft-accept)") for key in with_plugin["i"])


def test_the_plugin_costs_little_at_startup(version: str, tmp_path: Path) -> None:
    times = []
    for number in range(20):
        log = tmp_path / f"startup{number}"
        _run(version, tmp_path, "--headless", "--clean", "--cmd", f"set rtp+={PLUGIN}", "--startuptime", str(log), "+qa")
        (line,) = [line for line in log.read_text().splitlines() if "plugin/redraft.lua" in line]
        # clock, self and sourced, self: the second is what sourcing the file took.
        times.append(float(line.split()[1]))
    print(f"startup, {version}: median {statistics.median(times):.2f} ms, worst {max(times):.2f} ms, n = 20")
    # The best of many is what a machine without other work would show most of the time.
    assert min(times) <= 2.0


def test_nothing_else_is_loaded_before_a_python_file_is_opened(version: str, tmp_path: Path) -> None:
    script = "for name in pairs(package.loaded) do if name:find('^redraft') then io.stdout:write(name .. ' ') end end"
    found = _run(
        version, tmp_path, "--headless", "--clean", "--cmd", f"set rtp+={PLUGIN}", "-c", f"lua {script}", "+qa"
    )
    assert found == ""


def test_checkhealth_says_what_is_there(open_editor: Open) -> None:
    editor = open_editor("x = 1\n", alone=True)
    editor.run("checkhealth redraft")
    until(lambda: "nobody else suggests" in editor.text, "the report is there")
    assert "vim.g.redraft is valid" in editor.text
    assert re.search(r"server \S+ is connected, 1 buffers", editor.text)
    assert re.search(r"daemon \S+, process \d+, \d+ editors connected", editor.text)
    assert "ERROR" not in editor.text


def test_checkhealth_names_what_is_wrong(open_editor: Open) -> None:
    options = {"cmd": ["no-such-redraft"], "debounce": "soon", "inlined": True}
    editor = open_editor("x = 1\n", alone=True, waits=False, options=options)
    editor.run("checkhealth redraft")
    until(lambda: "cannot be found" in editor.text, "the report is there")
    assert "The option “debounce” has to be a whole number of milliseconds" in editor.text
    assert "There is no option “inlined”" in editor.text
    assert "The command “no-such-redraft” cannot be found" in editor.text


def test_the_status_line_says_what_is_going_on(open_editor: Open) -> None:
    editor = open_editor("# steps: 100\nx = 1\n")
    editor.lua(
        "_G.n_told = 0 vim.api.nvim_create_autocmd('User', { pattern = 'RedraftStatus', "
        "callback = function() _G.n_told = _G.n_told + 1 end })"
    )
    status = lambda: editor.lua("return require('redraft').status()")  # noqa: E731
    until(lambda: status() == "Redraft", "idle")
    editor.keys("2G:.Redraft types<CR>")
    until(lambda: "/100" in status(), "a step")
    until(lambda: status() == "Redraft ?", "a question")
    editor.run("Redraft reject")
    until(lambda: status() == "Redraft", "idle again")
    assert editor.lua("return _G.n_told") >= 3


def test_the_manual_builds_without_complaint(tmp_path: Path) -> None:
    pages = PLUGIN / "doc"
    assert (pages / "redraft.txt").exists()
    copy = tmp_path / "doc"
    copy.mkdir()
    text = (pages / "redraft.txt").read_text("utf-8")
    (copy / "redraft.txt").write_text(text, "utf-8")
    said = _run("newest", tmp_path, "--headless", "--clean", "-c", f"helptags {copy}", "+qa")
    assert said == ""
    tags = {line.split("\t")[0] for line in (copy / "tags").read_text("utf-8").splitlines()}
    assert {"redraft", ":Redraft", "redraft-options"} <= tags
    # What is linked exists.
    links = set(re.findall(r"\|((?::Redraft|redraft|<Plug>\(redraft)[^|\s]*)\|", text))
    assert links - tags == set()


def test_lua_is_formatted_and_has_no_warnings() -> None:
    subprocess.run(["node", BUILD / "lint" / "format.mjs", "--check", PLUGIN], check=True)
    subprocess.run(["luacheck", "--quiet", "--config", PLUGIN / ".luacheckrc", PLUGIN, INIT], check=True)


def test_the_plugin_names_nobodys_home() -> None:
    for path in PLUGIN.rglob("*"):
        if path.is_file():
            assert str(ROOT) not in path.read_text("utf-8"), path
