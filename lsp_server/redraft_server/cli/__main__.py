"""`python -m redraft_server.cli`: the same as the command `redraft`."""

import sys

from redraft_server.cli import main

sys.exit(main())
