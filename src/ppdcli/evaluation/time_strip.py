"""A picture of one pixel row through time. Flicker shows as horizontal stripes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ppdcli.depth_data import DepthData
from ppdcli.errors import UsageError
from ppdcli.files.preview import colorize

_GAP = 4  # white lines between strips


def time_strips(
    films: Sequence[np.ndarray],
    row: int,
    value_range: tuple[float, float] | None = None,
    lines: int = 4,
) -> np.ndarray:
    """Draws one pixel row of several films through time, one strip below the other.

    Args:
        films: Each (N, H, W) depth in metres, or (N, H, W, 3) uint8 photos.
        row: The pixel row, 0 at the top.
        value_range: Metres of the nearest and the farthest colour, the same for all films; None for
            the 2nd and 98th percentile of the first film of depth.
        lines: Number of lines of the picture per frame.

    Returns:
        (height, W, 3) uint8. Each frame is a few lines; time goes down.

    Raises:
        UsageError: There is no film, the row is outside, or widths differ.
    """
    if not films:
        raise UsageError("no film to draw; give at least one")
    widths = {film.shape[2] for film in films}
    if len(widths) > 1:
        raise UsageError(f"films of widths {sorted(widths)}: strips need one width")
    if not all(0 <= row < film.shape[1] for film in films):
        raise UsageError(f"row {row} is outside a film; give 0 to its height - 1")
    strips: list[np.ndarray] = []
    for film in films:
        line = film[:, row]
        if line.ndim == 2:
            if value_range is None:
                low, high = np.nanpercentile(line, (2, 98)).tolist()
                value_range = (low, high if high > low else low + 1)
            line = colorize(DepthData(line.astype(np.float32), "metric"), value_range=value_range)
        if strips:
            strips.append(np.full((_GAP, line.shape[1], 3), 255, np.uint8))
        strips.append(np.repeat(line, lines, axis=0))
    return np.concatenate(strips)
