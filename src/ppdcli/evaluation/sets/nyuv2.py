"""NYUv2: the labelled images of the test split."""

from __future__ import annotations

from pathlib import Path

from ppdcli.evaluation.frames import Frame
from ppdcli.evaluation.sets.reading import between, png_metres, require_same_size, require_size
from ppdcli.evaluation.sets.rules import SetRules
from ppdcli.geometry.camera import Camera
from ppdcli.photo import load_photo

DEPTH_RANGE = (0.1, 10.0)

CAMERA = Camera(518.857901, 519.469611, 324.582449, 252.736166, 640, 480)
"""The camera of every image, from the toolbox's camera_params.m. The toolbox counts pixels from 1
(rgb_plane2rgb_world.m), so its centre 325.582449, 253.736166 is reduced by one here."""


def read(photo_path: Path, depth_path: Path) -> Frame:
    """Reads a frame of 640x480, uncropped: the white border of the photos counts.

    Raises:
        InputError: A file is missing, broken or of another size.
    """
    depth = png_metres(depth_path, "mm")
    require_size(depth_path, depth.shape, CAMERA.height, CAMERA.width)
    photo = load_photo(photo_path)
    require_same_size(depth_path, depth.shape, photo)
    return Frame(photo, depth, between(depth, DEPTH_RANGE), CAMERA)


RULES = SetRules(
    fields=("photo", "depth", "unused"),
    list_name="filename_list_test.txt",
    expected=654,
    depth_range=DEPTH_RANGE,
    facts=(
        "depth: 16-bit PNG / 1000 m; valid where 0.1 < d < 10 m",
        "whole images of 640x480, no crop; camera of the set's toolbox",
    ),
    read=read,
)
