"""The command `redraft` as a process of its own, with the engine that follows a script.

With PACE set, each repair first writes a line into that file. With CONFIDENCE set, the engine is calibrated, and as sure
of each repair as it says. With REPAIRED set, that is the repair of every source. With FINGERPRINT set, its answers are remembered.
"""

import os
import sys
from dataclasses import replace
from pathlib import Path

from conftest import ScriptedEngine
from redraft_server import loading
from redraft_server.cli import main


class ToldEngine(ScriptedEngine):
    def __init__(self):
        super().__init__()
        if confidence := os.environ.get("CONFIDENCE"):
            self.confidence = float(confidence)
            self.about = replace(self.about, is_calibrated=True)
        if repaired := os.environ.get("REPAIRED"):
            self.repairs = lambda source: repaired

    def repair(self, source, **options):
        if pace := os.environ.get("PACE"):
            with Path(pace).open("a") as file:
                file.write("repair\n")
        return super().repair(source, **options)


loading.open_engine = lambda choice: ToldEngine()
# What the engine has answered is remembered only where a test says for which engine.
loading.fingerprint = lambda choice: os.environ.get("FINGERPRINT")
sys.exit(main())
