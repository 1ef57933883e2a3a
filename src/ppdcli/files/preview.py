"""Pictures of depth for people to look at. They are not data."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import numpy as np

from ppdcli.depth_data import DepthData
from ppdcli.errors import UsageError
from ppdcli.files.choices import Colormap
from ppdcli.files.png_encoder import rows_a_band, write_png
from ppdcli.version import __version__

SUFFIX = ".png"

# ColorBrewer's 11-class Spectral, which matplotlib interpolates to its colormap of that name.
_SPECTRAL = (
    0x9E0142, 0xD53E4F, 0xF46D43, 0xFDAE61, 0xFEE08B, 0xFFFFBF,
    0xE6F598, 0xABDDA4, 0x66C2A5, 0x3288BD, 0x5E4FA2,
)  # fmt: skip
_PROGRAM = {"program": f"ppdcli {__version__}"}
_PERCENTILES = (2, 98)
_SAMPLES = 1 << 18  # pixels for the percentiles; using all of them makes no visible difference


def write(
    path: Path,
    depth_map: DepthData,
    colormap: Colormap = "spectral",
    value_range: tuple[float, float] | None = None,
) -> None:
    """Writes an 8-bit colour PNG. A text chunk says that it is a picture.

    Raises:
        UsageError: see ``colorize``.
        OutputError: the file cannot be written.
    """
    comment = (
        "A picture for the eye, not data: its colours cannot be turned back into depth. "
        "The depth is in the files with _depth in their name."
    )
    about = {"Comment": comment, "colormap": colormap}
    bands = _bands(depth_map, colormap, value_range)
    write_png(path, (*depth_map.values.shape, 3), bands, about | _PROGRAM)


def write_picture(path: Path, picture: np.ndarray, texts: dict[str, str]) -> None:
    """Writes (H, W, 3) uint8 as an 8-bit PNG with text chunks and the program's name.

    Raises:
        OutputError: the file cannot be written.
    """
    rows = rows_a_band(3 * picture.shape[1])
    bands = (picture[start : start + rows] for start in range(0, len(picture), rows))
    write_png(path, picture.shape, bands, texts | _PROGRAM)


def colorize(
    depth_map: DepthData,
    colormap: Colormap = "spectral",
    value_range: tuple[float, float] | None = None,
) -> np.ndarray:
    """Colours a map: near is warm or bright, far is cold or dark, no depth is black.

    Metric depth is shown in log(depth + 1). It then looks like the relative map.

    Args:
        depth_map: relative or metric.
        colormap: ``spectral`` is the authors' choice.
        value_range: the values (metres, or those of the relative map) of the nearest and the
            farthest colour. A fixed range keeps a video from flickering. None takes the map's own
            2nd and 98th percentile.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        UsageError: an unknown colormap, or a range that is not min < max.
    """
    return np.concatenate(list(_bands(depth_map, colormap, value_range)))


def _bands(
    depth_map: DepthData, colormap: Colormap, value_range: tuple[float, float] | None
) -> Iterator[np.ndarray]:
    """Yields the picture of ``colorize`` from the top, in bands that stay in the cache."""
    import cv2

    if colormap not in get_args(Colormap):
        raise UsageError(f"colormap {colormap!r}: give one of {', '.join(get_args(Colormap))}")
    low, high = _ends(depth_map, value_range)
    metric = depth_map.kind == "metric"
    if metric:
        low, high = float(np.log1p(low)), float(np.log1p(high))
    colors = _near_to_far(colormap)[:, None]
    span = (high - low) or 1
    rows = rows_a_band(3 * depth_map.values.shape[1])
    for start in range(0, len(depth_map.values), rows):
        values = depth_map.values[start : start + rows].astype(np.float32)
        hole = ~np.isfinite(values)
        values[hole] = 0
        if metric:
            np.maximum(values, 0, out=values)
            np.log1p(values, out=values)
        values -= np.float32(low)
        np.clip(values, 0, np.float32(span), out=values)
        picture = cv2.applyColorMap(cv2.convertScaleAbs(values, alpha=255 / span), colors)
        picture[hole] = 0
        yield picture


def _ends(depth_map: DepthData, value_range: tuple[float, float] | None) -> tuple[float, float]:
    """Returns the values of the nearest and the farthest colour."""
    if value_range is not None:
        low, high = value_range
        if not (np.isfinite((low, high)).all() and low < high):
            raise UsageError(f"range {low:g},{high:g}: MIN,MAX with MIN < MAX is needed")
    else:
        step = int(np.ceil(np.sqrt(depth_map.values.size / _SAMPLES)))
        sample = depth_map.values[::step, ::step]
        valid = sample[np.isfinite(sample)]
        if not valid.size:
            valid = depth_map.values[np.isfinite(depth_map.values)]
        low, high = np.percentile(valid, _PERCENTILES).tolist() if valid.size else (0.0, 1.0)
    if depth_map.kind == "metric" and low < 0:
        raise UsageError(f"range {low:g},{high:g}: metres are not negative")
    return low, high


def _near_to_far(colormap: Colormap) -> np.ndarray:
    """Returns (256, 3) uint8 RGB; entry 0 is for the nearest depth."""
    ramp = np.arange(256, dtype=np.uint8)
    if colormap == "gray":
        return np.repeat(ramp[::-1, None], 3, axis=1)
    if colormap == "spectral":
        anchors = np.array([((c >> 16) & 255, (c >> 8) & 255, c & 255) for c in _SPECTRAL])
        where = np.linspace(0, 255, len(anchors))
        table = np.stack([np.interp(ramp, where, channel) for channel in anchors.T], axis=1)
        return np.rint(table).astype(np.uint8)
    import cv2

    code = {
        "inferno": cv2.COLORMAP_INFERNO,
        "turbo": cv2.COLORMAP_TURBO,
        "viridis": cv2.COLORMAP_VIRIDIS,
    }[colormap]
    return cv2.applyColorMap(ramp[:, None], code)[::-1, 0, ::-1]
