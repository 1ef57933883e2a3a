"""Conversion of images to tensors."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ppdcli.geometry.resize import to_planes


def to_tensor(rgb: np.ndarray) -> Tensor:
    """Converts (H, W, 3) uint8 to (1, 3, H, W) float32 in [0, 1]."""
    return torch.from_numpy(to_planes(rgb))
