"""ScanNet: sampled images of the validation scenes."""

from __future__ import annotations

from pathlib import Path

from ppdcli.evaluation.frames import Frame
from ppdcli.evaluation.sets.reading import between, png_metres, require_same_size
from ppdcli.evaluation.sets.rules import SetRules
from ppdcli.photo import load_photo

DEPTH_RANGE = (0.01, 10.0)


def read(photo_path: Path, depth_path: Path) -> Frame:
    """Reads a frame without a camera: each scene has its own, in a file that is not in the list.

    Raises:
        InputError: A file is missing or broken, or photo and depth differ in size.
    """
    depth = png_metres(depth_path, "mm")
    photo = load_photo(photo_path)
    require_same_size(depth_path, depth.shape, photo)
    return Frame(photo, depth, between(depth, DEPTH_RANGE))


RULES = SetRules(
    fields=("photo", "depth"),
    list_name="scannet_val_sampled_list_800_1.txt",
    expected=800,
    depth_range=DEPTH_RANGE,
    facts=("depth: 16-bit PNG / 1000 m; valid where 0.01 < d < 10 m", "whole images, no crop"),
    read=read,
)
