"""Pictures for the page: of a size that a browser draws quickly."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image, ImageDraw

from ppdcli.app.shot import Shot
from ppdcli.files.preview import colorize

LARGEST = 1600  # pixels of the longer side
INK, PAPER = (255, 64, 32), (255, 255, 255)
Point = tuple[float, float]


def photo_picture(shot: Shot) -> Image.Image:
    """The photo."""
    return Image.fromarray(_small(shot.photo.rgb))


def depth_picture(shot: Shot) -> Image.Image:
    """The depth in colours, on the pixels of ``photo_picture``."""
    photo = _small(shot.photo.rgb)
    depth = shot.depth.resized(*photo.shape[:2], photo)
    return Image.fromarray(colorize(depth, "spectral", None))


def share_of(shot: Shot) -> float:
    """Pixels of a picture for each pixel of the photo."""
    return min(1.0, LARGEST / max(shot.photo.rgb.shape[:2]))


def marked(picture: Image.Image, points: Sequence[Point]) -> Image.Image:
    """A copy with points, at (x, y) of its own pixels, and the line between two of them."""
    picture = picture.copy()
    draw = ImageDraw.Draw(picture)
    radius = max(4.0, max(picture.size) / 160)
    if len(points) == 2:
        draw.line([*points], fill=PAPER, width=round(radius))
        draw.line([*points], fill=INK, width=max(1, round(radius / 2)))
    for x, y in points:
        box = (x - radius, y - radius, x + radius, y + radius)
        draw.ellipse(box, fill=INK, outline=PAPER, width=max(1, round(radius / 3)))
    return picture


def _small(rgb: np.ndarray) -> np.ndarray:
    height, width = rgb.shape[:2]
    share = min(1.0, LARGEST / max(height, width))
    if share == 1:
        return rgb
    size = (max(1, round(width * share)), max(1, round(height * share)))
    return cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
