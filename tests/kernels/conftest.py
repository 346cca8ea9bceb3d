"""Every kernel test runs on the GPU if there is one, else in Triton's interpreter, with poisoned memory."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from redraft_kernels import dispatch
from torch import Tensor


@pytest.fixture
def device() -> torch.device:
    """Where the Triton twin runs."""
    if not dispatch.TRITON_CAN_RUN:
        pytest.skip("needs Triton, and a GPU or TRITON_INTERPRET=1")
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


@pytest.fixture(autouse=True)
def _seeded_and_poisoned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seed random inputs, and fill new memory with NaN, so that an element no kernel wrote is seen."""
    torch.manual_seed(0)

    def poisoned(make: Any) -> Any:
        def made(*args: Any, **kwargs: Any) -> Tensor:
            tensor: Tensor = make(*args, **kwargs)
            return tensor.fill_(torch.nan if tensor.is_floating_point() else -1)

        return made

    monkeypatch.setattr(torch, "empty", poisoned(torch.empty))
    monkeypatch.setattr(torch, "empty_like", poisoned(torch.empty_like))


@pytest.fixture
def choose(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Sets REDRAFT_KERNELS for one test: `choose("triton")`, or `choose(None)` to unset it."""

    def chosen(value: str | None) -> None:
        if value is None:
            monkeypatch.delenv("REDRAFT_KERNELS", raising=False)
        else:
            monkeypatch.setenv("REDRAFT_KERNELS", value)
        dispatch.kernel_choice.cache_clear()

    yield chosen
    dispatch.kernel_choice.cache_clear()
