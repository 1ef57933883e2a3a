"""Reads JSON or YAML with named values: RealSense, Polycam, Replica, BOP, VINS, Open3D and others.

The values are at the top, or one level below, in ``camera``, ``intrinsics``, ``color`` and so on.
The first pixel centre is at (0, 0). Open3D's matrix is column by column; its zeros show it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ppdcli.errors import shown
from ppdcli.files.cameras.content import Content
from ppdcli.files.cameras.named import read_cameras_of, read_named
from ppdcli.files.cameras.names import is_camera
from ppdcli.files.cameras.stated import Contents, StatedCamera

MOST_CAMERAS = 100_000
_NUMBER = re.compile(r"\d{1,9}", re.ASCII)


def fits(content: Content) -> bool:
    """Whether the entries, or those one level below, have fx, fy, cx, cy or a camera matrix."""
    return bool(_found(content.mapping))


def read(content: Content) -> Contents:
    """Reads the camera, or the cameras one level below.

    Raises:
        InputError: a value is missing or makes no sense.
    """
    where = content.where
    found = _found(content.mapping)
    if len(found) == 1:
        ((name, values),) = found.items()
        inside = f"{where}: {shown(name, 40)}" if name else where
        return replace(read_cameras_of(values, inside), format="intrinsics")
    cameras: list[StatedCamera] = []
    for name, values in found.items():
        told = shown(name, 40)
        cameras.append(read_named(values, f"{where}: {told}", told))
    numbered = all(map(_NUMBER.fullmatch, found))  # BOP names them by the number of the image
    images = [(f"{int(name):06d}", k) for k, name in enumerate(found)] if numbered else []
    folders = [(name, k) for k, name in enumerate(found) if not numbered]
    return Contents("intrinsics", tuple(cameras), tuple(images), tuple(folders))


def _found(data: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Returns the cameras by the name of their entry. The file itself has an empty name."""
    if is_camera(data):
        return {"": data}
    found: dict[str, Mapping[str, Any]] = {}
    for key, value in list(data.items())[:MOST_CAMERAS]:
        named = (
            {k: v for k, v in value.items() if isinstance(k, str)}
            if isinstance(value, dict)
            else {}
        )
        if is_camera(named):
            found[key] = named
    # Size and lens may be one level above.
    shared = {key: value for key, value in data.items() if key not in found}
    return {key: {**shared, **named} for key, named in found.items()}
