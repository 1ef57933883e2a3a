"""From relative depth to metres if the user gives the nearest and the farthest depth."""

from __future__ import annotations

import math

import numpy as np

from ppdcli.errors import InputError, UsageError


def near_far_depth(relative: np.ndarray, near: float, far: float) -> np.ndarray:
    """Stretches a relative map so that its minimum is ``near`` and its maximum is ``far``.

    A relative map is affine in log(depth + 1) (paper section 3.1), so the interpolation is done
    there: depth = exp(lerp(log(near + 1), log(far + 1), u)) - 1 with u = (d - min) / (max - min).

    Args:
        relative: (H, W) relative depth, 0 near, 1 far; NaN at pixels without depth.
        near: Depth of the nearest valid pixel, metres, > 0.
        far: Depth of the farthest valid pixel, metres, > near.

    Returns:
        (H, W) float32 depth in metres, NaN where ``relative`` is not finite.

    Raises:
        UsageError: 0 < near < far does not hold.
        InputError: There is no valid pixel, or all are equal.
    """
    if not (0 < near < far and math.isfinite(far)):
        raise UsageError(f"near and far {near:g},{far:g}: 0 < near < far is needed, in metres")
    valid = np.isfinite(relative)
    if not valid.any():
        raise InputError("the depth map has no valid pixel, so near and far cannot be assigned")
    low, high = _ends(relative, valid)
    if low == high:
        raise InputError(f"the depth map is constant ({low:g}), so near and far cannot be assigned")
    depth = relative.astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):  # where it is not valid
        depth -= low
        depth /= high - low
        depth *= math.log1p(far) - math.log1p(near)
        depth += math.log1p(near)
        np.expm1(depth, out=depth)
    depth[~valid] = np.nan
    return depth.astype(np.float32)


def _ends(values: np.ndarray, valid: np.ndarray) -> tuple[float, float]:
    """The least and the largest valid value."""
    least = values.min(where=valid, initial=np.inf)
    return float(least), float(values.max(where=valid, initial=-np.inf))


def relative_again(depth: np.ndarray, relative: np.ndarray, near: float, far: float) -> np.ndarray:
    """Inverts ``near_far_depth(relative, near, far)`` for depths between ``near`` and ``far``.

    Args:
        depth: (H, W) metres.
        relative: The map that was stretched.
        near, far: As in ``near_far_depth``.

    Returns:
        (H, W) float32 relative depth.
    """
    valid = np.isfinite(relative)
    low, high = _ends(relative, valid)
    u = (np.log1p(depth) - math.log1p(near)) / (math.log1p(far) - math.log1p(near))
    return (low + u * (high - low)).astype(np.float32)
