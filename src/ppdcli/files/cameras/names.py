"""The names that programs give to the values of a camera.

Names are compared without case, ``_``, ``-`` and spaces.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

FOCAL = ("fx", "fy")
CENTRES = (("cx", "cy"), ("ppx", "ppy"))
SIZES = (("width", "height"), ("w", "h"), ("imagewidth", "imageheight"), ("imgwidth", "imgheight"))
PAIRS = (
    "resolution",
    "imagesize",
    "imgsize",
    "imageshape",
)  # the last one is NumPy's: height first
MODELS = ("distortionmodel", "distortiontype", "cameramodel", "modeltype", "projection")
DEVICE = "model"  # the lens model in RealSense's files, the device in others
FISHEYE = "fisheyemodel"  # in files of OpenCV's calibration sample: 0 or 1

MATRIX_SIZES = (4, 9, 12, 16)  # fx fy cx cy, or a 3x3, 3x4 or 4x4 matrix

# A part before or after a name says which camera is meant: M1 and D1, K_left and D_left,
# color_intrinsics and color_dist_coeffs.
_SIDE = r"left|right|colou?r|rgb|depth|ir"


def _sided(names: str) -> re.Pattern[str]:
    return re.compile(rf"(?P<before>{_SIDE})?(?P<name>{names})(?P<after>\d+|{_SIDE}|[lr])?")


_MATRIX = _sided(
    r"cameramatrix|cammatrix|kmatrix|intrinsicmatrix|cam(?:era)?intrinsics?|intrinsics?|"
    r"mtx|camk|k|m(?=\d)"
)
_LENS = _sided(
    r"distortion(?:coefficient|coeff|coef|parameter|param)?s?|"
    r"dist(?:coefficient|coeff|coef|param)?s?|coeffs|d"
)
_LIKE_LENS = re.compile(r"dist|radial|tangential|lens|coef", re.IGNORECASE)
COEFFICIENT = re.compile(r"(?:k|p|s|sx|sy)\d")

_SHORT = 2  # characters; a name as short as K1 may mean something else


def plain_name(key: str) -> str:
    """Returns the form of a name that is compared."""
    return re.sub(r"[_\-\s]", "", key).lower()


def flat(value: Any) -> Any:
    """Returns the list in a matrix of OpenCV or ROS (rows, cols, data), or any other value."""
    return value.get("data") if isinstance(value, dict) and "data" in value else value


def matrices(values: Mapping[str, Any]) -> dict[str, str]:
    """Returns the keys of camera matrices by camera: "1" for M1, "left" for K_left, "" for K."""
    found: dict[str, str] = {}
    for key, value in values.items():
        match = _MATRIX.fullmatch(plain_name(key))
        if match and _is_matrix(match[0], value):
            found.setdefault(_camera(match), key)
    return found


def lenses(values: Mapping[str, Any], which: str) -> list[str]:
    """Returns the keys of a camera's lens. ``which`` is the camera's name as in ``matrices``."""
    matches = [(key, _LENS.fullmatch(plain_name(key))) for key in values]
    return [key for key, match in matches if match and _camera(match) == which]


def unknown_lenses(values: Mapping[str, Any]) -> list[str]:
    """Returns keys that seem to belong to an unknown lens.

    These are lists with such a name, entries with k1 or p1, and lenses of cameras without matrix.
    """
    found, cameras = [], {"", *matrices(values)}
    for key, value in values.items():
        match = _LENS.fullmatch(plain_name(key))
        inside = flat(value)
        if match is not None:
            if _camera(match) not in cameras and isinstance(inside, list | dict):
                found.append(key)
            continue
        named = isinstance(inside, list) and _LIKE_LENS.search(key)
        listed = isinstance(inside, dict) and {"k1", "p1"} & {plain_name(str(k)) for k in inside}
        if (named or listed) and plain_name(key) not in MODELS:
            found.append(key)
    return found


def has_numbers(values: Mapping[str, Any]) -> bool:
    """Whether the values have fx, fy, cx and cy."""
    names = {plain_name(key) for key in values}
    return names.issuperset(FOCAL) and any(names.issuperset(pair) for pair in CENTRES)


def is_camera(values: Mapping[str, Any]) -> bool:
    """Whether named values describe one camera or several, by numbers or matrices."""
    return has_numbers(values) or bool(matrices(values))


def is_known(key: str) -> bool:
    """Whether a name is one of the names of a camera's values."""
    name = plain_name(key)
    single = {*FOCAL, *sum(CENTRES, ()), *sum(SIZES, ()), *PAIRS, *MODELS, DEVICE, FISHEYE}
    patterns = (_MATRIX, _LENS, COEFFICIENT)
    return name in single or any(each.fullmatch(name) for each in patterns)


def _camera(match: re.Match[str]) -> str:
    side = match["before"] or match["after"] or ""
    return {"l": "left", "r": "right", "colour": "color"}.get(side, side)


def _is_matrix(name: str, value: Any) -> bool:
    """Whether a value is a matrix. If its name is short, the number of values must fit too."""
    values = flat(value)
    if not isinstance(values, list) or any(isinstance(row, dict) for row in values):
        return False
    count = sum(len(row) if isinstance(row, list) else 1 for row in values)
    return count in MATRIX_SIZES or len(name) > _SHORT
