"""The user's own photos with measured depth: any folder of RGB-D images."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from ppdcli.depth_data import DepthData
from ppdcli.errors import InputError, UsageError, shown
from ppdcli.evaluation.frames import BenchmarkImage, Frame
from ppdcli.evaluation.sets.pairs import Pair, find_pairs
from ppdcli.evaluation.sets.reading import between
from ppdcli.evaluation.sets.rgbd_list import read_pairs
from ppdcli.files.depth_files import is_metres, reading_of, turned_with_photo
from ppdcli.files.depth_scale import FORMS
from ppdcli.files.source import is_dir, no_folder
from ppdcli.photo import Photo, load_photo

DEPTH_RANGE = (0.1, 80.0)
LEAST_PIXELS = 200  # scores of fewer pixels mean little
ASPECTS = 0.02  # allowed relative difference between the aspects of photo and depth
NO_SCALE = f"holds whole numbers and does not state its scale; give --depth-scale ({FORMS})"
FACTS = (
    "depth: metres, or whole numbers times the stated metres per step; 0, negative, NaN and "
    "infinite are no depth; valid where 0.1 < d < 80 m, at 200 pixels or more",
    "whole images at the depth files' size; photo and depth agree in aspect within 2 %; depth of "
    "the stored image is turned as EXIF turns its photo",
)


@dataclass(frozen=True, eq=False)
class RgbdFolder:
    """The images of a folder.

    Attributes:
        entries: The images; none of them is read yet.
        left_out: Files of the folder that are in no pair, by reason.
    """

    entries: tuple[BenchmarkImage, ...]
    left_out: dict[str, tuple[str, ...]] = field(default_factory=dict)


def open_rgbd(
    root: Path,
    list_file: Path | None,
    scale: float | None,
    results: Path | None = None,
    made: Callable[[Path], Collection[Path]] = lambda _folder: (),
) -> RgbdFolder:
    """Finds photos with measured depth. Reads only a few of the depth files.

    Args:
        root: The folder that holds them.
        list_file: A list of the pairs (``rgbd_list``); None to find them by name (``pairs``).
        scale: Metres per step of integer depth files whose scale neither the list nor the file
            gives; None if it is not given.
        results: A folder that is not searched.
        made: folder -> files in it that a model has predicted; they are not true depth.

    Raises:
        UsageError: The folder does not exist.
        InputError: There is no pair, the list is wrong, or a scale is needed and not given.
    """
    if not is_dir(root):
        raise UsageError(
            f"{root}: {no_folder(root)}; name the folder of the photos and depth files"
        )
    if list_file is None:
        found = find_pairs(root, results, made)
        pairs, left_out = found.pairs, found.left_out
    else:
        pairs, left_out = read_pairs(list_file), {}
    if scale is None:
        _require_scales(root, pairs)
    return RgbdFolder(tuple(_entry(root, pair, scale) for pair in pairs), left_out)


def read(
    photo_path: Path, depth_path: Path, scale: float | None, otherwise: float | None = None
) -> Frame:
    """Reads a frame at the depth file's size, without a camera.

    Args:
        photo_path: The photo.
        depth_path: Its depth.
        scale: Metres per step given for this very file, which then must hold integers. A scale in
            the file itself takes precedence.
        otherwise: Metres per step of integers without ``scale``.

    Raises:
        InputError: A file is missing or damaged, its scale is unknown or is given for
            floating-point numbers, it holds predicted or relative depth, or photo and depth differ
            in aspect.
    """
    depth_map = _measured(depth_path, scale, otherwise)
    photo = load_photo(photo_path)
    height, width = photo.rgb.shape[:2]
    depth_map = turned_with_photo(depth_path, depth_map, width, height, photo.orientation)
    _require_same_view(depth_path, depth_map.values.shape, photo)
    values = depth_map.values
    depth = np.where(is_metres(values), values, np.float32(np.nan))
    return Frame(photo, depth, between(depth, DEPTH_RANGE))


def _entry(root: Path, pair: Pair, scale: float | None) -> BenchmarkImage:
    photo, depth = root / pair.photo, root / pair.depth
    stated = scale if pair.scale is None else pair.scale
    stamp = f"{_stamp(photo)} {pair.depth} {_stamp(depth)} {stated};"
    load = partial(read, photo, depth, pair.scale, scale)
    return BenchmarkImage(pair.photo.as_posix(), load, pair.part, stamp)


def _stamp(path: Path) -> str:
    try:
        status = path.stat()
    except (OSError, ValueError):
        return "-"
    return f"{status.st_size} {status.st_mtime_ns}"


def _require_scales(root: Path, pairs: Sequence[Pair]) -> None:
    """Checks one depth file of each kind: the files of a kind all have a scale or all lack it."""
    seen: set[str] = set()
    for pair in pairs:
        suffix = pair.depth.suffix.lower()
        if pair.scale is not None or suffix in seen:
            continue
        path = root / pair.depth
        try:
            missing = reading_of(path).needs_scale(path)
        except InputError:  # reported later, with that image
            continue
        if missing:
            raise InputError(f"{path}: {NO_SCALE}")
        seen.add(suffix)


def _measured(path: Path, scale: float | None, otherwise: float | None) -> DepthData:
    """Reads (H, W) float32 metres; values are undefined at pixels without depth."""
    reading = reading_of(path)
    if scale is None and reading.needs_scale(path):
        if otherwise is None:
            raise InputError(f"{path}: {NO_SCALE}")
        scale = otherwise
    depth_map = reading.read(path, "metric", scale)
    if depth_map.kind == "relative":
        raise InputError(f"{path}: holds relative depth; the truth must be in metres")
    if model := depth_map.provenance.get("model"):
        raise InputError(f"{path}: is a prediction of {shown(model)}; the truth must be measured")
    return depth_map


def _require_same_view(path: Path, shape: tuple[int, ...], photo: Photo) -> None:
    height, width = photo.rgb.shape[:2]
    rows, columns = shape
    if _alike(columns / rows, width / height):
        return
    turned = _alike(rows / columns, width / height)
    way_on = "turn it as the photo is shown" if turned else "give depth of the whole photo"
    raise InputError(
        f"{path}: is {columns}x{rows} but its photo {photo.name} is {width}x{height}, of another "
        f"aspect; {way_on}"
    )


def _alike(aspect: float, other: float) -> bool:
    return max(aspect, other) / min(aspect, other) <= 1 + ASPECTS
