"""A camera as named values: fx, fy, cx, cy or a matrix, with size and lens, as many tools have it.

JSON, OpenCV's FileStorage and NumPy archives come down to this. Names are compared without their
case and without ``_``, ``-`` and spaces. The first pixel centre is at (0, 0), unless a format of
its own says otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ppdcli.errors import InputError, shown
from ppdcli.files.cameras.lens import FIRST, is_model, lens_of
from ppdcli.files.cameras.matrix import checked_pinhole, from_matrix
from ppdcli.files.cameras.stated import Pair, StatedCamera, image_size, number, numbers
from ppdcli.geometry.distortion import NAMES, Distortion

_FOCAL = (("fx", "fy"), ("focalx", "focaly"))
_CENTRE = (("cx", "cy"), ("ppx", "ppy"))
_SIZES = (("width", "height"), ("w", "h"), ("imagewidth", "imageheight"), ("imgwidth", "imgheight"))
_PAIRS = ("resolution", "imagesize", "imgsize", "imageshape")
_MATRICES = re.compile(
    r"(?:cameramatrix|cammatrix|kmatrix|intrinsicmatrix|cam(?:era)?intrinsics?|intrinsics?|"
    r"mtx|camk|k|m(?=\d))(?P<which>\d*)"
)
_LENSES = re.compile(
    r"(?:distortion|dist|distortioncoefficients|distortioncoeffs?|distcoeff(?:icient)?s?|distcoefs?|"
    r"coeffs|d)(?P<which>\d*)"
)
_MODELS = ("distortionmodel", "distortiontype", "cameramodel", "projection")
_COEFFICIENTS = NAMES["opencv"]
SHORT = 2  # letters of a name, such as K1, that may mean something else
MATRIX_SIZES = (4, 9, 12, 16)  # fx fy cx cy, or a matrix, alone or padded


def plain_name(key: str) -> str:
    """A name as it is compared."""
    return re.sub(r"[_\-\s]", "", key).lower()


def flat(value: Any) -> Any:
    """The list in OpenCV's and ROS's matrices (rows, cols, data); anything else as it is."""
    return value.get("data") if isinstance(value, dict) and "data" in value else value


def _is_matrix(name: str, value: Any) -> bool:
    """Whether a value is a matrix by its name, or where that is short, by its count as well."""
    values = flat(value)
    if not isinstance(values, list) or any(isinstance(row, dict) for row in values):
        return False
    count = sum(len(row) if isinstance(row, list) else 1 for row in values)
    return count in MATRIX_SIZES or len(name) > SHORT


def is_camera(values: Mapping[str, Any]) -> bool:
    """Whether named values are those of a camera: four numbers or a matrix."""
    names = {plain_name(key) for key in values}
    four = any(set(pair) <= names for pair in _FOCAL) and any(
        set(pair) <= names for pair in _CENTRE
    )
    return four or "" in matrices(values)


def matrices(values: Mapping[str, Any]) -> dict[str, str]:
    """Keys of camera matrices, by what follows their name: "1" for M1; the empty text for K."""
    found: dict[str, str] = {}
    for key, value in values.items():
        match = _MATRICES.fullmatch(plain_name(key))
        if match and _is_matrix(match[0], value):
            found.setdefault(match["which"], key)
    return found


def read_named(
    values: Mapping[str, Any], where: str, label: str = "", which: str = ""
) -> StatedCamera:
    """A camera of named values.

    Args:
        values: by name.
        where: the file, and the camera in it, for messages.
        label: what messages call the camera.
        which: what follows the names of matrix and lens, such as "1" of M1 and D1.

    Raises:
        InputError: no camera, or a value that makes no sense.
    """
    plain: dict[str, Any] = {}
    for key, value in values.items():
        plain.setdefault(plain_name(key), value)
    focal, centre = _pinhole(values, plain, where, which)
    size = _size(plain, where)
    try:
        distortion = _lens(values, plain, where, which)
    except ValueError as error:
        return StatedCamera(label, size=size, problem=str(error))
    return StatedCamera(label, focal, centre, size, distortion=distortion)


def _pinhole(
    values: Mapping[str, Any], plain: Mapping[str, Any], where: str, which: str
) -> tuple[Pair, Pair]:
    for f in _FOCAL:
        for c in _CENTRE:
            if {*f, *c} <= plain.keys():
                fx, fy, cx, cy = (number(flat(plain[key]), key, where) for key in (*f, *c))
                return checked_pinhole(fx, fy, cx, cy, where)
    key = matrices(values).get(which)
    if key is None:
        raise InputError(f"{where}: states no fx, fy, cx, cy and no camera matrix; add them")
    return pinhole_of(numbers(flat(values[key]), key, where), where)


def pinhole_of(values: list[float], where: str) -> tuple[Pair, Pair]:
    """Focal lengths and principal point of a matrix, or of fx fy cx cy.

    Raises:
        InputError: neither of them.
    """
    if len(values) != 4:
        return from_matrix(values, where)
    fx, fy, cx, cy = values
    return checked_pinhole(fx, fy, cx, cy, where)


def _size(plain: Mapping[str, Any], where: str) -> tuple[int, int] | None:
    for width, height in _SIZES:
        if width in plain or height in plain:
            return image_size(plain, width, height, where)
    for key in _PAIRS:
        if isinstance(flat(plain.get(key)), list):
            sides = numbers(flat(plain[key]), key, where)
            if len(sides) != 2:
                raise InputError(
                    f"{where}: {key} has {len(sides)} numbers instead of 2; correct it"
                )
            if key == "imageshape":  # NumPy's: height first
                sides.reverse()
            return image_size({"width": sides[0], "height": sides[1]}, "width", "height", where)
    return None


def _lens(
    values: Mapping[str, Any], plain: Mapping[str, Any], where: str, which: str
) -> Distortion | None:
    """The lens, None for a pinhole; ValueError with the reason where it cannot be undistorted."""
    model = _model(plain, where)
    named = [(key, _LENSES.fullmatch(plain_name(key))) for key in values]
    keys = [key for key, match in named if match and match["which"] == which]
    known = {key for key, match in named if match} | {k for k in values if plain_name(k) in _MODELS}
    for key, value in values.items():
        if "dist" in key.lower() and key not in known and isinstance(flat(value), list):
            raise InputError(
                f"{where}: {shown(key)} is not a known entry; rename it to distortion_coefficients"
            )
    lists = [(key, flat(values[key])) for key in keys]
    listed = [(key, value) for key, value in lists if value is not None and value != []]
    scalars = [
        number(plain[name], name, where) for name in _COEFFICIENTS if _is_number(plain, name)
    ]
    for key, value in listed:
        if isinstance(value, str):  # "distortion": "none"
            if not is_model(value):
                raise ValueError(f"its {key} {shown(value)} cannot be undistorted; {FIRST}")
            model = model or value
    listed = [(key, value) for key, value in listed if not isinstance(value, str | bool)]
    if len(listed) > 1:
        first, second = listed[0][0], listed[1][0]
        raise InputError(
            f"{where}: {shown(first)} and {shown(second)} both state the lens; keep one"
        )
    if listed:
        key, value = listed[0]
        if isinstance(value, dict):  # {"k1": ..., "k2": ...}
            return _of_scalars({plain_name(k): v for k, v in value.items()}, model, where)
        coefficients = numbers(value if isinstance(value, list) else [value], key, where)
        return lens_of(model or _bare_model(plain, coefficients), coefficients)
    if any(scalars):
        return _of_scalars(plain, model, where)
    return lens_of(model, [])


def _of_scalars(plain: Mapping[str, Any], model: str, where: str) -> Distortion | None:
    """Of coefficients that have a name each."""
    stated = {k: number(v, k, where) for k, v in plain.items() if re.fullmatch(r"[kps]\d", k)}
    names = NAMES["fisheye"] if lens_of(model, []) is not None else _COEFFICIENTS
    beyond = [name for name, value in stated.items() if value and name not in names]
    if beyond:
        raise ValueError(f"its lens has {beyond[0]}, which cannot be undistorted; {FIRST}")
    if names is _COEFFICIENTS and any(stated.get(name) for name in ("k4", "k5", "k6")):
        raise ValueError(
            f"its lens has k4, of which it does not say what it means; {FIRST}, or list the "
            "coefficients in distortion_coefficients"
        )
    return lens_of(model, [stated.get(name, 0.0) for name in names])


def _is_number(plain: Mapping[str, Any], name: str) -> bool:
    return isinstance(plain.get(name), int | float | str)


def _model(plain: Mapping[str, Any], where: str) -> str:
    """The name of the lens's model, or of the camera's; empty if there is none."""
    if "fisheyemodel" in plain and number(flat(plain["fisheyemodel"]), "fisheye_model", where) != 0:
        return "fisheye"  # OpenCV's calibration sample
    for key in _MODELS:
        value = plain.get(key)
        if isinstance(value, str) and value:
            return value.removeprefix("SIMPLE_") if key == "cameramodel" else value
    return ""


def _bare_model(plain: Mapping[str, Any], coefficients: list[float]) -> str:
    """RealSense's ``model``, which in other files is that of a device."""
    value = plain.get("model", "")
    if isinstance(value, str) and is_model(value):
        return value
    return str(value) if any(coefficients) else ""
