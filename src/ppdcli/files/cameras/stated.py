"""The values that every camera format is converted to, and the checks that all formats share."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ppdcli.errors import InputError, shown
from ppdcli.geometry.camera import Camera
from ppdcli.geometry.distortion import Distortion

MAX_SIDE = 1_000_000  # pixels; a larger number means a damaged file

Pair = tuple[float, float]


@dataclass(frozen=True)
class StatedCamera:
    """One camera as its file states it, but with the first pixel centre at (0, 0).

    Attributes:
        label: its name for messages, such as "camera 3"; empty if a file has only one.
        focal: fx, fy in pixels; None if only ``fov`` is stated.
        centre: principal point cx, cy in pixels; None for the image's centre.
        size: width, height of the image to which the numbers apply; None for any size.
        fov: horizontal field of view in radians, if ``focal`` is None.
        distortion: the lens; None for a pinhole.
        rectified: the camera of the rectified image, if the file has one besides the raw image's.
        problem: why the camera cannot be used, and what to do; empty if it can be used.
    """

    label: str = field(default="", compare=False)
    focal: Pair | None = None
    centre: Pair | None = None
    size: tuple[int, int] | None = None
    fov: float | None = None
    distortion: Distortion | None = None
    rectified: StatedCamera | None = None
    problem: str = ""

    def of_image(self, width: int, height: int) -> Camera:
        """Returns the camera in pixels of ``size``; of ``width`` x ``height`` if there is none."""
        width, height = self.size or (width, height)
        cx, cy = self.centre or ((width - 1) / 2, (height - 1) / 2)
        if self.focal is not None:
            return Camera(*self.focal, cx, cy, width, height)
        assert self.fov is not None
        focal = width / 2 / math.tan(self.fov / 2)
        return Camera(focal, focal, cx, cy, width, height)


@dataclass(frozen=True)
class Contents:
    """The content of a camera file.

    Attributes:
        format: the format's name, for messages and reports.
        cameras: the cameras, at least one.
        images: (image name, index into ``cameras``), for formats that name images.
        folders: (name, index into ``cameras``), for formats in which each camera has a folder of
            images. An image with that name belongs to the camera too.
        missing: what the user can add so that a photo's camera is known, for messages; or empty.
    """

    format: str
    cameras: tuple[StatedCamera, ...]
    images: tuple[tuple[str, int], ...] = ()
    folders: tuple[tuple[str, int], ...] = ()
    missing: str = ""


def number(value: Any, what: str, where: str) -> float:
    """Returns a finite float. Strings are converted too, because YAML reads 1e-05 as a string.

    Raises:
        InputError: the value is not a finite number.
    """
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            result = float(value)
        except (ValueError, OverflowError):
            pass
        else:
            if math.isfinite(result):
                return result
    told = shown(value, 40) if isinstance(value, int | float | str | None) else "a list"
    raise InputError(f"{where}: {what} is {told!r}, not a finite number; correct it")


def numbers(values: Any, what: str, where: str) -> list[float]:
    """Returns a flat list of finite floats, from a list or a list of rows.

    Raises:
        InputError: the value is not a list, or holds something else.
    """
    if not isinstance(values, list):
        raise InputError(f"{where}: {what} is not a list of numbers; correct it")
    flat: list[Any] = []
    for value in values:
        flat.extend(value if isinstance(value, list) else [value])
    return [number(value, what, where) for value in flat]


def image_size(
    data: Mapping[str, Any], width: str, height: str, where: str
) -> tuple[int, int] | None:
    """Returns the entries ``width`` and ``height``; None if they are absent, or 0 or -1 (unknown).

    Raises:
        InputError: one of them is missing, or an image cannot have this size.
    """
    if data.get(width) is None and data.get(height) is None:
        return None
    sides = [number(data.get(key), key, where) for key in (width, height)]
    if sides in ([0, 0], [-1, -1]):
        return None
    if not all(side == int(side) and 1 <= side <= MAX_SIDE for side in sides):
        raise InputError(
            f"{where}: {width} and {height} are {sides[0]:g} and {sides[1]:g}, "
            "not the size of an image; correct them"
        )
    return int(sides[0]), int(sides[1])
