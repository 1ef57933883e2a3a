"""A picture of a cloud from the side and from above, which makes flying pixels visible."""

from __future__ import annotations

import math

import numpy as np

WIDTH, HEIGHT = 640, 480  # of each view
BACKGROUND = 24
TURN = math.radians(75)  # from the camera's view direction to the one from its right
SEEN_PERCENT = (1, 99)  # percentiles along each axis that fill the picture; the rest may be cut
FILLED = 0.9
MOST_POINTS = 1_000_000  # three for each pixel of a view


def side_view(
    points: np.ndarray, colors: np.ndarray, framed_by: np.ndarray | None = None
) -> np.ndarray:
    """Draws two orthographic views of a cloud, side by side.

    Left: from the right of the camera, 75 degrees off its axis, far to the right. Right: from
    above, far at the top. A clean edge is a gap in both; flying pixels fill this gap like a veil.

    Args:
        points: (N, 3) in OpenCV axes (x right, y down, z forward), N > 0.
        colors: (N, 3) uint8.
        framed_by: (M, 3) points that set the frame, M > 0, to compare several clouds. The default
            is ``points``.

    Returns:
        (480, 1280, 3) uint8.
    """
    step = -(-len(points) // MOST_POINTS)
    points, colors = points[::step], colors[::step]
    frame = points if framed_by is None else framed_by
    views = [_view(turn(points), colors, turn(frame)) for turn in (_from_the_right, _from_above)]
    return np.concatenate(views, axis=1)


def _from_the_right(points: np.ndarray) -> np.ndarray:
    # Not a matrix product: its rounding can depend on the alignment of the memory.
    sin, cos = np.float32(math.sin(TURN)), np.float32(math.cos(TURN))
    x, y, z = points.T
    return np.stack([x * cos + z * sin, y, z * cos - x * sin], axis=1)


def _from_above(points: np.ndarray) -> np.ndarray:
    x, y, z = points.T
    return np.stack([x, -z, y], axis=1)


def _view(points: np.ndarray, colors: np.ndarray, frame: np.ndarray) -> np.ndarray:
    """Draws points as squares of two pixels, the nearest on top; ``frame`` fills the picture.

    All are in the viewer's axes: right, down, away.
    """
    right, down, away = points.T
    (low_x, low_y, _), (high_x, high_y, _) = np.percentile(frame, SEEN_PERCENT, axis=0)
    scale = FILLED * min(WIDTH / max(high_x - low_x, 1e-9), HEIGHT / max(high_y - low_y, 1e-9))
    column = np.floor((right - (low_x + high_x) / 2) * scale + WIDTH / 2)
    row = np.floor((down - (low_y + high_y) / 2) * scale + HEIGHT / 2)
    inside = (column >= 0) & (column < WIDTH - 1) & (row >= 0) & (row < HEIGHT - 1)
    order = np.flatnonzero(inside)[np.argsort(-away[inside], kind="stable")]
    picture = np.full((HEIGHT, WIDTH, 3), BACKGROUND, np.uint8)
    rows = row[order, None].astype(np.intp) + (0, 0, 1, 1)
    columns = column[order, None].astype(np.intp) + (0, 1, 0, 1)
    # The last point written to a pixel remains, which is the nearest.
    picture[rows, columns] = colors[order, None]
    return picture
