"""The real daemon around the fake engine, and the real bridge to it.

Usage: serve_fake_daemon.py LOG join               what `redraft lsp` does
       serve_fake_daemon.py LOG serve [OPTION ...] what `redraft serve` does; the options are those of the parser below

With --types the checkpoint has learnt one action more.
"""

import argparse
import sys
from pathlib import Path

from redraft_model.network.checkpoint_info import ALWAYS
from redraft_server import bridge, daemon, runtime
from redraft_server.access import Address
from redraft_server.engine.scheduler import Scheduler
from redraft_server.model_choice import ModelChoice
from redraft_server.network import Network
from redraft_server.server import serve_stdio


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("log", type=Path)
    parser.add_argument("what", choices=["join", "serve"])
    parser.add_argument("--without-unix-sockets", action="store_true")
    parser.add_argument("--types", action="store_true")
    parser.add_argument("--idle-seconds", type=float)
    parser.add_argument("--tcp", type=Address.parsed)
    parser.add_argument("--ws", type=Address.parsed)
    parser.add_argument("--token-file", type=Path)
    parser.add_argument("--allow-origin", action="append", default=[])
    parser.add_argument("--tls-cert", type=Path)
    parser.add_argument("--tls-key", type=Path)
    wanted = parser.parse_args()
    runtime.HAS_UNIX_SOCKETS = not wanted.without_unix_sockets
    engine = str(Path(__file__).with_name("fake_engine.py"))
    actions = (*ALWAYS, "types") if wanted.types else ALWAYS
    scheduler = Scheduler([sys.executable, engine, str(wanted.log)], actions)
    # The place of the daemon that a plain `redraft lsp` looks for.
    place = runtime.place_of(ModelChoice())
    if wanted.what == "join":
        command = [sys.executable, __file__, str(wanted.log), "serve", "--idle-seconds", "600"]
        if wanted.without_unix_sockets:
            command.append("--without-unix-sockets")
        if wanted.types:
            command.append("--types")
        return bridge.run(place, command, lambda: serve_stdio(scheduler))
    network = Network(
        wanted.tcp, wanted.ws, wanted.token_file, tuple(wanted.allow_origin), wanted.tls_cert, wanted.tls_key
    )
    return daemon.run(place, daemon.Serving(wanted.idle_seconds, network), scheduler)


if __name__ == "__main__":
    sys.exit(main())
