"""Which device computes, and in which precision."""

from __future__ import annotations

from typing import Literal, get_args

import torch

from ppdcli.errors import UsageError

Precision = Literal["fp32", "bf16", "fp16"]
DTYPES: dict[Precision, torch.dtype] = {
    "fp32": torch.float32,
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
}


def choose_device(name: str) -> torch.device:
    """``auto``: CUDA before MPS before the CPU; else the device named.

    Raises:
        UsageError: no such device, or not on this machine.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise UsageError(f"device {name!r}: give auto, cpu, cuda, cuda:1 or mps") from None
    if device.type == "cuda":
        count = torch.cuda.device_count()
        if (device.index or 0) >= count:
            raise UsageError(f"device {name}: this machine has {count} CUDA devices; try auto")
    elif device.type == "mps":
        if not torch.backends.mps.is_available():
            raise UsageError("device mps: not on this machine; try auto")
    elif device.type != "cpu":
        raise UsageError(f"device {name!r}: give auto, cpu, cuda, cuda:1 or mps")
    return device


def choose_precision(name: str, device: torch.device) -> Precision:
    """``auto``: bf16 on CUDA cards that have it natively, else fp32, which is safe everywhere.

    Raises:
        UsageError: no such precision.
    """
    if name == "auto":
        native = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
        return "bf16" if native else "fp32"
    if name not in get_args(Precision):
        raise UsageError(f"precision {name!r}: give auto, {', '.join(get_args(Precision))}")
    return name  # type: ignore[return-value]
