"""The names that programs give to the values of a camera.

They are compared without their case and without ``_``, ``-`` and spaces.
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
DEVICE = "model"  # RealSense's name for the lens, and in other files that of the device
FISHEYE = "fisheyemodel"  # of OpenCV's calibration sample: 0 or 1

MATRIX_SIZES = (4, 9, 12, 16)  # fx fy cx cy, or a matrix, alone or padded

# What follows a name tells the cameras of a pair apart: M1 and D1, M2 and D2.
_MATRIX = re.compile(
    r"(?:cameramatrix|cammatrix|kmatrix|intrinsicmatrix|cam(?:era)?intrinsics?|intrinsics?|"
    r"mtx|camk|k|m(?=\d))(?P<which>\d*)"
)
_LENS = re.compile(
    r"(?:distortion|distortions|dist|distortion(?:coefficient|coeff|coef|parameter|param)s?|"
    r"dist(?:coefficient|coeff|coef|param)s?|coeffs|d)(?P<which>\d*)"
)
_LIKE_LENS = re.compile(r"dist|radial|tangential|lens|coef", re.IGNORECASE)
COEFFICIENT = re.compile(r"(?:k|p|s|sx|sy)\d")

_SHORT = 2  # letters of a name, such as K1, that may mean something else


def plain_name(key: str) -> str:
    """A name as it is compared."""
    return re.sub(r"[_\-\s]", "", key).lower()


def flat(value: Any) -> Any:
    """The list in OpenCV's and ROS's matrices (rows, cols, data); anything else as it is."""
    return value.get("data") if isinstance(value, dict) and "data" in value else value


def matrices(values: Mapping[str, Any]) -> dict[str, str]:
    """Keys of camera matrices, by what follows their name: "1" for M1; the empty text for K."""
    found: dict[str, str] = {}
    for key, value in values.items():
        match = _MATRIX.fullmatch(plain_name(key))
        if match and _is_matrix(match[0], value):
            found.setdefault(match["which"], key)
    return found


def lenses(values: Mapping[str, Any], which: str) -> list[str]:
    """Keys of the lens of a camera, whose matrix is followed by ``which``."""
    matches = [(key, _LENS.fullmatch(plain_name(key))) for key in values]
    return [key for key, match in matches if match and match["which"] == which]


def unknown_lenses(values: Mapping[str, Any]) -> list[str]:
    """Keys that seem to be of the lens and are not known: lists, and entries with k1 or p1."""
    found = []
    for key, value in values.items():
        if _LENS.fullmatch(plain_name(key)) or plain_name(key) in MODELS:
            continue
        inside = flat(value)
        named = isinstance(inside, list) and _LIKE_LENS.search(key)
        listed = isinstance(inside, dict) and {"k1", "p1"} & {plain_name(str(k)) for k in inside}
        if named or listed:
            found.append(key)
    return found


def is_camera(values: Mapping[str, Any]) -> bool:
    """Whether named values are those of a camera: four numbers or a matrix."""
    names = {plain_name(key) for key in values}
    four = names.issuperset(FOCAL) and any(names.issuperset(pair) for pair in CENTRES)
    return four or "" in matrices(values)


def is_known(key: str) -> bool:
    """Whether a name is that of one of a camera's values."""
    name = plain_name(key)
    single = {*FOCAL, *sum(CENTRES, ()), *sum(SIZES, ()), *PAIRS, *MODELS, DEVICE, FISHEYE}
    patterns = (_MATRIX, _LENS, COEFFICIENT)
    return name in single or any(each.fullmatch(name) for each in patterns)


def _is_matrix(name: str, value: Any) -> bool:
    """Whether a value is a matrix by its name, or where that is short, by its count as well."""
    values = flat(value)
    if not isinstance(values, list) or any(isinstance(row, dict) for row in values):
        return False
    count = sum(len(row) if isinstance(row, list) else 1 for row in values)
    return count in MATRIX_SIZES or len(name) > _SHORT
