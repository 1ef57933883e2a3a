"""Pictures for the page: of a size that a browser draws quickly."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from ppdcli.commands.app.shot import Shot
from ppdcli.files.atomic import atomic_path
from ppdcli.files.preview import colorize

QUALITY = 90  # of JPEG


def write_photo(path: Path, shot: Shot) -> None:
    """Writes the photo as JPEG. Raises OutputError if the file cannot be written."""
    _write(path, _small(shot))


def write_colors(path: Path, shot: Shot) -> None:
    """Writes the depth in colours on the same pixels. Raises OutputError like ``write_photo``."""
    photo = _small(shot)
    height, width = photo.shape[:2]
    depth = shot.depth.resized(height, width, photo)
    _write(path, colorize(depth, "spectral", None))


def _write(path: Path, rgb: np.ndarray) -> None:
    with atomic_path(path) as temporary:
        Image.fromarray(rgb).save(temporary, format="JPEG", quality=QUALITY)


def _small(shot: Shot) -> np.ndarray:
    rgb, share = shot.photo.rgb, shot.picture_share
    if share == 1:
        return rgb
    height, width = rgb.shape[:2]
    size = (max(1, round(width * share)), max(1, round(height * share)))
    return cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
