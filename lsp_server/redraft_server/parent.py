"""Whether the editor that started the server is still alive. Knows nothing of LSP."""

import os
import sys
import threading
import time
from collections.abc import Callable

_SECONDS_BETWEEN_LOOKS = 1.0


def watch(pid: int, on_death: Callable[[], None]) -> None:
    """Call `on_death` from another thread when process `pid` is gone.

    Does nothing for a process that cannot be seen from here (the editor may live outside this container), nor
    on Windows, where a process cannot be asked without harming it; there the end of stdin has to do.
    """
    if sys.platform == "win32" or not is_alive(pid):
        return

    def look() -> None:
        while is_alive(pid):
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        on_death()

    threading.Thread(target=look, name="parent", daemon=True).start()


def is_alive(pid: int) -> bool:
    """Whether there is a process `pid` (not on Windows)."""
    if pid <= 0:
        return False
    try:
        # Signal 0 only asks.
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return True
