"""When the machine fails: a full disk, a model process that is killed under several editors."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redraft_server import runtime
from redraft_server.model_choice import ModelChoice

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux' /dev/full and mounts")

SECONDS = 300.0  # only a test that hangs waits so long
BROKEN = "retrun 1\n"
RESOLVING = {
    "textDocument": {
        "codeAction": {
            "codeActionLiteralSupport": {"codeActionKind": {"valueSet": []}},
            "dataSupport": True,
            "resolveSupport": {"properties": ["edit"]},
        }
    }
}


async def repaired(editor: Any, text: str = BROKEN) -> Any:
    """The response to a repair of a document of its own."""
    uri = editor.open(text, uri=f"file:///{len(editor.texts)}.py")
    place = {"line": text.count("\n") - 1, "character": 0}
    params = {
        "textDocument": {"uri": uri},
        "range": {"start": place, "end": place},
        "context": {"diagnostics": []},
    }
    action = (await editor.ask("textDocument/codeAction", params))[0]
    return await editor.response(editor.start("codeAction/resolve", action))


async def test_a_log_that_cannot_be_written_stops_nobody(daemons: Any) -> None:
    place = runtime.place_of(ModelChoice())
    place.prepare()
    place.log.symlink_to("/dev/full")
    editor = await daemons.join()
    await editor.initialize(RESOLVING)
    assert "result" in await repaired(editor)
    await editor.ask("shutdown", None)
    editor.notify("exit", None)
    assert await editor.exit_code() == 0


@pytest.fixture
def full_disk(daemons: Any) -> Iterator[Path]:
    """The folder of the daemons, on a disk without a free byte."""
    folder = daemons.folder
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k,mode=700", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a small disk")
    (folder / "log").mkdir(mode=0o700)
    with pytest.raises(OSError), (folder / "filling").open("wb", buffering=0) as filling:  # noqa: PT012
        while True:
            filling.write(b"x" * 4096)
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


async def test_an_editor_on_a_full_disk_is_served_all_the_same(full_disk: Path, daemons: Any) -> None:
    editor = await daemons.join()
    await editor.initialize(RESOLVING)
    assert "result" in await repaired(editor)
    await editor.ask("shutdown", None)
    editor.notify("exit", None)
    assert await editor.exit_code() == 0
    assert full_disk.is_dir()


async def test_editors_survive_the_death_of_the_engine_and_go_on(daemons: Any) -> None:
    await daemons.serve()
    editors = [await daemons.join() for _ in range(3)]
    for editor in editors:
        await editor.initialize(RESOLVING)
        assert "result" in await repaired(editor)
    slow = asyncio.ensure_future(repaired(editors[0], "# steps: 100000\nretrun 1\n"))
    await daemons_busy(daemons)
    waiting = asyncio.ensure_future(repaired(editors[1]))
    async with asyncio.timeout(SECONDS):
        while not (await daemons.statuses())[0]["model"]["waiting"]:
            await asyncio.sleep(0.01)
    (status,) = await daemons.statuses()
    os.kill(status["model"]["pid"], signal.SIGKILL)
    error = (await slow)["error"]
    assert error["code"] == -32803
    assert "started again" in error["message"]
    assert "result" in await waiting
    assert "result" in await repaired(editors[0], "x = 1\nretrun 1\n")
    (status,) = await daemons.statuses()
    assert (status["model"]["lost"], len(status["connections"])) == (1, 3)


async def daemons_busy(daemons: Any) -> None:
    async with asyncio.timeout(SECONDS):
        while (await daemons.statuses())[0]["model"]["state"] != "busy":
            await asyncio.sleep(0.01)
