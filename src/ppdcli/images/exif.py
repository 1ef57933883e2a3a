"""Reads a photo's orientation and focal length from EXIF."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from PIL import ExifTags, Image

LONGEST = 1 << 20  # bytes
_ORIENTATIONS = range(1, 9)
_DIAGONAL_35MM = math.hypot(36, 24)
_MILLIMETRES = {2: 25.4, 3: 10.0, 4: 1.0}  # of FocalPlaneResolutionUnit
_SENSOR_SIDES = (
    2.0,
    80.0,
)  # mm of the longer side, from phones to medium format
_PLAUSIBLE_35MM = (4.0, 3000.0)
_SAME_ASPECT = 0.02


def read_exif(image: Image.Image) -> tuple[int, float | None]:
    """Returns the orientation (1 if unknown) and the 35 mm equivalent focal length, or None.

    The focal length is FocalLengthIn35mmFilm. If that is missing, it is FocalLength with the sensor
    size from FocalPlaneXResolution, times the digital zoom. If the picture was cropped from a
    larger one, whose size PixelXDimension still states, the focal length grows by the ratio of the
    two diagonals. A damaged EXIF block counts as missing.
    """
    if len(image.info.get("exif") or b"") > LONGEST:
        return 1, None
    try:
        exif = image.getexif()
        orientation = exif.get(ExifTags.Base.Orientation, 1)
        details = exif.get_ifd(ExifTags.IFD.Exif)
        focal = _stated(details) or _of_sensor(details, image.size)
        if focal is not None:
            focal *= _cut(details, image.size)
    except Exception:
        return 1, None
    if not (isinstance(orientation, int) and orientation in _ORIENTATIONS):
        orientation = 1
    plausible = focal is not None and math.isfinite(focal)
    return orientation, focal if plausible else None


def _stated(details: Mapping[int, Any]) -> float | None:
    focal = _number(details, ExifTags.Base.FocalLengthIn35mmFilm)
    low, high = _PLAUSIBLE_35MM
    return focal if focal is not None and low <= focal <= high else None  # 0 and 65535 mean unknown


def _of_sensor(details: Mapping[int, Any], size: tuple[int, int]) -> float | None:
    """Returns it from the focal length in mm, and the sensor's pixels per unit of length."""
    focal = _number(details, ExifTags.Base.FocalLength)
    across = _number(details, ExifTags.Base.FocalPlaneXResolution)
    down = _number(details, ExifTags.Base.FocalPlaneYResolution) or across
    unit = _MILLIMETRES.get(int(_number(details, ExifTags.Base.FocalPlaneResolutionUnit) or 2))
    if focal is None or across is None or down is None or unit is None or min(across, down) <= 0:
        return None
    width, height = _whole(details) or size
    sides = width / across * unit, height / down * unit
    if not _SENSOR_SIDES[0] <= max(sides) <= _SENSOR_SIDES[1]:
        return None  # some cameras state the resolution of a print
    at_35mm = focal * _DIAGONAL_35MM / math.hypot(*sides) * _digital_zoom(details)
    return at_35mm if _PLAUSIBLE_35MM[0] <= at_35mm <= _PLAUSIBLE_35MM[1] else None


def _digital_zoom(details: Mapping[int, Any]) -> float:
    zoom = _number(details, ExifTags.Base.DigitalZoomRatio)
    return zoom if zoom is not None and 1 < zoom <= 100 else 1.0  # 0 means not used


def _cut(details: Mapping[int, Any], size: tuple[int, int]) -> float:
    """Returns the ratio of the original picture's diagonal to the diagonal of this crop of it.

    A picture with the same proportions may have been resized instead, and counts as not cropped.
    """
    whole = _whole(details)
    if whole is None or any(_alike(size, other) for other in (whole, whole[::-1])):
        return 1.0
    if not any(size[0] <= w and size[1] <= h for w, h in (whole, whole[::-1])):
        return 1.0
    return math.hypot(*whole) / math.hypot(*size)


def _alike(size: tuple[float, float], other: tuple[float, float]) -> bool:
    return abs(size[0] * other[1] / (size[1] * other[0]) - 1) <= _SAME_ASPECT


def _whole(details: Mapping[int, Any]) -> tuple[float, float] | None:
    """Returns (width, height) of the picture that the camera took."""
    width = _number(details, ExifTags.Base.ExifImageWidth)
    height = _number(details, ExifTags.Base.ExifImageHeight)
    if width is None or height is None or min(width, height) < 1:
        return None
    return width, height


def _number(details: Mapping[int, Any], tag: int) -> float | None:
    value = details.get(tag)
    if value is None:
        return None
    number = float(value)
    return number if math.isfinite(number) else None
