"""Rendered pictures with their depth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# The sky's depth in metres. It is within the 80 m that the training target's percentiles include,
# and behind the farthest tree.
SKY_DEPTH = 75.0


@dataclass(frozen=True)
class Samples:
    """Scenes of one shape: rgb (n, H, W, 3) uint8; depth (n, H, W) float32 metres."""

    rgb: np.ndarray
    depth: np.ndarray
