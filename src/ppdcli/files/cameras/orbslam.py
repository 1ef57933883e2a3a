"""Reads ORB-SLAM's settings: Camera.fx, Camera.k1 ..., or Camera1.fx in its third version.

The first pixel centre is at (0, 0).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ppdcli.errors import shown
from ppdcli.files.cameras.content import Content
from ppdcli.files.cameras.lens import FIRST, lens_of
from ppdcli.files.cameras.matrix import checked_pinhole
from ppdcli.files.cameras.stated import Contents, StatedCamera, image_size, number

_MODELS = {"PinHole": "opencv", "KannalaBrandt8": "fisheye", "Rectified": "none"}


def fits(content: Content) -> bool:
    """Whether a camera has its numbers under ORB-SLAM's names."""
    return bool(_names(content.mapping))


def read(content: Content) -> Contents:
    """Reads the camera, or both cameras of a stereo pair.

    Raises:
        InputError: a value is missing or makes no sense.
    """
    data = content.mapping
    cameras = [_stated(name, data, content.where) for name in _names(data)]
    return Contents("ORB-SLAM", tuple(cameras))


def _names(data: Mapping[str, Any]) -> list[str]:
    names = ("Camera", "Camera1", "Camera2")
    return [name for name in names if {f"{name}.fx", f"{name}.fy"} <= data.keys()]


def _stated(name: str, data: Mapping[str, Any], file: str) -> StatedCamera:
    where = f"{file}: {name}"
    if any(key.startswith(("LEFT.", "RIGHT.")) for key in data):
        told = (
            "it is of the rectified images, and the raw ones have cameras of their own (LEFT.K); "
            "give the numbers of your images as fx,fy,cx,cy"
        )
        return StatedCamera(name, problem=told)
    kind = str(data.get("Camera.type", "PinHole"))
    if kind not in _MODELS:
        told = f"its Camera.type {shown(kind)} cannot be undistorted; {FIRST}"
        return StatedCamera(name, problem=told)
    fx, fy, cx, cy = (
        number(data.get(f"{name}.{key}"), f"{name}.{key}", where)
        for key in ("fx", "fy", "cx", "cy")
    )
    focal, centre = checked_pinhole(fx, fy, cx, cy, where)
    size = image_size(data, "Camera.width", "Camera.height", where)
    order = ("k1", "k2", "k3", "k4") if kind == "KannalaBrandt8" else ("k1", "k2", "p1", "p2", "k3")
    values = [number(data.get(f"{name}.{key}", 0), key, where) for key in order]
    if kind == "Rectified":
        values = []
    try:
        lens = lens_of(_MODELS[kind], values)
    except ValueError as error:
        return StatedCamera(name, problem=str(error))
    return StatedCamera(name, focal, centre, size, distortion=lens)
