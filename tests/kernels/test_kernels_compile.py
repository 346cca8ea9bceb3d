"""The interpreter forgives what the compiler refuses; compiling needs no GPU, so that is tested too."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from redraft_kernels import dispatch

# The generation with the least shared memory, and one whose matrix instructions read from shared memory.
CAPABILITIES = (86, 90)
SHARED_MEMORY = 99 * 1024
SCRIPT = Path(__file__).with_name("compile_kernels.py")
OPERATIONS = {"rms_norm", "rotary", "block_attention", "region_attention", "cross_entropy"}


@pytest.mark.skipif(not dispatch.TRITON_IS_INSTALLED, reason="needs Triton")
@pytest.mark.parametrize("capability", CAPABILITIES)
def test_kernels_compile_and_fit_the_card(tmp_path: Path, capability: int) -> None:
    # In a process of its own: in this one the kernels may have been defined for the interpreter.
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    done = subprocess.run(
        [sys.executable, SCRIPT, str(capability)],
        env=environment | {"TRITON_CACHE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert {operation for operation, *_ in lines} == OPERATIONS
    assert {kernel: int(shared) for _, kernel, _, shared in lines if int(shared) > SHARED_MEMORY} == {}
