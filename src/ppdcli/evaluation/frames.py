"""What a benchmark is made of: images with their true depth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ppdcli.geometry.camera import Camera
from ppdcli.photo import Photo


@dataclass(frozen=True)
class Crop:
    """The part of a stored photo that a protocol looks at, in its pixels.

    Attributes:
        full_height, full_width: of the stored photo.
        top, left, height, width: of the part.
    """

    full_height: int
    full_width: int
    top: int
    left: int
    height: int
    width: int


@dataclass(frozen=True, eq=False)
class Frame:
    """One image of a set, as its protocol wants it.

    Attributes:
        photo: cropped and resized as the protocol says; what a predictor sees.
        depth: (H, W) float32 metres along the optical axis, on a grid of its own; anything where
            it is not valid.
        valid: (H, W) bool, the pixels that are scored.
        camera: of depth's grid; None where the set states none.
        crop: how ``photo`` was cut from the stored one, before any resize; None if it was not.
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
    """A frame not read yet.

    Attributes:
        name: the photo's path below the set's root, with "/" between; no two are equal in a set.
        load: reads it; raises InputError if a file is missing, broken or of another size.
        part: the data set that it belongs to, in a benchmark of several; else empty.
        stamp: changes when the files of the frame change; empty where that is not watched.
    """

    name: str
    load: Callable[[], Frame]
    part: str = ""
    stamp: str = ""
