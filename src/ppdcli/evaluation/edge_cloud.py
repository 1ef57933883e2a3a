"""Point clouds near true depth edges: what the paper's headline metric looks at.

The paper measures the Chamfer distance near Canny edges of the true depth. Its code, thresholds,
dilation and alignment are not published, so that results compare only with others of the same
``EdgeSettings``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ppdcli.errors import UsageError
from ppdcli.evaluation.edge_metrics import flying_points, scaled_points
from ppdcli.evaluation.metrics import require_depth
from ppdcli.geometry.camera import Camera
from ppdcli.geometry.cloud import unproject

if TYPE_CHECKING:
    from scipy.spatial import cKDTree

APERTURES = (3, 5, 7)
FINENESS = 1000  # Canny's integers, per unit of log depth
TOLERANCE = 2  # pixels that a predicted edge may be off
SHOWN = 0.5  # of the true jump, in log depth: from there on the prediction shows the edge
BETWEEN = 0.2  # of the jump: an in-between pixel is farther than this from both of its ends
NO_EDGES = "the true depth has no edge"


@dataclass(frozen=True)
class EdgeSettings:
    """What counts as near an edge, and how much of it is measured.

    Attributes:
        canny_low, canny_high: thresholds of Canny's hysteresis, as steps of log depth: a clean
            step from 1 m to 1.1 m has log(1.1) = 0.095, as has one from 10 m to 11 m. A gradient
            that is no step counts as the step with the same Sobel response.
        aperture: of the Sobel operator, 3, 5 or 7 pixels.
        dilation: pixels around an edge that belong to its band, in rows, columns and diagonals.
        samples: most pixels whose points' distances are measured, either way; of more, a random
            choice. They look for their neighbour among all points of the other side.
        unit: of the depth maps.

    Raises:
        UsageError: a value is out of its range.
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
        """One line to print with results."""
        return (
            f"edges: Canny of the true log depth, steps {self.canny_low:g} and "
            f"{self.canny_high:g}, aperture {self.aperture}, dilated by {self.dilation} px; "
            f"Chamfer: sum of both mean distances, {self.unit} and log depth, "
            f"at most {self.samples} points a side"
        )


@dataclass(frozen=True)
class EdgeScores:
    """Distances of two clouds near edges; 0 is perfect, NaN if there is no edge.

    Attributes:
        accuracy: mean distance from predicted points to the nearest true one, in the depth's unit.
        completeness: from true points to the nearest predicted one.
        chamfer: their sum (Fan et al. 2017; many, though not all, divide by 2).
        log_accuracy, log_completeness, log_chamfer: the same of points (X/Z, Y/Z, log Z), so that
            near and far edges count alike: about the distance in space over depth.
        points: of either cloud.
        reason: why the scores are NaN.
    """

    accuracy: float
    completeness: float
    chamfer: float
    log_accuracy: float
    log_completeness: float
    log_chamfer: float
    points: int
    reason: str | None = None


@dataclass(frozen=True)
class EdgeRecall:
    """How a prediction shows the true edges.

    Attributes:
        recall: share of the edge pixels at which it shows the edge; NaN if there are none.
        ramp: in-between pixels across an edge, mean over those shown, 0 to 4; 0 is sharp. NaN if
            none is shown.
        edges: edge pixels looked at.
    """

    recall: float
    ramp: float
    edges: int


def true_edges(depth: np.ndarray, valid: np.ndarray, settings: EdgeSettings) -> np.ndarray:
    """Thin Canny edges of the true log depth.

    Canny finds the steepest place across an edge. It also finds where a floor ends at a wall, the
    sky, a hole or the image's border, and filled holes may hold jumps of their own. So an edge
    counts only if, within the aperture, two valid neighbours in a row or a column jump by more
    than half of ``canny_low``, and that is by as much more than a plane would on either side: 1/z
    of three pixels in line goes on in line (on a plane it is linear).

    Args:
        depth: (H, W) true depth, > 0 where valid; anything elsewhere.
        valid: (H, W) bool.
        settings: see there.

    Returns:
        (H, W) bool, True at valid pixels only.
    """
    if not valid.any():
        return np.zeros(valid.shape, bool)
    log = _log(depth, valid)
    slopes = _slopes(_without_holes(log, valid), settings.aperture)
    whole = [np.clip(np.rint(FINENESS * slope), -32767, 32767).astype(np.int16) for slope in slopes]
    low, high = FINENESS * settings.canny_low, FINENESS * settings.canny_high
    edges = cv2.Canny(whole[0], whole[1], low, high, L2gradient=True) > 0
    window = np.ones((settings.aperture, settings.aperture), np.uint8)
    inverse = np.exp(-np.where(valid, log, np.nan))
    least = math.expm1(settings.canny_low / 2)
    jumps = _jumps_along_rows(inverse, least) | _jumps_along_rows(inverse.T, least).T
    return edges & valid & (cv2.dilate(jumps.astype(np.uint8), window) > 0)


