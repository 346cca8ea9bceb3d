"""Lets client.mjs talk to a real daemon around the fake engine: through a bridge, its Unix socket, and WebSocket.

Usage: through_the_daemon.py; the exit code is 0 if every conversation was as it should be.
"""

import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from redraft_server import control

CLIENT = Path(__file__).with_name("client.mjs")
DAEMON = Path(__file__).parents[2] / "lsp_server" / "serve_fake_daemon.py"
TOKEN = "a-token-for-this-test-only"
SECONDS = 300.0  # only what hangs takes so long


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="redraft-node-") as folder:
        os.environ["REDRAFT_RUNTIME_DIR"] = f"{folder}/run"
        os.environ["REDRAFT_LOG_DIR"] = f"{folder}/log"
        token_file = Path(folder) / "token"
        token_file.write_text(TOKEN)
        token_file.chmod(0o600)
        command = [sys.executable, str(DAEMON), f"{folder}/engine.log"]
        address = f"127.0.0.1:{free_port()}"
        daemon = subprocess.Popen([*command, "serve", "--ws", address, "--token-file", str(token_file)])
        try:
            path = unix_socket()
            converse("stdio", *command, "join")
            converse("socket", path)
            converse("websocket", f"ws://{address}", TOKEN)
        finally:
            daemon.terminate()
            daemon.wait(SECONDS)


def converse(*arguments: str) -> None:
    subprocess.run(["node", str(CLIENT), *arguments], check=True)


def unix_socket() -> str:
    """The path of the daemon's socket, once it listens."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        for status in control.statuses():
            return str(status["sockets"][0]).removeprefix("unix:")
        time.sleep(0.05)
    raise TimeoutError(f"the daemon does not listen after {SECONDS:.0f} seconds")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


if __name__ == "__main__":
    main()
