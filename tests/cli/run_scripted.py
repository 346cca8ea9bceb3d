"""The command `redraft` as a process of its own, with the engine that follows a script.

With PACE set, each repair first writes a line into that file.
"""

import os
import sys
from pathlib import Path

from conftest import ScriptedEngine
from redraft_server import loading
from redraft_server.cli import main


class PacedEngine(ScriptedEngine):
    def repair(self, source, **options):
        if pace := os.environ.get("PACE"):
            with Path(pace).open("a") as file:
                file.write("repair\n")
        return super().repair(source, **options)


loading.open_engine = lambda checkpoint, device: PacedEngine()
sys.exit(main())
