"""What the plugin costs and takes before anybody uses it; its manual; what `:checkhealth` says."""

import json
import re
import shutil
import statistics
import subprocess
from pathlib import Path

import pytest
from conftest import Open
from editor import PLUGIN, environment, program, until

MILLISECONDS = 2.0
N_STARTS = 20

WITH_PLUGIN = ("--cmd", f"set rtp+={PLUGIN}")

MAPS = """
local all = {}
for mode in ('nxsoilct'):gmatch('.') do
  for _, map in ipairs(vim.api.nvim_get_keymap(mode)) do all[#all + 1] = mode .. ' ' .. map.lhs end
end
io.stdout:write(vim.json.encode(all))
"""


def run(version: str, home: Path, *arguments: str) -> str:
    """What Neovim without any configuration writes."""
    done = subprocess.run(
        [program(version), "--clean", "--headless", *arguments],
        env=environment(home, home),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_the_plugin_is_loaded_within_two_milliseconds(version: str, tmp_path: Path) -> None:
    times = []
    for number in range(N_STARTS):
        log = tmp_path / f"{number}.log"
        run(version, tmp_path, "--startuptime", str(log), *WITH_PLUGIN, "+qall!")
        # clock, with what it sources itself, alone
        (found,) = re.findall(
            r"^\S+ +(\S+) +\S+: sourcing \S*plugin/redraft\.lua$", log.read_text(), re.MULTILINE
        )
        times.append(float(found))
    print(
        f"\n{version}: plugin loaded in {statistics.median(times):.2f} ms, worst {max(times):.2f} ms, n = {N_STARTS}"
    )
    # A busy machine makes some starts slow, but not all of them.
    assert min(times) <= MILLISECONDS


def maps(version: str, home: Path, *arguments: str) -> set[str]:
    """All mappings, as mode and key."""
    return set(json.loads(run(version, home, *arguments, "-c", f"lua {' '.join(MAPS.split())}", "+qall!")))


def test_no_key_is_taken(version: str, tmp_path: Path) -> None:
    before = maps(version, tmp_path)
    after = maps(version, tmp_path, *WITH_PLUGIN)
    assert before <= after
    added = after - before
    assert added
    assert [key for key in added if "<Plug>(redraft-" not in key] == []


def test_the_manual_has_tags_for_everything(version: str, tmp_path: Path) -> None:
    doc = tmp_path / "doc"
    shutil.copytree(PLUGIN / "doc", doc, ignore=shutil.ignore_patterns("tags"))
    assert run(version, tmp_path, f"+helptags {doc}", "+qall!") == ""
    tags = {line.split("\t")[0] for line in (doc / "tags").read_text("utf-8").splitlines()}
    assert {":Redraft", "redraft", "redraft-options", "g:redraft"} <= tags
    manual = (PLUGIN / "doc" / "redraft.txt").read_text("utf-8")
    assert [line for line in manual.splitlines() if len(line) > 79] == []
    names = json.loads(
        run(
            version,
            tmp_path,
            *WITH_PLUGIN,
            "-c",
            "lua io.stdout:write(vim.json.encode(require('redraft.command').complete('', 'Redraft ')))",
            "+qall!",
        )
    )
    assert "repair" in names
    assert [name for name in names if not re.search(rf"\b{name}\b", manual)] == []
    plugs = re.findall(
        r"<Plug>\(redraft-[a-z-]+\)", json.dumps(sorted(maps(version, tmp_path, *WITH_PLUGIN)))
    )
    assert len(set(plugs)) >= 8
    assert set(plugs) - tags == set()


def test_checkhealth_says_that_all_is_well(open_editor: Open) -> None:
    editor = open_editor("x = 1\n", alone=True)
    editor.run("checkhealth redraft")
    until(lambda: "nobody else suggests" in editor.text, f"the report; there is:\n{editor.text}")
    assert "vim.g.redraft is valid" in editor.text
    assert "is connected, 1 buffers" in editor.text or "is connected, 1 buffer" in editor.text
    assert re.search(r"daemon \S+, process \d+, \d+ editors? connected", editor.text)
    assert "ERROR" not in editor.text


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"bogus": 1}, "There is no option “bogus”"),
        ({"debounce": -1}, "The option “debounce” has to be"),
        (
            {"cmd": ["no-such-command-anywhere", "lsp"]},
            "The command “no-such-command-anywhere” cannot be found",
        ),
    ],
)
def test_checkhealth_says_what_is_wrong(
    open_editor: Open, options: dict[str, object], complaint: str
) -> None:
    editor = open_editor("x = 1\n", alone=True, options=options, waits="cmd" not in options)
    editor.run("checkhealth redraft")
    until(lambda: complaint in editor.text, f"{complaint}; there is:\n{editor.text}")
    assert "ERROR" in editor.text
