"""Reads Kalibr's camchain.yaml, and EuRoC's sensor.yaml, which has the same entries for one camera.

The first pixel centre is at (0, 0).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ppdcli.errors import InputError, shown
from ppdcli.files.cameras.content import Content
from ppdcli.files.cameras.lens import FIRST
from ppdcli.files.cameras.matrix import checked_pinhole
from ppdcli.files.cameras.named import pair_size
from ppdcli.files.cameras.named_lens import lens_of_named
from ppdcli.files.cameras.names import plain_name
from ppdcli.files.cameras.stated import Contents, StatedCamera, numbers

_CAMERA = re.compile(r"cam\d{1,3}")
_OTHERS = {"camera_model", "distortion_model", "resolution"}


def fits(content: Content) -> bool:
    """Whether the cameras, or the file itself, have intrinsics and two other entries of Kalibr."""
    return bool(_cameras(content.mapping))


def read(content: Content) -> Contents:
    """Reads the cameras of the file. The images of cam0 are in a folder cam0.

    Raises:
        InputError: a value is missing or makes no sense.
    """
    found = _cameras(content.mapping)
    cameras = [_stated(name, entry, content.where) for name, entry in found.items()]
    folders = tuple((name, index) for index, name in enumerate(found) if name)
    return Contents("Kalibr", tuple(cameras), folders=folders)


def _cameras(data: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    if _is_camera(data):
        return {"": data}
    named = {key: value for key, value in data.items() if _CAMERA.fullmatch(key)}
    if not named or not any(_is_camera(value) for value in named.values()):
        return {}
    return named


def _is_camera(value: Any) -> bool:
    return isinstance(value, dict) and "intrinsics" in value and len(_OTHERS & value.keys()) >= 2


def _stated(name: str, entry: Any, file: str) -> StatedCamera:
    where = f"{file}: {name}" if name else file
    if not isinstance(entry, dict):
        raise InputError(f"{where}: has no entries; calibrate it again")
    model = str(entry.get("camera_model", "pinhole"))
    if model != "pinhole":
        told = f"its camera_model {shown(model)} cannot be undistorted; {FIRST}"
        return StatedCamera(name, problem=told)
    values = numbers(entry.get("intrinsics"), "intrinsics", where)
    if len(values) != 4:
        raise InputError(
            f"{where}: intrinsics has {len(values)} numbers instead of 4, fx fy cx cy; correct it"
        )
    fx, fy, cx, cy = values
    focal, centre = checked_pinhole(fx, fy, cx, cy, where)
    size = None
    if entry.get("resolution") is not None:
        size = pair_size(entry["resolution"], "resolution", where)
    named = {key: value for key, value in entry.items() if isinstance(key, str)}
    plain = {plain_name(key): value for key, value in named.items()}
    try:
        lens = lens_of_named(named, plain, where, "")
    except ValueError as error:
        return StatedCamera(name, size=size, problem=str(error))
    return StatedCamera(name, focal, centre, size, distortion=lens)
