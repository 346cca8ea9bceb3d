"""The real language server with the fake engine: serve_fake.py LOG [--no-checkpoint] [--uncalibrated] [--types].

With --types the checkpoint has learnt one action more.
"""

import sys
from pathlib import Path

from redraft_model.network.checkpoint_info import ALWAYS
from redraft_server.engine.scheduler import Scheduler
from redraft_server.server import serve_stdio

if __name__ == "__main__":
    engine = str(Path(__file__).with_name("fake_engine.py"))
    actions = (*ALWAYS, "types") if "--types" in sys.argv else ALWAYS
    serve_stdio(Scheduler([sys.executable, engine, *sys.argv[1:]], actions))
