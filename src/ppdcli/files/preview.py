"""A picture of the depth for the eye: it is not data."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ppdcli.depth import DepthMap
from ppdcli.errors import UsageError
from ppdcli.files.atomic import atomic_path
from ppdcli.version import __version__

SUFFIX = ".png"

Colormap = Literal["spectral", "inferno", "turbo", "viridis", "gray"]

# ColorBrewer's 11-class Spectral, which matplotlib interpolates to its colormap of that name.
_SPECTRAL = (
    0x9E0142, 0xD53E4F, 0xF46D43, 0xFDAE61, 0xFEE08B, 0xFFFFBF,
    0xE6F598, 0xABDDA4, 0x66C2A5, 0x3288BD, 0x5E4FA2,
)  # fmt: skip
_PERCENTILES = (2, 98)


def write(
    path: Path,
    depth_map: DepthMap,
    colormap: Colormap = "spectral",
    value_range: tuple[float, float] | None = None,
) -> None:
    """Write an 8-bit colour PNG with a text chunk saying that it is a picture.

    Raises:
        UsageError: see ``colorize``.
        OutputError: the file cannot be written.
    """
    comment = (
        "A picture for the eye, not data: its colours cannot be turned back into depth. "
        "The depth is in the files with _depth in their name."
    )
    picture = colorize(depth_map, colormap, value_range)
    write_picture(path, picture, {"Comment": comment, "colormap": colormap})


def write_picture(path: Path, picture: np.ndarray, texts: dict[str, str]) -> None:
    """Write (H, W, 3) uint8 as an 8-bit PNG with text chunks, the program's name among them.

    Raises:
        OutputError: the file cannot be written.
    """
    info = PngInfo()
    for key, text in {**texts, "program": f"ppdcli {__version__}"}.items():
        info.add_text(key, text)
    with atomic_path(path) as temporary:
        # Level 1 takes a fifth of the time for a quarter more bytes.
        Image.fromarray(picture).save(temporary, format="PNG", pnginfo=info, compress_level=1)


def colorize(
    depth_map: DepthMap,
    colormap: Colormap = "spectral",
    value_range: tuple[float, float] | None = None,
) -> np.ndarray:
    """Near is warm or bright, far is cold or dark, no depth is black.

    Metric depth is shown in log(depth + 1), so that it looks like the relative map.

    Args:
        depth_map: relative or metric.
        colormap: ``spectral`` is the authors' choice.
        value_range: values (metres, or the relative map's own) that get the nearest and the
            farthest colour, fixed so that a folder of pictures does not flicker; the map's own
            2nd and 98th percentile if None.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        UsageError: an unknown colormap, or a range that is not min < max.
    """
    if colormap not in get_args(Colormap):
        raise UsageError(f"colormap {colormap!r}: give one of {', '.join(get_args(Colormap))}")
    values = depth_map.values.astype(np.float32)
    valid = np.isfinite(values)
    if value_range is not None:
        low, high = value_range
        if not (np.isfinite((low, high)).all() and low < high):
            raise UsageError(f"range {low:g},{high:g}: MIN,MAX with MIN < MAX is needed")
    elif valid.any():
        low, high = np.percentile(values[valid], _PERCENTILES)
    else:
        low, high = 0.0, 1.0
    if depth_map.kind == "metric":
        if low < 0:
            raise UsageError(f"range {low:g},{high:g}: metres are not negative")
        values = np.log1p(np.where(valid & (values > 0), values, 0))
        low, high = np.log1p(low), np.log1p(high)
    position = (np.where(valid, values, low) - low) / ((high - low) or 1)
    index = np.rint(np.clip(position, 0, 1) * 255).astype(np.uint8)
    picture = _near_to_far(colormap)[index]
    picture[~valid] = 0
    return picture


def _near_to_far(colormap: Colormap) -> np.ndarray:
    """(256, 3) uint8 RGB, entry 0 for the nearest depth."""
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
