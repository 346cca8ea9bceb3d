"""Compiles every Triton kernel for one CUDA generation, which needs no GPU: `compile_kernels.py 90`.

Prints a line per kernel: operation, kernel, float type, bytes of shared memory. Used by
test_kernels_compile.py.
"""

import sys
from typing import Any

import torch

ROWS = {"BLOCK_N": 4, "BLOCK_D": 512}
VOCABULARY = {"HAS_FORBIDDEN": True, "BLOCK_V": 4096}
ATTENTION = {"HAS_VISIBLE": True, "HAS_KEY_LENGTHS": True, "IS_BLOCK_CAUSAL": True, "WIDEN": False}
REGION = {
    "N_CONTEXTS": 2,
    "HAS_KEY_LENGTHS": True,
    "HAS_LENGTHS_1": True,
    "HAS_LENGTHS_2": True,
    "WIDEN": False,
}
# The rest by their names' ends: other pointers have the case's float type, other arguments are int32.
TYPES = {
    "inverse_rms_ptr": "*fp32",
    "cos_ptr": "*fp32",
    "sin_ptr": "*fp32",
    "confidences_ptr": "*fp32",
    "entropies_ptr": "*fp32",
    "weights_ptr": "*fp32",
    "loss_ptr": "*fp32",
    "log_total_ptr": "*fp32",
    "grad_loss_ptr": "*fp32",
    "grad_weight_ptr": "*fp32",
    "targets_ptr": "*i64",
    "proposals_ptr": "*i64",
    "key_lengths_ptr": "*i64",
    "lengths_1_ptr": "*i64",
    "lengths_2_ptr": "*i64",
    "is_forbidden_ptr": "*i8",
    "visible_ptr": "*i8",
    "eps": "fp32",
    "scale": "fp32",
    "direction": "fp32",
}
BF16, FP32 = torch.bfloat16, torch.float32


def cases() -> list[tuple[str, str, torch.dtype, dict[str, Any]]]:
    # Only now, after main has decided that the kernels are defined.
    from redraft_kernels.block_attention import _tile
    from redraft_kernels.region_attention import _tile as region_tile

    tiles, region_tiles = ("BLOCK_Q", "BLOCK_K", "BLOCK_D"), ("BLOCK_R", "BLOCK_K", "BLOCK_D")
    return [
        ("rms_norm", "_rms_norm_kernel", BF16, ROWS),
        ("rms_norm", "_rms_norm_backward_kernel", BF16, ROWS),
        ("rotary", "_rotary_kernel", BF16, {"BLOCK_H": 8, "BLOCK_R": 32}),
        ("cross_entropy", "_cross_entropy_kernel", BF16, {"HAS_WEIGHTS": True, **VOCABULARY}),
        ("cross_entropy", "_cross_entropy_backward_kernel", BF16, {"HAS_WEIGHTS": True, **VOCABULARY}),
        *(
            (
                "block_attention",
                "_block_attention_kernel",
                dtype,
                ATTENTION | dict(zip(tiles, _tile(1000, width, dtype.itemsize), strict=True)),
            )
            for dtype, width in ((BF16, 64), (BF16, 128), (FP32, 64))
        ),
        *(
            (
                "region_attention",
                "_region_attention_kernel",
                dtype,
                REGION | dict(zip(region_tiles, region_tile(100, width, dtype.itemsize), strict=True)),
            )
            for dtype, width in ((BF16, 128), (FP32, 64))
        ),
    ]


def compile_all(capability: int) -> None:
    """Compile every kernel for a CUDA generation and print the bytes of shared memory it wants."""
    from triton import compile as triton_compile
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    for module, kernel, dtype, constants in cases():
        function = getattr(sys.modules[f"redraft_kernels.{module}"], kernel)
        floats = "*bf16" if dtype == BF16 else "*fp32"
        signature = {}
        for name in function.arg_names:
            default = floats if name.endswith("_ptr") else "i32"
            signature[name] = "constexpr" if name in constants else TYPES.get(name, default)
        source = ASTSource(
            fn=function,
            signature=signature,
            constexprs={(function.arg_names.index(name),): value for name, value in constants.items()},
        )
        compiled = triton_compile(source, target=GPUTarget("cuda", capability, 32))
        print(module, kernel, str(dtype).removeprefix("torch."), compiled.metadata.shared)


def main() -> None:
    # The package defines its kernels only where it sees a GPU to run them on.
    torch.cuda.is_available = lambda: True
    compile_all(int(sys.argv[1]))


if __name__ == "__main__":
    main()