def edge_band(depth: np.ndarray, valid: np.ndarray, settings: EdgeSettings) -> np.ndarray:
    """(H, W) bool: the valid pixels near a true edge; arguments as of ``true_edges``."""
    window = np.ones((2 * settings.dilation + 1,) * 2, np.uint8)
    edges = true_edges(depth, valid, settings).astype(np.uint8)
    return valid & (cv2.dilate(edges, window) > 0)


def edge_chamfer(
    predicted: np.ndarray,
    depth: np.ndarray,
    valid: np.ndarray,
    band: np.ndarray,
    camera: Camera,
    settings: EdgeSettings,
    seed: int = 0,
) -> EdgeScores:
    """Distances between the predicted and the true points of a band of pixels, both ways.

    Args:
        predicted: (H, W), in the unit of the truth, > 0 in the band.
        depth: (H, W) true depth, > 0 where valid.
        valid, band: (H, W) bool; both clouds are the pixels in both, unprojected.
        camera: of this grid.
        settings: ``samples`` is used.
        seed: of the choice of points.

    Raises:
        ValueError: see ``require_depth``.
    """
    taken = valid & band
    require_depth(predicted, taken)
    if not taken.any():
        return EdgeScores(*(math.nan,) * 6, points=0, reason=NO_EDGES)
    rng = np.random.default_rng(seed)
    count = int(taken.sum())
    asked = np.arange(count)
    if count > settings.samples:
        asked = rng.choice(count, settings.samples, replace=False, shuffle=False)
    guess, truth = (np.where(taken, a, np.nan) for a in (predicted, depth))
    plain = _distances(unproject(guess, camera)[0], unproject(truth, camera)[0], asked)
    log = _distances(
        scaled_points(guess, camera)[taken], scaled_points(truth, camera)[taken], asked
    )
    return EdgeScores(*plain, sum(plain), *log, sum(log), points=count)


def flying_rate(
    predicted: np.ndarray, depth: np.ndarray, valid: np.ndarray, band: np.ndarray
) -> float:
    """Share of the band's pixels that hang between true surfaces (``flying_points``).

    Args:
        predicted: (H, W), in the unit of the truth, > 0 in the band.
        depth: (H, W) true depth, > 0 where valid; holes are filled by the nearest valid pixel.
        valid, band: (H, W) bool.

    Returns:
        0 to 1; NaN if the band is empty.

    Raises:
        ValueError: see ``require_depth``.
    """
    taken = valid & band
    require_depth(predicted, taken)
    if not taken.any():
        return math.nan
    truth = _without_holes(depth, valid)
    flying = flying_points(np.where(taken, predicted, truth), truth)
    return float(flying[taken].mean())


def edge_recall(
    predicted: np.ndarray, depth: np.ndarray, valid: np.ndarray, settings: EdgeSettings
) -> EdgeRecall:
    """Whether the prediction jumps where the truth does, and how abruptly.

    Each pixel of ``true_edges`` is looked at along its row or its column, whichever has the
    steeper gradient: at 6 pixels, three on either side of the steepest true step beside it, so
    that a jump that is off by 2 pixels is still seen. A map's jump is its largest rise of log
    depth, in the direction of the true one, between any two of these pixels. Edges along which
    the truth jumps by less than ``canny_low`` are left out.

    - The prediction shows an edge if its jump is half of the true one or more.
    - Between the two pixels of a predicted jump, in-between pixels are those whose log depth is
      more than a fifth of the jump from both, and as far from every level that the truth has at
      these 6 pixels (levels being measured from 0 to 1 along either map's own jump, so that
      misplaced surfaces do not matter). So the truth itself has recall 1 and ramp 0.

    Invalid pixels take the values of the nearest valid one, in both maps.

    Args:
        predicted: (H, W) depth, any unit, > 0 where valid.
        depth: (H, W) true depth, > 0 where valid.
        valid: (H, W) bool.
        settings: of ``true_edges``.

    Raises:
        ValueError: see ``require_depth``.
    """
    require_depth(predicted, valid)
    edges = true_edges(depth, valid, settings)
    if not edges.any():
        return EdgeRecall(math.nan, math.nan, 0)
    guess, truth = (_without_holes(_log(a, valid), valid) for a in (predicted, depth))
    across = _across(truth, edges, settings.aperture)
    guess, truth = across.values(guess), across.values(truth)
    level, jump, _ = _along_jump(truth)
    counts = jump >= settings.canny_low
    guess, level, jump = guess[counts], level[counts], jump[counts]
    if not counts.any():
        return EdgeRecall(math.nan, math.nan, 0)
    own_level, own_jump, inside = _along_jump(guess)
    shown = own_jump >= SHOWN * jump
    if not shown.any():
        return EdgeRecall(0.0, math.nan, jump.size)
    own_level, level, inside = own_level[shown], level[shown], inside[shown]
    apart = np.abs(own_level[:, :, None] - level[:, None, :]).min(axis=2)
    ends = np.minimum(own_level, 1 - own_level)
    ramp = inside & (ends > BETWEEN) & (apart > BETWEEN)
    return EdgeRecall(float(shown.mean()), float(ramp.sum(axis=1).mean()), jump.size)


