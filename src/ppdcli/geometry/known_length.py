"""The scale of a cloud from the true distance of two of its points."""

from __future__ import annotations

import math

import numpy as np

from ppdcli.errors import InputError

SMALLEST, LARGEST = 1e-6, 1e6  # factors that are tried
HALVINGS = 200  # of the interval between them, on a logarithmic scale


def scale_of(first: np.ndarray, second: np.ndarray, metres: float) -> float:
    """Returns the factor that a metric cloud is multiplied by.

    Args:
        first, second: (3,) points of the cloud.
        metres: Their true distance, > 0.

    Raises:
        InputError: The points are the same.
    """
    distance = float(np.linalg.norm(np.asarray(first, float) - np.asarray(second, float)))
    if not distance > 0:
        raise InputError("the two points are the same; choose two that are apart")
    return metres / distance


def near_far_of_length(
    first: np.ndarray, second: np.ndarray, near_far: tuple[float, float], metres: float
) -> tuple[float, float]:
    """Returns the nearest and the farthest depth that put two points at their true distance.

    One length gives one number, but a relative map needs two: depth is affine in log(depth + 1).
    So it is assumed that the farthest point stays as many times as far away as the nearest one.
    The points move along their rays (see ``geometry.scale.near_far_depth``).

    Args:
        first, second: (3,) points in the axes of the camera (z along its axis), of a relative map
            that was placed between ``near_far``.
        near_far: Depths of the nearest and the farthest point of that map, 0 < near < far.
        metres: True distance of the two points, > 0.

    Raises:
        InputError: The points are the same, or no scale puts them so far apart.
    """
    near, far = near_far
    points = np.asarray([first, second], float)
    if not np.linalg.norm(points[0] - points[1]) > 0:
        raise InputError("the two points are the same; choose two that are apart")
    depth = points[:, 2]
    rays = points / depth[:, None]
    share = (np.log1p(depth) - math.log1p(near)) / (math.log1p(far) - math.log1p(near))

    def distance(factor: float) -> float:
        low, high = math.log1p(near * factor), math.log1p(far * factor)
        placed = rays * np.expm1(low + share * (high - low))[:, None]
        return float(np.linalg.norm(placed[0] - placed[1]))

    low, high = math.log(SMALLEST), math.log(LARGEST)
    if not distance(SMALLEST) < metres < distance(LARGEST):
        raise InputError(f"no scale puts the two points {metres:g} m apart; choose other points")
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if distance(math.exp(middle)) < metres else (low, middle)
    factor = math.exp((low + high) / 2)
    return near * factor, far * factor
