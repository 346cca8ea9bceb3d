"""The command `redraft`. One command per file; results go to stdout, talk to stderr.

Importing this loads neither torch nor the model: the engine is imported by the command that runs it. It does
not even load the commands: an editor that starts `redraft lsp` is kept waiting by everything that is loaded.
"""

import sys
from collections.abc import Sequence

from redraft_server.cli import streams


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line `arguments` (default: this process's) and return the exit code."""
    streams.prepare()
    words = sys.argv[1:] if arguments is None else list(arguments)
    if words[:1] == ["lsp"]:
        from redraft_server.cli import joining

        wanted = joining.understood(words)
        if wanted is not None and streams.can_converse():
            return joining.join(wanted)
    from redraft_server.cli.app import run

    return run(words)
