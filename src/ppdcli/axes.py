"""Which way a cloud's axes point, by program; imports nothing heavy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np

Axes = Literal["opencv", "opengl", "blender"]

MEANING: dict[Axes, str] = {
    "opencv": "x right, y down, z forward",
    "opengl": "x right, y up, z backward",
    "blender": "x right, y forward, z up",
}

# Which of OpenCV's axes each one lies along, and whether it points the same way.
_ALONG: dict[Axes, tuple[tuple[int, int, int], tuple[int, int, int]]] = {
    "opencv": ((0, 1, 2), (1, 1, 1)),
    "opengl": ((0, 1, 2), (1, -1, -1)),
    "blender": ((0, 2, 1), (1, 1, -1)),
}


def from_opencv(vectors: np.ndarray, axes: Axes) -> np.ndarray:
    """(N, 3) float32 vectors in OpenCV's axes -> in others; the same array if nothing changes."""
    if axes == "opencv":
        return vectors
    order, signs = _ALONG[axes]
    return vectors[:, order] * _like(vectors, signs)


def to_opencv(vectors: np.ndarray, axes: Axes) -> np.ndarray:
    """(N, 3) float32 vectors in some axes -> in OpenCV's."""
    order, signs = _ALONG[axes]
    back = [order.index(axis) for axis in range(3)]
    return (vectors * _like(vectors, signs))[:, back]


def _like(vectors: np.ndarray, signs: tuple[int, int, int]) -> np.ndarray:
    import numpy as np

    return np.array(signs, vectors.dtype)
