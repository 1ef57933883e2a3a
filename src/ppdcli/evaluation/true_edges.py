"""Edges of a true depth map, found automatically, and the pixels near them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from ppdcli.errors import UsageError

APERTURES = (3, 5, 7)
FINENESS = 1000  # Canny works on integers: steps per unit of log depth


@dataclass(frozen=True)
class EdgeSettings:
    """Definition of edges, and of the pixels near them that are measured.

    Attributes:
        canny_low, canny_high: Thresholds of Canny's hysteresis, as steps of log depth. A clean
            step from 1 m to 1.1 m has log(1.1) = 0.095, and so has one from 10 m to 11 m. A
            gradient without a step counts as the step with the same Sobel response.
        aperture: Aperture of the Sobel operator: 3, 5 or 7 pixels.
        dilation: Pixels around an edge that belong to its band, in rows, columns and diagonals.
        samples: Largest number of pixels, in each direction, from which distances are measured.
            Larger sets are subsampled at random. Neighbours are searched among all points of the
            other side.
        unit: Unit of the depth maps.

    Raises:
        UsageError: A value is out of its range.
    """

    canny_low: float = 0.05
    canny_high: float = 0.1
    aperture: int = 3
    dilation: int = 5
    samples: int = 10_000
    unit: str = "m"

    def __post_init__(self) -> None:
        if not 0 < self.canny_low <= self.canny_high < math.inf:
            raise UsageError(
                f"edge thresholds {self.canny_low:g} and {self.canny_high:g}: "
                "give steps of log depth, 0 < low <= high"
            )
        if self.aperture not in APERTURES:
            raise UsageError(f"edge aperture {self.aperture}: give 3, 5 or 7 pixels")
        if self.dilation < 0:
            raise UsageError(f"edge dilation {self.dilation}: give 0 pixels or more")
        if self.samples < 1:
            raise UsageError(f"edge samples {self.samples}: give 1 point or more")

    def describe(self) -> str:
        """Returns one line to print with results."""
        return (
            f"edges: Canny of the true log depth, steps {self.canny_low:g} and "
            f"{self.canny_high:g}, aperture {self.aperture}, where depth leaves its plane, "
            f"dilated by {self.dilation} px; "
            f"Chamfer: sum of both mean distances, {self.unit} and log depth, "
            f"at most {self.samples} points a side"
        )


def true_edges(depth: np.ndarray, valid: np.ndarray, settings: EdgeSettings) -> np.ndarray:
    """Finds thin Canny edges of the true log depth.

    Canny finds the steepest place across an edge. It also finds the border between floor and wall,
    the sky, holes and the image border, and filled holes can have jumps of their own. An edge
    therefore counts only if, within the aperture, two valid neighbours in a row or a column jump by
    more than half of ``canny_low``. The jump must also exceed that of a plane on either side by as
    much. On a plane 1/z is linear, so it is extrapolated from the pixels in line.

    Args:
        depth: (H, W) true depth, > 0 where valid; undefined elsewhere.
        valid: (H, W) bool.
        settings: See ``EdgeSettings``.

    Returns:
        (H, W) bool, True at valid pixels only.
    """
    if not valid.any():
        return np.zeros(valid.shape, bool)
    log = log_depth(depth, valid)
    slopes = edge_slopes(fill_holes(log, valid), settings.aperture)
    whole = [np.clip(np.rint(FINENESS * slope), -32767, 32767).astype(np.int16) for slope in slopes]
    low, high = FINENESS * settings.canny_low, FINENESS * settings.canny_high
    edges = cv2.Canny(whole[0], whole[1], low, high, L2gradient=True) > 0
    window = np.ones((settings.aperture, settings.aperture), np.uint8)
    inverse = np.exp(-np.where(valid, log, np.nan))
    least = math.expm1(settings.canny_low / 2)
    jumps = _jumps_along_rows(inverse, least) | _jumps_along_rows(inverse.T, least).T
    return edges & valid & (cv2.dilate(jumps.astype(np.uint8), window) > 0)


def edge_band(depth: np.ndarray, valid: np.ndarray, settings: EdgeSettings) -> np.ndarray:
    """Returns the valid pixels near a true edge, (H, W) bool; arguments as for ``true_edges``."""
    window = np.ones((2 * settings.dilation + 1,) * 2, np.uint8)
    edges = true_edges(depth, valid, settings).astype(np.uint8)
    return valid & (cv2.dilate(edges, window) > 0)


def log_depth(depth: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Returns log depth as float32; 0 where not valid."""
    return np.log(np.where(valid, depth, 1)).astype(np.float32)


def fill_holes(values: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Fills each invalid pixel with the value of the nearest valid one; there must be one."""
    if valid.all():
        return values
    _, label = cv2.distanceTransformWithLabels(
        (~valid).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    of_label = np.empty(int(label.max()) + 1, values.dtype)
    of_label[label[valid]] = values[valid]
    return of_label[label]


def edge_slopes(log: np.ndarray, aperture: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns Sobel gradients to the right and down, scaled so that a clean step has its height."""
    derivative, smooth = (kernel.ravel() for kernel in cv2.getDerivKernels(1, 0, aperture))
    scale = 1 / (np.maximum(derivative, 0).sum() * smooth.sum())
    dx, dy = (
        cv2.Sobel(
            log, cv2.CV_32F, *order, ksize=aperture, scale=scale, borderType=cv2.BORDER_REPLICATE
        )
        for order in ((1, 0), (0, 1))
    )
    return dx, dy


def _jumps_along_rows(inverse: np.ndarray, least: float) -> np.ndarray:
    """Returns pixels (H, W) bool on either side of a jump of 1/z that no plane explains. NaN, where
    1/z is unknown, neither is a jump nor explains one."""
    padded = np.pad(inverse, ((0, 0), (2, 2)), constant_values=np.nan)
    a2, a1, a, b, b1, b2 = (padded[:, k : k + inverse.shape[1] - 1] for k in range(6))
    limit = least * np.minimum(a, b)
    on_plane_before = (np.abs(a2 - 2 * a1 + a) <= limit) & (np.abs(a1 - 2 * a + b) <= limit)
    on_plane_after = (np.abs(b2 - 2 * b1 + b) <= limit) & (np.abs(b1 - 2 * b + a) <= limit)
    jump = (np.abs(a - b) > limit) & ~on_plane_before & ~on_plane_after
    jumps = np.zeros(inverse.shape, bool)
    jumps[:, :-1] |= jump
    jumps[:, 1:] |= jump
    return jumps
