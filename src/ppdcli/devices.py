"""Devices and precisions."""

from __future__ import annotations

import ctypes
import re
import sys
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from ppdcli.errors import UsageError
from ppdcli.machine import processor_features

if TYPE_CHECKING:
    import torch  # in functions elsewhere: names are checked before anything heavy is imported

Precision = Literal["fp32", "bf16", "fp16"]

VOLTA = (7, 0)  # CUDA's compute capability from which fp16 products are fast
FAST_BF16 = {"amx_bf16", "avx512_bf16"}  # Linux's names of what multiplies bf16 on a processor
DEVIATION = "0.2 to 0.4 % of its range on average, more at edges"  # of bf16 from fp32, on CPUs


def check_names(device: str, precision: str) -> None:
    """Checks the names of a device and a precision, without looking at this machine.

    Raises:
        UsageError: A name is misspelt.
    """
    if not re.fullmatch(r"auto|cpu|mps|cuda(:(0|[1-9][0-9]?))?", device):
        raise UsageError(f"device {device!r}: give auto, cpu, cuda, cuda:1 or mps")
    if precision not in ("auto", *get_args(Precision)):
        raise UsageError(f"precision {precision!r}: give auto, {', '.join(get_args(Precision))}")


def choose_device(name: str) -> torch.device:
    """The device of that name. ``auto`` takes CUDA, else MPS, else the CPU.

    Raises:
        UsageError: There is no such device, or not on this machine.
    """
    import torch

    check_names(name, "auto")
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    device = torch.device(name)
    if device.type == "cuda":
        count = torch.cuda.device_count()
        if (device.index or 0) >= count:
            raise UsageError(f"device {name}: this machine has {count} CUDA devices; try auto")
    elif device.type == "mps" and not torch.backends.mps.is_available():
        raise UsageError("device mps: not on this machine; try auto")
    return device


def choose_precision(name: str, device: torch.device, large: bool) -> Precision:
    """The precision of that name. ``auto`` takes what is fast and safe on the device:

    - CUDA: bf16 if the card multiplies it natively (Ampere, 2020, and later). Older cards from
      Volta on take fp16, and the predictor falls back to fp32 if a photo overflows. Others: fp32.
    - CPU: see ``processor_precision``.
    - MPS: fp32.

    Args:
        large: Whether the model is large (``Family.large``).

    Raises:
        UsageError: no such precision.
    """
    import torch

    check_names("auto", name)
    if name != "auto":
        return name  # type: ignore[return-value]
    if device.type == "cpu":
        return processor_precision(processor_features(), large)
    if device.type != "cuda":
        return "fp32"
    if multiplies_bf16(device):
        return "bf16"
    return "fp16" if torch.cuda.get_device_capability(device) >= VOLTA else "fp32"


def processor_precision(features: AbstractSet[str], large: bool) -> Precision:
    """What ``auto`` takes on a processor.

    bf16 for a large model, if the processor multiplies it. Compared with fp32, a prediction takes
    about 0.3 of the time with AMX, and a step 0.56 of the time with AVX-512 BF16. Depth changes by
    ``DEVIATION``. A small model is quick in fp32, which is exact.

    Args:
        features: Linux's names of what the processor can do (``machine.processor_features``).
        large: As in ``choose_precision``.
    """
    return "bf16" if large and features & FAST_BF16 else "fp32"


def stated_deviation(precision: Precision, device: str) -> str | None:
    """How far depth is from that of fp32, where it has been measured: bf16 on a processor."""
    return DEVIATION if (precision, device) == ("bf16", "cpu") else None


def expected_precision(name: str, device: str, large: bool) -> Precision:
    """What ``choose_precision`` would return for the device of that name.

    It imports PyTorch, which takes seconds, only if there may be a graphics card.

    Raises:
        UsageError: no such device or precision, or no such device on this machine.
    """
    check_names(device, name)
    if device == "cpu" or (device == "auto" and (name != "auto" or not may_have_cuda())):
        if name == "auto":
            return processor_precision(processor_features(), large)
        return name  # type: ignore[return-value]
    return choose_precision(name, choose_device(device), large)


def may_have_cuda() -> bool:
    """Whether PyTorch could find a CUDA device: there is NVIDIA's driver library, or the device
    file of AMD's cards, which PyTorch calls by the same name."""
    if sys.platform == "darwin":
        return False
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return sys.platform == "win32" or Path("/dev/kfd").exists()
    return True


def dtype_of(precision: Precision) -> torch.dtype:
    """The dtype of that name."""
    import torch

    dtypes = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
    return dtypes[precision]


def free_memory(device: torch.device) -> int | None:
    """Bytes that PyTorch can still allocate on a CUDA card; None on other devices."""
    import torch

    if device.type != "cuda":
        return None
    kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return torch.cuda.mem_get_info(device)[0] + kept


def lacks_memory(error: Exception) -> bool:
    """Whether an error means that memory is short. On a CPU, PyTorch has no exception type for it,
    and OpenCV never has one."""
    import torch

    said = ("out of memory", "allocate memory", "insufficient memory")
    typed = isinstance(error, MemoryError | torch.OutOfMemoryError)
    return typed or any(words in str(error).lower() for words in said)


def finish(device: torch.device) -> None:
    """Waits until the device has finished: it works asynchronously."""
    import torch

    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def training_dtype(device: torch.device) -> torch.dtype:
    """The dtype of the large matrix products in training: bf16 if it is native, else float32."""
    import torch

    return torch.bfloat16 if multiplies_bf16(device) else torch.float32


def multiplies_bf16(device: torch.device) -> bool:
    """Whether bf16 products are native. Emulated ones are several times slower than float32."""
    import torch

    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "cpu":
        return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return False
