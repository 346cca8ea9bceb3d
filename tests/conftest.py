"""What must be true before the first test module is imported.

Without a GPU, Triton kernels are tested in Triton's interpreter. A kernel becomes interpreted when it is
defined, so the variable has to be set before any test, in whatever folder, imports redraft_kernels.
Operations still run their references by default: see redraft_kernels.dispatch.
"""

import os

import torch

if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")
