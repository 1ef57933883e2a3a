"""Which weights may be kept in half precision, and which stay in float32."""

from __future__ import annotations

import torch
from torch import nn

HALVED = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)  # what autocast computes in half precision


def keep_weights_in(module: nn.Module, dtype: torch.dtype) -> None:
    """Changes the dtype of the matrices that autocast would cast at every call; nothing else.

    Cast once instead, they give the same numbers and take half the memory. Tables, norms and
    modules with a true ``computes_in_float32`` (they leave autocast) keep theirs.

    Args:
        module: changed in place; on the meta device nothing is computed, and the weights that are
            loaded into it afterwards take the dtypes set here.
        dtype: float32, bfloat16 or float16.
    """
    for child in module.children():
        if getattr(child, "computes_in_float32", False):
            continue
        if isinstance(child, HALVED):
            child.to(dtype)
        keep_weights_in(child, dtype)
