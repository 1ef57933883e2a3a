"""PyTorch's normal noise, drawn without PyTorch."""

from __future__ import annotations

import numpy as np

ROW = 16  # PyTorch turns 8 uniform numbers and the next 8 into 16 normal ones


def draw_noise(height: int, width: int, seed: int) -> np.ndarray:
    """x_T of one photo: ``torch.randn`` of a CPU generator with that seed.

    PyTorch's logarithm, sine and cosine round differently from processor to processor, by up to
    2.3e-6 where this was measured. The numbers here differ from PyTorch's by no more.

    Args:
        height, width: their product is a multiple of 16.
        seed: 0 to 2**64 - 1; PyTorch uses its low 32 bits.

    Returns:
        (1, 1, H, W) float32, standard normal.

    Raises:
        ValueError: The number of pixels is not a multiple of 16.
    """
    if height * width % ROW:
        raise ValueError(f"{height} x {width} is not a multiple of {ROW} pixels")
    twister = np.random.RandomState(seed & 0xFFFFFFFF)  # the same Mersenne Twister
    bits = twister.randint(0, 1 << 32, height * width, dtype=np.uint32) & 0xFFFFFF
    uniform = (bits.astype(np.float32) * np.float32(2**-24)).reshape(-1, ROW)
    radius = np.sqrt(np.float32(-2) * np.log(np.float32(1) - uniform[:, : ROW // 2]))
    angle = np.float32(2 * np.pi) * uniform[:, ROW // 2 :]
    normal = np.concatenate((radius * np.cos(angle), radius * np.sin(angle)), axis=1)
    return normal.reshape(1, 1, height, width)
