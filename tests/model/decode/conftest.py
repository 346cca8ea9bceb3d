"""What several tests of decoding need."""

from pathlib import Path

import pytest
import torch
from redraft_model.network.base import Base, load_base
from redraft_model.network.gguf import convert


@pytest.fixture(scope="package")
def base(tiny_gguf: Path, tmp_path_factory: pytest.TempPathFactory) -> Base:
    """A small llama with random weights, large enough that every token matters to those behind it."""
    folder = tmp_path_factory.mktemp("base")
    convert(tiny_gguf, folder, origin={})
    base = load_base(folder, torch.device("cpu"))
    for parameter in base.model.parameters():
        if parameter.ndim == 2:
            parameter.mul_(2)
    return base
