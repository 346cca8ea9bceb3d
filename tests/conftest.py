"""What must be true before the first test module is imported, and what every folder's tests may use.

Without a GPU, Triton kernels are tested in Triton's interpreter. A kernel becomes interpreted when it is
defined, so the variable has to be set before any test, in whatever folder, imports redraft_kernels.
Operations still run their references by default: see redraft_kernels.dispatch.

No test depends on how fast the machine is. What waits, waits for an event; a limit of minutes is there only for
what would otherwise hang.
"""

import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import hypothesis
import pytest
import torch

SECONDS = 300
NOBODY = 65534
IS_ROOT = hasattr(os, "setresuid") and os.geteuid() == 0

if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")

# By default hypothesis fails what takes long.
hypothesis.settings.register_profile(
    "redraft", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("redraft")


@pytest.fixture
def folder_of_nobody() -> Iterator[Path]:
    """A folder of a user who may not read everything; root may."""
    with tempfile.TemporaryDirectory(prefix="redraft-test-") as name:
        if IS_ROOT:
            os.chown(name, NOBODY, NOBODY)
        yield Path(name)


@pytest.fixture
def as_nobody() -> Callable[[], AbstractContextManager[None]]:
    """Takes root's rights away for a while."""

    @contextmanager
    def without_rights() -> Iterator[None]:
        if not IS_ROOT:
            yield
            return
        os.setresuid(NOBODY, NOBODY, 0)
        try:
            yield
        finally:
            os.setresuid(0, 0, 0)

    return without_rights


@pytest.fixture
def hang_guard() -> Iterator[None]:
    """Fails a test that is still at work when it could only be going round in circles."""
    if not hasattr(signal, "SIGALRM"):
        yield
        return

    def give_up(*_: object) -> None:
        pytest.fail(f"not done after {SECONDS} seconds")

    previous = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, previous)
