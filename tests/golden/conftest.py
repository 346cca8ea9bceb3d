"""The bundled checkpoint, loaded once."""

import pytest
import torch
from redraft_model.engine import Engine


@pytest.fixture(scope="session")
def engine() -> Engine:
    """The engine as the product loads it, on the processor."""
    # Files this small gain nothing from a second thread, and lose much when the cores are busy.
    torch.set_num_threads(1)
    return Engine.load(None, "cpu")
