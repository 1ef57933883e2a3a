"""The images of a benchmark, with their true depth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ppdcli.geometry.camera import Camera
from ppdcli.photo import Photo


@dataclass(frozen=True)
class Crop:
    """The part of a stored photo that a protocol uses, in pixels of that photo.

    Attributes:
        full_height, full_width: Size of the stored photo.
        top, left, height, width: Position and size of the part.
    """

    full_height: int
    full_width: int
    top: int
    left: int
    height: int
    width: int


@dataclass(frozen=True, eq=False)
class Frame:
    """One image of a set, prepared as its protocol requires.

    Attributes:
        photo: The predictor's input, cropped and resized by the protocol.
        depth: (H, W) float32 metres along the optical axis, on its own grid; undefined where not
            valid.
        valid: (H, W) bool, the pixels that are scored.
        camera: Camera of the depth's grid; None if the set gives none.
        crop: How ``photo`` was cut from the stored one, before any resize; None if it was not.
        digest: SHA-256 of photo and depth if they were rendered; empty if they were read.
    """

    photo: Photo
    depth: np.ndarray
    valid: np.ndarray
    camera: Camera | None = None
    crop: Crop | None = None
    digest: str = ""


@dataclass(frozen=True, eq=False)
class BenchmarkImage:
    """A frame that is not read yet.

    Attributes:
        name: The photo's path below the set's root, separated by "/"; unique in a set.
        load: Reads the frame. Raises InputError if a file is missing, broken or of another size.
        part: The data set that the image belongs to, in a benchmark of several; else empty.
        stamp: Changes when the files of the frame change; empty if this is not checked.
    """

    name: str
    load: Callable[[], Frame]
    part: str = ""
    stamp: str = ""
