"""Decides where the transformer's blocks use the fused kernels for graphics cards."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec

import torch
from torch import Tensor


def uses_kernels(x: Tensor, head_dim: int) -> bool:
    """Returns whether a block with the tokens x runs on the kernels of ``fused_kernels``.

    They compute in half precision without a gradient, on a CUDA card. A compiler or an exporter
    needs PyTorch's own operations instead.
    """
    return (
        not torch.compiler.is_compiling()
        and x.is_cuda
        and torch.is_autocast_enabled("cuda")
        and not torch.is_grad_enabled()
        and has_triton()
        and head_dim >= 4
        and head_dim & (head_dim - 1) == 0
    )


@cache
def has_triton() -> bool:
    """Returns whether Triton is installed; PyTorch brings it along for CUDA on Linux."""
    return find_spec("triton") is not None
