"""Decides which weights are kept in half precision and which stay in float32."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn

HALVED = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)  # autocast computes these in half precision


def without_autocast(x: Tensor) -> AbstractContextManager[object]:
    """Inside, nothing is cast on the device of ``x``. The meta device has no autocast."""
    if x.device.type == "meta":
        return nullcontext()
    return torch.autocast(x.device.type, enabled=False)


def keep_weights_in(module: nn.Module, dtype: torch.dtype) -> None:
    """Casts only those weight matrices that autocast would cast at every call.

    Casting them once gives the same numbers and halves their memory. Tables, norms and modules with
    a true ``computes_in_float32`` (they disable autocast) keep their dtype.

    Args:
        module: Changed in place. On the meta device nothing is computed, and weights that are
            loaded into the module later take the dtypes set here.
        dtype: float32, bfloat16 or float16.
    """
    for child in module.children():
        if getattr(child, "computes_in_float32", False):
            continue
        if isinstance(child, HALVED):
            child.to(dtype)
        keep_weights_in(child, dtype)
