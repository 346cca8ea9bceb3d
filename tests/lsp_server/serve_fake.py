"""The real language server with the fake engine: serve_fake.py LOG [--no-checkpoint]."""

import sys
from pathlib import Path

from redraft_server.server import serve_stdio

if __name__ == "__main__":
    serve_stdio([sys.executable, str(Path(__file__).with_name("fake_engine.py")), *sys.argv[1:]])
