"""Depth and error as colours: the panels of the page and of the picture files."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from ppdcli.depth import DepthMap
from ppdcli.evaluation.report.content import Picture
from ppdcli.files.choices import Colormap
from ppdcli.files.preview import colorize

LARGEST = 480  # pixels of a panel along its longer side
MOST_ERROR = 0.25  # relative error of the last colour, for every image
ERROR_TICKS = ((0.0, "0"), (0.2, "5%"), (0.4, "10%"), (0.6, "15%"), (1.0, "≥25%"))
GREY = 190  # no colour map contains a grey, so it is recognisable, also for the colour-blind
NO_COLOR = 255  # index of the grey in the palettes
STEPS = 254  # index of the last colour
DEPTH_PERCENTILES = (2, 98)
END_ROOM, TICK_ROOM = 0.24, 0.14  # of the bar: distance from the ends, and between labels


@dataclass(frozen=True, eq=False)
class Panels:
    """A scaled-down picture, as indices into palettes.

    Attributes:
        photo: (h, w, 3) uint8.
        truth, predicted: (h, w) uint8 indices into ``depth_palette()``, on one scale.
        error: (h, w) uint8 indices into ``error_palette()``.
        near, far: Metres of the first and the last depth colour; values beyond get them too.
    """

    photo: np.ndarray
    truth: np.ndarray
    predicted: np.ndarray
    error: np.ndarray
    near: float
    far: float


def make_panels(picture: Picture) -> Panels:
    """Scales down and quantises a picture.

    Depths are not averaged, because that would create false ones. Each pixel of a panel shows a
    single pixel of the map, the valid one nearest to the middle of its area. Colours are linear in
    log depth, from the 2nd to the 98th percentile of the true depth. Error is |true - predicted| /
    true, in steps of ``MOST_ERROR`` / 254.
    """
    height, width = _panel_shape(*picture.truth.shape)
    at, shown = _source_pixels(picture.valid, height, width)
    truth, predicted = (a[at].astype(np.float64) for a in (picture.truth, picture.predicted))
    has_depth = np.isfinite(predicted) & (predicted > 0)
    near, far = _depth_range(picture.truth[picture.valid])
    compared = shown & has_depth
    error = np.abs(truth - predicted)[compared] / truth[compared]
    return Panels(
        cv2.resize(picture.rgb, (width, height), interpolation=cv2.INTER_AREA),
        _log_indices(truth, shown, near, far),
        _log_indices(predicted, has_depth, near, far),
        _indices(error / MOST_ERROR, compared),
        near,
        far,
    )


def depth_palette() -> np.ndarray:
    """Returns (256, 3) uint8: near is bright, far is dark, the last entry is grey for no depth."""
    return _palette("viridis")


def error_palette() -> np.ndarray:
    """Returns (256, 3) uint8: 0 is black, large errors are bright, the last entry (grey) means
    not scored."""
    palette = _palette("inferno")
    return np.concatenate((palette[STEPS::-1], palette[NO_COLOR:]))


def depth_ticks(near: float, far: float) -> list[tuple[float, str]]:
    """Returns round metres along the depth scale, including the ends: (position in 0..1, label)."""
    length = math.log(far / near)
    exponents = range(math.floor(math.log10(near)), math.ceil(math.log10(far)) + 1)
    ticks = [(0.0, f"≤{_two_digits(near)} m")]
    least = END_ROOM
    for metres in (m * 10.0**e for e in exponents for m in (1, 2, 5)):
        position = math.log(metres / near) / length
        if least <= position <= 1 - END_ROOM:
            ticks.append((position, f"{metres:g} m"))
            least = position + TICK_ROOM
    return [*ticks, (1.0, f"≥{_two_digits(far)} m")]


def _two_digits(metres: float) -> str:
    """Formats with at least two significant digits and without an exponent."""
    return f"{metres:.{max(0, 1 - math.floor(math.log10(metres)))}f}"


def _panel_shape(height: int, width: int) -> tuple[int, int]:
    scale = min(1.0, LARGEST / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def _source_pixels(
    valid: np.ndarray, height: int, width: int
) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
    """Returns the source pixel of each pixel of a smaller grid: a valid one of its area, if any.

    Returns:
        Rows and columns (height, width) to index maps with, and whether they are valid.
    """
    tall, wide = valid.shape
    # The areas do not overlap, so that no pixel is shown twice.
    ends_y, ends_x = (np.arange(n + 1) * of // n for n, of in ((height, tall), (width, wide)))
    tops, lefts, bottoms, rights = ends_y[:-1], ends_x[:-1], ends_y[1:] - 1, ends_x[1:] - 1
    rows, columns = np.meshgrid((tops + bottoms) // 2, (lefts + rights) // 2, indexing="ij")
    shown = valid[rows, columns]
    reach_y, reach_x = int((bottoms - tops).max() + 1) // 2, int((rights - lefts).max() + 1) // 2
    offsets = [(y, x) for y in range(-reach_y, reach_y + 1) for x in range(-reach_x, reach_x + 1)]
    i, j = np.nonzero(~shown)
    middle_y, middle_x = rows[i, j], columns[i, j]
    for dy, dx in sorted(offsets, key=lambda offset: math.hypot(*offset)):
        y, x = middle_y + dy, middle_x + dx
        found = (y >= tops[i]) & (y <= bottoms[i]) & (x >= lefts[j]) & (x <= rights[j])
        found[found] = valid[y[found], x[found]]
        rows[i[found], j[found]], columns[i[found], j[found]] = y[found], x[found]
        shown[i[found], j[found]] = True
        i, j, middle_y, middle_x = (a[~found] for a in (i, j, middle_y, middle_x))
    return (rows, columns), shown


def _depth_range(depths: np.ndarray) -> tuple[float, float]:
    if not depths.size:
        return 1.0, 10.0
    near, far = (float(v) for v in np.percentile(depths, DEPTH_PERCENTILES))
    # A single depth gets the middle colour, and the ends stay far enough apart for labels.
    return (near, far) if far > near * 1.05 else (near / 1.05, far * 1.05)


def _log_indices(depth: np.ndarray, where: np.ndarray, near: float, far: float) -> np.ndarray:
    return _indices(np.log(depth[where] / near) / math.log(far / near), where)


def _indices(positions: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Converts positions in 0..1 of the pixels ``where`` to (h, w) uint8 indices."""
    indices = np.full(where.shape, NO_COLOR, np.uint8)
    indices[where] = np.rint(np.clip(positions, 0, 1) * STEPS)
    return indices


def _palette(colormap: Colormap) -> np.ndarray:
    ramp = np.minimum(np.arange(256, dtype=np.float32), STEPS)
    palette = colorize(DepthMap(ramp[None], "relative"), colormap, (0, STEPS))[0]
    palette[NO_COLOR] = GREY
    return palette
