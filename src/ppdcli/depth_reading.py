"""Depth that this or another program has written."""

from __future__ import annotations

import os
from pathlib import Path
from typing import get_args

from ppdcli.announce import warn
from ppdcli.depth import DepthMap
from ppdcli.depth_data import Kind
from ppdcli.errors import InputError, UsageError
from ppdcli.files.choices import Scale
from ppdcli.files.depth_files import read_depth as read
from ppdcli.files.depth_files import require_view, turned_with_photo
from ppdcli.files.depth_scale import given_step
from ppdcli.photo import Photo, PhotoSource, load_photo


def read_depth(
    path: str | os.PathLike[str],
    kind: Kind | None = None,
    *,
    scale: Scale | None = None,
    photo: PhotoSource | None = None,
) -> DepthMap:
    """Read a depth file of this or another program: a 16-bit PNG, an EXR, an NPY or an NPZ.

    What the file says about itself goes before the arguments.

    Args:
        path: the file; its content tells the format.
        kind: "metric" or "relative", for an NPY or an NPZ, which cannot say. An EXR that does not
            say is metric, as the convention is.
        scale: what a step of whole numbers is, in a metric file that does not say: "mm", "kitti",
            "tum" or metres.
        photo: that the depth is of; what ``load_photo`` takes. A map of another program that has
            the shape of the stored image is turned with the photo, as EXIF says.

    Returns:
        float32 values, NaN where there is no depth; ``unit`` says what they are.

    Warns:
        PpdWarning: what to know about how it was read, such as depths that no photo has.

    Raises:
        UsageError: a kind or a scale that does not exist.
        InputError: missing, damaged, no depth file, without any depth, of unknown meaning, or of
            another view than the photo.
    """
    path = Path(path)
    if kind not in (None, *get_args(Kind)):
        raise UsageError(f"kind {kind!r}: give metric or relative")
    if kind == "relative" and scale is not None:
        raise UsageError("scale is of metric depth, and relative depth has none; leave it out")
    shown = None if photo is None else load_photo(photo)
    step: Scale | None = "normalized" if kind == "relative" else given_step(scale)
    found = read_depth_of(shown, path, kind, step)
    if kind is not None and found.kind != kind:
        raise InputError(f"{path}: holds {found.kind} depth, not {kind}; leave out kind")
    warn(found.notes)
    return found


def read_depth_of(
    photo: Photo | None, path: Path, kind: Kind | None, scale: Scale | None
) -> DepthMap:
    """``files.depth_files.read_depth``, turned as the photo is shown.

    Raises:
        InputError: it cannot be read, or is of another view.
    """
    found = read(path, kind, scale)
    if photo is not None:
        height, width = photo.rgb.shape[:2]
        found = turned_with_photo(path, found, width, height, photo.orientation)
        require_view(path, found.values.shape, width, height)
    return DepthMap(**vars(found), photo=photo)
