"""Reads a camera from named values: fx, fy, cx, cy or a matrix, with image size and lens.

JSON, OpenCV's FileStorage and NumPy archives are read this way. The first pixel centre is at
(0, 0), unless the format has another convention.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ppdcli.errors import InputError
from ppdcli.files.cameras.matrix import checked_pinhole, from_matrix
from ppdcli.files.cameras.named_lens import lens_of_named
from ppdcli.files.cameras.names import (
    CENTRES,
    FOCAL,
    PAIRS,
    SIZES,
    flat,
    has_numbers,
    matrices,
    plain_name,
)
from ppdcli.files.cameras.stated import Contents, Pair, StatedCamera, image_size, number, numbers


def read_cameras_of(values: Mapping[str, Any], where: str, label: str = "") -> Contents:
    """Reads one camera, or the cameras of a pair or a rig, each of which has its own matrix.

    Args:
        values: the values by name.
        where: the file, and the camera in it, for messages.
        label: the name of a single camera, for messages.

    Raises:
        InputError: there is no camera, or a value makes no sense.
    """
    found = matrices(values)
    if has_numbers(values) or len(found) < 2:
        which = "" if has_numbers(values) else next(iter(found), "")
        return Contents("", (read_named(values, where, label, which),))
    cameras = [read_named(values, f"{where}: {key}", key, which) for which, key in found.items()]
    folders = [(which, index) for index, which in enumerate(found) if which.isalpha()]
    return Contents("", tuple(cameras), folders=tuple(folders))


def read_named(
    values: Mapping[str, Any], where: str, label: str = "", which: str = ""
) -> StatedCamera:
    """Reads one camera from named values.

    Args:
        values: the values by name.
        where: the file, and the camera in it, for messages.
        label: the camera's name, for messages.
        which: the camera whose matrix and lens are read, as in ``names.matrices``.

    Raises:
        InputError: there is no camera, or a value makes no sense.
    """
    plain: dict[str, Any] = {}
    for key, value in values.items():
        plain.setdefault(plain_name(key), value)
    focal, centre = _pinhole(values, plain, where, which)
    size = _size(plain, where)
    try:
        distortion = lens_of_named(values, plain, where, which)
    except ValueError as error:
        return StatedCamera(label, size=size, problem=str(error))
    return StatedCamera(label, focal, centre, size, distortion=distortion)


def pinhole_of(values: list[float], where: str) -> tuple[Pair, Pair]:
    """Returns focal lengths and principal point from a matrix, or from fx fy cx cy.

    Raises:
        InputError: the values are neither.
    """
    if len(values) != 4:
        return from_matrix(values, where)
    fx, fy, cx, cy = values
    return checked_pinhole(fx, fy, cx, cy, where)


def pair_size(value: Any, what: str, where: str) -> tuple[int, int] | None:
    """Returns an image size that is given as a list of width and height.

    Raises:
        InputError: there are not two numbers, or an image cannot have this size.
    """
    sides = numbers(flat(value), what, where)
    if len(sides) != 2:
        raise InputError(f"{where}: {what} has {len(sides)} numbers instead of 2; correct it")
    return image_size({"width": sides[0], "height": sides[1]}, "width", "height", where)


def _pinhole(
    values: Mapping[str, Any], plain: Mapping[str, Any], where: str, which: str
) -> tuple[Pair, Pair]:
    for pair in CENTRES:
        names = (*FOCAL, *pair)
        if set(names) <= plain.keys():
            fx, fy, cx, cy = (number(flat(plain[key]), key, where) for key in names)
            return checked_pinhole(fx, fy, cx, cy, where)
    key = matrices(values).get(which)
    if key is None:
        raise InputError(f"{where}: states no fx, fy, cx, cy and no camera matrix; add them")
    return pinhole_of(numbers(flat(values[key]), key, where), where)


def _size(plain: Mapping[str, Any], where: str) -> tuple[int, int] | None:
    for width, height in SIZES:
        if width in plain or height in plain:
            return image_size(plain, width, height, where)
    for key in PAIRS:
        if isinstance(flat(plain.get(key)), list):
            size = pair_size(plain[key], key, where)
            return size[::-1] if size and key == PAIRS[-1] else size
    return None
