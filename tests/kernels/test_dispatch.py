import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import redraft_kernels
import torch
from redraft_kernels import dispatch
from torch import Tensor

Choose = Callable[[str | None], None]


class OnGpu:
    """All that `use_triton` asks of a tensor, so that the rule can be tested without a GPU."""

    is_cuda = True
    device = torch.device("cuda", 0)


def check(expected: bool, *tensors: Any) -> None:
    assert dispatch.use_triton(*tensors) is expected


@pytest.fixture(autouse=True)
def _current_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "TRITON_IS_INSTALLED", True)
    monkeypatch.setattr(dispatch, "_triton_supports", lambda _: True)


@pytest.mark.parametrize("value", [None, "auto"])
def test_auto_runs_triton_on_the_gpu_and_the_reference_on_the_cpu(choose: Choose, value: str | None) -> None:
    choose(value)
    check(False, torch.ones(2))
    check(True, OnGpu())
    check(False, OnGpu(), torch.ones(2))


def test_auto_runs_the_reference_where_triton_is_missing(
    choose: Choose, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose("auto")
    monkeypatch.setattr(dispatch, "TRITON_IS_INSTALLED", False)
    check(False, OnGpu())


def test_auto_runs_the_reference_on_cards_triton_does_not_support(
    choose: Choose, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose("auto")
    monkeypatch.setattr(dispatch, "_triton_supports", lambda _: False)
    check(False, OnGpu())


@pytest.mark.parametrize(("capability", "expected"), [((7, 5), False), ((8, 0), True), ((12, 0), True)])
def test_triton_needs_a_card_of_capability_8(
    monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], expected: bool
) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: capability)
    assert dispatch._triton_supports.__wrapped__(OnGpu.device) is expected


def test_reference_is_the_reference_everywhere(choose: Choose) -> None:
    choose("reference")
    check(False, OnGpu())
    check(False, torch.ones(2))


def test_triton_without_triton_is_an_error_only_where_it_would_run(
    choose: Choose, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose("triton")
    monkeypatch.setattr(dispatch, "TRITON_IS_INSTALLED", False)
    check(False, torch.ones(2))
    with pytest.raises(RuntimeError, match="Triton is not installed; install it"):
        dispatch.use_triton(OnGpu())  # type: ignore[arg-type]


@pytest.mark.parametrize("is_interpreted", [True, False])
def test_triton_runs_on_the_cpu_only_when_interpreted(
    choose: Choose, monkeypatch: pytest.MonkeyPatch, is_interpreted: bool
) -> None:
    choose("triton")
    monkeypatch.setattr(dispatch, "IS_INTERPRETED", is_interpreted)
    check(is_interpreted, torch.ones(2))


def test_a_wrong_value_is_refused_with_a_sentence(choose: Choose) -> None:
    choose("cuda")
    with pytest.raises(ValueError, match="REDRAFT_KERNELS is 'cuda'; set it to auto, reference or triton"):
        dispatch.use_triton(torch.ones(2))


def test_the_choice_is_read_once(choose: Choose, monkeypatch: pytest.MonkeyPatch) -> None:
    choose("reference")
    assert dispatch.kernel_choice() == "reference"
    monkeypatch.setenv("REDRAFT_KERNELS", "triton")
    assert dispatch.kernel_choice() == "reference"


OPERATIONS: dict[str, Callable[[Tensor], Any]] = {
    "rms_norm": lambda x: redraft_kernels.rms_norm(x, x[0, 0, 0]),
    "rotary": lambda x: redraft_kernels.rotary(x, x[0, :, 0, :4], x[0, :, 0, 4:]),
    "block_attention": lambda x: redraft_kernels.block_attention(x, x, x),
    "region_attention": lambda x: redraft_kernels.region_attention(x, x, x),
    "cross_entropy": lambda x: redraft_kernels.cross_entropy(
        x[0, :, 0], torch.arange(x.shape[1], device=x.device)
    ),
}


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("value", ["reference", "triton"])
def test_public_operations_obey_the_choice(
    choose: Choose, device: torch.device, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    choose(value)
    module = sys.modules[f"redraft_kernels.{name}"]
    twin, calls = getattr(module, f"{name}_triton"), []

    def counted(*args: Any, **kwargs: Any) -> Any:
        calls.append(name)
        return twin(*args, **kwargs)

    monkeypatch.setattr(module, f"{name}_triton", counted)
    OPERATIONS[name](torch.randn(1, 5, 2, 8, device=device))
    assert calls == ([name] if value == "triton" else [])


def test_compiled_code_is_made_of_references(choose: Choose, device: torch.device) -> None:
    choose("triton")
    found = []

    @torch.compile(backend="aot_eager", fullgraph=True)
    def compiled(x: Tensor) -> Tensor:
        found.append(dispatch.use_triton(x))
        return redraft_kernels.rms_norm(x, x[0]) + 1

    x = torch.randn(5, 8, device=device)
    expected = redraft_kernels.rms_norm(x, x[0]) + 1
    torch.testing.assert_close(compiled(x), expected, rtol=1e-5, atol=1e-5)
    assert found == [False]
    assert dispatch.use_triton(x)


def test_everything_works_without_triton() -> None:
    program = """
import sys
sys.modules["triton"] = None
import torch, redraft_kernels as ops
x = torch.randn(1, 5, 2, 8, requires_grad=True)
cos, sin = ops.rotary_angles(torch.arange(5), 8)
y = ops.rotary(ops.rms_norm(x, torch.ones(8)), cos, sin)
y = ops.block_attention(y, y, y, block_size=2)
ops.cross_entropy(y[0, :, 0], torch.arange(5)).sum().backward()
print(bool(x.grad.isfinite().all()))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.stdout, done.returncode) == ("True\n", 0), done.stderr
