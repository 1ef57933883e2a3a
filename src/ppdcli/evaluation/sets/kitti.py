"""KITTI: the Eigen test split with the annotated depth of the depth benchmark."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ppdcli.errors import InputError
from ppdcli.evaluation.frames import Crop, Frame
from ppdcli.evaluation.sets.reading import between, png_metres, require_same_size
from ppdcli.evaluation.sets.rules import SetRules
from ppdcli.photo import load_photo

DEPTH_RANGE = (0.1, 80.0)
HEIGHT, WIDTH = 352, 1216  # of the depth benchmark's crop

# Shares of the crop's height and width, as in common evaluation codes since monodepth.
EIGEN_ROWS = (0.3324324, 0.91351351)
EIGEN_COLUMNS = (0.0359477, 0.96405229)


def read(photo_path: Path, depth_path: Path) -> Frame:
    """Reads the bottom centre of photo and depth; only the Eigen crop is valid.

    The frame has no camera: the list gives only the focal length.

    Raises:
        InputError: A file is missing or broken or smaller than the crop, or photo and depth differ
            in size.
    """
    depth = png_metres(depth_path, "kitti")
    photo = load_photo(photo_path)
    require_same_size(depth_path, depth.shape, photo)
    full_height, full_width = depth.shape
    if full_height < HEIGHT or full_width < WIDTH:
        raise InputError(
            f"{depth_path}: {full_width}x{full_height} is smaller than the protocol's crop of "
            f"{WIDTH}x{HEIGHT}; get the set's own file"
        )
    top, left = full_height - HEIGHT, (full_width - WIDTH) // 2
    part = slice(top, top + HEIGHT), slice(left, left + WIDTH)
    depth = depth[part].copy()
    valid = between(depth, DEPTH_RANGE)
    first, end = (int(share * HEIGHT) for share in EIGEN_ROWS)
    valid[:first] = valid[end:] = False
    first, end = (int(share * WIDTH) for share in EIGEN_COLUMNS)
    valid[:, :first] = valid[:, end:] = False
    crop = Crop(full_height, full_width, top, left, HEIGHT, WIDTH)
    return Frame(replace(photo, rgb=photo.rgb[part].copy()), depth, valid, crop=crop)


RULES = SetRules(
    fields=("photo", "depth", "focal"),
    list_name="eigen_test_files_with_gt.txt",
    expected=652,
    depth_range=DEPTH_RANGE,
    facts=(
        "depth: 16-bit PNG / 256 m; valid where 0.1 < d < 80 m",
        "photo and depth cropped to their bottom centre of 1216x352",
        "scored inside the Eigen crop: rows 117 to 320, columns 43 to 1171 of those",
    ),
    read=read,
    no_depth="None",
)