@dataclass(frozen=True, eq=False)
class _Across:
    """Pixels across edges.

    Attributes:
        rows, columns: (N, n): n pixels for each edge, in the direction in which the truth gets
            farther; they may lie outside the image.
    """

    rows: np.ndarray
    columns: np.ndarray

    def values(self, values: np.ndarray) -> np.ndarray:
        """(N, n) of an (H, W) map; its border goes on beyond it."""
        height, width = values.shape
        return values[self.rows.clip(0, height - 1), self.columns.clip(0, width - 1)]


def _across(truth: np.ndarray, edges: np.ndarray, aperture: int) -> _Across:
    """The 6 pixels of ``edge_recall``; ``truth``: (H, W) log depth without holes."""
    rows, columns = np.nonzero(edges)
    dx, dy = (slope[edges] for slope in _slopes(truth, aperture))
    along_row = np.abs(dx) >= np.abs(dy)
    sign = np.sign(np.where(along_row, dx, dy)).astype(np.intp)
    step_x, step_y = sign * along_row, sign * ~along_row

    def pixels(places: np.ndarray) -> _Across:
        """``places``: (N, n) pixels from the edge, along the rise."""
        return _Across(
            rows[:, None] + places * step_y[:, None], columns[:, None] + places * step_x[:, None]
        )

    before, here, after = pixels(np.array([[-1, 0, 1]])).values(truth).T
    start = np.where(after - here >= here - before, 0, -1)  # of the steepest step
    return pixels(start[:, None] + np.arange(-TOLERANCE, TOLERANCE + 2))


def _along_jump(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Levels (N, n) from 0 to 1 along the largest rise of each row, that rise (N,), and which
    places (N, n) are inside it."""
    lowest = np.minimum.accumulate(values, axis=1)
    end = (values - lowest).argmax(axis=1)
    row = np.arange(len(values))
    low = lowest[row, end]
    jump = values[row, end] - low
    place = np.arange(values.shape[1])
    below = (values == low[:, None]) & (place <= end[:, None])
    start = values.shape[1] - 1 - below[:, ::-1].argmax(axis=1)  # the last at the low end
    inside = (place > start[:, None]) & (place < end[:, None])
    return (values - low[:, None]) / np.where(jump > 0, jump, 1)[:, None], jump, inside


def _log(depth: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """float32; 0 where not valid."""
    return np.log(np.where(valid, depth, 1)).astype(np.float32)


def _without_holes(values: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Each invalid pixel takes the value of the nearest valid one; there is at least one."""
    if valid.all():
        return values
    _, label = cv2.distanceTransformWithLabels(
        (~valid).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    of_label = np.empty(int(label.max()) + 1, values.dtype)
    of_label[label[valid]] = values[valid]
    return of_label[label]


def _jumps_along_rows(inverse: np.ndarray, least: float) -> np.ndarray:
    """Pixels (H, W) bool on either side of a jump of 1/z that no plane explains; NaN, where 1/z is
    not known, neither jumps nor explains."""
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


def _slopes(log: np.ndarray, aperture: int) -> tuple[np.ndarray, np.ndarray]:
    """Sobel gradients to the right and down; a clean step has its own height."""
    derivative, smooth = (kernel.ravel() for kernel in cv2.getDerivKernels(1, 0, aperture))
    scale = 1 / (np.maximum(derivative, 0).sum() * smooth.sum())
    dx, dy = (
        cv2.Sobel(
            log, cv2.CV_32F, *order, ksize=aperture, scale=scale, borderType=cv2.BORDER_REPLICATE
        )
        for order in ((1, 0), (0, 1))
    )
    return dx, dy


def _distances(guess: np.ndarray, truth: np.ndarray, asked: np.ndarray) -> tuple[float, float]:
    """Mean distances to the other cloud, of the predicted points asked about and the true ones."""
    to_truth = _tree(truth).query(guess[asked])[0]
    from_truth = _tree(guess).query(truth[asked])[0]
    return float(to_truth.mean()), float(from_truth.mean())


def _tree(points: np.ndarray) -> cKDTree:
    from scipy.spatial import cKDTree

    # Built several times faster so, and asked only once.
    return cKDTree(points, balanced_tree=False, compact_nodes=False)
