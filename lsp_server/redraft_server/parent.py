"""Whether the process of an editor is still alive. Knows nothing of LSP."""

import os
import sys
import threading
import time
from collections.abc import Callable

SECONDS_BETWEEN_LOOKS = 1.0


def watch(pid: int, on_death: Callable[[], None]) -> None:
    """Call `on_death` from another thread when process `pid` is gone.

    Does nothing for a process that cannot be seen from here (the editor may live outside this container), nor
    on Windows, where a process cannot be asked without harming it; there the end of stdin has to do.
    """
    if is_visible(pid):
        _watch(lambda: is_alive(pid), on_death)


def watch_own(on_death: Callable[[], None]) -> None:
    """Call `on_death` from another thread when the process that started this one is gone; not on Windows."""
    if sys.platform != "win32":
        pid = os.getppid()
        # Who has lost its parent gets another one.
        _watch(lambda: os.getppid() == pid, on_death)


def is_visible(pid: int) -> bool:
    """Whether process `pid` can be watched from here."""
    return sys.platform != "win32" and is_alive(pid)


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


def _watch(is_there: Callable[[], bool], on_death: Callable[[], None]) -> None:
    def look() -> None:
        while is_there():
            time.sleep(SECONDS_BETWEEN_LOOKS)
        on_death()

    threading.Thread(target=look, name="parent", daemon=True).start()
