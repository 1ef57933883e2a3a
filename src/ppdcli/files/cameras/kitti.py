"""Reads KITTI's calibration files: odometry and object (P0..P3), and raw (calib_cam_to_cam.txt).

P describes the rectified images. The raw file also has the cameras before rectification (K, D, S).
The images of each camera are in a folder such as image_2 or image_02. KITTI-360's perspective.txt
has the same form. The first pixel centre is at (0, 0).
"""

from __future__ import annotations

import re

from ppdcli.errors import InputError
from ppdcli.files.cameras.content import Content
from ppdcli.files.cameras.lens import lens_of
from ppdcli.files.cameras.matrix import from_matrix, from_projection
from ppdcli.files.cameras.named import pair_size
from ppdcli.files.cameras.stated import Contents, StatedCamera, number

_LINE = re.compile(r"([A-Za-z]\w*)\s*:?\s+(.*)")
_PROJECTION = re.compile(r"P(?:_rect_0)?([0-9])")
_START = re.compile(r"P(?:_rect_0)?[0-9]\s*:?(?:\s+[-+.\deE]+){12}", re.ASCII)


def fits(content: Content) -> bool:
    """Whether a line has a name of P and 12 numbers."""
    return any(_START.fullmatch(line) for line in content.lines[:200])


def read(content: Content) -> Contents:
    """Reads the rectified cameras, and the unrectified ones of the raw data.

    Raises:
        InputError: a matrix makes no sense.
    """
    found = (_LINE.fullmatch(line) for line in content.lines)
    rows = {match[1]: match[2] for match in found if match}
    cameras: list[StatedCamera] = []
    folders: list[tuple[str, int]] = []
    for name, text in rows.items():
        match = _PROJECTION.fullmatch(name)
        if match is None:
            continue
        where = f"{content.where}: {name}"
        values = _numbers(text, where)
        if values and not any(values):  # the file was converted from a data set without this camera
            continue
        focal, centre = from_projection(values, where)
        size = _size(rows.get(f"S_rect_0{match[1]}"), where)
        folders += [(f"image_{zero}{match[1]}", len(cameras)) for zero in ("", "0")]
        cameras.append(StatedCamera(name, focal, centre, size))
    for digit in "0123":
        if f"K_0{digit}" in rows:
            folders.append((f"image_0{digit}", len(cameras)))
            cameras.append(_unrectified(rows, digit, content.where))
    if not cameras:
        raise InputError(f"{content.where}: all its cameras are zero; export it again")
    return Contents("KITTI", tuple(cameras), folders=tuple(folders))


def _unrectified(rows: dict[str, str], digit: str, file: str) -> StatedCamera:
    """Reads a camera before rectification. Only the image size shows that a photo belongs to it."""
    name = f"K_0{digit}"
    where = f"{file}: {name}"
    size = _size(rows.get(f"S_0{digit}"), where)
    if size is None or f"D_0{digit}" not in rows:
        told = "its size or lens (S, D) is not stated; give the rectified images"
        return StatedCamera(name, size=size, problem=told)
    focal, centre = from_matrix(_numbers(rows[name], where), where)
    try:
        lens = lens_of("plumb_bob", _numbers(rows[f"D_0{digit}"], where))
    except ValueError as error:
        return StatedCamera(name, size=size, problem=str(error))
    return StatedCamera(name, focal, centre, size, distortion=lens)


def _numbers(text: str, where: str) -> list[float]:
    return [number(word, "a value", where) for word in text.split()]


def _size(text: str | None, where: str) -> tuple[int, int] | None:
    if text is None:
        return None
    return pair_size(text.split(), "its size", where)
