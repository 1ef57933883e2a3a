"""Reads calib.txt of the stereo sets of Middlebury and ETH3D: cam0 took im0, and cam1 took im1.

The first pixel centre is at (0, 0).
"""

from __future__ import annotations

import re

from ppdcli.errors import InputError
from ppdcli.files.cameras.content import Content
from ppdcli.files.cameras.matrix import from_matrix
from ppdcli.files.cameras.stated import Contents, StatedCamera, image_size, number

_ENTRY = re.compile(r"(\w+)\s*=\s*(.*)")
_MATRIX = re.compile(r"cam([01])\s*=\s*\[(.*)\]")


def fits(content: Content) -> bool:
    """Whether a line has the form ``cam0=[...]``."""
    return any(_MATRIX.fullmatch(line) for line in content.lines[:50])


def read(content: Content) -> Contents:
    """Reads the cameras of both images.

    Raises:
        InputError: a matrix or the size makes no sense.
    """
    where = content.where
    found = (_ENTRY.fullmatch(line) for line in content.lines)
    entries = {match[1]: match[2] for match in found if match}
    size = image_size(entries, "width", "height", where)
    cameras: list[StatedCamera] = []
    images: list[tuple[str, int]] = []
    for line in content.lines:
        match = _MATRIX.fullmatch(line)
        if match is None:
            continue
        label = f"cam{match[1]}"
        if any(camera.label == label for camera in cameras):
            raise InputError(f"{where}: {label} is there twice; keep one of them")
        inside = f"{where}: {label}"
        words = match[2].replace(";", " ").replace(",", " ").split()
        focal, centre = from_matrix([number(word, "a value", inside) for word in words], inside)
        images.append((f"im{match[1]}", len(cameras)))
        cameras.append(StatedCamera(label, focal, centre, size))
    return Contents("Middlebury", tuple(cameras), tuple(images))
