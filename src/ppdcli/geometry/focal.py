"""The camera of a MoGe point map (arXiv 2410.19115): focal length and depth shift."""

from __future__ import annotations

import math
from typing import NoReturn

import numpy as np

from ppdcli.errors import InputError

SAMPLES = 64  # side of the subsampled map
MIN_SAMPLES = 16  # of 4096; a meaningful fit of two unknowns needs far more than two pixels
TRAINED_FOV_DEGREES = (1.0, 179.0)  # range in MoGe-2's training (fov_range_absolute)


def recover_focal_shift(
    points: np.ndarray, mask: np.ndarray | None = None, focal: float | None = None
) -> tuple[float, float]:
    """Fits a pinhole camera with a central principal point to a point map.

    Args:
        points: (H, W, 3), x right, y down, z forward. z is up to a shift, all up to one scale.
        mask: (H, W) bool, the valid pixels of ``points``; None for all.
        focal: The focal length, if it is known.

    Returns:
        The focal length, in half image diagonals, and the shift to add to z.

    Raises:
        InputError: too few pixels, a point that is not finite, points behind the camera, or a
            field of view along the longer side outside 1..179 degrees. The caller knows the way on.
        ValueError: ``focal`` is not positive.
    """
    if focal is not None and not 0 < focal < math.inf:
        raise ValueError(f"focal must be positive and finite: {focal}")

    def refuse(cause: str) -> NoReturn:
        what = "camera estimate failed" if focal is None else "depth does not fit the camera"
        raise InputError(f"MoGe-2's {what}: {cause}")

    xyz, uv = subsampled(points, mask)
    if len(xyz) < MIN_SAMPLES:
        refuse(f"only {len(xyz)} of {SAMPLES**2} sampled pixels have depth")
    if not np.isfinite(xyz).all():
        refuse("some of its points are not finite")
    fitted, shift = fit_focal_shift(xyz, uv, focal)
    if not (math.isfinite(fitted) and math.isfinite(shift)):
        refuse("no camera fits its points")
    in_front = float((xyz[:, 2] + shift > 0).mean())
    if in_front < 0.5:  # a few outliers are normal
        refuse(f"{1 - in_front:.0%} of its points are behind the camera")
    if fitted <= 0:
        refuse(f"the fitted focal length is negative ({fitted:.3g})")
    if focal is None:
        degrees = math.degrees(2 * math.atan(max(half_extents(*points.shape[:2])) / fitted))
        low, high = TRAINED_FOV_DEGREES
        if not low <= degrees <= high:
            refuse(f"the fitted field of view is {degrees:.4g} degrees")
    return fitted, shift


def half_extents(height: int, width: int) -> tuple[float, float]:
    """Returns half the width and half the height, in half diagonals."""
    diagonal = math.hypot(width, height)
    return width / diagonal, height / diagonal


def subsampled(points: np.ndarray, mask: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Returns the valid points among 64 x 64 pixels, and the positions of those pixels.

    Returns:
        (K, 3) float64 points, and (K, 2) float64 view coordinates u and v of pixel centres:
        (0, 0) at the image centre, its corners at distance 1.
    """
    height, width = points.shape[:2]
    # Like torch's mode "nearest": the upper left pixel of each cell, not the central one.
    rows = np.arange(SAMPLES) * height // SAMPLES
    columns = np.arange(SAMPLES) * width // SAMPLES
    span_u, span_v = half_extents(height, width)
    u, v = np.meshgrid(
        span_u * ((2 * columns + 1) / width - 1), span_v * ((2 * rows + 1) / height - 1)
    )
    at = np.ix_(rows, columns)
    kept = np.ones((SAMPLES, SAMPLES), bool) if mask is None else mask[at]
    return points[at][kept].astype(np.float64), np.stack((u, v), axis=-1)[kept]


def fit_focal_shift(xyz: np.ndarray, uv: np.ndarray, focal: float | None) -> tuple[float, float]:
    """Least squares of focal * xy / (z + shift) - uv, by Levenberg-Marquardt from shift 0.

    For a given shift the best focal length has a closed form, so only the shift is optimised. The
    caller must check that the result makes sense.

    Args:
        xyz: (K, 3) finite points.
        uv: (K, 2) view coordinates of their pixels.
        focal: In the unit of ``uv``; None to fit it too.

    Returns:
        The given or fitted focal length, and the shift; NaN if the optimisation diverges.
    """
    from scipy.optimize import least_squares  # here, because the import takes a second

    xy, z = xyz[:, :2], xyz[:, 2:]

    def projected(shift: float) -> tuple[float, np.ndarray]:
        slopes = xy / (z + shift)
        best = (slopes * uv).sum() / (slopes**2).sum() if focal is None else focal
        return float(best), best * slopes

    def residuals(shift: np.ndarray) -> np.ndarray:
        return (projected(shift[0])[1] - uv).ravel()

    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if not np.isfinite(residuals(np.zeros(1))).all():
            return math.nan, math.nan
        # MoGe's own tolerance: another would change the result by more than the goldens allow.
        shift = float(least_squares(residuals, 0.0, method="lm", ftol=1e-3).x[0])
        return projected(shift)[0], shift
